"""Scores → results: means with intervals, counts of what was undefined or failed, and the JSON of `metrics.json`.

`metrics.json` holds no time, path or machine: equal samples give equal bytes. Its `run` is therefore made from the
request's digest, not from the folder's name.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np

from egobench.files.plain import plain
from egobench.metrics.base import ClipMetric, ClipScore, SetScore
from egobench.plan.resolve import Metric
from egobench.scoring.floor_and_chance import FloorAndChance
from egobench.scoring.inputs import Inputs
from egobench.scoring.measured import LEFT_OUT, coverage_of, why_unmeasured
from egobench.scoring.reasons import count_reasons
from egobench.scoring.score import BOOTSTRAP_SEED, SetOutcome, group_numbers
from egobench.stats.alarm import beats_reference
from egobench.stats.bootstrap import cluster_mean_interval
from egobench.store.tables import SET_CLIP, SET_SEED, ScoreRow
from egobench.types import Result

SCHEMA = 1
ALARM = "rates the sample above the recorded truth: the evaluator is exploited, or too weak to be trusted here"
MAX_REASONS = 20
"""A result lists so many distinct reasons and counts the rest together. `scores.parquet` holds all of them."""


def clip_result(
    metric: ClipMetric,
    rows: Sequence[ScoreRow],
    inputs: Inputs,
    bounds: FloorAndChance,
    protocol: str,
    draws: int,
    details: Sequence[ClipScore] = (),
) -> Result:
    """Result of a clip metric.

    Args:
        rows: of all items, in order of clip and seed.
        details: what the metric returned besides the number, for the rows that are ok.
    """
    ok = [row for row in rows if row.status == "ok"]
    values = np.array([row.value for row in ok], dtype=np.float64)
    undefined = [row for row in rows if row.status == "undefined"]
    infos = [inputs.infos[row.clip] for row in ok]
    interval = None
    if ok and draws:
        groups = group_numbers([info.sequence for info in infos])
        interval = cluster_mean_interval(values, groups, draws=draws, seed=BOOTSTRAP_SEED)
    detail = _detail(rows, bounds)
    if ok:
        detail["strata"] = _strata([info.stratum for info in infos], values)
    unmeasured = why_unmeasured(rows)
    if unmeasured:
        detail["not_measured"] = count_reasons(unmeasured, MAX_REASONS)
    if details:
        detail |= metric.summary(details, bounds.floor)
    return Result(
        value=float(np.mean(values)) if ok else None,
        ci95=interval,
        unit=metric.unit,
        better=metric.better,
        n=len(ok),
        n_undefined=len(undefined),
        coverage=coverage_of(rows),
        version=metric.version,
        protocol=protocol,
        floor=bounds.floor,
        chance=bounds.chance,
        detail=detail,
    )


def set_result(metric: Metric, outcome: SetOutcome, planned: int, bounds: FloorAndChance, protocol: str) -> Result:
    """Result of a set metric."""
    score = outcome.score
    detail = {**(dict(score.detail) if score else {}), **_detail([set_row(metric.name, outcome)], bounds)}
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


def _detail(rows: Sequence[ScoreRow], bounds: FloorAndChance) -> dict[str, Any]:
    detail: dict[str, Any] = {}
    for status, key in (("undefined", "undefined"), ("failed", "failed")):
        reasons = [row.reason for row in rows if row.status == status]
        if reasons:
            detail[key] = count_reasons(reasons, MAX_REASONS)
    missing = [row.reason for row in rows if row.status == "not-applicable"]
    if missing:
        detail["not_applicable"] = missing[0]
    if bounds.notes:
        detail["yardstick"] = dict(bounds.notes)
    return detail


def _strata(strata: Sequence[str], values: np.ndarray) -> dict[str, dict[str, Any]]:
    names = np.asarray(strata, dtype=str)
    groups = {name: values[names == name] for name in sorted(set(strata))}
    return {name: {"value": float(np.mean(group)), "n": len(group)} for name, group in groups.items()}
