"""Control `corrupted`: the recorded truth with one fault of known strength. It shows which faults a metric misses."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar, Literal, get_args

import numpy as np

from egobench import SHUFFLE_SEED, Condition, EgoBenchError, Sample, shuffled_partners

from . import corrupt_motion, corrupt_video
from .lookup import clip_of, places_of, rows_of

VideoKind = Literal["blur", "noise", "blocks", "freeze", "zoom", "video-delay"]
MotionKind = Literal[
    "yaw-drift", "lateral-drift", "slide", "jitter", "lift", "sink", "stretch", "head-slip", "motion-delay"
]
ShareKind = Literal["video-mirror", "motion-mirror", "arms-mirror", "strangers", "unpaired"]
Kind = Literal[VideoKind, MotionKind, ShareKind]
VIDEO: dict[str, Callable[..., Any]] = {
    "blur": corrupt_video.blur,
    "noise": corrupt_video.noise,
    "blocks": corrupt_video.blocks,
    "freeze": corrupt_video.freeze,
    "zoom": corrupt_video.zoom,
    "video-delay": corrupt_video.delay,
}
MOTION: dict[str, Callable[..., Any]] = {
    "yaw-drift": corrupt_motion.yaw_drift,
    "lateral-drift": corrupt_motion.lateral_drift,
    "slide": corrupt_motion.slide,
    "jitter": corrupt_motion.jitter,
    "lift": corrupt_motion.lift,
    "sink": corrupt_motion.sink,
    "stretch": corrupt_motion.stretch,
    "head-slip": corrupt_motion.head_slip,
    "motion-delay": corrupt_motion.delay,
}
GOLDEN = 0.6180339887498949
"""Fractions of its multiples are spread evenly over 0 … 1, whatever number of clips is run."""


class CorruptionError(EgoBenchError):
    """No such fault, or none of that strength."""


@dataclass(frozen=True)
class Corrupted:
    """Returns the clip's own reference with one fault; strength 0 is the reference itself.

    The other modality is left as it was recorded. Rotations and positions of the body still agree, except for `stretch`
    and `head-slip`, which break this agreement. If the strength is a share of the clips, a larger share includes the
    clips of a smaller one.
    Expected: a metric that declares the fault moves away from the floor with strength; other metrics do not change.
    """

    is_control: ClassVar[bool] = True

    kind: Kind = "noise"
    """Video: `blur` (standard deviation, pixels), `noise` (the same, grey levels), `blocks` (share of the detail lost
    within blocks), `freeze` (share of frames dropped), `zoom` (% of focal length), `video-delay` (s), `video-mirror`
    (share of clips).
    Motion: `yaw-drift` (degrees per s), `lateral-drift` and `slide` (m per s, to the left or ahead), `jitter`, `lift`,
    `sink`, `head-slip` (m), `stretch` (% of bone length), `motion-delay` (s), `motion-mirror` and `arms-mirror` (share
    of clips whose body, or arms, are mirrored left to right).
    Both: `strangers` (share of clips with video and motion of another clip), `unpaired` (share of clips with the motion
    of another clip)."""
    strength: float = 0.0
    """Strength in the unit of the kind; 0 is no fault."""

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind):
            raise CorruptionError(f"kind '{self.kind}'; one of {', '.join(get_args(Kind))} is needed")
        if not 0 <= self.strength < float("inf"):
            raise CorruptionError(f"strength {self.strength}; a number of at least 0 is needed")

    def load(self, device: str) -> "Corrupted":
        """Nothing to load."""
        del device  # no network
        return self

    def sample(self, condition: Condition, *, seed: int) -> Sample:
        """The reference with its fault; random draws depend on seed, clip and kind, not on strength."""
        reference = clip_of(condition.split, condition.clip_id).reference
        video, motion = reference.video, reference.motion
        if self.strength == 0:
            return Sample(video, motion)
        rng = np.random.default_rng([seed, *self.kind.encode(), *condition.clip_id.encode()])
        if self.kind in VIDEO:
            return Sample(VIDEO[self.kind](video, self.strength, rng), motion)
        if self.kind in MOTION:
            return Sample(video, MOTION[self.kind](motion, self.strength, rng))
        if not self._is_chosen(condition):
            return Sample(video, motion)
        if self.kind == "video-mirror":
            return Sample(corrupt_video.mirror(video), motion)
        if self.kind == "motion-mirror":
            return Sample(video, corrupt_motion.mirror(motion))
        if self.kind == "arms-mirror":
            return Sample(video, corrupt_motion.mirror_arms(motion))
        other = clip_of(condition.split, _stranger(condition)).reference
        return Sample(other.video if self.kind == "strangers" else video, other.motion)

    def _is_chosen(self, condition: Condition) -> bool:
        place = places_of(condition.split)[condition.clip_id]
        return (GOLDEN * (place + 1)) % 1.0 < self.strength


def _stranger(condition: Condition) -> str:
    place = places_of(condition.split)[condition.clip_id]
    return rows_of(condition.split)[_partners(condition.split)[place]].clip_id


@lru_cache(maxsize=4)
def _partners(locator: str) -> np.ndarray:
    return shuffled_partners([row.sequence for row in rows_of(locator)], SHUFFLE_SEED)[0]
