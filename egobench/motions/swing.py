"""Rotations as HumanML3D writes them: six numbers, and the shortest rotation from one direction to another.

The six numbers are the first column of the matrix, then the second (Zhou et al. 2019, arXiv 1812.07035).
"""

import numpy as np
from jaxtyping import Bool, Float
from scipy.spatial.transform import Rotation

SHORTEST = 1e-6
"""A column or a direction shorter than this counts as zero."""


def sixd(rotations: Float[np.ndarray, "*batch 3 3"]) -> Float[np.ndarray, "*batch 6"]:
    """First and second column of each matrix."""
    return np.concatenate([rotations[..., 0], rotations[..., 1]], axis=-1)


def from_sixd(numbers: Float[np.ndarray, "*batch 6"]) -> Float[np.ndarray, "*batch 3 3"]:
    """Matrices by Gram–Schmidt. If the two columns do not span a plane (`spans`), the result is not a rotation."""
    first = _unit(numbers[..., :3])
    second = numbers[..., 3:]
    second = _unit(second - np.sum(first * second, axis=-1, keepdims=True) * first)
    return np.stack([first, second, np.cross(first, second)], axis=-1)


def spans(numbers: Float[np.ndarray, "*batch 6"]) -> Bool[np.ndarray, "*batch"]:
    """Whether the two columns span a plane, so that the six numbers describe a rotation."""
    return np.linalg.norm(np.cross(numbers[..., :3], numbers[..., 3:]), axis=-1) > SHORTEST


def swing(start: Float[np.ndarray, " 3"], ends: Float[np.ndarray, "*batch 3"]) -> Float[np.ndarray, "*batch 3 3"]:
    """The shortest rotation that takes one direction to each of the others. It has no twist about them.

    Lengths do not matter. For the opposite direction, the result is half a turn about some perpendicular axis. For a
    zero vector, it is the identity.
    """
    start, ends = _unit(start), _unit(ends)
    quaternion = np.concatenate([np.cross(start, ends), 1 + ends @ start[:, None]], axis=-1)
    opposite = np.linalg.norm(quaternion, axis=-1) < SHORTEST
    across = np.cross(start, np.eye(3)[np.argmin(np.abs(start))])
    quaternion[opposite] = [*across, 0.0]
    quaternion[np.linalg.norm(ends, axis=-1) < SHORTEST] = [0.0, 0.0, 0.0, 1.0]
    return Rotation.from_quat(quaternion.reshape(-1, 4)).as_matrix().reshape(*ends.shape, 3)


def _unit(vectors: Float[np.ndarray, "*batch 3"]) -> Float[np.ndarray, "*batch 3"]:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), SHORTEST)
