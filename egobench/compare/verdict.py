"""Four words for a difference: improved, regressed, equivalent, inconclusive."""

from dataclasses import dataclass
from typing import Literal

from egobench.metrics.base import Better
from egobench.stats.paired import LEVEL, Difference

Verdict = Literal["improved", "regressed", "equivalent", "inconclusive", "not compared"]
Trend = Literal["", "worse", "better"]
DEFAULT_RELATIVE = 0.02
"""Default tolerance of a comparison: this share of the first run's value."""


ROUNDING = 1e-12
"""The smallest tolerance; in every unit of the suite this is floating-point rounding."""


@dataclass(frozen=True)
class Tolerance:
    """The largest harm that is accepted."""

    absolute: float = 0.0
    """In the metric's unit."""
    relative: float = 0.0
    """As a share of the first run's value, 0 … 1."""

    def of(self, value: float) -> float:
        """The larger of the two, in the metric's unit; never below rounding."""
        return max(self.absolute, self.relative * abs(value), ROUNDING)


def harm_of(value: float, better: Better) -> float:
    """A difference with its sign set so that a larger value is worse."""
    return value if better == "lower" else -value


def is_improvement(difference: Difference, better: Better) -> bool:
    """Whether the whole 95 % interval lies on the better side of 0."""
    return difference.ci95 is not None and max(harm_of(end, better) for end in difference.ci95) < 0


def is_harmless(difference: Difference, better: Better, tolerance: float) -> bool:
    """One-sided, for gates: whether no end of the 95 % interval is a harm beyond the tolerance.

    The size of an improvement does not matter. A harm of exactly the tolerance is called harmless in 2.5 % of cases.
    """
    return difference.ci95 is not None and max(harm_of(end, better) for end in difference.ci95) <= tolerance


def judge(difference: Difference, better: Better, tolerance: float, p_holm: float | None) -> tuple[Verdict, Trend, str]:
    """Two-sided, for comparisons: the verdict; for an inconclusive one also its trend and the reason.

    `equivalent`: the 95 % interval lies within ± tolerance. `regressed`, `improved`: it lies wholly beyond the
    tolerance on that side, and the Holm-adjusted p is at most 5 %. `inconclusive`: anything else. So a difference that
    is certain but may be smaller than the tolerance is inconclusive, with a trend.
    """
    if difference.ci95 is None or p_holm is None:
        return "inconclusive", "", f"{difference.groups} sequence: differences cannot be told from chance"
    low, high = sorted(harm_of(end, better) for end in difference.ci95)
    if -tolerance <= low and high <= tolerance:
        return "equivalent", "", ""
    trend: Trend = "worse" if low > 0 else "better" if high < 0 else ""
    if low > tolerance or high < -tolerance:
        if p_holm <= LEVEL:
            return ("regressed" if low > tolerance else "improved"), "", ""
        least = 2.0 ** (1 - difference.groups)
        few = f"; with {difference.groups} sequences no p is below {least:.2g}" if least > 1e-3 else ""
        return "inconclusive", trend, f"p after Holm is {p_holm:.2g}{few}"
    wide = (high - low) / 2 > tolerance
    return "inconclusive", trend, "the interval is wider than the tolerance" if wide else "the interval straddles it"
