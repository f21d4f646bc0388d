"""Checks of input: motions, cameras and videos from outside are checked once, here, and refused with a stable code.

Motions come in world metres (z up), rotations joint → world; videos as RGB uint8. Messages name the first bad
frame and joint, what was found and what would be right.
"""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from egobench.errors import BadInputError, UnknownNameError
from egobench.geometry.body import stature
from egobench.geometry.skeleton import Skeleton, get_skeleton
from egobench.types import Camera, Motion, Video

ROTATION_TOLERANCE = 1e-3
"""Largest accepted entry of |RᵀR - 1|; float32 matrices and quaternions are 1000 × better."""
STATURE_RANGE = (1.2, 2.3)
"""Accepted standing heights, metres."""
FARTHEST = 1e5
"""Metres from the origin; beyond it float32 no longer resolves a centimetre."""
RATE_TOLERANCE = 1e-6
"""Relative."""
_UNITS = {"millimetres": 1000.0, "centimetres": 100.0, "inches": 39.37, "feet": 3.281}


class MotionArrays(NamedTuple):
    """A motion's content, float64."""

    positions: Float[np.ndarray, "time joint 3"]
    """Metres, world."""
    rotations: Float[np.ndarray, "time joint 3 3"]
    """Joint → world."""
    fps: float
    skeleton: Skeleton


def motion_arrays(motion: Motion) -> MotionArrays:
    """Checks the form of a motion and that it is finite, as every metric needs it.

    Raises:
        BadInputError: `motion-skeleton` (unknown, or another number of joints), `motion-shape` (also a dtype that is
            no number), `motion-nonfinite` (also masked), `motion-rate` (not a positive number).
    """
    try:
        skeleton = get_skeleton(motion.skeleton)
    except UnknownNameError as error:
        raise BadInputError(f"motion: {error}", code="motion-skeleton") from None
    positions = _numbers(motion.positions, "positions")
    rotations = _numbers(motion.rotations, "rotations")
    if positions.ndim != 3 or positions.shape[-1] != 3 or len(positions) == 0:
        raise _bad("shape", f"positions have shape {positions.shape}; (T, J, 3) with T ≥ 1 is needed")
    if rotations.shape != (*positions.shape, 3):
        raise _bad("shape", f"rotations have shape {rotations.shape}; {(*positions.shape, 3)} would fit the positions")
    if positions.shape[1] != len(skeleton):
        raise _bad("skeleton", f"{positions.shape[1]} joints; {skeleton.name} has {len(skeleton)}")
    for name, array in (("positions", positions), ("rotations", rotations)):
        bad = np.asarray(~np.isfinite(array.reshape(*array.shape[:2], -1)).all(axis=-1))
        if bad.any():
            raise _bad("nonfinite", f"{name} are not finite at {_first(bad, skeleton)}")
    fps = _rate(motion.fps, "motion")
    if not (np.isfinite(fps) and fps > 0):
        raise _bad("rate", f"{fps} frames per second; a positive number is needed")
    return MotionArrays(positions, rotations, fps, skeleton)


def check_motion(motion: Motion, *, frames: int | None = None, fps: float | int | None = None) -> Motion:
    """Refuses a motion that is not a person in metres; returns it in float64, with its rotations unchanged.

    Args:
        frames: required number of frames; None for any.
        fps: required rate; None for any.

    Raises:
        BadInputError: codes of `motion_arrays`, and `motion-frames`, `motion-rate`, `motion-rotation` (not
            orthonormal to 1e-3, or a mirror), `motion-units` (nobody is that tall, or that far away).
    """
    positions, rotations, rate, skeleton = motion_arrays(motion)
    if frames is not None and len(positions) != frames:
        raise _bad("frames", f"{len(positions)} frames; {frames} are needed")
    if fps is not None and abs(rate - fps) > RATE_TOLERANCE * fps:
        raise _bad("rate", f"{rate:g} frames per second; {fps:g} are needed")
    _check_rotations(rotations, skeleton)
    _check_units(positions, skeleton)
    return Motion(positions=positions, rotations=rotations, fps=rate, skeleton=skeleton.name)


def camera_arrays(camera: Camera) -> tuple[Float[np.ndarray, "3 3"], Float[np.ndarray, "4 4"]]:
    """Intrinsics (pixels) and camera → head of a camera, float64.

    Raises:
        BadInputError: `camera-shape`, `camera-nonfinite`.
    """
    K, T_head_camera = (np.asarray(part, dtype=np.float64) for part in (camera.intrinsics, camera.T_head_camera))
    if K.shape != (3, 3) or T_head_camera.shape != (4, 4):
        text = f"camera: intrinsics {K.shape} and T_head_camera {T_head_camera.shape}; (3, 3) and (4, 4) are needed"
        raise BadInputError(text, code="camera-shape")
    if not (np.isfinite(K).all() and np.isfinite(T_head_camera).all()):
        raise BadInputError("camera: intrinsics or T_head_camera are not finite", code="camera-nonfinite")
    return K, T_head_camera


def check_video(
    video: Video, *, frames: int | None = None, fps: float | int | None = None, size: tuple[int, int] | None = None
) -> Video:
    """Refuses frames that are not RGB uint8 of the expected number, rate and size; returns the video.

    A list of frames becomes one array, and a rate of numpy or torch a Python number; nothing else changes.

    Args:
        frames: required number of frames; None for any.
        fps: required rate; None for any.
        size: required (height, width) in pixels; None for any.

    Raises:
        BadInputError: `video-dtype` (also values that are masked), `video-shape` (also frames of unequal size),
            `video-frames`, `video-rate`, `video-size`.
    """
    try:
        array = np.asarray(video.frames)
    except ValueError:
        shapes = dict.fromkeys(np.shape(frame) for frame in video.frames)
        listed = ", ".join(str(shape) for shape in list(shapes)[:3])
        raise BadInputError(f"video: frames of unequal shape: {listed}; one is needed", code="video-shape") from None
    except (TypeError, RuntimeError) as error:
        raise BadInputError(_no_array("video: frames", video.frames, error), code="video-dtype") from None
    if masked := _masked(video.frames):
        raise BadInputError(f"video: {masked} values of the frames are masked; all are needed", code="video-dtype")
    if array.dtype != np.uint8:
        raise BadInputError(f"video: frames are {array.dtype}; expected uint8 0…255", code="video-dtype")
    if array.ndim != 4 or array.shape[-1] != 3 or array.size == 0:
        raise BadInputError(
            f"video: frames have shape {array.shape}; (T, height, width, 3) with T ≥ 1 is needed", code="video-shape"
        )
    if frames is not None and len(array) != frames:
        raise BadInputError(f"video: {len(array)} frames; {frames} are needed", code="video-frames")
    rate = _rate(video.fps, "video")
    if not (np.isfinite(rate) and rate > 0) or (fps is not None and abs(rate - fps) > RATE_TOLERANCE * fps):
        expected = "a positive number is needed" if fps is None else f"{fps:g} are needed"
        raise BadInputError(f"video: {rate} frames per second; {expected}", code="video-rate")
    if size is not None and array.shape[1:3] != tuple(size):
        listed = f"{array.shape[1]} × {array.shape[2]}"
        raise BadInputError(
            f"video: frames are {listed} (height × width); {size[0]} × {size[1]} is needed", code="video-size"
        )
    is_plain = array is video.frames and type(video.fps) in (float, int)
    return video if is_plain else replace(video, frames=array, fps=rate)


def _check_rotations(rotations: Float[np.ndarray, "time joint 3 3"], skeleton: Skeleton) -> None:
    clipped = np.clip(rotations, -2.0, 2.0)  # huge entries are refused as well, without overflow
    error = np.abs(np.swapaxes(clipped, -1, -2) @ clipped - np.eye(3)).max(axis=(-1, -2))
    skewed = error > ROTATION_TOLERANCE
    if skewed.any():
        worst = float(error[skewed][0])
        raise _bad(
            "rotation",
            f"the rotation at {_first(skewed, skeleton)} is off by {worst:.3g} from orthonormal (|RᵀR - 1|); "
            f"{ROTATION_TOLERANCE:g} is allowed",
        )
    mirrored = np.linalg.det(rotations) < 0
    if mirrored.any():
        raise _bad("rotation", f"the matrix at {_first(mirrored, skeleton)} is a mirror (det -1), not a rotation")


def _check_units(positions: Float[np.ndarray, "time joint 3"], skeleton: Skeleton) -> None:
    far = np.abs(positions).max(axis=-1) > FARTHEST
    if far.any():
        raise _bad("units", f"{_first(far, skeleton)} is more than {FARTHEST:g} m from the origin")
    height = stature(skeleton, positions)
    low, high = STATURE_RANGE
    if low <= height <= high:
        return
    units = [unit for unit, per_metre in _UNITS.items() if low <= height / per_metre <= high]
    hint = f"; looks like {units[0]}" if units else ""
    raise _bad("units", f"a body of {height:.3g} m by its bones{hint}; a person of {low} to {high} m is needed")


def _numbers(array: object, name: str) -> np.ndarray:
    try:
        numbers = np.asarray(array)
    except (
        ValueError,
        TypeError,
        RuntimeError,
    ) as error:  # lists of unequal length; a tensor with a gradient, on a GPU
        raise _bad("shape", _no_array(name, array, error)) from None
    if masked := _masked(array):
        raise _bad("nonfinite", f"{masked} values of the {name} are masked; all are needed")
    if numbers.dtype.kind not in "fiu":
        raise _bad("shape", f"{name} are {numbers.dtype}; numbers are needed")
    return numbers.astype(np.float64)


def _rate(fps: object, part: str) -> float:
    """A rate as Python's number, from one of Python, numpy or torch."""
    try:
        if isinstance(fps, str | bytes | bool):
            raise TypeError
        return float(fps)  # pyright: ignore[reportArgumentType]
    except (TypeError, ValueError, RuntimeError, OverflowError):
        text = f"{part}: fps is {str(fps)[:40]!r} ({type(fps).__name__}); frames per second are needed, as a number"
        raise BadInputError(text, code=f"{part}-rate") from None


def _masked(array: object) -> int:
    """Number of masked values of a masked array; `np.asarray` would use the data under the mask."""
    return int(np.ma.count_masked(array)) if isinstance(array, np.ma.MaskedArray) else 0


def _no_array(name: str, given: object, error: Exception) -> str:
    why = " ".join(str(error).split())[:160]
    return f"{name}: no numpy array can be made of this {type(given).__name__} ({why}); give a numpy array"


def _first(bad: np.ndarray, skeleton: Skeleton) -> str:
    frame, joint = np.argwhere(bad)[0]
    return f"frame {frame}, joint {skeleton.joints[joint]}"


def _bad(code: str, message: str) -> BadInputError:
    return BadInputError(f"motion: {message}", code=f"motion-{code}")
