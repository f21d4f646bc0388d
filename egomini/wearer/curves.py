"""Smooth curves over time: minimum-jerk moves, holds and walking speeds. Seconds; any unit of value.

A minimum-jerk move has the profile of human reaching (Flash & Hogan 1985): zero speed and acceleration at both ends.
"""

from collections.abc import Iterable

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike

PEAK_TO_MEAN = 1.875
"""Peak speed of a minimum-jerk move over its mean speed."""


def min_jerk(share: ArrayLike) -> Float[np.ndarray, "*shape"]:
    """Progress 0 … 1 of a minimum-jerk move at a share 0 … 1 of its duration; clamped outside."""
    share = np.clip(share, 0.0, 1.0)
    return share**3 * (10.0 - 15.0 * share + 6.0 * share**2)


def hump(share: ArrayLike) -> Float[np.ndarray, "*shape"]:
    """0 at share 0 and 1, 1 in the middle, flat at all three; 0 outside."""
    return np.sin(np.pi * np.clip(share, 0.0, 1.0)) ** 2


def moves(times: Float[np.ndarray, " time"], parts: Iterable[tuple[float, float, float]]) -> Float[np.ndarray, " time"]:
    """Sum of minimum-jerk moves, each given as (start, end, change)."""
    total = np.zeros_like(times)
    for start, end, change in parts:
        total = total + change * min_jerk((times - start) / (end - start))
    return total


def hold(
    times: Float[np.ndarray, " time"], rise: tuple[float, float], fall: tuple[float, float]
) -> Float[np.ndarray, " time"]:
    """0, then up to 1 during `rise`, then back to 0 during `fall`; each is (start, end)."""
    up = min_jerk((times - rise[0]) / (rise[1] - rise[0]))
    down = min_jerk((times - fall[0]) / (fall[1] - fall[0]))
    return up * (1.0 - down)


def move_seconds(change: float, peak: float) -> float:
    """Shortest duration of a minimum-jerk move that stays below a peak speed."""
    return PEAK_TO_MEAN * abs(change) / peak


def integrate(
    times: Float[np.ndarray, " time"], rates: Float[np.ndarray, "time *rest"]
) -> Float[np.ndarray, "time *rest"]:
    """Running trapezoid integral, 0 at the first time."""
    widths = np.diff(times).reshape(-1, *([1] * (rates.ndim - 1)))
    steps = 0.5 * (rates[1:] + rates[:-1]) * widths
    return np.concatenate([np.zeros_like(rates[:1]), np.cumsum(steps, axis=0)])
