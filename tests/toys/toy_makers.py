"""Extractors and an estimator that any test can work out by hand; some read a bad mood from the environment."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from toy_splits import FACTS

from egobench.errors import BadInputError
from egobench.estimators.base import Estimator
from egobench.extractors.base import Extractor
from egobench.geometry.skeleton import XSENS23
from egobench.types import Camera, CameraPath, HandDetections, Motion, Video


@dataclass(frozen=True)
class ToyExtractor(Extractor):
    """Mean colour of each frame; the letters of a text."""

    name: ClassVar[str] = "toy-extractor"

    def definition(self) -> Mapping[str, Any]:
        return {"weights_sha256": "0" * 64}

    def load(self, device: str) -> "ToyExtractor":
        return self

    def frames(self, video: Video) -> np.ndarray:
        log = os.environ.get("TOY_LOG")
        if log:
            with open(log, "a") as file:
                file.write("x")
        return video.frames.mean(axis=(1, 2)).astype(np.float32)

    def text(self, text: str) -> np.ndarray:
        return np.frombuffer(text.encode()[:3], np.uint8).astype(np.float32)


@dataclass(frozen=True)
class ToyEvaluator(Extractor):
    """Where a motion ends and how fast it goes; numbers of a caption; first and last colour of a clip."""

    name: ClassVar[str] = "toy-evaluator"
    provides: ClassVar[tuple[str, ...]] = ("motion", "text", "clip")

    def definition(self) -> Mapping[str, Any]:
        weights = os.environ.get("TOY_WEIGHTS", "0" * 64)
        if weights == "missing":
            text = f"no toy.bin (sha256 {'0' * 64}); `egobench weights pull toy` gets it"
            raise BadInputError(text, code="weights-missing")
        return {"weights_sha256": weights}

    def check(self, facts: Mapping[str, Any]) -> None:
        if facts["skeleton"] != "xsens23":
            raise BadInputError(f"skeleton {facts['skeleton']}; xsens23 is needed", code="split-form")

    def load(self, device: str) -> "ToyEvaluator":
        return self

    def motion(self, motion: Motion) -> np.ndarray:
        assert motion.fps == FACTS.fps_motion
        log = os.environ.get("TOY_LOG")
        if log:
            with open(log, "a") as file:
                file.write("m")
        if os.environ.get("TOY_DEAF"):
            raise ValueError("cannot look at this")
        path = motion.positions[:, XSENS23.index("pelvis")]
        return np.append(path[-1] - path[0], motion.fps).astype(np.float32)

    def text(self, text: str) -> np.ndarray:
        return np.random.default_rng(list(text.encode())).normal(size=4).astype(np.float32)

    def clip(self, video: Video) -> np.ndarray:
        return video.frames[[0, -1]].mean(axis=(1, 2)).reshape(1, 6).astype(np.float32)


@dataclass(frozen=True)
class ToyEyes(Estimator):
    """A camera that steps forward by the mean grey level, hands where red beats blue; a bad form on demand."""

    name: ClassVar[str] = "toy-eyes"
    version: ClassVar[int] = 1
    provides: ClassVar[tuple[str, ...]] = ("camera", "hands")

    def definition(self) -> Mapping[str, Any]:
        return {"form": os.environ.get("TOY_FORM", "")}

    def load(self, device: str) -> "ToyEyes":
        return self

    def camera(self, video: Video, camera: Camera, *, clip_id: str = "") -> CameraPath:
        assert (camera.width, camera.height) == (FACTS.width, FACTS.height)
        assert clip_id.startswith("toy-")
        frames = len(video.frames)
        poses = np.broadcast_to(np.eye(4), (frames, 4, 4)).copy()
        poses[:, 0, 3] = np.cumsum(video.frames.mean(axis=(1, 2, 3))) / 1000
        poses[0, 0, 0] += 0.1 * (os.environ.get("TOY_FORM") == "sheared")
        registered = np.ones(frames, dtype=bool)
        if os.environ.get("TOY_FORM") == "half":
            registered[::2] = False
            return CameraPath(poses, registered, "partial", "half of it is dark", False, 1.25)
        return CameraPath(poses, registered, "ok", "", True)

    def hands(self, video: Video, camera: Camera, *, clip_id: str = "") -> HandDetections:
        red, _, blue = np.moveaxis(video.frames.mean(axis=(1, 2)), -1, 0)
        scores = np.stack([red > blue, blue > red], axis=1).astype(np.float64)
        return HandDetections(scores, np.full((len(scores), 2, 2), np.nan), 0.5)
