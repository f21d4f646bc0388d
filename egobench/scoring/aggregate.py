"""Scores → results: means with intervals, counts of what was undefined or failed, and the JSON of `metrics.json`.

`metrics.json` holds no time, path or machine: equal samples give equal bytes. Its `run` is therefore made from the
request's digest, not from the folder's name.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Int

from egobench.files.plain import plain
from egobench.metrics.base import ClipMetric, SetScore
from egobench.plan.resolve import Metric
from egobench.scoring.column import ScoreColumn
from egobench.scoring.floor_and_chance import FloorAndChance
from egobench.scoring.measured import LEFT_OUT
from egobench.scoring.reasons import count_reasons
from egobench.scoring.score import BOOTSTRAP_SEED, SetOutcome, group_numbers
from egobench.stats.alarm import beats_reference
from egobench.stats.bootstrap import cluster_mean_interval
from egobench.store.tables import SET_CLIP, SET_SEED, ScoreRow, ScoreStatus
from egobench.types import ClipInfo, Result

SCHEMA = 1
ALARM = "rates the sample above the recorded truth: the evaluator is exploited, or too weak to be trusted here"
MAX_REASONS = 20
"""A result lists so many distinct reasons and counts the rest together. `scores.parquet` holds all of them."""


@dataclass(frozen=True)
class RowGroups:
    """What the rows of a run belong to."""

    sequences: Int[np.ndarray, " row"]
    """Number of each row's recording, in order of the names."""
    strata: np.ndarray
    """(row,) name of each row's stratum."""

    @classmethod
    def of(cls, infos: Sequence[ClipInfo]) -> "RowGroups":
        """Of each row's clip."""
        strata = np.array([info.stratum for info in infos], dtype=str)
        return cls(group_numbers([info.sequence for info in infos]), strata)


def clip_result(
    metric: ClipMetric, column: ScoreColumn, groups: RowGroups, bounds: FloorAndChance, protocol: str, draws: int
) -> Result:
    """Result of a clip metric.

    Args:
        column: of all items, in order of clip and seed.
        groups: recording and stratum of each of these rows.
    """
    is_ok = column.has("ok")
    values = column.numbers[is_ok]
    interval = None
    if values.size and draws:
        interval = cluster_mean_interval(values, groups.sequences[is_ok], draws=draws, seed=BOOTSTRAP_SEED)
    detail = _detail(column, bounds)
    if values.size:
        detail["strata"] = _strata(groups.strata[is_ok], values)
    unmeasured = count_reasons(column.why_unmeasured(), MAX_REASONS)
    if unmeasured:
        detail["not_measured"] = unmeasured
    scores = column.scores()
    if scores:
        detail |= metric.summary(scores, bounds.floor)
    return Result(
        value=float(np.mean(values)) if values.size else None,
        ci95=interval,
        unit=metric.unit,
        better=metric.better,
        n=int(values.size),
        n_undefined=int(column.has("undefined").sum()),
        coverage=column.coverage,
        version=metric.version,
        protocol=protocol,
        floor=bounds.floor,
        chance=bounds.chance,
        detail=detail,
    )


def set_result(metric: Metric, outcome: SetOutcome, planned: int, bounds: FloorAndChance, protocol: str) -> Result:
    """Result of a set metric."""
    score = outcome.score
    detail = dict(score.detail) if score else {}
    detail |= _reasons(lambda status: [outcome.reason] if outcome.status == status else [], bounds)
    if outcome.lost:
        detail[LEFT_OUT] = count_reasons([reason for *_, reason in outcome.lost], MAX_REASONS)
    entered = outcome.entered if outcome.status == "ok" else 0
    return Result(
        value=None if score is None else float(score.value),
        ci95=_interval(score),
        unit=metric.unit,
        better=metric.better,
        n=entered,
        n_undefined=outcome.entered if outcome.status == "undefined" else 0,
        coverage=outcome.entered / planned if outcome.status in ("ok", "undefined") else 0.0,
        version=metric.version,
        protocol=protocol,
        floor=bounds.floor,
        chance=bounds.chance,
        detail=detail,
    )


def with_alarm(metric: Metric, result: Result) -> Result:
    """The result. `detail["alarm"]` marks a metric that compares with the text and rates the samples better than the
    recorded truth: its whole interval lies on the better side of the floor."""
    asks_text = any(need.what == "text" for need in metric.needs().values())
    if not asks_text or result.ci95 is None or result.floor is None:
        return result
    if not beats_reference(result.ci95, (result.floor, result.floor), result.better):
        return result
    return replace(result, detail={**result.detail, "alarm": ALARM})


def set_row(label: str, outcome: SetOutcome) -> ScoreRow:
    """The one row of a set metric."""
    value = None if outcome.score is None else float(outcome.score.value)
    lost = [[clip, seed] for clip, seed, _ in outcome.lost]
    detail = json.dumps({LEFT_OUT: lost}) if lost else ""
    return ScoreRow(SET_CLIP, SET_SEED, label, value, outcome.status, outcome.reason, detail)


def metrics_document(run: str, model: str, split: str, task: str, results: Mapping[str, Result]) -> dict[str, Any]:
    """Content of `metrics.json`, schema 1."""
    metrics = {name: plain(asdict(result)) for name, result in results.items()}
    return {"schema": SCHEMA, "run": run, "model": model, "split": split, "task": task, "metrics": metrics}


def result_of(record: Mapping[str, Any]) -> Result:
    """A result from its record in `metrics.json`."""
    ci95 = record["ci95"]
    return Result(**{**record, "ci95": None if ci95 is None else (ci95[0], ci95[1])})


def _interval(score: SetScore | None) -> tuple[float, float] | None:
    if score is None or score.ci95 is None or not np.isfinite(score.ci95).all():
        return None
    return float(score.ci95[0]), float(score.ci95[1])


def _detail(column: ScoreColumn, bounds: FloorAndChance) -> dict[str, Any]:
    return _reasons(column.reasons, bounds)


def _reasons(of: Callable[[ScoreStatus], Iterable[str]], bounds: FloorAndChance) -> dict[str, Any]:
    """Details that every result may have; `of` gives the reasons of the rows of one status."""
    detail: dict[str, Any] = {}
    statuses: tuple[ScoreStatus, ...] = ("undefined", "failed")
    for status in statuses:
        counts = count_reasons(of(status), MAX_REASONS)
        if counts:
            detail[status] = counts
    missing = next(iter(of("not-applicable")), None)
    if missing is not None:
        detail["not_applicable"] = missing
    if bounds.notes:
        detail["yardstick"] = dict(bounds.notes)
    return detail


def _strata(names: np.ndarray, values: np.ndarray) -> dict[str, dict[str, Any]]:
    groups = {str(name): values[names == name] for name in np.unique(names)}
    return {name: {"value": float(np.mean(group)), "n": len(group)} for name, group in groups.items()}
