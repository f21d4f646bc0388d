"""Comparisons and gates as JSON-ready records: what `--json` prints; numbers unrounded."""

from collections.abc import Sequence
from typing import Any

from egobench.compare.comparable import joint_metrics, protocol_differences
from egobench.compare.comparison import Comparison, MetricComparison
from egobench.compare.gate import GateReport, GateRow
from egobench.compare.losses import Loss, worst_clips
from egobench.compare.side import Side
from egobench.files.plain import plain

SCHEMA = 1


def comparison_record(comparison: Comparison) -> dict[str, Any]:
    """Second against first."""
    return {
        "first": side_record(comparison.first),
        "second": side_record(comparison.second),
        "metrics": {row.metric: row_record(row) for row in comparison.rows},
        "only_first": list(comparison.only_first),
        "only_second": list(comparison.only_second),
        "draws": comparison.draws,
        "seed": comparison.seed,
        "clips": [loss_record(loss) for loss in worst_clips(comparison)],
    }


def row_record(row: MetricComparison) -> dict[str, Any]:
    """One metric."""
    difference = row.difference
    numbers = {
        "first": None if difference is None else difference.first,
        "second": None if difference is None else difference.second,
        "difference": None if difference is None else difference.value,
        "ci95": None if difference is None else difference.ci95,
        "standard_error": None if difference is None else difference.error,
        "p": None if difference is None else difference.p,
        "p_holm": row.p_holm,
        "detectable": None if difference is None else difference.detectable,
        "sequences": None if difference is None else difference.groups,
        "method": None if difference is None else difference.method,
    }
    return plain(
        {
            **numbers,
            **{"unit": row.unit, "better": row.better, "tolerance": row.tolerance, "verdict": row.verdict},
            **{"trend": row.trend, "reason": row.reason, "protocol": row.protocol, "pairs": vars(row.pairs)},
        }
    )


def side_record(side: Side) -> dict[str, Any]:
    """A run or a baseline: its name and origin."""
    return plain(
        {
            **{"name": side.name, "label": side.called, "run": side.run, "model": side.model},
            **{"split": side.split, "task": side.task},
            "provenance": dict(side.provenance),
        }
    )


def loss_record(loss: Loss) -> dict[str, Any]:
    """One clip."""
    return plain(vars(loss))


def gate_record(report: GateReport) -> dict[str, Any]:
    """A gate's decision."""
    return {
        "schema": SCHEMA,
        "exit_code": report.exit_code,
        "headline": report.headline,
        "run": side_record(report.run),
        "baseline": side_record(report.baseline),
        "policy": report.policy.name,
        "strict": report.strict,
        "metrics": {row.metric: _gate_row_record(row) for row in report.rows},
        "clips": [loss_record(loss) for loss in report.losses],
    }


def differences_record(first: Side, second: Side, metrics: Sequence[str]) -> dict[str, Any]:
    """Protocol fields in which two sides differ: metric → field → both values."""
    return plain(
        {
            metric: {each.field: [each.first, each.second] for each in protocol_differences(first, second, metric)}
            for metric in metrics
        }
    )


def refusal_record(sides: Sequence[Side], metrics: Sequence[str]) -> dict[str, Any]:
    """Of runs that may not be compared: the protocol fields in which the first one and each other one differ.

    Args:
        metrics: those that were to be compared; empty for all in common.
    """
    against = []
    for other in sides[1:]:
        names = [name for name in joint_metrics(sides[0], other) if not metrics or name in metrics]
        against.append({"second": other.run, "differences": differences_record(sides[0], other, names)})
    return {"schema": 1, "comparable": False, "first": sides[0].run, "against": against}


def _gate_row_record(row: GateRow) -> dict[str, Any]:
    record = {} if row.comparison is None else row_record(row.comparison)
    own = {"severity": row.rule.severity, "outcome": row.outcome, "clips_needed": row.clips_needed}
    return {**record, **own, "reason": row.reason or record.get("reason", "")}
