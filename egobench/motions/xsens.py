"""Reads XSens MVN recordings (Nymeria's `xdata.npz`) into `Motion`: 23 segments, about 240 Hz, by their timestamps.

The world is in metres with z up. Rotations are segment → world. In the identity pose (T pose), the axes of all segments
are those of the world, as in our skeletons.
"""

from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float

from egobench.errors import BadInputError
from egobench.files.arrays import read_npz
from egobench.geometry.skeleton import XSENS23
from egobench.motions.axes import check_length, within_bounds
from egobench.motions.resample import frame_times, poses_at
from egobench.types import Motion

ARRAYS = ("timestamps_us", "segment_tXYZ", "segment_qWXYZ")
LONGEST_GAP = 0.1
"""Longest time without a pose, seconds, that is interpolated."""
RATES = (1.0, 1000.0)
"""Poses per second that a motion-capture suit may give. Outside this range, the timestamps have another unit."""
UNITS = {"milliseconds": 1e3, "seconds": 1e6, "nanoseconds": 1e-3}
"""Units of timestamps, in microseconds."""
LENGTH_TOLERANCE = 1e-2
"""Largest difference between a quaternion's length and 1. In float16, it is 1e-3."""


def read_xsens(path: Path | str, *, to_fps: float | int | None = None) -> Motion:
    """Reads a recording and interpolates it at a constant rate by its timestamps.

    XSens writes a quaternion of length zero where it has no rotation. Such a rotation is interpolated from its
    neighbours.

    Args:
        to_fps: frames per second of the result; None for the recording's median rate, rounded to 0.1.

    Raises:
        BadInputError: codes of `read_npz`; `xsens-keys`, `xsens-shape`, `xsens-nonfinite`, `xsens-time` (not ascending,
            or not in microseconds), `xsens-gap` (more than 0.1 s), `xsens-quaternion`; `motion-rate`, `motion-frames`.
    """
    arrays = read_npz(path, only=ARRAYS)
    missing = [name for name in ARRAYS if name not in arrays]
    if missing:
        raise BadInputError(f"{path}: no array '{missing[0]}'; it is no XSens recording", code="xsens-keys")
    times = _seconds(arrays["timestamps_us"], path)
    frames, joints = len(times), len(XSENS23)
    for name, numbers in (("segment_tXYZ", 3), ("segment_qWXYZ", 4)):
        array = arrays[name]
        if array.shape != (frames, joints * numbers) or array.dtype.kind != "f":
            text = f"{path}: {name} is {array.dtype} {array.shape}; floats {(frames, joints * numbers)} are needed"
            raise BadInputError(text, code="xsens-shape")
        if not within_bounds(array).all():
            raise BadInputError(f"{path}: {name} is not finite, or beyond 1e5, somewhere", code="xsens-nonfinite")
    positions = arrays["segment_tXYZ"].astype(np.float64).reshape(frames, joints, 3)
    quaternions = np.roll(arrays["segment_qWXYZ"].astype(np.float64).reshape(frames, joints, 4), -1, axis=-1)
    known = _known(quaternions, path)
    rate = to_fps if to_fps is not None else _median_rate(times, path)
    at = frame_times(times[-1], rate)
    return Motion(*poses_at(at, times, positions, quaternions, known), fps=float(rate), skeleton=XSENS23.name)


def _seconds(stamps: np.ndarray, path: Path | str) -> Float[np.ndarray, " time"]:
    if stamps.ndim != 1 or stamps.dtype.kind not in "iuf" or not np.isfinite(stamps).all():
        text = f"{path}: timestamps_us is {stamps.dtype} {stamps.shape}; (N,) microseconds are needed"
        raise BadInputError(text, code="xsens-shape")
    check_length(len(stamps), path)
    exact = stamps if stamps.dtype.kind == "f" else stamps.astype(np.int64)
    seconds = (exact - exact[0]).astype(np.float64) * 1e-6
    steps = np.diff(seconds)
    if (steps <= 0).any():
        text = f"{path}: timestamps_us do not ascend at row {int(np.argmax(steps <= 0)) + 1}"
        raise BadInputError(text, code="xsens-time")
    _check_unit(steps, path)
    if (steps > LONGEST_GAP).any():
        row = int(np.argmax(steps > LONGEST_GAP))
        text = f"{path}: {steps[row]:.3g} s without a pose after row {row}; {LONGEST_GAP} s is allowed; cut it there"
        raise BadInputError(text, code="xsens-gap")
    return seconds


def _check_unit(steps: Float[np.ndarray, " step"], path: Path | str) -> None:
    """Refuses timestamps that cannot be microseconds of such a suit, and suggests a unit. Raises `xsens-time`."""
    if len(steps) == 0 or RATES[0] <= 1 / float(np.median(steps)) <= RATES[1]:
        return
    rate = 1 / float(np.median(steps))
    units = [name for name, microseconds in UNITS.items() if RATES[0] <= rate / microseconds <= RATES[1]]
    looks = f"; looks like {units[0]}: multiply by {UNITS[units[0]]:g}" if units else ""
    text = f"{path}: timestamps_us are {rate:.3g} poses a second, {RATES[0]:g} to {RATES[1]:g} are needed{looks}"
    raise BadInputError(text, code="xsens-time")


def _median_rate(times: Float[np.ndarray, " time"], path: Path | str) -> float:
    if len(times) < 2:
        raise BadInputError(f"{path}: one pose has no frame rate; give to_fps", code="motion-rate")
    return round(1 / float(np.median(np.diff(times))), 1)


def _known(quaternions: Float[np.ndarray, "time joint 4"], path: Path | str) -> Bool[np.ndarray, "time joint"]:
    lengths = np.linalg.norm(quaternions, axis=-1)
    known = lengths > LENGTH_TOLERANCE
    bad = known & (np.abs(lengths - 1) > LENGTH_TOLERANCE)
    if bad.any():
        row, joint = np.argwhere(bad)[0]
        raise BadInputError(
            f"{path}: the quaternion of {XSENS23.joints[joint]} in row {row} has length {lengths[row, joint]:.3g}; "
            "1 is needed",
            code="xsens-quaternion",
        )
    if not known.any(axis=0).all():
        joint = XSENS23.joints[int(np.argmin(known.any(axis=0)))]
        raise BadInputError(f"{path}: {joint} has no rotation in any row", code="xsens-quaternion")
    return known
