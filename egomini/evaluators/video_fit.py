"""Fits and checks `egomini-video`: videos of a split with their camera, hands and words.

The network gives 128 numbers per clip. From them a small head must predict the content, the motion and the faults of
the video.

The targets are the camera's path and speed (from the recorded head), hands in view, words of the caption, kind of
motion, three thumbnails, and the fault that was added. Half of the clips have a fault: of time, of the picture, or of
both.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from jaxtyping import Float, Int, UInt8
from scipy.spatial.transform import Rotation

from egobench.errors import BadInputError
from egobench.fit.base import FitRequest, Fitter, Fitting
from egobench.fit.training import Recipe, Report, half_precision, seeded, train
from egobench.fit.video_faults import PICTURE_FAULTS, TIME_FAULTS, frame_order, spoil_pictures
from egobench.geometry.skeleton import get_skeleton
from egobench.progress import Progress
from egobench.types import Clip, Split
from egomini.evaluators.clip import RESOLUTION
from egomini.evaluators.video import MIN_FRAMES, EgominiVideo, prepare_clips
from egomini.evaluators.video_health import check_egomini_video

if TYPE_CHECKING:
    import torch

STRETCHES = 5
"""Number of instants at which the network predicts the camera's path and the hands."""
THUMBNAIL = 4
"""Side of a thumbnail in pixels. There is one for the first, the middle and the last frame."""
WEIGHTS = {"words": 5.0}
"""Weights of the targets in the loss; other targets have weight 1."""


@dataclass(frozen=True)
class VideoRecipe(Recipe):
    """All settings that change the weights."""

    steps: int = 600
    batch: int = 32
    learning_rate: float = 1e-3
    weight_decay: float = 0.05
    warmup: int = 100
    faulty_time: float = 0.35
    """Share of clips with a fault of time."""
    faulty_picture: float = 0.35
    """Share of clips with a fault of the picture."""


@dataclass(frozen=True)
class LabelledClips:
    """Videos of one length, with their labels."""

    frames: UInt8[np.ndarray, "clip time 64 64 3"]
    camera: Float[np.ndarray, "clip time 4 4"]
    """`T_world_camera` per video frame, metres."""
    hands: Float[np.ndarray, "clip time 2"]
    """Share of pixels that show the left and the right hand; zero if unknown."""
    words: UInt8[np.ndarray, "clip word"]
    """1 if the caption has the word."""
    strata: Int[np.ndarray, " clip"]
    """Number of the kind of motion."""


def fit_egomini_video(
    clips: LabelledClips, recipe: VideoRecipe, checkpoint: Path, report: Report
) -> "dict[str, torch.Tensor]":
    """Trains from the recipe's seed, or from `checkpoint` if it exists, and returns the state without the heads."""
    import torch

    from egomini.evaluators.video_network import VideoHeads, VideoNetwork

    count = clips.frames.shape[1]
    scales = {name: _scale(values) for name, values in _motion_targets(clips.camera, clips.hands).items()}
    outputs = {name: len(mean) for name, (mean, _) in scales.items()}
    outputs |= {"words": clips.words.shape[1], "strata": int(clips.strata.max()) + 1}
    outputs |= {"thumbnails": 9 * THUMBNAIL**2, "time": len(TIME_FAULTS), "picture": len(PICTURE_FAULTS), "strength": 2}
    both = seeded(lambda: torch.nn.ModuleList([VideoNetwork(), VideoHeads(outputs)]), recipe.seed)
    network, heads = both

    def loss_of_step(step: int, rng: np.random.Generator) -> Any:
        del step  # the random generator already depends on it
        chosen = rng.choice(len(clips.frames), size=min(recipe.batch, len(clips.frames)), replace=False)
        faults = [_draw_fault(rng, recipe, count) for _ in chosen]
        orders = np.stack([fault.order for fault in faults])
        frames = clips.frames[chosen[:, None], orders]
        for place, fault in enumerate(faults):
            frames[place] = spoil_pictures(frames[place], PICTURE_FAULTS[fault.picture], fault.strengths[1], rng)
        moved = _motion_targets(clips.camera[chosen[:, None], orders], clips.hands[chosen[:, None], orders])
        targets = {name: (moved[name] - mean) / std for name, (mean, std) in scales.items()}
        targets |= {"words": clips.words[chosen], "strata": clips.strata[chosen], "thumbnails": _thumbnails(frames)}
        targets |= {name: np.array([getattr(fault, name) for fault in faults]) for name in ("time", "picture")}
        targets["strength"] = np.array([fault.strengths for fault in faults])
        with half_precision():
            answers = heads(network(prepare_clips(torch.from_numpy(frames))))
        return _loss(answers, targets)

    state = train(both, loss_of_step, recipe, checkpoint, report)
    return {name.removeprefix("0."): value for name, value in state.items() if name.startswith("0.")}


@dataclass(frozen=True)
class _Fault:
    """The faults that are added to one clip of a step."""

    time: int
    """Index in `TIME_FAULTS`."""
    order: Int[np.ndarray, " time"]
    picture: int
    """Index in `PICTURE_FAULTS`."""
    strengths: tuple[float, float]
    """Strengths of the fault of time and of the fault of the picture; 0 without a fault."""


def _draw_fault(rng: np.random.Generator, recipe: VideoRecipe, count: int) -> _Fault:
    time, picture = int(rng.integers(1, len(TIME_FAULTS))), int(rng.integers(1, len(PICTURE_FAULTS)))
    strong, spoilt = rng.random(2)
    if rng.random() >= recipe.faulty_time:
        time, strong = 0, 0.0
    if rng.random() >= recipe.faulty_picture:
        picture, spoilt = 0, 0.0
    return _Fault(time, frame_order(TIME_FAULTS[time], strong, count, rng), picture, (strong, spoilt))


def _motion_targets(
    camera: Float[np.ndarray, "clip time 4 4"], hands: Float[np.ndarray, "clip time 2"]
) -> Mapping[str, Float[np.ndarray, "clip target"]]:
    """Targets about motion. `path`: pose relative to the first frame (m, rad) at five instants. `speed`: mean step
    between frames along and about each axis. `hands`: square root of the mean share of pixels in five stretches."""
    count = camera.shape[1]
    ends = np.linspace(0, count - 1, STRETCHES + 1).round().astype(int)
    path = _relative(camera[:, :1], camera[:, ends[1:]])
    steps = np.abs(_relative(camera[:, :-1], camera[:, 1:])).mean(axis=1)
    shares = [hands[:, start : end + 1].mean(axis=1) for start, end in pairwise(ends)]
    roots = np.sqrt(np.concatenate(shares, axis=1))
    return {"path": path.reshape(len(camera), -1), "speed": steps, "hands": roots}


def _relative(
    first: Float[np.ndarray, "clip time 4 4"], second: Float[np.ndarray, "clip time 4 4"]
) -> Float[np.ndarray, "clip time 6"]:
    """The second pose in the frame of the first: translation (m), rotation vector (rad)."""
    turned = first[..., :3, :3].swapaxes(-1, -2)
    shift = np.einsum("ctab,ctb->cta", np.broadcast_to(turned, second[..., :3, :3].shape), (second - first)[..., :3, 3])
    turns = (turned @ second[..., :3, :3]).reshape(-1, 3, 3)
    vectors = Rotation.from_matrix(turns).as_rotvec().reshape(shift.shape)
    return np.concatenate([shift, vectors], axis=-1)


def _thumbnails(frames: UInt8[np.ndarray, "clip time height width 3"]) -> Float[np.ndarray, "clip target"]:
    """Mean colours of a coarse grid over the first, the middle and the last frame, about -2 … 2."""
    last = frames.shape[1] - 1
    shown = frames[:, [0, last // 2, last]]
    size = frames.shape[2] // THUMBNAIL
    cells = shown.reshape(len(frames), 3, THUMBNAIL, size, THUMBNAIL, size, 3)
    return ((cells.mean(axis=(3, 5)) / 255 - 0.5) / 0.25).reshape(len(frames), -1)


def _scale(values: Float[np.ndarray, "clip target"]) -> tuple[np.ndarray, np.ndarray]:
    return values.mean(axis=0), values.std(axis=0) + 1e-3


def _loss(answers: Mapping[str, Any], targets: Mapping[str, np.ndarray]) -> Any:
    """Sum over the targets: cross-entropy for classes, binary cross-entropy for words, smooth L1 loss for numbers."""
    import torch
    from torch.nn import functional

    total: Any = 0.0
    for name, answer in answers.items():
        target = torch.from_numpy(targets[name])
        if name == "words":
            part = functional.binary_cross_entropy_with_logits(answer.float(), target.float())
        elif target.ndim == 1:
            part = functional.cross_entropy(answer.float(), target)
        else:
            part = functional.smooth_l1_loss(answer.float(), target.float())
        total = total + WEIGHTS.get(name, 1.0) * part
    return total


MOST_WORDS = 256
"""Greatest number of words that the network predicts. The most frequent words are chosen."""
RAREST_WORD = 0.005
"""Least share of the captions that must have a word."""


class VideoFit(Fitter):
    """The network of `egomini-video`."""

    evaluator: ClassVar[str] = "egomini-video"

    recipe: ClassVar[type[Recipe]] = VideoRecipe

    def prepare(
        self, request: FitRequest, recipe: VideoRecipe, train: Split, val: Split, progress: Progress
    ) -> Fitting:
        """Reads all frames of the split into memory (4 GB for 8,000 clips), with the labels of each clip."""
        clips = _labelled(train, progress)
        return Fitting(
            lambda checkpoint, report: fit_egomini_video(clips, recipe, checkpoint, report),
            settings={"words": clips.words.shape[1]},
        )

    def check(self, weights: Path, split: Split, progress: Progress) -> dict[str, Any]:
        """Ladders of faults on a split's reference; see `video_health`."""
        return check_egomini_video(EgominiVideo(weights), split, progress)


def _labelled(split: Split, progress: Progress) -> LabelledClips:
    """Frames, camera paths, hands, words and strata.

    Raises:
        BadInputError: `split-form`: the videos have another size than 64 × 64, or are too short.
    """
    rows, facts = split.infos(), split.facts
    count, size = facts["num_video_frames"], (facts["height"], facts["width"])
    if size != (RESOLUTION, RESOLUTION) or count < MIN_FRAMES:
        raise BadInputError(
            f"{split.name} has {count} frames of {size[1]} × {size[0]} pixels; {MIN_FRAMES} or more of "
            f"{RESOLUTION} × {RESOLUTION} are needed",
            code="split-form",
        )
    frames = np.empty((len(rows), count, *size, 3), np.uint8)
    camera = np.empty((len(rows), count, 4, 4), np.float32)
    hands = np.zeros((len(rows), count, 2), np.float32)
    progress.stage(f"reading {split.name}", len(rows))
    for place, row in enumerate(rows):
        clip = split.clip(row.clip_id)
        frames[place], camera[place] = clip.reference.video.frames, _camera_path(clip)
        if clip.reference.hand_pixels is not None:
            hands[place] = clip.reference.hand_pixels
        progress.advance()
    progress.done()
    strata = np.unique([row.stratum for row in rows], return_inverse=True)[1]
    return LabelledClips(frames, camera, hands, _words([row.text for row in rows]), strata)


def _camera_path(clip: Clip) -> np.ndarray:
    """`T_world_camera` per video frame, (T, 4, 4), from the nearest motion frame."""
    motion, camera = clip.reference.motion, clip.condition.camera
    head = get_skeleton(motion.skeleton).index("head")
    times = np.arange(len(clip.reference.video.frames)) / clip.reference.video.fps
    at = np.minimum(np.round(times * motion.fps).astype(int), len(motion.positions) - 1)
    T_world_head = np.tile(np.eye(4), (len(at), 1, 1))
    T_world_head[:, :3, :3] = motion.rotations[at, head]
    T_world_head[:, :3, 3] = motion.positions[at, head]
    return T_world_head @ camera.T_head_camera


def _words(texts: Sequence[str]) -> UInt8[np.ndarray, "clip word"]:
    """1 if a caption has the word, for each of the frequent words."""
    said = [set(re.findall(r"\w+", text.lower())) for text in texts]
    counts = Counter(word for words in said for word in words)
    frequent = sorted(counts, key=lambda word: (-counts[word], word))[:MOST_WORDS]
    kept = [word for word in frequent if counts[word] >= max(2, RAREST_WORD * len(texts))]
    return np.array([[word in words for word in kept] for words in said], np.uint8)
