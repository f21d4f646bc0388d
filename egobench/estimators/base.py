"""What an estimator is: settings that turn a video into a camera path, or into hands, and say how sure they are.

Loaded, it has one method per thing it can see, `camera` or `hands`. What is in a video is never an error: black, still
or single frames give a path whose status and reason say so.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np

from egobench.errors import BadInputError
from egobench.geometry.border import check_video
from egobench.registry import inheriting
from egobench.types import Camera, CameraPath, HandDetections, PathStatus, Video


class CameraEstimator(Protocol):
    """Sees where the camera went."""

    def camera(self, video: Video, camera: Camera, *, clip_id: str = "") -> CameraPath:
        """The camera's path through one video.

        Args:
            video: as a model made it, or recorded.
            camera: its declared intrinsics; `T_head_camera` is not looked at.
            clip_id: for estimators that read what another program found; all others ignore it.

        Raises:
            BadInputError: `camera-form`: intrinsics that are missing or absurd, or of another size than the video;
                `video-dtype`, `video-shape`, `video-rate`: frames that are no video (uint8, all of one size).
        """
        ...


class HandEstimator(Protocol):
    """Sees the wearer's hands."""

    def hands(self, video: Video, camera: Camera, *, clip_id: str = "") -> HandDetections:
        """The wearer's hands in one video. Arguments and errors as `CameraEstimator.camera`."""
        ...


LoadedEstimator = CameraEstimator | HandEstimator


@dataclass(frozen=True)
class Estimator(ABC):
    """Settings and identity; building one loads no torch. An estimator inherits this and overrides the defaults that
    do not suit it."""

    name: ClassVar[str]
    version: ClassVar[int]
    """It rises with every change of what the same video gives."""
    provides: ClassVar[tuple[str, ...]]
    """Methods that it has once loaded, `camera` and `hands`. A metric that wants another is refused before anything is
    sampled."""

    # Without annotation these are defaults of the class, and no fields.
    provides = ()
    of_one_run = False
    """Whether it reads what another program saw in one run's videos, in place of looking at a video. It then knows
    nothing of a clip's reference, so its metrics have neither floor nor chance."""
    rotations_only = False
    """Whether its camera paths have no positions."""

    def check(self, facts: Mapping[str, Any]) -> None:
        """Refuses a split (`Split.facts`) whose videos it cannot look at.

        Raises:
            BadInputError: `split-form`.
        """
        return None

    def definition(self) -> Mapping[str, Any]:
        """What decides the estimate beside name and version: settings, SHA-256 of the weights, versions of the
        libraries that move a number. JSON-ready. Raises as `protocol`."""
        return {}

    def protocol(self) -> Mapping[str, Any]:
        """Readable record that goes into every result's protocol: name, version and definition.

        Raises:
            BadInputError: `weights-missing` or `extra-missing`: what is needed and how to get it. This is what refuses
                a run before anything is sampled.
        """
        return {"estimator": self.name, "version": self.version, **self.definition()}

    @abstractmethod
    def load(self, device: str) -> LoadedEstimator:
        """Gets ready. Raises BadInputError if a weight file is missing, damaged or another."""


def as_estimator(estimator: Any) -> Estimator:
    """The estimator. One that does not inherit `Estimator` gets its defaults, with a warning (see `inheriting`)."""
    return estimator if isinstance(estimator, Estimator) else inheriting(estimator, Estimator)


ALL_OF_THEM = 0.9
"""Least share of the frames that are registered on a path of status `ok` (see `egobench.types.PathStatus`)."""


def no_path(frames: int, status: PathStatus, reason: str, *, is_metric: bool) -> CameraPath:
    """A path on which no frame is registered, and why."""
    poses = np.broadcast_to(np.eye(4), (frames, 4, 4)).copy()
    return CameraPath(poses, np.zeros(frames, dtype=bool), status, reason, is_metric)


def check_camera(video: Video, camera: Camera) -> None:
    """Refuses what is no video, and intrinsics that cannot belong to it.

    Raises:
        BadInputError: `camera-form`; `video-dtype`, `video-shape`, `video-rate`.
    """
    height, width = np.asarray(check_video(video).frames).shape[1:3]
    if (width, height) != (camera.width, camera.height):
        text = f"the video is {width}x{height}, its camera {camera.width}x{camera.height}; they must be equal"
        raise BadInputError(text, code="camera-form")
    check_intrinsics(camera.intrinsics, width, height)


def check_intrinsics(intrinsics: Any, width: int, height: int) -> None:
    """Refuses what is no pinhole's K in pixels of a picture of this size.

    Raises:
        BadInputError: `camera-form`.
    """
    try:
        K = np.asarray(intrinsics, dtype=np.float64)
    except (TypeError, ValueError):
        K = np.zeros(())
    if K.shape != (3, 3) or not np.isfinite(K).all():
        raise BadInputError("the intrinsics are no finite 3x3 matrix", code="camera-form")
    focal = np.array([K[0, 0], K[1, 1]]) / (width, height)
    centre = K[:2, 2] / (width, height)
    if (focal < 0.1).any() or (focal > 10).any() or (centre < 0).any() or (centre > 1).any():
        found = f"focal length {K[0, 0]:g}, {K[1, 1]:g} px and centre {K[0, 2]:g}, {K[1, 2]:g}"
        raise BadInputError(f"{found} do not fit {width}x{height} px", code="camera-form")
    if K[0, 1] or K[1, 0] or (K[2] != (0, 0, 1)).any():
        text = f"intrinsics {K.tolist()}: skew, or a last row other than 0, 0, 1; a pinhole has none"
        raise BadInputError(text, code="camera-form")
