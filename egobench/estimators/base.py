"""The interface of an estimator, which turns a video into a camera path or into hands and says how sure it is.

A loaded estimator has one method for each thing that it can see: `camera` or `hands`. The content of a video is never
an error. Black, still or single frames give a path with a status and a reason.
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
    """Estimates the path of the camera."""

    def camera(self, video: Video, camera: Camera, *, clip_id: str = "") -> CameraPath:
        """The camera's path through one video.

        Args:
            video: as a model made it, or recorded.
            camera: its declared intrinsics; `T_head_camera` is not used.
            clip_id: for estimators that read the output of another program; all others ignore it.

        Raises:
            BadInputError: `camera-form`: the intrinsics are missing or absurd, or are for another size than the
                video's; `video-dtype`, `video-shape`, `video-rate`: the frames are no video (uint8, all of one size).
        """
        ...


class HandEstimator(Protocol):
    """Detects the wearer's hands."""

    def hands(self, video: Video, camera: Camera, *, clip_id: str = "") -> HandDetections:
        """The wearer's hands in one video. Arguments and errors are those of `CameraEstimator.camera`."""
        ...


LoadedEstimator = CameraEstimator | HandEstimator
"""Beside its method, a class may have the same for lists: `camera_batch(videos, camera, *, clip_ids)` and
`hands_batch(videos, camera, *, clip_ids)`. Each returns a list of what the method returns, equal but for rounding (see
`egobench.extractors.base.LoadedExtractor`)."""


@dataclass(frozen=True)
class Estimator(ABC):
    """Settings and identity of an estimator. Creating one does not import torch. An estimator inherits this class and
    overrides the defaults that do not suit it."""

    name: ClassVar[str]
    version: ClassVar[int]
    """It increases with every change that gives the same video another result."""
    provides: ClassVar[tuple[str, ...]]
    """Methods of the loaded estimator: `camera`, `hands`. A metric that needs another method is refused before
    sampling starts."""

    # They have no annotation, so they are defaults of the class and not fields.
    provides = ()
    of_one_run = False
    """Whether it reads what another program detected in one run's videos and does not use the video itself. It then
    knows nothing of a clip's reference, so its metrics have neither floor nor chance."""
    on_cpu = False
    """Whether it computes on the CPU whatever the device is; a run on GPUs then works on it beside them."""
    rotations_only = False
    """Whether its camera paths have no positions."""

    def check(self, facts: Mapping[str, Any]) -> None:
        """Refuses a split (`Split.facts`) whose videos it cannot process.

        Raises:
            BadInputError: `split-form`.
        """
        return None

    def definition(self) -> Mapping[str, Any]:
        """What decides the estimate besides name and version: settings, SHA-256 of the weights, and versions of the
        libraries that can change a number. JSON-ready. Raises what `protocol` raises."""
        return {}

    def protocol(self) -> Mapping[str, Any]:
        """Readable record that goes into every result's protocol: name, version and definition.

        Raises:
            BadInputError: `weights-missing` or `extra-missing`: what is needed and how to get it. This error refuses a
                run before sampling starts.
        """
        return {"estimator": self.name, "version": self.version, **self.definition()}

    @abstractmethod
    def load(self, device: str) -> LoadedEstimator:
        """Loads the estimator. Raises BadInputError if a weight file is missing, damaged or the wrong one."""


def as_estimator(estimator: Any) -> Estimator:
    """The estimator. If it does not inherit `Estimator`, it gets the defaults, with a warning (see `inheriting`)."""
    return estimator if isinstance(estimator, Estimator) else inheriting(estimator, Estimator)


ALL_OF_THEM = 0.9
"""A path of status `ok` has at least this share of its frames registered (see `egobench.types.PathStatus`)."""


def no_path(frames: int, status: PathStatus, reason: str, *, is_metric: bool) -> CameraPath:
    """A path without any registered frame, with the reason."""
    poses = np.broadcast_to(np.eye(4), (frames, 4, 4)).copy()
    return CameraPath(poses, np.zeros(frames, dtype=bool), status, reason, is_metric)


def check_camera(video: Video, camera: Camera) -> None:
    """Refuses anything that is no video, and intrinsics that cannot belong to the video.

    Raises:
        BadInputError: `camera-form`; `video-dtype`, `video-shape`, `video-rate`.
    """
    height, width = np.asarray(check_video(video).frames).shape[1:3]
    if (width, height) != (camera.width, camera.height):
        text = f"the video is {width}x{height}, its camera {camera.width}x{camera.height}; they must be equal"
        raise BadInputError(text, code="camera-form")
    check_intrinsics(camera.intrinsics, width, height)


def check_intrinsics(intrinsics: Any, width: int, height: int) -> None:
    """Refuses a K that is not a pinhole camera's, in pixels of a picture of this size.

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
