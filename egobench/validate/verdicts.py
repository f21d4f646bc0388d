"""Does a metric do what is declared of it? Rules on values with intervals; nothing runs here.

All values of a ladder come from the same clips, so their errors are correlated: chance between two rungs is smaller
than an interval. A step back of up to half the half-width of the wider interval is therefore allowed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

Verdict = Literal["monotone", "not monotone", "flat", "wrong way", "unmoved", "moved", "undefined"]
FORGIVEN = 0.5
"""A rung may be better than the one before it by so many half-widths of the wider of the two intervals."""
ROUNDING = 1e-9
"""Relative change that counts as rounding."""


@dataclass(frozen=True)
class Point:
    """One run's value of one metric."""

    value: float | None
    ci95: tuple[float, float] | None = None
    note: str = ""
    """Why there is no value."""

    @property
    def low(self) -> float:
        """Lower end; the value itself without an interval."""
        return self._value if self.ci95 is None else min(self.ci95[0], self._value)

    @property
    def high(self) -> float:
        """Upper end; the value itself without an interval."""
        return self._value if self.ci95 is None else max(self.ci95[1], self._value)

    @property
    def half_width(self) -> float:
        """Of the interval; 0 without one."""
        return (self.high - self.low) / 2

    @property
    def _value(self) -> float:
        assert self.value is not None, "checked by the caller"
        return self.value

    def mirrored(self) -> "Point":
        """With the other sign: higher becomes lower."""
        ends = None if self.ci95 is None else (-self.ci95[1], -self.ci95[0])
        return Point(-self._value, ends, self.note)


def judge_worse(points: Sequence[Point], better: str, resolution: float) -> tuple[Verdict, str]:
    """Judges a ladder on which the metric must get worse.

    Args:
        points: from strength 0 upward.
        better: `lower` or `higher`.
        resolution: a change of less means nothing.

    Returns:
        `monotone`: no step back that counts, and the last rung is beyond the reference's interval and the reference
        beyond the last rung's; `flat`: it is not; `wrong way`: it is, on the better side; `not monotone`: a step back
        that counts; `undefined`: a rung without a value. And one line that says why, empty if monotone.
    """
    missing = next((place for place, point in enumerate(points) if point.value is None), None)
    if missing is not None:
        return "undefined", f"rung {missing} has no value: {points[missing].note}"
    turned = [point.mirrored() if better == "higher" else point for point in points]
    first, last = turned[0], turned[-1]
    if _is_beyond(last, first, resolution):
        return "wrong way", f"better at the last rung ({_say(points[-1])}) than at the first ({_say(points[0])})"
    for place, (before, after) in enumerate(pairwise(turned), start=1):
        slack = max(resolution, FORGIVEN * max(before.half_width, after.half_width), ROUNDING * abs(before._value))
        if after._value < before._value - slack:
            return "not monotone", f"rung {place} is better ({_say(points[place])}) than {_say(points[place - 1])}"
    if not _is_beyond(first, last, resolution):
        return "flat", f"the last rung ({_say(points[-1])}) cannot be told from the first ({_say(points[0])})"
    return "monotone", ""


def judge_unmoved(points: Sequence[Point], resolution: float) -> tuple[Verdict, str]:
    """Judges a ladder on which the metric must stay: no rung is outside the first one's interval by more than the
    resolution.

    Returns:
        `unmoved`, `moved` or `undefined`, and one line that says why.
    """
    first = points[0]
    for place, point in enumerate(points):
        if point.value is None:
            return "undefined", f"rung {place} has no value: {point.note}"
        slack = max(resolution, ROUNDING * abs(first._value))
        if not first.low - slack <= point._value <= first.high + slack:
            return "moved", f"rung {place} has {_say(point)}, the first {_say(first)}"
    return "unmoved", ""


def is_in_order(better_one: Point, worse_one: Point, better: str) -> bool:
    """Whether one control is worse than another: each value lies outside the other's interval, on the right side."""
    if better == "higher":
        better_one, worse_one = better_one.mirrored(), worse_one.mirrored()
    return _is_beyond(better_one, worse_one, 0.0)


def tells_pairs(reference: Point, shuffled: Point, better: str) -> bool | None:
    """Whether shuffled pairs are rated worse than true ones, intervals apart; None where one has no value."""
    if reference.value is None or shuffled.value is None:
        return None
    if better == "higher":
        reference, shuffled = reference.mirrored(), shuffled.mirrored()
    return shuffled.low > reference.high and _is_beyond(reference, shuffled, 0.0)


def _is_beyond(low: Point, high: Point, resolution: float) -> bool:
    """Whether `high` has the greater value, each outside the other's interval, by more than the resolution."""
    slack = max(resolution, ROUNDING * abs(low._value))
    return high._value > low.high and high.low > low._value and high._value - low._value > slack


def _say(point: Point) -> str:
    ends = "" if point.ci95 is None else f" [{point.low:.4g}, {point.high:.4g}]"
    return f"{point.value:.4g}{ends}"
