"""The time lag between two paths, from the correlation of their angular speeds at every shift in time.

Angular speed does not depend on the world frame, so no alignment is needed. Float64, batched over clips.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from egobench.geometry.rotation import angle_between

FLAT = 1e-9
"""A series that varies by less than this, relatively, is constant and has no correlation."""


class Lag(NamedTuple):
    """The shift at which two series agree best."""

    lag: Float[np.ndarray, "*clip"]
    """Frames by which the first is later than the second, with a fraction; NaN if no shift could be tried."""
    correlation: Float[np.ndarray, "*clip"]
    """Pearson's correlation at the best whole frame; NaN if no shift could be tried."""
    is_inside: Bool[np.ndarray, "*clip"]
    """The correlation falls on both sides of the best shift; otherwise it is no peak."""


def angular_speed(R: Float[np.ndarray, "*clip time 3 3"], fps: float) -> Float[np.ndarray, "*clip step"]:
    """Angle from each frame to the next, radians per second."""
    return angle_between(R[..., :-1, :, :], R[..., 1:, :, :]) * fps


def correlation_lag(
    first: Float[np.ndarray, "*clip step"],
    second: Float[np.ndarray, "*clip step"],
    valid: Bool[np.ndarray, "*clip step"],
    *,
    largest: int,
    least_overlap: int,
) -> Lag:
    """Shift at which first[k + lag] and second[k] correlate best.

    Each shift is scored by Pearson's correlation of the overlapping steps, with their own means subtracted. So a
    smaller overlap is not worse by itself. The fraction is the apex of the parabola through the best shift and its
    neighbours.

    Args:
        valid: steps at which `first` is known; `second` is known everywhere.
        largest: shifts of -largest … largest frames are tried.
        least_overlap: least number of overlapping steps of a shift.
    """
    shifts = range(-largest, largest + 1)
    scores = np.stack([_correlation_at(first, second, valid, shift, least_overlap) for shift in shifts], axis=-1)
    known = np.where(np.isnan(scores), -np.inf, scores)
    best = known.argmax(axis=-1)
    middle = np.clip(best, 1, max(2 * largest - 1, 1))
    before, peak, after = (
        np.take_along_axis(scores, (middle + side)[..., None], axis=-1)[..., 0] for side in (-1, 0, 1)
    )
    is_inside = np.asarray((best == middle) & np.isfinite(before) & np.isfinite(after))
    bend = np.where(is_inside, before - 2.0 * peak + after, -1.0)
    fraction = np.where(is_inside & (bend < 0), 0.5 * (before - after) / np.where(bend < 0, bend, -1.0), 0.0)
    correlation = np.take_along_axis(scores, best[..., None], axis=-1)[..., 0]
    lag = np.where(np.isnan(correlation), np.nan, best - largest + fraction)
    return Lag(lag, correlation, is_inside)


def _correlation_at(
    first: np.ndarray, second: np.ndarray, valid: np.ndarray, shift: int, least_overlap: int
) -> np.ndarray:
    """Pearson's correlation over the overlap; NaN where it is too short or one series is flat there."""
    steps = first.shape[-1]
    if steps - abs(shift) < max(least_overlap, 2):
        return np.full(first.shape[:-1], np.nan)
    later, earlier = slice(max(shift, 0), steps + min(shift, 0)), slice(max(-shift, 0), steps + min(-shift, 0))
    weights = valid[..., later].astype(np.float64)
    number = np.asarray(weights.sum(axis=-1))
    a, b = (_deviation(series, weights, number) for series in (first[..., later], second[..., earlier]))
    squares = [np.sum(series**2, axis=-1) for series in (a, b)]
    sizes = [np.sum(weights * series**2, axis=-1) for series in (first[..., later], second[..., earlier])]
    varies = np.asarray((squares[0] > FLAT**2 * sizes[0]) & (squares[1] > FLAT**2 * sizes[1]))
    ok = varies & (number >= max(least_overlap, 2))
    product = np.sum(a * b, axis=-1)
    return np.where(ok, product / np.sqrt(np.where(ok, squares[0] * squares[1], 1.0)), np.nan)


def _deviation(series: np.ndarray, weights: np.ndarray, number: np.ndarray) -> np.ndarray:
    mean = np.sum(weights * series, axis=-1) / np.maximum(number, 1.0)
    return weights * (series - mean[..., None])
