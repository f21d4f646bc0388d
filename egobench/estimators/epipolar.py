"""Rotation and direction of translation between two views, by descent on epipolar distances; many starts at once.

Gauss-Newton with Cauchy weights, in radians and float64. The starts are stacked, because with one start at a time most
of the time passes between the calls of numpy. A stack fits into the processor's cache. A start that has arrived leaves
its stack.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

STACKED = 16
"""Starts in one stack."""
STEPS = 12
DONE = 1e-6
"""The descent ends after a step that is smaller than this, radians."""
EPSILON = 1e-6
"""Step of the finite differences, radians."""
TINY = 1e-12
Points = Float[np.ndarray, "start 3 point"]
Turns = Float[np.ndarray, "start 3 3"]
Vectors = Float[np.ndarray, "start 3"]


class Start(NamedTuple):
    """A rotation, and the bearings (unit vectors) of the same points in two views."""

    R: Float[np.ndarray, "3 3"]
    a: Float[np.ndarray, "point 3"]
    b: Float[np.ndarray, "point 3"]


class Moved(NamedTuple):
    """Where a descent ends."""

    R: Float[np.ndarray, "3 3"]
    """Bearings of the first camera → bearings of the second."""
    information: Float[np.ndarray, "3 3"]
    """Inverse covariance of a small rotation of the second camera, 1/rad²; the direction is unknown."""
    distance: Float[np.ndarray, " point"]
    """Distances of the points to their epipolar planes, rad."""
    cost: float


def descend(starts: Sequence[Start], noise: float) -> list[Moved]:
    """The end of each start's descent.

    Args:
        noise: standard deviation of a bearing, rad.
    """
    ends: dict[int, Moved] = {}
    by_size = sorted(range(len(starts)), key=lambda k: len(starts[k].a))
    for first in range(0, len(by_size), STACKED):
        members = by_size[first : first + STACKED]
        ends.update(zip(members, _descend([starts[k] for k in members], noise), strict=True))
    return [ends[k] for k in range(len(starts))]


def _descend(starts: Sequence[Start], noise: float) -> Iterator[Moved]:
    a, b = _stack([start.a for start in starts]), _stack([start.b for start in starts])
    R, t, H = np.stack([start.R for start in starts]), np.zeros((len(starts), 3)), np.zeros((len(starts), 5, 5))
    sizes = np.array([len(start.a) for start in starts])
    going, R_now, a_now, b_now = np.arange(len(starts)), R, a, b
    t_now = _directions(R, a, b, np.ones_like(a[:, 0]))
    for _ in range(3):
        t_now = _directions(R, a, b, 1.0 / (1.0 + (_off_plane(R, t_now, a, b) / noise) ** 2))
    for _ in range(STEPS):
        R_now, t_now, H_now, size = _step(R_now, t_now, a_now, b_now, sizes[going], noise)
        R[going], t[going], H[going] = R_now, t_now, H_now
        rest = size >= DONE
        if not rest.any():
            break
        if not rest.all():
            going, R_now, t_now, a_now, b_now = (part[rest] for part in (going, R_now, t_now, a_now, b_now))
    r = _off_plane(R, t, a, b)
    for k, n in enumerate(sizes):
        cost = float(np.log1p((r[k, :n] / noise) ** 2).sum())
        yield Moved(R[k], _information(H[k], noise), np.abs(r[k, :n]), cost)


def _stack(points: Sequence[np.ndarray]) -> Points:
    """Points of several starts. A start with fewer gets zeros, whose distances and derivatives are zero."""
    stacked = np.zeros((len(points), 3, max(map(len, points))))
    for row, one in zip(stacked, points, strict=True):
        row[:, : len(one)] = one.T
    return stacked


def _step(
    R: Turns, t: Vectors, a: Points, b: Points, sizes: np.ndarray, noise: float
) -> tuple[Turns, Vectors, Float[np.ndarray, "start 5 5"], Float[np.ndarray, " start"]]:
    """One step of Gauss-Newton: rotations, directions, normal equations before it, largest component of its turn."""
    tangents = _tangents(t)
    r, J = _slopes(R, t, tangents, a, b)
    weights = 1.0 / (1.0 + (r / (2 * noise)) ** 2)
    g = np.stack([J_one[:n].T @ one[:n] for J_one, one, n in zip(J, weights * r, sizes, strict=True)])
    H = np.swapaxes(J * weights[..., None], 1, 2) @ J
    damping = TINY * (1 + np.trace(H, axis1=1, axis2=2))[:, None, None] * np.eye(5)
    step = -np.linalg.solve(H + damping, g[..., None])[..., 0]
    t = t + (tangents @ step[:, 3:, None])[..., 0]
    t /= _lengths(t)
    return _small_turns(step[:, :3]) @ R, t, H, np.abs(step[:, :3]).max(axis=1)


def _information(H: Float[np.ndarray, "5 5"], noise: float) -> Float[np.ndarray, "3 3"]:
    """Information of the rotation if the direction is unknown (Schur complement)."""
    rotation, mixed, direction = H[:3, :3], H[:3, 3:], H[3:, 3:]
    rest = np.linalg.solve(direction + TINY * (1 + np.trace(H)) * np.eye(2), mixed.T)
    return (rotation - mixed @ rest) / noise**2


def _directions(R: Turns, a: Points, b: Points, weights: Float[np.ndarray, "start point"]) -> Vectors:
    """The direction that is nearest to all epipolar planes."""
    x, y, z = np.moveaxis(R @ a, 1, 0)
    u, v, w = np.moveaxis(b, 1, 0)
    normals = np.stack([y * w - z * v, z * u - x * w, x * v - y * u], axis=2)
    return np.linalg.eigh(np.swapaxes(normals * weights[..., None], 1, 2) @ normals)[1][..., 0]


def _off_plane(R: Turns, t: Vectors, a: Points, b: Points) -> Float[np.ndarray, "start point"]:
    """Sampson distance of two bearings from their epipolar plane, scaled to one bearing; rad, signed."""
    across = _cross_matrices(t)
    return _sampson((across @ R) @ a, _dots(across @ b, across @ b), b)


def _sampson(
    normal_a: Float[np.ndarray, "*start 3 point"], squared_b: Float[np.ndarray, "*start point"], b: Points
) -> Float[np.ndarray, "*start point"]:
    size = np.sqrt(_dots(normal_a, normal_a) + squared_b)
    return _dots(normal_a, b) / np.maximum(size, 1e-9) * np.sqrt(2.0)


def _dots(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Dot products of vectors in columns, summed as x + z + y, which is the order of `einsum` for vectors in rows.

    Finite differences make a rounding a million times larger. With this order the results of version 1 stay the same.
    """
    products = left * right
    return products[..., 0, :] + products[..., 2, :] + products[..., 1, :]


def _slopes(
    R: Turns, t: Vectors, tangents: Float[np.ndarray, "start 3 2"], a: Points, b: Points
) -> tuple[Float[np.ndarray, "start point"], Float[np.ndarray, "start point 5"]]:
    """The distances, and their derivatives by finite differences: three axes of a small rotation, two tangents."""
    shifted = t[:, None] + EPSILON * np.concatenate([np.zeros((len(t), 1, 3)), np.swapaxes(tangents, 1, 2)], axis=1)
    across = _cross_matrices(shifted)
    turned = _small_turns(EPSILON * np.eye(3)) @ R[:, None]
    matrices = np.concatenate([across @ R[:, None], across[:, :1] @ turned], axis=1)
    normals = (matrices.reshape(len(R), 18, 3) @ a).reshape(len(R), 6, 3, -1)
    normals_b = (across.reshape(len(R), 9, 3) @ b).reshape(len(R), 3, 3, -1)
    squared = _dots(normals_b, normals_b)
    seen = _sampson(normals, squared[:, [0, 1, 2, 0, 0, 0]], b[:, None])
    J = np.ascontiguousarray(np.swapaxes(seen[:, [3, 4, 5, 1, 2]], 1, 2)) - seen[:, 0, :, None]
    return seen[:, 0], J / EPSILON


def _tangents(t: Vectors) -> Float[np.ndarray, "start 3 2"]:
    """Two unit vectors orthogonal to each t, in columns."""
    across = _cross_matrices(t)
    first = np.take_along_axis(across, np.abs(t).argmin(axis=1)[:, None, None], axis=2)
    first = first / _lengths(first[..., 0])[..., None]
    return np.concatenate([first, across @ first], axis=2)


def _cross_matrices(w: Float[np.ndarray, "*n 3"]) -> Float[np.ndarray, "*n 3 3"]:
    """Matrices of the cross products with vectors: `_cross_matrices(w) @ x` is w × x."""
    made = np.zeros((*w.shape, 3))
    made[..., 0, 1], made[..., 0, 2], made[..., 1, 2] = -w[..., 2], w[..., 1], -w[..., 0]
    made[..., 1, 0], made[..., 2, 0], made[..., 2, 1] = w[..., 2], -w[..., 1], w[..., 0]
    return made


def _small_turns(w: Float[np.ndarray, "*n 3"]) -> Float[np.ndarray, "*n 3 3"]:
    """Rotation vectors → matrices (Rodrigues)."""
    W, angle = _cross_matrices(w), _lengths(w)[..., None]
    is_tiny = angle < TINY
    safe = np.where(is_tiny, 1.0, angle)
    sine, cosine = np.where(is_tiny, 1.0, np.sin(safe) / safe), np.where(is_tiny, 0.0, (1 - np.cos(safe)) / safe**2)
    return np.eye(3) + sine * W + (cosine * W) @ W


def _lengths(vectors: Float[np.ndarray, "*n 3"]) -> Float[np.ndarray, "*n 1"]:
    return np.sqrt(vectors[..., None, :] @ vectors[..., None])[..., 0]
