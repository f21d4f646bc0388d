"""Numbers as tables print them: a value with its 95 % interval, rounded to what the interval supports.

As in metrology, the half-width of the interval has two significant digits, and the value has the same number of
decimals. An asymmetric interval is printed by its ends, since ± would be wrong.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

MISSING = "–"
"""Printed in place of a number that has no meaning; never 0, never NaN."""
ARROWS: Mapping[str, str] = {"lower": "↓", "higher": "↑"}
LOPSIDED = 1.5
"""An interval is printed by its ends if one arm is longer than the other by more than this factor."""
PLAIN_DIGITS = 4
"""Significant digits of a number without an interval."""
SHOWN_REASONS = 3
SMALLEST, LARGEST = 1e-4, 1e6
"""A number outside this range is printed with an exponent."""
ROUNDING = 1e-12
"""A smaller number is floating-point rounding in every unit of the suite. It is printed as `≈ 0`; JSON and CSV keep
it."""


def value_text(value: float | None, ci95: Sequence[float] | None = None) -> str:
    """A value with its interval: `98.2 ± 1.4`, `98.2 [97.9, 101.3]`, `98.17` without one, `–` for None.

    Args:
        value: any finite number, in the metric's unit.
        ci95: (low, high) in the same unit; the value may lie outside (bootstrapped Fréchet distances do).
    """
    if value is None or not math.isfinite(value):
        return MISSING
    if ci95 is None:
        return plain_text(value)
    low, high = ci95
    half = (high - low) / 2
    if half <= 0:
        return f"{plain_text(value)} ± 0"
    decimals = _decimals(half)
    magnitude = max(abs(value), abs(low), abs(high))
    if magnitude < ROUNDING:
        return "≈ 0"
    if magnitude >= LARGEST or half < SMALLEST:
        return f"{value:.3g} [{low:.3g}, {high:.3g}]"
    if _is_lopsided(value, low, high):
        return f"{value:.{decimals}f} [{low:.{decimals}f}, {high:.{decimals}f}]"
    return f"{value:.{decimals}f} ± {half:.{decimals}f}"


def plain_text(value: float | None) -> str:
    """A number without an interval, four significant digits: `0.0312`, `98.17`, `1034`."""
    if value is None or not math.isfinite(value):
        return MISSING
    if abs(value) < ROUNDING:
        return "≈ 0" if value else "0"
    if not SMALLEST <= abs(value) < LARGEST:
        return f"{value:.3g}"
    decimals = max(0, PLAIN_DIGITS - 1 - math.floor(math.log10(abs(value))))
    text = f"{value:.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def share_text(share: float | None) -> str:
    """A share in percent; only a whole one reads `100 %` (0.9999 is `99.9 %`)."""
    if share is None:
        return MISSING
    if share in (0, 1):
        return f"{share:.0%}".replace("%", " %")
    return f"{min(max(math.floor(share * 1000) / 10, 0.1), 99.9):.1f} %"


def head_text(name: str, result: Mapping[str, Any]) -> str:
    """A column's header: name, unit if it has one, arrow towards the better end."""
    unit = f" ({result['unit']})" if result.get("unit") else ""
    return f"{name}{unit} {ARROWS[result['better']]}"


def reasons_text(result: Mapping[str, Any], kind: str) -> str:
    """Why rows were `undefined` or `failed`, the commonest reasons first, from the detail's counts by reason."""
    reasons = result.get("detail", {}).get(kind) or {}
    ordered = sorted(reasons.items(), key=lambda pair: (-pair[1], pair[0]))
    text = "; ".join(f"{reason} ({count})" for reason, count in ordered[:SHOWN_REASONS])
    rest = sum(count for _, count in ordered[SHOWN_REASONS:])
    return f"{text}; others ({rest})" if rest else text


def _decimals(half: float) -> int:
    """Decimals that leave two significant digits of the half-width, after rounding (0.0996 → 0.10)."""
    exponent = math.floor(math.log10(float(f"{half:.1e}")))
    return max(0, 1 - exponent)


def _is_lopsided(value: float, low: float, high: float) -> bool:
    below, above = value - low, high - value
    if below < 0 or above < 0:
        return True
    return max(below, above) > LOPSIDED * min(below, above)
