"""Rotations as matrices, float64, batched over any leading axes: angles without arccos, means, interpolation. Radians.

arccos loses half the digits near 0 and near pi, and the errors of good paths are near 0. Every angle here is atan2 of
sine and cosine, which is exact at both ends.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float
from scipy.spatial.transform import Rotation


class NearestRotation(NamedTuple):
    """The rotation nearest to a matrix."""

    R: Float[np.ndarray, "*batch 3 3"]
    margin: Float[np.ndarray, "*batch"]
    """s₂ ± s₃ of the matrix' singular values; 0 if several rotations are equally near."""


class Mean(NamedTuple):
    """The constant rotation that fits a path best."""

    R: Float[np.ndarray, "*clip 3 3"]
    margin: Float[np.ndarray, "*clip"]
    """1 if all are equal, 0 if no constant is better than all others."""


def rotation_angle(R: Float[np.ndarray, "*batch 3 3"]) -> Float[np.ndarray, "*batch"]:
    """Angle of a rotation, 0 … pi."""
    sine = 0.5 * np.sqrt(
        (R[..., 2, 1] - R[..., 1, 2]) ** 2 + (R[..., 0, 2] - R[..., 2, 0]) ** 2 + (R[..., 1, 0] - R[..., 0, 1]) ** 2
    )
    cosine = 0.5 * (R[..., 0, 0] + R[..., 1, 1] + R[..., 2, 2] - 1.0)
    return np.asarray(np.arctan2(sine, cosine))


def angle_between(
    first: Float[np.ndarray, "*#batch 3 3"], second: Float[np.ndarray, "*#batch 3 3"]
) -> Float[np.ndarray, "..."]:
    """Geodesic distance of two rotations, 0 … pi; leading axes are broadcast."""
    return rotation_angle(np.swapaxes(first, -1, -2) @ second)


def nearest_rotation(matrix: Float[np.ndarray, "*batch 3 3"]) -> NearestRotation:
    """The rotation nearest to a matrix by the Frobenius norm, and how clear that choice is.

    Source: Umeyama, PAMI 1991, lemma; the last singular vector is flipped if a mirror would be nearer.
    """
    U, s, Vt = np.linalg.svd(matrix)
    sign = np.where(np.linalg.det(U) * np.linalg.det(Vt) < 0, -1.0, 1.0)
    flipped = np.concatenate([U[..., :2], U[..., 2:] * sign[..., None, None]], axis=-1)
    return NearestRotation(flipped @ Vt, np.asarray(s[..., 1] + sign * s[..., 2]))


def chordal_mean(R: Float[np.ndarray, "*clip time 3 3"], registered: Bool[np.ndarray, "*clip time"]) -> Mean:
    """The rotation with the least sum of squared Frobenius distances to the registered ones.

    Source: Hartley et al., Rotation Averaging, IJCV 2013, section 5.3. No registered frame: identity, margin 0.
    """
    number = registered.sum(axis=-1)
    mean = np.einsum("...tij,...t->...ij", R, registered.astype(np.float64)) / np.maximum(number, 1)[..., None, None]
    nearest = nearest_rotation(mean)
    is_empty = np.asarray(number == 0)
    return Mean(np.where(is_empty[..., None, None], np.eye(3), nearest.R), np.asarray(nearest.margin / 2.0))


def angles_to_constant(
    R: Float[np.ndarray, "*clip time 3 3"], registered: Bool[np.ndarray, "*clip time"]
) -> Float[np.ndarray, "*clip time"]:
    """Angle of every frame to the chordal mean of the registered ones: the error of a camera that never turns."""
    return angle_between(chordal_mean(R, registered).R[..., None, :, :], R)


def largest_turn(R: Float[np.ndarray, "*clip time 3 3"]) -> Float[np.ndarray, "*clip"]:
    """The largest angle between any two frames; unlike the sum of all steps, it does not grow with noise."""
    flat = R.reshape(*R.shape[:-2], 9)
    cosine = np.clip((flat @ np.swapaxes(flat, -1, -2) - 1.0) / 2.0, -1.0, 1.0)  # only to find the pair
    pair = cosine.reshape(*cosine.shape[:-2], -1).argmin(axis=-1)
    first, second = (
        np.take_along_axis(R, index[..., None, None, None], axis=-3)[..., 0, :, :]
        for index in np.divmod(pair, R.shape[-3])
    )
    return angle_between(first, second)


def interpolate_rotations(
    R: Float[np.ndarray, "time 3 3"], at: Float[np.ndarray, " moment"]
) -> Float[np.ndarray, "moment 3 3"]:
    """Rotations at fractional frames: at constant angular velocity along the shorter way between neighbours.

    Args:
        at: times in frames, 0 … time - 1.
    """
    before = np.minimum(np.floor(at).astype(np.int64), len(R) - 1)
    after = np.minimum(before + 1, len(R) - 1)
    share = at - before
    step = Rotation.from_matrix(np.swapaxes(R[before], -1, -2) @ R[after]).as_rotvec()
    between = R[before] @ Rotation.from_rotvec(step * share[:, None]).as_matrix()
    return np.where((share == 0)[:, None, None], R[before], between)
