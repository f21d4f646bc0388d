"""Metrics of one line each: of clips and of sets, raw and of features, with presets and with details."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from egobench.errors import BadInputError, Undefined
from egobench.geometry.skeleton import XSENS23
from egobench.metrics.base import Better, ClipMetric, ClipScore, Need, SetMetric, SetScore
from egobench.types import Camera, CameraPath, Motion, Video


class _Toy:
    version: ClassVar[int] = 1
    unit: ClassVar[str] = "m/s"
    better: ClassVar[Better] = "lower"


@dataclass(frozen=True)
class Speed(_Toy, ClipMetric):
    """Mean speed of the pelvis."""

    name: ClassVar[str] = "toy-speed"

    def needs(self) -> Mapping[str, Need]:
        return {"motion": Need("sample", "motion")}

    def __call__(self, motion: Motion) -> float:
        steps = np.linalg.norm(np.diff(motion.positions[:, XSENS23.index("pelvis")], axis=0), axis=-1)
        if steps.max() < 1e-6:
            raise Undefined("the pelvis does not move")
        return float(steps.mean() * motion.fps)


@dataclass(frozen=True)
class Gap(_Toy, ClipMetric):
    """Distance to the reference's pelvis, and of colour to text: reads all four kinds of input."""

    name: ClassVar[str] = "toy-gap"

    def needs(self) -> Mapping[str, Need]:
        return {
            "ours": Need("sample", "motion"),
            "theirs": Need("reference", "motion"),
            "colour": Need("sample", "frames", "pipeline_toys:ToyExtractor"),
            "text": Need("condition", "text", "pipeline_toys:ToyExtractor"),
            "raw": Need("sample", "frames"),
        }

    def __call__(self, ours: Motion, theirs: Motion, colour: np.ndarray, text: np.ndarray, raw: Video) -> float:
        assert colour.dtype == text.dtype == np.float64
        assert raw.frames.dtype == np.uint8
        return float(np.abs(ours.positions - theirs.positions).mean() + np.abs(colour.mean(0) - text).mean())


@dataclass(frozen=True)
class MeanColour(_Toy, SetMetric):
    """Distance of mean features: a set metric."""

    name: ClassVar[str] = "toy-colour"

    def needs(self) -> Mapping[str, Need]:
        return {
            "sample": Need("sample", "frames", "pipeline_toys:ToyExtractor"),
            "reference": Need("reference", "frames", "pipeline_toys:ToyExtractor"),
        }

    def score(self, inputs: Any, clips: list[str], groups: np.ndarray, *, draws: int, seed: int) -> SetScore:
        sample, reference = inputs["sample"], inputs["reference"]
        assert len(sample) == len(reference) == len(groups) == len(clips)
        value = float(np.abs(np.concatenate(sample).mean(0) - np.concatenate(reference).mean(0)).mean())
        return SetScore(value, (value - 1, value + 1) if draws else None, {"n_frames": len(np.concatenate(sample))})


@dataclass(frozen=True)
class ClipColour(MeanColour):
    """A set metric of whole clips, with presets."""

    name: ClassVar[str] = "toy-clip"
    preset: str = "pipeline_toys:ToyEvaluator"
    what: str = "clip"

    def needs(self) -> Mapping[str, Need]:
        return {side: Need(side, self.what, self.preset) for side in ("sample", "reference")}

    def check(self, facts: Mapping[str, Any]) -> None:
        if os.environ.get("TOY_LONG"):
            raise BadInputError(f"{facts['num_video_frames']} video frames; 10 or more are needed", code="split-form")


@dataclass(frozen=True)
class Deed(_Toy, ClipMetric):
    """Distance of a motion's features from zero: a clip metric of motion features, with presets."""

    name: ClassVar[str] = "toy-deed"
    preset: str = "pipeline_toys:ToyEvaluator"

    def needs(self) -> Mapping[str, Need]:
        return {"motion": Need("sample", "motion-features", self.preset)}

    def __call__(self, motion: np.ndarray) -> float:
        return float(np.linalg.norm(motion))


@dataclass(frozen=True)
class Astray(_Toy, ClipMetric):
    """How far the camera went against how far the head did: a clip metric with details, by an estimator."""

    name: ClassVar[str] = "toy-astray"
    preset_kind: ClassVar[str] = "estimators"
    preset: str = "pipeline_toys:ToyEyes"

    def needs(self) -> Mapping[str, Need]:
        return {
            "path": Need("sample", "camera-path", self.preset),
            "motion": Need("sample", "motion"),
            "camera": Need("condition", "camera"),
        }

    def __call__(self, path: CameraPath, motion: Motion, camera: Camera) -> ClipScore:
        assert path.T_world_camera.dtype == np.float64
        head = motion.positions[:, XSENS23.index("head")]
        gone = np.linalg.norm(np.ptp(path.T_world_camera[:, :3, 3], axis=0))
        value = abs(gone - np.linalg.norm(head[-1] - head[0]))
        return ClipScore(float(value), {"gone": gone, "status": path.status, "focal": path.focal_ratio})

    def summary(self, scores: Any, floor: float | None) -> Mapping[str, Any]:
        return {"farthest": max(score.detail["gone"] for score in scores), "floor_was": floor}


@dataclass(frozen=True)
class Grip(_Toy, SetMetric):
    """Share of frames with a left hand: a set metric of hands."""

    name: ClassVar[str] = "toy-grip"
    preset_kind: ClassVar[str] = "estimators"
    preset: str = "pipeline_toys:ToyEyes"

    def needs(self) -> Mapping[str, Need]:
        return {"hands": Need("sample", "hands", self.preset)}

    def score(self, inputs: Any, clips: list[str], groups: np.ndarray, *, draws: int, seed: int) -> SetScore:
        left = [hands.scores[:, 0] >= hands.threshold for hands in inputs["hands"]]
        return SetScore(float(np.mean(left)), None)


@dataclass(frozen=True)
class Raising(_Toy, SetMetric):
    """A set metric of somebody's own that does not work."""

    name: ClassVar[str] = "toy-raising"

    def needs(self) -> Mapping[str, Need]:
        return {"sample": Need("sample", "motion")}

    def score(self, inputs: Any, clips: list[str], groups: np.ndarray, *, draws: int, seed: int) -> SetScore:
        raise BadInputError("no joint 24", code="toy-broken")
