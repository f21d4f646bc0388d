"""Compares a second run with a first: pairs, differences, p-values, verdicts. Runs that may not be compared are
refused.

Rows are paired by clip, its digest and seed. If a row has no number on one side, its pair does not enter that metric.
Such rows are counted for each side.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from egobench.compare.comparable import joint_metrics, refuse_other_clips, refuse_unlike
from egobench.compare.pairs import Pairs, count_pairs
from egobench.compare.run_side import make_ready
from egobench.compare.side import Key, Side, Terms, Unpaired
from egobench.compare.unmeasured import refuse_unmeasured, unmeasured_text
from egobench.compare.verdict import DEFAULT_RELATIVE, Tolerance, Trend, Verdict, judge
from egobench.errors import NotComparableError
from egobench.metrics.base import Better
from egobench.stats.paired import ClusterSums, Difference, holm, left_out_sums, paired_differences, row_sums

DRAWS, SEED = 10_000, 0
FAILED_SHARE = 0.01
"""Share of rows that may have failed; beyond it, only `allow_partial` compares the rest. Undefined rows do not
count."""


@dataclass(frozen=True)
class MetricComparison:
    """One metric; differences are second minus first, in the metric's unit."""

    metric: str
    unit: str
    better: Better
    protocol: str
    pairs: Pairs
    tolerance: float | None
    difference: Difference | None
    """None where no pair has a number."""
    p_holm: float | None
    verdict: Verdict
    trend: Trend
    reason: str
    """Why it is inconclusive or not compared, and how much of a side was not measured; else empty."""
    incomplete: bool = False
    """Not compared because rows are missing that were planned."""
    unmeasured: str = ""
    """How much of a side the metric did not see; empty where it saw all."""


@dataclass(frozen=True)
class Comparison:
    """Second against first."""

    first: Side
    second: Side
    rows: tuple[MetricComparison, ...]
    only_first: tuple[str, ...]
    """Metrics that only the first run has."""
    only_second: tuple[str, ...]
    draws: int
    seed: int
    terms: Mapping[str, tuple[Terms, Terms]]
    """Paired terms per metric, over the same rows on both sides."""

    def row(self, metric: str) -> MetricComparison:
        """The row of one metric."""
        return next(row for row in self.rows if row.metric == metric)


def compare_sides(
    first: Side,
    second: Side,
    metrics: Sequence[str] = (),
    *,
    tolerance_of: Callable[[str], Tolerance] = lambda metric: Tolerance(relative=DEFAULT_RELATIVE),
    family: Sequence[str] | None = None,
    draws: int = DRAWS,
    seed: int = SEED,
    allow_partial: bool = False,
) -> Comparison:
    """Compares two sides under equal protocols.

    Args:
        metrics: those to compare; empty for all in common.
        tolerance_of: metric → its tolerance.
        family: metrics over which Holm adjusts; None for all that are compared.
        draws: number of draws of bootstrap and permutation.
        allow_partial: compare the other rows if more than 1 % failed, or if one side has fewer rows.

    Raises:
        UnknownNameError: a metric that no side has.
        NotComparableError: protocols, clips or rows differ; or too many rows failed.
        BadInputError: a damaged side.
    """
    names = joint_metrics(first, second, metrics)
    refuse_unlike(first, second, names)
    refuse_other_clips(first, second, allow_partial=allow_partial)
    make_ready([first, second], names)
    paired = [_paired(first, second, name, allow_partial) for name in names]
    tables = [each.table for each in paired if each.table is not None]
    values = [(each.terms[0].value, each.terms[1].value) for each in paired if each.terms is not None]
    computed = iter(paired_differences(tables, values, draws, seed))
    differences = [None if each.table is None else next(computed) for each in paired]
    corrected = set(names if family is None else family)
    tested = [None if d is None or name not in corrected else d.p for name, d in zip(names, differences, strict=True)]
    adjusted = [
        own if own is not None else (d.p if d else None)  # outside the family p is not adjusted
        for own, d in zip(holm(tested), differences, strict=True)
    ]
    rows = [
        _row(first, each, difference, p, tolerance_of(each.metric))
        for each, difference, p in zip(paired, differences, adjusted, strict=True)
    ]
    return Comparison(
        first=first,
        second=second,
        rows=tuple(rows),
        only_first=tuple(name for name in first.results if name not in second.results),
        only_second=tuple(name for name in second.results if name not in first.results),
        draws=draws,
        seed=seed,
        terms={each.metric: each.terms for each in paired if each.terms is not None},
    )


@dataclass(frozen=True)
class _PairedMetric:
    """One metric, before statistics."""

    metric: str
    pairs: Pairs
    terms: tuple[Terms, Terms] | None = None
    table: ClusterSums | None = None
    reason: str = ""
    incomplete: bool = False
    unmeasured: str = ""


def _paired(first: Side, second: Side, metric: str, allow_partial: bool) -> _PairedMetric:
    planned = sorted(first.items.keys() & second.items.keys())
    try:
        sides = [side.source.terms(metric, None) for side in (first, second)]
        with_number = [set(side.keys) for side in sides]
        joint = [key for key in planned if key in with_number[0] and key in with_number[1]]
        pairs = count_pairs(first, second, metric, planned, with_number)
        _refuse_failures(first, second, metric, pairs, allow_partial)
        refuse_unmeasured(first, second, metric, allow_partial=allow_partial)
        if not joint:
            return _PairedMetric(metric, pairs, reason="no row has a number on both sides")
        chosen = [_over(side, metric, terms, joint) for side, terms in zip((first, second), sides, strict=True)]
    except Unpaired as reason:
        pairs = count_pairs(first, second, metric, planned, None)
        if reason.incomplete:
            _refuse_failures(first, second, metric, pairs, allow_partial)
        return _PairedMetric(metric, pairs, reason=str(reason), incomplete=reason.incomplete)
    terms = chosen[0], chosen[1]
    if (terms[0].left_out is None) != (terms[1].left_out is None):
        text = f"{metric} is paired by rows on one side and by recordings on the other; write the baseline again"
        return _PairedMetric(metric, pairs, reason=text, incomplete=True)
    sequences = [first.items[key].sequence for key in joint]
    if terms[0].left_out is not None and terms[1].left_out is not None:
        table = left_out_sums((terms[0].value, terms[1].value), terms[0].left_out, terms[1].left_out)
    else:
        above, below = [np.stack([np.asarray(getattr(each, part)) for each in terms]) for part in ("above", "below")]
        table = row_sums(above, below, sequences)
    return _PairedMetric(metric, pairs, terms, table, unmeasured=unmeasured_text(first, second, metric))


def _over(side: Side, metric: str, terms: Terms, joint: Sequence[Key]) -> Terms:
    """Terms over the joint rows."""
    if list(terms.keys) == list(joint):
        return terms
    if terms.above is None or terms.below is None:
        joint_terms = side.source.terms(metric, joint)
        if list(joint_terms.keys) != list(joint):
            raise Unpaired(f"{side.name}: rows of {metric} can no longer be read", incomplete=True)
        return joint_terms
    place = {key: number for number, key in enumerate(terms.keys)}
    chosen = [place[key] for key in joint]
    above, below = terms.above[chosen], terms.below[chosen]
    if not below.sum():
        raise Unpaired(f"{side.name}: {metric} has no denominator over the {len(joint)} rows that can be paired")
    value = float(above.mean()) if (below == 1).all() else float(above.sum() / below.sum())
    return replace(terms, keys=tuple(joint), value=value, above=above, below=below)


def _refuse_failures(first: Side, second: Side, metric: str, pairs: Pairs, allow_partial: bool) -> None:
    if pairs.failed > FAILED_SHARE * pairs.planned and not allow_partial:
        reason = next(iter(pairs.reasons), "rows that could not be read")
        left = f"compares the {pairs.paired} that are left" if pairs.paired else "goes on without it"
        raise NotComparableError(
            f"{metric} of {first.name} and {second.name}: {pairs.failed} of {pairs.planned} rows failed on some side "
            f"({reason}), 1 % is allowed; `--allow-partial` {left}"
        )


def _row(
    first: Side, paired: _PairedMetric, difference: Difference | None, p_holm: float | None, tolerance: Tolerance
) -> MetricComparison:
    record = first.results[paired.metric]
    verdict: Verdict = "not compared"
    trend: Trend = ""
    reason, width = paired.reason, None
    if difference is not None:
        width = tolerance.of(difference.first)
        verdict, trend, reason = judge(difference, record["better"], width, p_holm)
    return MetricComparison(
        metric=paired.metric,
        unit=record["unit"],
        better=record["better"],
        protocol=record["protocol"],
        pairs=paired.pairs,
        tolerance=width,
        difference=difference,
        p_holm=p_holm,
        verdict=verdict,
        trend=trend,
        reason="; ".join(text for text in (reason, paired.unmeasured) if text),
        incomplete=paired.incomplete,
        unmeasured=paired.unmeasured,
    )
