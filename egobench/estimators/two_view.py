"""The rotation of a camera between two frames, from bearings of the same points. Radians, float64.

There are two models: a rotation alone, and a rotation with a translation. Only the direction of the translation can be
known (the essential matrix, E = [t] R). The rotation alone is drawn from two points at a time (RANSAC). If it leaves
too many points unexplained, the epipolar distances are minimised over rotation and direction. This starts once from
that rotation and once from the rotation of OpenCV's essential matrix (MAGSAC++, Barath et al., CVPR 2020), and the
better result is used. So walking does not bias the rotation, and a camera that only turns gets no translation.
"""

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

HYPOTHESES = 100
ENOUGH = 12
"""Least number of points that a pair of frames must share, and that must agree."""
MIN_SHARE = 0.4
"""Least share of the shared points that must agree."""
OUTLIER = 3.0
"""Distance, in standard deviations, beyond which a point does not agree."""
STEPS = 12
DONE = 1e-6
"""The descent ends after a step that is smaller than this, radians."""
TINY = 1e-12


class Turn(NamedTuple):
    """The rotation between two frames."""

    R: Float[np.ndarray, "3 3"]
    """Bearings of the first camera → bearings of the second."""
    information: Float[np.ndarray, "3 3"]
    """Inverse covariance of a small rotation of the second camera, 1/rad²."""
    is_pure: bool
    """Whether the rotation alone explains the points."""
    rest: float
    """Median angle, rad, between the bearings after the first are rotated: parallax and noise."""


class _Moved(NamedTuple):
    """Result of a descent: rotation, its information, distances of the points to their epipolar planes (rad), cost."""

    R: np.ndarray
    information: np.ndarray
    distance: np.ndarray
    cost: float


def bearings(points: Float[np.ndarray, "*n 2"], K: Float[np.ndarray, "3 3"]) -> Float[np.ndarray, "*n 3"]:
    """Unit vectors through pixels (centres at half-integers); NaN stays NaN."""
    x = (points[..., 0] - K[0, 2]) / K[0, 0]
    y = (points[..., 1] - K[1, 2]) / K[1, 1]
    rays = np.stack([x, y, np.ones_like(x)], axis=-1)
    return rays / np.linalg.norm(rays, axis=-1, keepdims=True)


def turn_between(
    a: Float[np.ndarray, "point 3"],
    b: Float[np.ndarray, "point 3"],
    *,
    noise: float,
    pure_share: float,
    rng: np.random.Generator,
) -> Turn | None:
    """The rotation from bearings a to bearings b of the same points; None if too few points agree on any rotation.

    Args:
        noise: standard deviation of a bearing, rad.
        pure_share: the rotation alone is used if it explains this share of the points that rotation and translation
            explain.
    """
    if len(a) < ENOUGH:
        return None
    R = _drawn(a, b, OUTLIER * noise, rng)
    for _ in range(4):
        close = _gaps(R, a, b) < OUTLIER * noise
        if close.sum() >= 3:
            R = _fit(a[close], b[close])
    gaps = _gaps(R, a, b)
    pure = gaps < OUTLIER * noise
    rest = float(np.median(gaps))
    if pure.sum() >= max(pure_share * len(a), ENOUGH):
        return Turn(R, _information_of_turn(b[pure], noise), True, rest)
    moved = min(
        (_descend(start, a, b, noise) for start in (R, *_from_essential(a, b, noise))), key=lambda end: end.cost
    )
    agree = int((moved.distance < OUTLIER * noise).sum())
    if pure.sum() >= max(pure_share * agree, ENOUGH, MIN_SHARE * len(a)):
        return Turn(R, _information_of_turn(b[pure], noise), True, rest)
    if agree < max(ENOUGH, MIN_SHARE * len(a)):
        return None
    return Turn(moved.R, moved.information, False, float(np.median(_gaps(moved.R, a, b))))


def _information_of_turn(rays: np.ndarray, noise: float) -> np.ndarray:
    """Information of a rotation, n I - Σ ray rayᵀ over noise²: a rotation about a ray does not move this ray."""
    return (len(rays) * np.eye(3) - rays.T @ rays) / noise**2


def _drawn(a: np.ndarray, b: np.ndarray, threshold: float, rng: np.random.Generator) -> np.ndarray:
    """The rotation that explains the most points, of those that random pairs of points give."""
    pairs = rng.integers(0, len(a), (HYPOTHESES, 2))
    R = _triads(b[pairs]) @ np.swapaxes(_triads(a[pairs]), 1, 2)
    cosine = (R.reshape(HYPOTHESES, 9)) @ (b[:, :, None] * a[:, None, :]).reshape(len(a), 9).T
    return R[(cosine > np.cos(threshold)).sum(axis=1).argmax()]


def _triads(two: np.ndarray) -> np.ndarray:
    """(hypothesis, 2, 3) bearings → one frame each, in columns. Its first axis is half-way between the two bearings."""
    first = two[:, 0] + two[:, 1]
    first /= np.maximum(np.linalg.norm(first, axis=1, keepdims=True), TINY)
    third = np.cross(two[:, 0], two[:, 1])
    third /= np.maximum(np.linalg.norm(third, axis=1, keepdims=True), TINY)
    return np.stack([first, np.cross(third, first), third], axis=2)


def _fit(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The least-squares rotation (Kabsch)."""
    U, _, Vt = np.linalg.svd(b.T @ a)
    return U @ np.diag([1.0, 1.0, np.sign(np.linalg.det(U @ Vt))]) @ Vt


def _gaps(R: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.linalg.norm(b - a @ R.T, axis=1)


def _from_essential(a: np.ndarray, b: np.ndarray, noise: float) -> list[np.ndarray]:
    """The smaller rotation of the essential matrix. OpenCV draws from a fixed seed."""
    import cv2

    ahead = (a[:, 2] > 0.1) & (b[:, 2] > 0.1)
    points: list[Any] = [np.ascontiguousarray(rays[ahead, :2] / rays[ahead, 2:]) for rays in (a, b)]
    if ahead.sum() < ENOUGH:
        return []
    E, _ = cv2.findEssentialMat(
        points[0], points[1], np.eye(3), method=cv2.USAC_MAGSAC, prob=0.999, threshold=2 * noise
    )
    if E is None or E.shape != (3, 3) or not np.isfinite(E).all():
        return []
    first, second, _ = cv2.decomposeEssentialMat(E)
    return [first if np.trace(first) > np.trace(second) else second]


def _descend(R: np.ndarray, a: np.ndarray, b: np.ndarray, noise: float) -> _Moved:
    """Gauss-Newton with Cauchy weights over a small rotation and the direction of translation."""
    t = _direction(R, a, b, np.ones(len(a)))
    for _ in range(3):
        t = _direction(R, a, b, 1.0 / (1.0 + (_off_plane(R, t, a, b) / noise) ** 2))
    H = np.zeros((5, 5))
    for _ in range(STEPS):
        r = _off_plane(R, t, a, b)
        weights = 1.0 / (1.0 + (r / (2 * noise)) ** 2)
        J = _slopes(R, t, a, b, r)
        H = (J * weights[:, None]).T @ J
        step = -np.linalg.solve(H + TINY * (1 + np.trace(H)) * np.eye(5), J.T @ (weights * r))
        R, t = small_turn(step[:3]) @ R, t + _tangents(t) @ step[3:]
        t /= np.linalg.norm(t)
        if np.abs(step[:3]).max() < DONE:
            break
    rotation, mixed, direction = H[:3, :3], H[:3, 3:], H[3:, 3:]
    rest = np.linalg.solve(direction + TINY * (1 + np.trace(H)) * np.eye(2), mixed.T)
    r = _off_plane(R, t, a, b)
    return _Moved(R, (rotation - mixed @ rest) / noise**2, np.abs(r), float(np.log1p((r / noise) ** 2).sum()))


def _direction(R: np.ndarray, a: np.ndarray, b: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The direction that is nearest to all epipolar planes."""
    normals = np.cross(a @ R.T, b)
    return np.linalg.eigh((normals * weights[:, None]).T @ normals)[1][:, 0]


def _off_plane(R: np.ndarray, t: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Sampson distance of two bearings from their epipolar plane, scaled to one bearing; rad, signed."""
    across = _cross_matrix(t).T
    normal_a, normal_b = a @ (R.T @ across), b @ across
    size = np.sqrt(np.einsum("ij,ij->i", normal_a, normal_a) + np.einsum("ij,ij->i", normal_b, normal_b))
    return np.einsum("ij,ij->i", b, normal_a) / np.maximum(size, 1e-9) * np.sqrt(2.0)


def _slopes(R: np.ndarray, t: np.ndarray, a: np.ndarray, b: np.ndarray, r: np.ndarray) -> np.ndarray:
    """Derivatives of the distances by finite differences: three axes of a small rotation, two of the direction."""
    epsilon = 1e-6
    moved = [_off_plane(small_turn(epsilon * axis) @ R, t, a, b) for axis in np.eye(3)]
    moved += [_off_plane(R, t + epsilon * tangent, a, b) for tangent in _tangents(t).T]
    return (np.stack(moved, axis=1) - r[:, None]) / epsilon


def _tangents(t: np.ndarray) -> np.ndarray:
    """Two unit vectors orthogonal to t, in columns."""
    across = _cross_matrix(t)
    first = across[:, np.abs(t).argmin()]
    first = first / np.linalg.norm(first)
    return np.stack([first, across @ first], axis=1)


def small_turn(w: np.ndarray) -> np.ndarray:
    """Rotation vector → matrix (Rodrigues)."""
    angle, W = float(np.linalg.norm(w)), _cross_matrix(w)
    if angle < TINY:
        return np.eye(3) + W
    return np.eye(3) + np.sin(angle) / angle * W + (1 - np.cos(angle)) / angle**2 * W @ W


def _cross_matrix(w: np.ndarray) -> np.ndarray:
    return np.array([[0.0, -w[2], w[1]], [w[2], 0.0, -w[0]], [-w[1], w[0], 0.0]])
