"""Fits and checks `egomini-video`: videos of a split with what is known of camera, hands and words."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from jaxtyping import UInt8

from egobench.data.open import open_split
from egobench.errors import BadInputError
from egobench.extractors.egomini_clip import RESOLUTION
from egobench.extractors.egomini_video import MIN_FRAMES, EgominiVideo
from egobench.extractors.fit_egomini_video import LabelledClips, VideoRecipe, fit_egomini_video
from egobench.geometry.skeleton import get_skeleton
from egobench.pipeline.fit_base import FitRequest, fit_and_save, write_card
from egobench.pipeline.progress import Progress
from egobench.pipeline.video_health import check_egomini_video
from egobench.types import Clip, Split

MOST_WORDS = 256
"""Words that are asked for, the most frequent ones."""
RAREST_WORD = 0.005
"""Share of the captions that a word must stand in."""


@dataclass(frozen=True)
class VideoFit:
    """The network of `egomini-video`."""

    evaluator: ClassVar[str] = "egomini-video"

    def fit(self, request: FitRequest, progress: Progress) -> Path:
        """Fits and returns the card's path; all frames of the split are in memory (4 GB for 8,000 clips)."""
        train, val = open_split(request.split), open_split(request.val)
        recipe = request.recipe(VideoRecipe)
        clips = _labelled(train, progress)
        card = fit_and_save(
            request,
            train,
            recipe,
            lambda checkpoint, report: fit_egomini_video(clips, recipe, checkpoint, report),
            progress,
            words=clips.words.shape[1],
        )
        return write_card(request, card, self.check(request.weights, val, progress))

    def check(self, weights: Path, split: Split, progress: Progress) -> dict[str, Any]:
        """Ladders of faults on a split's reference; see `video_health`."""
        return check_egomini_video(EgominiVideo(weights), split, progress)


def _labelled(split: Split, progress: Progress) -> LabelledClips:
    """Frames, camera paths, hands, words and strata.

    Raises:
        BadInputError: `split-form`: videos of another size than 64 × 64, or too short.
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
    """`T_world_camera` per video frame, (T, 4, 4): the nearest motion frame's."""
    motion, camera = clip.reference.motion, clip.condition.camera
    head = get_skeleton(motion.skeleton).index("head")
    times = np.arange(len(clip.reference.video.frames)) / clip.reference.video.fps
    at = np.minimum(np.round(times * motion.fps).astype(int), len(motion.positions) - 1)
    T_world_head = np.tile(np.eye(4), (len(at), 1, 1))
    T_world_head[:, :3, :3] = motion.rotations[at, head]
    T_world_head[:, :3, 3] = motion.positions[at, head]
    return T_world_head @ camera.T_head_camera


def _words(texts: Sequence[str]) -> UInt8[np.ndarray, "clip word"]:
    """1 where a caption has one of the frequent words."""
    said = [set(re.findall(r"\w+", text.lower())) for text in texts]
    counts = Counter(word for words in said for word in words)
    frequent = sorted(counts, key=lambda word: (-counts[word], word))[:MOST_WORDS]
    kept = [word for word in frequent if counts[word] >= max(2, RAREST_WORD * len(texts))]
    return np.array([[word in words for word in kept] for words in said], np.uint8)
