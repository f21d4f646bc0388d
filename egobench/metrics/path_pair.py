"""A camera path seen in a video beside the one that the body's motion implies: what the path metrics share.

This module decides for all of them how a clip counts where the estimator saw nothing, so that a sample gains nothing by
failing, dropping frames or freezing.
"""

from collections.abc import Callable
from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from egobench.errors import BadInputError, Undefined
from egobench.geometry.border import motion_arrays
from egobench.geometry.head_camera import HeadCameraPath, head_camera_path, is_rotation
from egobench.types import LOST, Camera, CameraPath, Motion, PathStatus

STILL_SHARE = 0.1
"""A sample that moves less than this share of what its reference moves stands still."""
LEAST_MARGIN = 1e-9
"""Of the rotation gauge; below it no gauge is the best one."""
Counted = Literal["measured", "null", "still"]
"""`measured`: by the estimated path. `null`: the estimator found none, so the clip counts as a camera that never moves.
`still`: the sample stands still where the reference moves, and counts at least the reference's movement."""
Aggregate = Callable[[Float[np.ndarray, " time"]], Float[np.ndarray, ""]]
"""Errors per frame (NaN where unknown) → one number."""


class PathPair(NamedTuple):
    """Both paths at the times of the video frames."""

    R: Float[np.ndarray, "time 3 3"]
    """Estimated, camera → the estimator's world."""
    positions: Float[np.ndarray, "time 3"]
    """Estimated; metres if `is_metric`."""
    registered: Bool[np.ndarray, " time"]
    is_metric: bool
    status: PathStatus
    head: HeadCameraPath
    """Of the sample's motion."""
    reference: HeadCameraPath | None
    """Of the recorded motion."""
    reason: str = ""
    """What the estimator says of its status; one line, empty if ok."""

    @property
    def coverage(self) -> float:
        """Share of the frames that are registered."""
        return float(self.registered.mean())

    @property
    def is_lost(self) -> bool:
        """Nothing can be measured: fewer than two frames are registered."""
        return self.status in LOST or int(self.registered.sum()) < 2

    @property
    def one_second(self) -> int | None:
        """Video frames per second, to the nearest; None where the clip is not longer."""
        step = round(self.head.fps)
        return step if 1 <= step < len(self.registered) else None


class Tally(NamedTuple):
    """A clip's number and where it comes from."""

    value: float
    counted: Counted
    null: float
    """What the clip costs where nothing is found."""


def pair_paths(path: CameraPath, motion: Motion, camera: Camera, reference: Motion | None = None) -> PathPair:
    """Checks both sides and brings them to the same times.

    Raises:
        Undefined: a video or a motion of one frame, which fits anything.
        BadInputError: codes of `check_path`, `motion_arrays` and `head_camera_path`.
    """
    poses = check_path(path)
    frames = len(poses)
    moves = motion_arrays(motion)
    for name, number in (("camera path", frames), ("motion", len(moves.positions))):
        if number < 2:
            raise Undefined(f"the {name} has {number} frame, which fits anything; 2 are needed")
    recorded = None if reference is None else head_camera_path(motion_arrays(reference), camera, frames)
    return PathPair(
        R=poses[:, :3, :3],
        positions=poses[:, :3, 3],
        registered=np.asarray(path.registered),
        is_metric=bool(path.is_metric),
        status=path.status,
        head=head_camera_path(moves, camera, frames),
        reference=recorded,
        reason=str(path.reason),
    )


def check_path(path: CameraPath) -> Float[np.ndarray, "time 4 4"]:
    """The path's poses, float64.

    Raises:
        BadInputError: `path-shape`, `path-nonfinite`, `path-rotation`, `path-focal` (a ratio that is no positive
            number).
    """
    poses, registered = np.asarray(path.T_world_camera, dtype=np.float64), np.asarray(path.registered)
    if poses.ndim != 3 or poses.shape[1:] != (4, 4) or registered.shape != poses.shape[:1] or not len(poses):
        text = f"camera path: poses {poses.shape} and registered {registered.shape}; (T, 4, 4) and (T,) are needed"
        raise BadInputError(text, code="path-shape")
    if not np.isfinite(poses).all():
        frame = int(np.argwhere(~np.isfinite(poses))[0][0])
        raise BadInputError(f"camera path: the pose of frame {frame} is not finite", code="path-nonfinite")
    if not is_rotation(poses[:, :3, :3]):
        raise BadInputError("camera path: a rotation is not orthonormal, or a mirror", code="path-rotation")
    if path.focal_ratio is not None and not (np.isfinite(path.focal_ratio) and path.focal_ratio > 0):
        raise BadInputError(
            f"camera path: a focal ratio of {path.focal_ratio}; a positive number is needed", code="path-focal"
        )
    return poses


def tally(
    errors: Float[np.ndarray, " time"] | None,
    own_null: float,
    reference_null: float | None,
    aggregate: Aggregate,
    *,
    is_still: bool,
) -> Tally:
    """What a clip scores, frames that are not registered included.

    The null error is that of a camera that never moves, against the sample's motion or the reference's, whichever is
    larger. A clip without a path costs it; so does every frame that is not registered, and no less than the registered
    ones by their aggregate. Hence a clip never scores better than its registered frames alone, and a lost frame pays
    only if the path through the others would have missed it by more than the null error.

    Args:
        errors: per frame, NaN where not registered; None where nothing could be measured.
        own_null: aggregate error of a camera that never moves against the sample's motion.
        reference_null: the same against the reference's motion; None where that is not known.
        aggregate: errors per frame → the clip's number.
        is_still: the sample stands still where the reference moves: it costs at least the null error.
    """
    null = max(own_null, reference_null or 0.0)
    if errors is None:
        return Tally(null, "null", null)
    lost = max(null, float(aggregate(errors)))
    value = float(aggregate(np.where(np.isnan(errors), lost, errors)))
    return Tally(max(value, null), "still", null) if is_still else Tally(value, "measured", null)


def stands_still(own: float, reference: float | None, least: float) -> bool:
    """The reference moves by at least `least`, and the sample by less than a tenth of the reference."""
    return reference is not None and reference >= least and own < STILL_SHARE * reference


def why_null(pair: PathPair, counted: Counted) -> dict[str, str]:
    """Why a clip was not measured, as part of its details; nothing where it was."""
    if counted != "null":
        return {}
    return {"not_measured": f"{pair.status}: {pair.reason}" if pair.reason else pair.status}


def in_json(errors: Float[np.ndarray, " time"]) -> list[float | None]:
    """Errors per frame; None where not registered."""
    return [None if np.isnan(error) else float(error) for error in errors]


def or_none(value: float | np.ndarray) -> float | None:
    """A number, or None in place of NaN."""
    return None if np.isnan(value) else float(value)
