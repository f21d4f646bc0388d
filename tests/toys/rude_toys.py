"""Code of a user's that is right by itself and rude to its surroundings: it changes what it was lent."""

import os
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from toy_metrics import MeanColour, Speed, _Toy

from egobench.metrics.base import ClipMetric, Need, SetScore
from egobench.types import Condition, Motion, Sample, Video


def still(condition: Condition) -> Sample:
    """The first frame and the first pose, for ever."""
    pose, times = condition.first_pose, condition.num_motion_frames
    motion = replace(pose, positions=np.repeat(pose.positions, times, 0), rotations=np.repeat(pose.rotations, times, 0))
    return Sample(Video(np.repeat(condition.first_frame[None], condition.num_video_frames, 0), 8.0), motion)


@dataclass(frozen=True)
class InPlace:
    """Moves the body by a metre, and makes the given pictures black once it has copied the first."""

    def load(self, device: str) -> "InPlace":
        return self

    def sample(self, condition: Condition, *, seed: int) -> Sample:
        given = condition.motion if condition.motion is not None else condition.first_pose
        given.positions[..., 0] += 1.0
        condition.first_pose.positions[..., 1] += 1.0
        sample = still(condition)
        for pictures in (condition.first_frame, condition.video.frames if condition.video is not None else None):
            if pictures is not None:
                pictures[...] = 0
        return replace(
            sample, motion=replace(sample.motion, positions=sample.motion.positions + given.positions[:1, :1])
        )


@dataclass(frozen=True)
class Wanderer:
    """Goes to another folder when it is loaded."""

    def load(self, device: str) -> "Wanderer":
        os.chdir("/")
        return self

    def sample(self, condition: Condition, *, seed: int) -> Sample:
        return still(condition)


@dataclass(frozen=True)
class Tripling(_Toy, ClipMetric):
    """Triples what it is given; its name comes before the others'."""

    name: ClassVar[str] = "a-tripling"

    def needs(self):
        return {"motion": Need("sample", "motion")}

    def __call__(self, motion: Motion) -> float:
        motion.positions[...] *= 3.0
        return 1.0


@dataclass(frozen=True)
class TriplingSet(MeanColour):
    """A set metric that triples what it is given."""

    name: ClassVar[str] = "a-tripling-set"

    def score(self, inputs, clips, groups, *, draws, seed) -> SetScore:
        for features in next(iter(inputs.values())):
            features *= 3.0
        return SetScore(1.0, None)


__all__ = ["InPlace", "Speed", "Tripling", "TriplingSet", "Wanderer", "still"]
