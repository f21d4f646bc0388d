"""Estimates ↔ arrays of the cache. Estimates are checked before they are stored, since users write estimators too."""

from collections.abc import Mapping
from typing import Any, get_args

import numpy as np

from egobench.errors import BadInputError
from egobench.estimators.base import check_intrinsics
from egobench.metrics.base import What
from egobench.plan.resolve import CAMERA_FACTS
from egobench.types import LOST, Camera, CameraPath, HandDetections, PathStatus, Split

TOLERANCE = 1e-6
"""Largest difference between RᵀR and the identity, for a rotation matrix R."""


def split_camera(split: Split) -> Camera:
    """The split's one camera.

    Raises:
        BadInputError: `split-form`: the split does not say it; `camera-form`: intrinsics that cannot be.
    """
    missing = [fact for fact in CAMERA_FACTS if split.facts.get(fact) is None]
    if missing:
        text = f"split '{split.name}' does not say its {', '.join(missing)}; where the camera sits is needed here"
        raise BadInputError(text, code="split-form")
    K, width, height, T_head_camera = (split.facts[fact] for fact in CAMERA_FACTS)
    try:
        check_intrinsics(K, width, height)
    except BadInputError as error:
        raise BadInputError(f"split '{split.name}': {error}", code=error.code) from None
    return Camera(np.asarray(K, dtype=np.float64), width, height, np.asarray(T_head_camera, dtype=np.float64))


def pack_estimate(what: What, found: Any, frames: int) -> dict[str, np.ndarray]:
    """A `CameraPath` or `HandDetections` of a video with so many frames → arrays for the cache.

    Raises:
        BadInputError: `estimate-form`: not what the protocol of estimators says.
    """
    return _pack_path(found, frames) if what == "camera-path" else _pack_hands(found, frames)


def unpack_estimate(what: What, arrays: Mapping[str, np.ndarray]) -> CameraPath | HandDetections:
    """The reverse of `pack_estimate`; a mask is not kept."""
    if what == "hands":
        return HandDetections(arrays["scores"], arrays["palms"], float(arrays["threshold"]))
    ratio = float(arrays["focal_ratio"])
    status: Any = str(arrays["status"])
    return CameraPath(
        T_world_camera=arrays["T_world_camera"],
        registered=arrays["registered"],
        status=status,
        reason=str(arrays["reason"]),
        is_metric=bool(arrays["is_metric"]),
        focal_ratio=None if np.isnan(ratio) else ratio,
    )


def _pack_path(path: CameraPath, frames: int) -> dict[str, np.ndarray]:
    poses, registered = np.asarray(path.T_world_camera, dtype=np.float64), np.asarray(path.registered)
    if poses.shape != (frames, 4, 4) or registered.shape != (frames,) or registered.dtype != np.bool_:
        text = f"path of shapes {poses.shape}, {registered.shape}; ({frames}, 4, 4) and bools ({frames},) are right"
        raise BadInputError(text, code="estimate-form")
    R = poses[:, :3, :3]
    gap = np.abs(np.swapaxes(R, 1, 2) @ R - np.eye(3)).max(initial=0.0)
    if not np.isfinite(poses).all() or gap > TOLERANCE or (np.linalg.det(R) < 0).any():
        raise BadInputError("a path with poses that are not finite or not rigid", code="estimate-form")
    if path.status not in get_args(PathStatus) or (path.status in LOST) == bool(registered.any()):
        text = f"status '{path.status}' with {int(registered.sum())} registered frames"
        raise BadInputError(text, code="estimate-form")
    return {
        "T_world_camera": poses,
        "registered": registered,
        "status": np.array(path.status),
        "reason": np.array(path.reason),
        "is_metric": np.array(bool(path.is_metric)),
        "focal_ratio": np.array(np.nan if path.focal_ratio is None else path.focal_ratio, dtype=np.float64),
    }


def _pack_hands(hands: HandDetections, frames: int) -> dict[str, np.ndarray]:
    scores, palms = np.asarray(hands.scores, dtype=np.float64), np.asarray(hands.palms, dtype=np.float64)
    if scores.shape != (frames, 2) or palms.shape != (frames, 2, 2):
        text = f"hands of shapes {scores.shape} and {palms.shape}; ({frames}, 2) and ({frames}, 2, 2) are right"
        raise BadInputError(text, code="estimate-form")
    if not ((scores >= 0) & (scores <= 1)).all() or np.isinf(palms).any():
        raise BadInputError("hands with scores outside 0 … 1 or infinite palms", code="estimate-form")
    return {"scores": scores, "palms": palms, "threshold": np.array(float(hands.threshold))}
