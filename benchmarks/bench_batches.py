"""What the shipped networks gain from batches of clips, and whether a clip's result stays the same bytes.

Each network sees the same 32 clips of egomini-test, drawn without a codec: one clip a call, and in batches, float32, on
one thread. The work goes from uint8 frames, captions or motions to arrays of the CPU, with preprocessing: CPU seconds,
or seconds by the clock with `--device cuda`. `largest_difference` is between a clip's values in a batch and alone, as a
share of the clip's largest value; `same_bytes` is the share of clips without any.
"""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from facts import Facts

from egobench import Motion, Video
from egobench.extractors.motion_text import MotionText
from egomini.camera.head_camera import make_camera
from egomini.evaluators.clip import EgominiClip
from egomini.evaluators.clip import prepare as clip_pixels
from egomini.evaluators.hands import EgominiHands, prepare_frames
from egomini.evaluators.odometry import EgominiOdometry
from egomini.evaluators.odometry import prepare as odometry_pixels
from egomini.evaluators.twists import MIRROR, path_of
from egomini.evaluators.video import EgominiVideo, prepare_clips
from egomini.splits.arrays import draw_arrays
from egomini.splits.frozen import SPECS
from egomini.splits.generate import FPS_MOTION, FPS_VIDEO

Batch = Callable[[list[Any]], list[np.ndarray]]
"""Items of some clips → one array a clip."""


CLIPS = 32
ALONE = "one clip a call"
NAMES = [
    *("egomini-hands", "egomini-clip frames", "egomini-clip text", "egomini-video", "egomini-odometry"),
    *("motion-text motion", "motion-text text"),
]


@dataclass(frozen=True)
class Case:
    """One network with its input."""

    name: str
    items: list[Any]
    alone: Callable[[Any], np.ndarray]
    """The suite's own way: one clip a call."""
    together: Batch


@pytest.mark.slow
@pytest.mark.benchmark(timer=time.process_time)
@pytest.mark.parametrize("network", NAMES)
@pytest.mark.parametrize("by", [ALONE, "batches of 2", "batches of 8", "batches of 32"])
def bench_batches(benchmark: Any, facts: Facts, device: str, by: str, network: str) -> None:
    """A batch that finishes has its results on the CPU, so the device has finished too."""
    benchmark.group = f"{network}, in batches"
    case = next(case for case in cases(CLIPS, device) if case.name == network)
    size = 1 if by == ALONE else int(by.split()[-1])
    alone, items = [case.alone(item) for item in case.items], case.items

    def work() -> list[np.ndarray]:
        if by == ALONE:
            return [case.alone(item) for item in items]
        parts = [case.together(items[start : start + size]) for start in range(0, len(items), size)]
        return [array for part in parts for array in part]

    made = benchmark.pedantic(work, rounds=3, warmup_rounds=1)
    facts.per("clip", len(items))
    if by == ALONE:
        facts.peer()
        return
    pairs = list(zip(alone, made, strict=True))
    facts.note(largest_difference=max(float(np.abs(one - other).max() / np.abs(one).max()) for one, other in pairs))
    facts.note(same_bytes=statistics.mean(np.array_equal(one, other) for one, other in pairs))


@cache
def cases(count: int, device: str) -> list[Case]:
    """The five networks, two of which have two inputs; on one thread, with float32 products."""
    torch.set_num_threads(1)
    torch.set_float32_matmul_precision("highest")
    torch.backends.cudnn.allow_tf32 = False
    spec = SPECS["egomini-test"]
    drawn = draw_arrays(spec, range(-(-count // spec.clips_per_sequence)))
    videos = [Video(np.array(frames), FPS_VIDEO) for frames in drawn.frames[:count]]
    poses = zip(drawn.positions[:count].astype(float), drawn.rotations[:count].astype(float), strict=True)
    motions, texts = [Motion(*pose, FPS_MOTION) for pose in poses], list(drawn.texts[:count])
    camera = make_camera(64)
    hands, odometry = EgominiHands().load(device), EgominiOdometry().load(device)
    clip, video, motion = EgominiClip().load(device), EgominiVideo().load(device), MotionText().load(device)
    return [
        Case("egomini-hands", videos, lambda item: flat(*hands.look(item.frames)), hands_of(hands.network, device)),
        Case("egomini-clip frames", videos, clip.frames, frames_of(clip.network, device)),
        Case("egomini-clip text", texts, clip.text, texts_of(clip, device)),
        Case("egomini-video", videos, lambda item: video.clip(item)[0], clips_of(video.network, device)),
        Case(
            "egomini-odometry",
            videos,
            lambda item: odometry.camera(item, camera).T_world_camera,
            paths_of(odometry.network, device),
        ),
        Case("motion-text motion", motions, motion.motion, motions_of(motion, device)),
        Case("motion-text text", texts, motion.text, texts_of(motion, device)),
    ]


def stacked(videos: list[Video], device: str) -> torch.Tensor:
    """uint8 (clip, time, height, width, 3)."""
    return torch.from_numpy(np.stack([video.frames for video in videos])).to(device)


def flat(scores: np.ndarray, likely: np.ndarray) -> np.ndarray:
    """Scores and probabilities of one clip in one array."""
    return np.concatenate([scores.ravel(), likely.ravel()])


def hands_of(network: Any, device: str) -> Batch:
    """All frames of a batch in one pass."""

    @torch.inference_mode()
    def together(videos: list[Video]) -> list[np.ndarray]:
        seen = network(prepare_frames(stacked(videos, device).flatten(0, 1)))
        parts = seen.presence.double().sigmoid().cpu().numpy(), seen.pixels.softmax(1).double().cpu().numpy()
        return [flat(*pair) for pair in zip(*(np.split(part, len(videos)) for part in parts), strict=True)]

    return together


def frames_of(network: Any, device: str) -> Batch:
    """All frames of a batch in one pass."""

    @torch.inference_mode()
    def together(videos: list[Video]) -> list[np.ndarray]:
        features = network.encode_image(clip_pixels(stacked(videos, device).flatten(0, 1)))
        return np.split(features.float().cpu().numpy(), len(videos))

    return together


def texts_of(loaded: Any, device: str) -> Batch:
    """Captions in one pass; `motion-text` reads as many tokens as the longest one has."""

    @torch.inference_mode()
    def together(texts: list[str]) -> list[np.ndarray]:
        return list(loaded.network.encode_text(loaded.tokenizer(texts).to(device)).float().cpu().numpy())

    return together


def clips_of(network: Any, device: str) -> Batch:
    """Clips in one pass."""

    @torch.inference_mode()
    def together(videos: list[Video]) -> list[np.ndarray]:
        return list(network(prepare_clips(stacked(videos, device))).cpu().numpy())

    return together


def paths_of(network: Any, device: str) -> Batch:
    """Clips in one pass for each of the four views."""

    @torch.inference_mode()
    def together(videos: list[Video]) -> list[np.ndarray]:
        frames, total = stacked(videos, device), 0.0
        for is_mirrored, signs in ((False, 1.0), (True, MIRROR)):
            seen = network.look(odometry_pixels(frames.flip(3) if is_mirrored else frames))
            onward = network.twists(seen).double().cpu().numpy()
            backward = network.twists([part.flip(1) for part in seen]).double().cpu().numpy()
            total = total + signs * (onward - backward[:, ::-1])
        return [path_of(twists) for twists in np.asarray(total) / 4]

    return together


def motions_of(loaded: Any, device: str) -> Batch:
    """Motions in one pass; what the network sees is made clip by clip."""

    @torch.inference_mode()
    def together(motions: list[Motion]) -> list[np.ndarray]:
        rows = np.stack([loaded.layout.features(motion) for motion in motions])
        return list(loaded.network.encode_motion(torch.from_numpy(rows).float().to(device)).float().cpu().numpy())

    return together
