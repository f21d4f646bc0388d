"""Which of two rows is ahead, and whether the lead is larger than the training noise.

The training noise is the largest difference between two training seeds of one row. A row is ahead if the paired
difference is larger than this noise and has a Holm-adjusted p below 5 %.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np

from egobench.compare.comparison import compare_sides
from egobench.compare.side import Side, Terms
from egobench.compare.verdict import harm_of
from egobench.errors import BadInputError
from egobench.metrics.base import Better
from egobench.stats.paired import LEVEL, Difference

Lead = Literal["first", "second", "undecided"]


@dataclass(frozen=True)
class Noise:
    """The training noise of one metric."""

    value: float
    """Largest absolute paired difference between two seeds of one row, in the metric's unit."""
    row: str
    """The row that has it."""
    seeds: Mapping[str, int]
    """Row → its training seeds that have a number; only rows with two or more."""
    runs: Mapping[str, tuple[str, ...]]
    """Row → the runs of these seeds."""
    is_kept: bool = False
    """Taken from an earlier claims file; the runs of the second seeds were not given again."""


def training_noise(rows: Mapping[str, Sequence[Side]], metrics: Sequence[str]) -> dict[str, Noise]:
    """Metric → noise. A metric is absent if no row has numbers from two training seeds.

    Args:
        rows: label → its runs, one for each training seed.
        metrics: the requested ones.

    Raises:
        BadInputError: `seed-same`: two runs of one row agree in every number, so they are of one seed.
        NotComparableError: protocols or clips of two seeds differ, or too many rows failed.
    """
    noise: dict[str, Noise] = {}
    for label, sides in rows.items():
        gaps: dict[str, list[float]] = {}
        for one, other in combinations(sides, 2):
            for metric, gap in _gaps(label, one, other, metrics).items():
                gaps.setdefault(metric, []).append(gap)
        for metric, sizes in gaps.items():
            seeds = tuple(side.run for side in sides if _has_number(side, metric))
            earlier = noise.get(metric, Noise(-1.0, label, {}, {}))
            value, row = max((earlier.value, earlier.row), (max(sizes), label), key=lambda pair: pair[0])
            noise[metric] = Noise(value, row, {**earlier.seeds, label: len(seeds)}, {**earlier.runs, label: seeds})
    return {metric: noise[metric] for metric in metrics if metric in noise}


def lead_of(
    difference: Difference | None, better: Better, p_holm: float | None, noise: float | None
) -> tuple[Lead, str]:
    """Which row is ahead, or why the order is undecided.

    Args:
        difference: second minus first; None if no pair of rows has a number.
        better: `lower` or `higher`.
        p_holm: adjusted over all claims of a list; None without a test.
        noise: training noise, in the metric's unit; None if there is no second seed.

    Returns: `first` or `second` with an empty text, or `undecided` with the reason.
    """
    if difference is None:
        return "undecided", "no pair of rows has a number"
    if p_holm is None:
        return "undecided", f"{difference.groups} recording: a difference cannot be told from chance"
    reasons = []
    if p_holm >= LEVEL:
        reasons.append(f"p after Holm is {p_holm:.2g}")
    if noise is not None and abs(difference.value) <= noise:
        reasons.append("the difference is not larger than the training noise")
    if reasons:
        return "undecided", "; ".join(reasons)
    return ("first" if harm_of(difference.value, better) > 0 else "second"), ""


def _gaps(label: str, one: Side, other: Side, metrics: Sequence[str]) -> dict[str, float]:
    """Metric → absolute paired difference of two seeds."""
    names = [name for name in metrics if _has_number(one, name) and _has_number(other, name)]
    if not names:
        return {}
    compared = compare_sides(one, other, names, draws=1)  # only the difference is needed
    gaps = {row.metric: abs(row.difference.value) for row in compared.rows if row.difference is not None}
    if gaps and all(_is_same(*terms) for terms in compared.terms.values()):
        text = f"{one.name} and {other.name}, both {label!r}, agree in every number ({', '.join(gaps)})"
        raise BadInputError(f"{text}; two training seeds never do: give runs of different trainings", code="seed-same")
    return gaps


def _is_same(one: Terms, other: Terms) -> bool:
    parts = ((one.above, other.above), (one.below, other.below), (one.left_out, other.left_out))
    return one.value == other.value and all(a is None or b is None or np.array_equal(a, b) for a, b in parts)


def _has_number(side: Side, metric: str) -> bool:
    return metric in side.results and side.results[metric]["value"] is not None
