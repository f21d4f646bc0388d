"""motion.npz ↔ `Motion`: positions (T, J, 3) in metres, world, and rotations joint → world.

Rotations are read as matrices (T, J, 3, 3) or quaternions (T, J, 4) in order w, x, y, z. They are written as matrices
in the given dtype, so that a score from the file equals the score from memory.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from jaxtyping import Float

from egobench.errors import BadInputError
from egobench.files.arrays import read_npz, write_npz
from egobench.types import Motion

MAX_MOTION_BYTES = 256 * 2**20
QUATERNION_TOLERANCE = 1e-3
"""Largest deviation of a quaternion's length from 1. Within it a quaternion is normalised, beyond it refused."""


def write_motion(path: Path | str, motion: Motion) -> None:
    """Writes positions and rotations as given.

    Raises:
        StorageError: the disk refused.
    """
    write_npz(path, positions=motion.positions, rotations=motion.rotations)


def read_motion(path: Path | str, *, fps: float, skeleton: str) -> Motion:
    """Reads a motion as float64. Only its form is checked here; `egobench.check_motion` checks the content.

    Args:
        fps: frames per second, which the file does not state.
        skeleton: name of the skeleton, which the file does not state.

    Raises:
        BadInputError: `npz-…` (see `read_npz`), `motion-keys`, `motion-dtype`, `motion-shape`, `motion-quaternion`.
    """
    return motion_of(read_npz(path, max_bytes=MAX_MOTION_BYTES), path, fps=fps, skeleton=skeleton)


def motion_of(arrays: Mapping[str, np.ndarray], path: Path | str, *, fps: float, skeleton: str) -> Motion:
    """A motion from the arrays of its file, as `read_motion`; `path` is its name in messages."""
    missing = {"positions", "rotations"} - arrays.keys()
    if missing:
        listed = ", ".join(sorted(arrays)) or "none"
        raise BadInputError(f"{path}: no array '{min(missing)}'; found: {listed}", code="motion-keys")
    for name in ("positions", "rotations"):
        if arrays[name].dtype.kind != "f":
            raise BadInputError(f"{path}: {name} are {arrays[name].dtype}; floats are needed", code="motion-dtype")
    positions = arrays["positions"].astype(np.float64)
    rotations = arrays["rotations"].astype(np.float64)
    if positions.ndim != 3 or positions.shape[-1] != 3:
        raise BadInputError(f"{path}: positions have shape {positions.shape}; (T, J, 3) is needed", code="motion-shape")
    if rotations.shape[:2] != positions.shape[:2] or rotations.shape[2:] not in ((3, 3), (4,)):
        raise BadInputError(
            f"{path}: rotations have shape {rotations.shape} beside positions {positions.shape}; "
            "(T, J, 3, 3) or (T, J, 4) is needed",
            code="motion-shape",
        )
    if rotations.ndim == 3:
        rotations = _matrices(rotations, path)
    return Motion(positions=positions, rotations=rotations, fps=fps, skeleton=skeleton)


def _matrices(wxyz: Float[np.ndarray, "time joint 4"], path: Path | str) -> Float[np.ndarray, "time joint 3 3"]:
    from scipy.spatial.transform import Rotation  # takes a quarter of a second, and only quaternions need it

    gap = np.abs(np.linalg.norm(wxyz, axis=-1) - 1)
    if wxyz.size and not np.max(gap) <= QUATERNION_TOLERANCE:  # the negation also catches NaN
        raise BadInputError(
            f"{path}: a quaternion's length is off by {np.max(gap):.3g}; unit w, x, y, z are needed",
            code="motion-quaternion",
        )
    xyzw = np.roll(wxyz, -1, axis=-1)
    return Rotation.from_quat(xyzw.reshape(-1, 4)).as_matrix().reshape(*wxyz.shape[:2], 3, 3)
