"""The rotation of a camera between two frames, from bearings of the same points. Radians, float64.

There are two models: a rotation alone, and a rotation with a translation. Only the direction of the translation can be
known (the essential matrix, E = [t] R). The rotation alone is drawn from two points at a time (RANSAC). If it leaves
too many points unexplained, the epipolar distances are minimised over rotation and direction. This starts once from
that rotation and once from the rotation of OpenCV's essential matrix (MAGSAC++, Barath et al., CVPR 2020), and the
better result is used. So walking does not bias the rotation, and a camera that only turns gets no translation.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple, cast

import numpy as np
from jaxtyping import Bool, Float

from egobench.estimators.epipolar import TINY, Moved, Start, descend

HYPOTHESES = 100
ENOUGH = 12
"""Least number of points that a pair of frames must share, and that must agree."""
MIN_SHARE = 0.4
"""Least share of the shared points that must agree."""
OUTLIER = 3.0
"""Distance, in standard deviations, beyond which a point does not agree."""


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


class Shared(NamedTuple):
    """Bearings of the points that two frames share, and the generator that draws some of them."""

    a: Float[np.ndarray, "point 3"]
    b: Float[np.ndarray, "point 3"]
    rng: np.random.Generator


class _Alone(NamedTuple):
    """A rotation without translation, the points that it explains, and `Turn.rest`."""

    R: Float[np.ndarray, "3 3"]
    pure: Bool[np.ndarray, " point"]
    rest: float


def bearings(points: Float[np.ndarray, "*n 2"], K: Float[np.ndarray, "3 3"]) -> Float[np.ndarray, "*n 3"]:
    """Unit vectors through pixels (centres at half-integers); NaN stays NaN."""
    x = (points[..., 0] - K[0, 2]) / K[0, 0]
    y = (points[..., 1] - K[1, 2]) / K[1, 1]
    rays = np.stack([x, y, np.ones_like(x)], axis=-1)
    return rays / np.linalg.norm(rays, axis=-1, keepdims=True)


def turns_between(pairs: Sequence[Shared], *, noise: float, pure_share: float) -> list[Turn | None]:
    """The rotation of each pair of frames; None if too few points agree on any rotation.

    Args:
        noise: standard deviation of a bearing, rad.
        pure_share: the rotation alone is used if it explains this share of the points that rotation and translation
            explain.
    """
    alone = [_alone(pair, noise) if len(pair.a) >= ENOUGH else None for pair in pairs]
    unexplained = [k for k, fit in enumerate(alone) if fit and fit.pure.sum() < max(pure_share * len(fit.pure), ENOUGH)]
    starts = [
        (k, Start(R, pairs[k].a, pairs[k].b))
        for k in unexplained
        for R in (cast(_Alone, alone[k]).R, *_from_essential(pairs[k].a, pairs[k].b, noise))
    ]
    moved: dict[int, Moved] = {}
    for (k, _), end in zip(starts, descend([start for _, start in starts], noise), strict=True):
        if k not in moved or end.cost < moved[k].cost:
            moved[k] = end
    return [
        fit and _chosen(pair, fit, moved.get(k), noise, pure_share)
        for k, (pair, fit) in enumerate(zip(pairs, alone, strict=True))
    ]


def _chosen(pair: Shared, fit: _Alone, moved: Moved | None, noise: float, pure_share: float) -> Turn | None:
    """The rotation alone, or with a translation, or none."""
    needed, agree = max(ENOUGH, MIN_SHARE * len(pair.a)), 0
    if moved is not None:
        agree = int((moved.distance < OUTLIER * noise).sum())
    if moved is None or fit.pure.sum() >= max(pure_share * agree, needed):
        return Turn(fit.R, _information_of_turn(pair.b[fit.pure], noise), True, fit.rest)
    if agree < needed:
        return None
    return Turn(moved.R, moved.information, False, float(np.median(_gaps(moved.R, pair.a, pair.b))))


def _alone(pair: Shared, noise: float) -> _Alone:
    """The rotation that explains the points best without a translation."""
    a, b, rng = pair
    R, before = _drawn(a, b, OUTLIER * noise, rng), None
    for _ in range(4):
        close = _gaps(R, a, b) < OUTLIER * noise
        if close.sum() < 3 or (before is not None and (close == before).all()):
            break
        R, before = _fit(a[close], b[close]), close
    gaps = _gaps(R, a, b)
    return _Alone(R, gaps < OUTLIER * noise, float(np.median(gaps)))


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
    third = _crossed(two[:, 0], two[:, 1])
    third /= np.maximum(np.linalg.norm(third, axis=1, keepdims=True), TINY)
    return np.stack([first, _crossed(third, first), third], axis=2)


def _crossed(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """`np.cross` of two-dimensional arrays, which is several times slower."""
    (x, y, z), (u, v, w) = left.T, right.T
    return np.stack([y * w - z * v, z * u - x * w, x * v - y * u], axis=1)


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
