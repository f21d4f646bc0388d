"""Aligns one path with another: the estimator's world has an origin, a heading and perhaps a scale of its own.

Float64, batched over any leading axes. Every function takes a mask of registered frames and ignores the others.
Positions are in metres (target) and in the estimator's unit (source).

The rotation between the worlds may come from the orientations (`rotation_gauge`) or from the positions (`similarity`,
as in the literature). From positions it is badly determined if a path is short or straight, and then increases rotation
errors. From orientations it is as accurate as the orientations.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from egobench.geometry.rotation import nearest_rotation

NUMERICAL_ZERO = 1e-12
"""A path that moves less than this, relative to the size of its coordinates, does not move."""


class Gauge(NamedTuple):
    """A rotation estimated from orientations."""

    R: Float[np.ndarray, "*clip 3 3"]
    """World of the source → world of the target; identity where no frame is registered."""
    margin: Float[np.ndarray, "*clip"]
    """1 if all frames agree on it; 0 if no rotation is best, so that it is undetermined."""


class Placement(NamedTuple):
    """Scale and shift for a given rotation."""

    scale: Float[np.ndarray, "*clip"]
    """0 if the source does not move or moves in the opposite direction; never NaN."""
    shift: Float[np.ndarray, "*clip 3"]


class Similarity(NamedTuple):
    """target ≈ scale · R @ source + shift."""

    R: Float[np.ndarray, "*clip 3 3"]
    scale: Float[np.ndarray, "*clip"]
    shift: Float[np.ndarray, "*clip 3"]
    rank: Int[np.ndarray, "*clip"]
    """Rank of the covariance. 3 or 2: R is determined. 1: the path is a straight line, so R is free around it;
    positions are still aligned well, orientations are not. 0: one of the two does not move."""


def rotation_gauge(
    target: Float[np.ndarray, "*clip time 3 3"],
    source: Float[np.ndarray, "*clip time 3 3"],
    registered: Bool[np.ndarray, "*clip time"],
) -> Gauge:
    """The chordal mean of target · sourceᵀ over the registered frames: the rotation from the source's world to the
    target's.

    Source: Hartley et al., Rotation Averaging, IJCV 2013.
    """
    number = registered.sum(axis=-1)
    weighed = target * registered[..., None, None]
    total = _side_by_side(weighed) @ np.swapaxes(_side_by_side(source), -1, -2)
    nearest = nearest_rotation(total / np.maximum(number, 1)[..., None, None])
    is_empty = np.asarray(number == 0)
    return Gauge(np.where(is_empty[..., None, None], np.eye(3), nearest.R), np.asarray(nearest.margin / 2.0))


def place(
    R: Float[np.ndarray, "*clip 3 3"],
    target: Float[np.ndarray, "*clip time 3"],
    source: Float[np.ndarray, "*clip time 3"],
    registered: Bool[np.ndarray, "*clip time"],
    *,
    with_scale: bool,
) -> Placement:
    """Shift, and on request scale ≥ 0, that align R @ source with the target by least squares.

    The scale is Σ⟨R x̃, ỹ⟩ / Σ|x̃|², not below 0; it is 0 if the source does not move.
    """
    x, y = turn(R, source), target
    mean_x, mean_y = masked_mean(x, registered), masked_mean(y, registered)
    scale = np.ones(registered.shape[:-1])
    if with_scale:
        centred_x, centred_y = _centred(x, mean_x, registered), _centred(y, mean_y, registered)
        scale = _ratio(np.asarray(np.sum(centred_x * centred_y, axis=(-1, -2))), centred_x, mean_x)
    return Placement(scale, mean_y - scale[..., None] * mean_x)


def similarity(
    target: Float[np.ndarray, "*clip time 3"],
    source: Float[np.ndarray, "*clip time 3"],
    registered: Bool[np.ndarray, "*clip time"],
    *,
    with_scale: bool,
) -> Similarity:
    """Rotation, shift, and on request scale, from positions only: Umeyama, PAMI 1991, equations 34 to 42.

    If the source does not move, R is the identity and a free scale is 0.
    """
    mean_x, mean_y = masked_mean(source, registered), masked_mean(target, registered)
    x, y = _centred(source, mean_x, registered), _centred(target, mean_y, registered)
    covariance = np.swapaxes(y, -1, -2) @ x
    s = np.linalg.svd(covariance, compute_uv=False)
    R = nearest_rotation(covariance).R
    size_x, size_y = _size(x), _size(y)
    floor_x, floor_y = _noise(mean_x, size_x, registered), _noise(mean_y, size_y, registered)
    moves = np.asarray((size_x > floor_x) & (size_y > floor_y))
    above = s > np.maximum(NUMERICAL_ZERO * s[..., :1], (floor_x * size_y + floor_y * size_x)[..., None])
    rank = np.where(moves, above.sum(axis=-1), 0).astype(np.int64)
    R = np.where((rank == 0)[..., None, None], np.eye(3), R)
    scale = np.ones(registered.shape[:-1])
    if with_scale:
        scale = _ratio(np.asarray(np.sum(covariance * R, axis=(-1, -2))), x, mean_x)
    shift = mean_y - scale[..., None] * turn(R, mean_x[..., None, :])[..., 0, :]
    return Similarity(R, scale, shift, rank)


def anchor(
    R_target: Float[np.ndarray, "*clip time 3 3"],
    R_source: Float[np.ndarray, "*clip time 3 3"],
    target: Float[np.ndarray, "*clip time 3"],
    source: Float[np.ndarray, "*clip time 3"],
    registered: Bool[np.ndarray, "*clip time"],
    *,
    with_scale: bool,
) -> tuple[Float[np.ndarray, "*clip 3 3"], Placement]:
    """Aligns the first registered frame exactly with that of the target; a free scale is the best about it, ≥ 0."""
    first = np.asarray(registered.argmax(axis=-1))
    R = _frame(R_target, first) @ np.swapaxes(_frame(R_source, first), -1, -2)
    x, y = turn(R, source), target
    from_x, from_y = _frame(x[..., None], first)[..., 0], _frame(y[..., None], first)[..., 0]
    scale = np.ones(registered.shape[:-1])
    if with_scale:
        steps_x, steps_y = _centred(x, from_x, registered), _centred(y, from_y, registered)
        scale = _ratio(np.asarray(np.sum(steps_x * steps_y, axis=(-1, -2))), steps_x, from_x)
    return R, Placement(scale, from_y - scale[..., None] * from_x)


def turn(R: Float[np.ndarray, "*clip 3 3"], positions: Float[np.ndarray, "*clip time 3"]) -> np.ndarray:
    """R @ position, for every frame."""
    return positions @ np.swapaxes(R, -1, -2)


def masked_mean(
    values: Float[np.ndarray, "*clip time axis"], registered: Bool[np.ndarray, "*clip time"]
) -> Float[np.ndarray, "*clip axis"]:
    """Mean over the registered frames; zeros if there is none."""
    weights = registered.astype(np.float64)
    total = (weights[..., None, :] @ values)[..., 0, :]
    return total / np.maximum(weights.sum(axis=-1), 1.0)[..., None]


def _centred(values: np.ndarray, middle: np.ndarray, registered: np.ndarray) -> np.ndarray:
    """Distance to `middle`; zero in frames that are not registered."""
    return (values - middle[..., None, :]) * registered[..., None]


def _ratio(product: np.ndarray, x: np.ndarray, middle: np.ndarray) -> np.ndarray:
    """Closed-form scale ≥ 0; 0 if x does not move beyond rounding."""
    square = np.sum(x**2, axis=(-1, -2))
    size = NUMERICAL_ZERO * np.linalg.norm(middle, axis=-1) * np.sqrt(x.shape[-2])
    moves = np.asarray(square > size**2)
    return np.where(moves, np.maximum(product, 0.0) / np.where(moves, square, 1.0), 0.0)


def _noise(middle: np.ndarray, size: np.ndarray, registered: np.ndarray) -> np.ndarray:
    """Spread that may be due to rounding."""
    return np.asarray(NUMERICAL_ZERO * np.hypot(np.linalg.norm(middle, axis=-1) * np.sqrt(registered.shape[-1]), size))


def _size(centred: np.ndarray) -> np.ndarray:
    return np.asarray(np.sqrt(np.sum(centred**2, axis=(-1, -2))))


def _side_by_side(R: np.ndarray) -> np.ndarray:
    """(…, time, 3, 3) → (…, 3, time × 3), so that a sum over frames is one product."""
    return np.moveaxis(R, -3, -2).reshape(*R.shape[:-3], 3, -1)


def _frame(values: np.ndarray, index: np.ndarray) -> np.ndarray:
    """Entry of (…, time, a, b) at one frame per clip."""
    return np.take_along_axis(values, index[..., None, None, None], axis=-3)[..., 0, :, :]
