"""Compares a run with a baseline under a policy. The run passes, or the exit code says why not.

Exit codes, the first that holds: 1 a gated metric regressed · 3 one cannot be compared · 4 rows failed beyond what is
allowed · 2 a tolerance that this many clips cannot resolve · 5 inconclusive, under `strict` · 0.

A gate is one-sided: it tests whether the run is worse. It passes if the whole 95 % interval of the harm lies below the
tolerance. So it passes a certain but smaller harm, and an improvement of any size. A comparison is two-sided, so its
verdict on the same numbers may be *inconclusive*.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from egobench.compare.comparable import protocol_differences, refuse_other_clips
from egobench.compare.comparison import DRAWS, SEED, Comparison, MetricComparison, compare_sides
from egobench.compare.losses import Loss, worst_clips
from egobench.compare.policy import Policy, Rule
from egobench.compare.side import Side
from egobench.compare.unmeasured import too_few_measured
from egobench.compare.verdict import ROUNDING, is_harmless, is_improvement
from egobench.errors import NotComparableError

Outcome = Literal["passed", "regressed", "not comparable", "incomplete", "too few clips", "no value", "inconclusive"]
CODES: tuple[tuple[Outcome, int], ...] = (
    ("regressed", 1),
    ("not comparable", 3),
    ("incomplete", 4),
    ("too few clips", 2),
    ("no value", 2),
    ("inconclusive", 5),
)
"""In the order in which they decide; 5 only under `strict`."""

SHOWN_CLIPS, NAMED_CLIPS = 5, 3
"""Clips listed with a metric that did not pass, and how many of them its line names."""


@dataclass(frozen=True)
class GateRow:
    """One metric at the gate."""

    metric: str
    rule: Rule
    outcome: Outcome
    reason: str
    """Why it did not pass; empty if it did."""
    comparison: MetricComparison | None
    """None if it could not be compared."""
    clips_needed: int | None = None
    """Set if the tolerance is below the smallest effect that these clips can show."""
    losses: tuple[Loss, ...] = ()
    """The clips where the metric lost most, if it regressed or its tolerance is too small."""


@dataclass(frozen=True)
class GateReport:
    """What a gate decided."""

    run: Side
    baseline: Side
    policy: Policy
    strict: bool
    rows: tuple[GateRow, ...]
    losses: tuple[Loss, ...]
    """Clips that lost most."""

    @property
    def exit_code(self) -> int:
        """0 where the run may pass."""
        gated = {row.outcome for row in self.rows if row.rule.severity == "gate"}
        return next((code for outcome, code in CODES if outcome in gated and (code != 5 or self.strict)), 0)

    @property
    def headline(self) -> str:
        """One line: what decided."""
        gated = [row for row in self.rows if row.rule.severity == "gate"]
        if not self.exit_code:
            unsure = [row.metric for row in gated if row.outcome == "inconclusive"]
            note = f"; inconclusive: {', '.join(unsure)}" if unsure else ""
            return f"passed: {len(gated)} gated metric{'s' if len(gated) != 1 else ''} not regressed{note}"
        outcomes = [outcome for outcome, code in CODES if code == self.exit_code]
        rows = [row for row in gated if row.outcome in outcomes]
        return "; ".join(f"{row.metric} {row.outcome}: {row.reason}" for row in rows)


def gate(
    run: Side, baseline: Side, policy: Policy, *, strict: bool = False, draws: int = DRAWS, seed: int = SEED
) -> GateReport:
    """Compares a run with a baseline.

    Raises:
        BadInputError: a damaged side. A problem of one metric is the outcome of its row, not an error.
    """
    names = [*baseline.results, *(name for name in policy.metrics if name not in baseline.results)]
    refused = _refused(run, baseline, names)
    names_left = [name for name in names if name not in refused]
    family = [name for name in names_left if policy.rule(name).severity == "gate"]
    comparison = None
    if names_left:
        comparison = compare_sides(
            baseline,
            run,
            names_left,
            tolerance_of=lambda name: policy.rule(name).tolerance,
            family=family,
            draws=draws,
            seed=seed,
            allow_partial=True,
        )
    rows = [_row(name, policy, refused.get(name), comparison) for name in names]
    losses = _losses(rows, comparison) if comparison else []
    return GateReport(run, baseline, policy, strict, tuple(rows), tuple(losses))


def _refused(run: Side, baseline: Side, names: Sequence[str]) -> dict[str, str]:
    """Metrics that may not be compared, and why."""
    reasons = {}
    for name in names:
        lacking = [where for side, where in ((baseline, "baseline"), (run, "run")) if name not in side.results]
        if lacking:
            reasons[name] = f"not in the {' and not in the '.join(lacking)}"
            continue
        fields = [each.field for each in protocol_differences(baseline, run, name)]
        if fields:
            reasons[name] = f"measured differently: {', '.join(fields)} differ"
    try:
        refuse_other_clips(baseline, run)
    except NotComparableError as error:
        return {name: reasons.get(name, str(error)) for name in names}
    return reasons


def _row(metric: str, policy: Policy, refused: str | None, comparison: Comparison | None) -> GateRow:
    rule = policy.rule(metric)
    if refused is not None or comparison is None:
        return GateRow(metric, rule, "not comparable", refused or "no metric could be compared", None)
    row = comparison.row(metric)
    unmeasured = too_few_measured(comparison.first, comparison.second, metric)
    if unmeasured and row.difference is not None:
        return GateRow(metric, rule, "incomplete", unmeasured, row)
    if row.verdict == "regressed":
        losses = tuple(worst_clips(comparison, SHOWN_CLIPS, [metric]))
        return GateRow(metric, rule, "regressed", _harm_text(row), row, losses=losses)
    if row.incomplete or row.pairs.failed > policy.allow_failed:
        lost = f"{row.pairs.failed} of {row.pairs.planned} rows failed, {policy.allow_failed} are allowed"
        return GateRow(metric, rule, "incomplete", row.reason if row.incomplete else lost, row)
    if row.difference is None or row.tolerance is None:
        is_new = comparison.first.results[metric]["value"] is not None
        return GateRow(metric, rule, "incomplete" if is_new else "no value", row.reason, row)
    if is_improvement(row.difference, row.better):
        return GateRow(metric, rule, "passed", "", row)
    effect = row.difference.detectable
    if effect is not None and effect > row.tolerance and rule.severity == "gate":
        clips = len({key.clip for key in comparison.terms[metric][0].keys})
        return _too_few(rule, row, effect, clips, tuple(worst_clips(comparison, SHOWN_CLIPS, [metric])))
    if is_harmless(row.difference, row.better, row.tolerance):
        return GateRow(metric, rule, "passed", "", row)
    return GateRow(metric, rule, "inconclusive", f"{_harm_text(row)}; {row.reason}", row)


def _too_few(rule: Rule, row: MetricComparison, effect: float, clips: int, losses: tuple[Loss, ...]) -> GateRow:
    """The row of a tolerance that is smaller than the clips can show. A few clips that lost much have the same effect,
    so they are named."""
    tolerance = row.tolerance or 0.0
    if tolerance <= ROUNDING:
        text = f"the tolerance is 0; these clips show {effect:.3g} at best: set absolute or relative to that or more"
        return GateRow(row.metric, rule, "too few clips", text, row, losses=losses)
    needed = math.ceil(clips * (effect / tolerance) ** 2)
    text = f"the tolerance {tolerance:.3g} is below the {effect:.3g} that {clips} clips can show"
    text = f"{text}; about {needed} clips or a wider one are needed"
    if losses:
        text += f", unless few clips lost much: {', '.join(loss.clip for loss in losses[:NAMED_CLIPS])} lost most"
    return GateRow(row.metric, rule, "too few clips", text, row, needed, losses)


def _harm_text(row: MetricComparison) -> str:
    difference = row.difference
    assert difference is not None, "a verdict has a difference"
    ends = "" if difference.ci95 is None else f" [{difference.ci95[0]:+.3g}, {difference.ci95[1]:+.3g}]"
    tolerance = 0.0 if row.tolerance is None or row.tolerance <= ROUNDING else row.tolerance
    return f"{difference.first:.4g} → {difference.second:.4g}, {difference.value:+.3g}{ends}, tolerance {tolerance:.3g}"


def _losses(rows: Sequence[GateRow], comparison: Comparison) -> list[Loss]:
    """The clips that lost most, by the gated metrics that regressed, or else by all gated ones."""
    gated = [row for row in rows if row.rule.severity == "gate"]
    chosen = [row for row in gated if row.outcome == "regressed"] or gated
    return worst_clips(comparison, metrics=[row.metric for row in chosen])
