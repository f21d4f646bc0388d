"""Estimators whose errors are known, for the toy split: hands by the pixels of a truth that is written beside clips."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from pipeline_toys import ToyEyes

from egobench.estimators.base import Estimator
from egobench.types import Camera, CameraPath, HandDetections, Video


@dataclass(frozen=True)
class Dice(Estimator):
    """A camera that stands where its seed says, and fails on videos whose first pixel is dark."""

    name: ClassVar[str] = "dice"
    provides: ClassVar[tuple[str, ...]] = ("camera",)
    seed: int = 0

    def protocol(self) -> Mapping[str, Any]:
        weights = os.environ.get("TOY_WEIGHTS", "0" * 64)
        said = {} if os.environ.get("TOY_MUTE") else {"seed": self.seed}
        return {"estimator": self.name, "weights_sha256": weights, **said}

    def load(self, device: str) -> "Dice":
        return self

    def camera(self, video: Video, camera: Camera, *, clip_id: str = "") -> CameraPath:
        log = os.environ.get("TOY_LOG")
        if log:
            with open(log, "a") as file:
                file.write("c")
        if clip_id == "toy-05":
            raise ValueError("fell over")
        frames = len(video.frames)
        poses = np.broadcast_to(np.eye(4), (frames, 4, 4)).copy()
        if clip_id == "toy-03":
            return CameraPath(poses, np.zeros(frames, dtype=bool), "failed", "too dark", True)
        poses[:, :3, 3] = np.random.default_rng([self.seed, len(clip_id)]).normal(size=(frames, 3))
        return CameraPath(poses, np.ones(frames, dtype=bool), "ok", "", True)


@dataclass(frozen=True)
class Glance(ToyEyes):
    """Sees a left hand in every frame and never a right one."""

    name: ClassVar[str] = "glance"
    provides: ClassVar[tuple[str, ...]] = ("hands",)

    def hands(self, video: Video, camera: Camera, *, clip_id: str = "") -> HandDetections:
        scores = np.tile([0.9, 0.1], (len(video.frames), 1))
        return HandDetections(scores, np.full((len(scores), 2, 2), np.nan), 0.5)
