"""Figures of a calibration card: metrics on recorded videos, with their own motion and with another clip's.

The error on a card is the value of the metric, computed by the same code as in a run.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from egobench.catalog import METRICS
from egobench.errors import BadInputError
from egobench.metrics.base import ESTIMATED, What
from egobench.plan.availability import check_metric
from egobench.plan.protocol import is_set_metric
from egobench.plan.resolve import Metric, resolve_metrics
from egobench.scoring.inputs import Origin
from egobench.scoring.reasons import count_reasons
from egobench.scoring.score import Score, collect, group_numbers, score_clip, try_set
from egobench.stats.pairing import SHUFFLE_SEED, shuffled_partners
from egobench.stats.spread import spread
from egobench.types import ClipInfo, Split
from egobench.validate.calibrate_estimates import Estimates, own

DRAWS = 2000
MAX_REASONS = 5
Breakdown = Mapping[str, Mapping[str, Sequence[str]]]
"""Property of clips (`stratum`, `texture`, `status`) → its values → clip ids."""


def metrics_by(estimator: str, whats: Sequence[What], split: Split) -> tuple[tuple[Metric, ...], dict[str, str]]:
    """The built-in metrics that read what an estimator sees, with it as their preset; and those that refuse the split
    or the estimator, with the reason."""
    found, refused = [], {}
    for name in METRICS.names():
        (metric,) = resolve_metrics(name)
        if metric.preset_kind != "estimators":
            continue
        (metric,) = resolve_metrics(f"{name}:{estimator}")
        if not any(need.what in whats and need.what in ESTIMATED for need in metric.needs().values()):
            continue
        try:
            check_metric(metric, split)
        except BadInputError as error:
            refused[name] = str(error)
        else:
            found.append(metric)
    return tuple(found), refused


def shuffled_clips(infos: Sequence[ClipInfo]) -> tuple[list[tuple[str, Origin]], str]:
    """For each clip the video of one other clip and the motion of a third, paired as in the control `shuffled`. Empty,
    with the reason, where there are too few recordings."""
    try:
        video, motion = shuffled_partners([info.sequence for info in infos], SHUFFLE_SEED)
    except BadInputError as error:
        return [], str(error)
    ids = [info.clip_id for info in infos]
    origins = [Origin(video_of=ids[v], motion_of=ids[m]) for v, m in zip(video, motion, strict=True)]
    return list(zip(ids, origins, strict=True)), ""


def measure(metric: Metric, inputs: Estimates, infos: Sequence[ClipInfo], breakdown: Breakdown) -> dict[str, Any]:
    """A metric's part of the card: over all clips, by each breakdown, and by chance."""
    figures = _set_figures if is_set_metric(metric) else _clip_figures
    pairs = {info.clip_id: (info.clip_id, own(info.clip_id)) for info in infos}
    shuffled, reason = shuffled_clips(infos)
    wrong = figures(metric, inputs, shuffled) if shuffled else {"n": 0, "undefined": {reason: 1}}
    return {
        **{"version": metric.version, "unit": metric.unit, "better": metric.better},
        "all": figures(metric, inputs, list(pairs.values()), in_full=True),
        "by": {
            kind: {value: figures(metric, inputs, [pairs[clip_id] for clip_id in ids]) for value, ids in values.items()}
            for kind, values in breakdown.items()
        },
        "chance": wrong,
    }


def clip_values(metric: Any, inputs: Estimates, clip_ids: Sequence[str]) -> np.ndarray:
    """A clip metric's value on each clip; NaN where it has none."""
    scores = [score_clip(metric, inputs, clip_id, own(clip_id)) for clip_id in clip_ids]
    return np.array([np.nan if score.value is None else score.value for score in scores])


def _clip_figures(
    metric: Any, inputs: Estimates, pairs: Sequence[tuple[str, Origin]], *, in_full: bool = False
) -> dict[str, Any]:
    """With the metric's own summary (over time, success curve) where asked for in full."""
    scores = [(clip_id, score_clip(metric, inputs, clip_id, origin)) for clip_id, origin in pairs]
    ok = [(clip_id, score) for clip_id, score in scores if score.status == "ok"]
    found: dict[str, Any] = {"n": len(ok)}
    for status in ("undefined", "failed"):
        reasons = [score.reason for _, score in scores if score.status == status]
        if reasons:
            found[status] = count_reasons(reasons, MAX_REASONS)
    if ok:
        groups = group_numbers([inputs.infos[clip_id].sequence for clip_id, _ in ok])
        values = np.array([score.value for _, score in ok], dtype=np.float64)
        found |= {**spread(values, groups, DRAWS)._asdict(), "companions": _companions([score for _, score in ok])}
        details = [score.detail for _, score in ok if score.detail is not None]
        if in_full and details and (said := metric.summary(details, found["mean"])):
            found["summary"] = said
    return found


def _companions(scores: Sequence[Score]) -> dict[str, Any]:
    """Median of every number that the metric gives beside its value, and of how many clips."""
    found: dict[str, list[float]] = {}
    for score in scores:
        for name, value in (score.detail.detail if score.detail else {}).items():
            if isinstance(value, int | float) and not isinstance(value, bool) and np.isfinite(value):
                found.setdefault(name, []).append(float(value))
    return {name: {"median": float(np.median(values)), "n": len(values)} for name, values in sorted(found.items())}


def _set_figures(
    metric: Any, inputs: Estimates, pairs: Sequence[tuple[str, Origin]], *, in_full: bool = False
) -> dict[str, Any]:
    del in_full  # a set metric's details are in full anyway
    rows = collect(metric, inputs, pairs)
    groups = group_numbers([inputs.infos[clip_id].sequence for clip_id in rows.clips])
    outcome = try_set(metric, rows, groups, draws=DRAWS)
    if outcome.score is None:
        return {"n": 0, outcome.status: {outcome.reason: 1}}
    found = {"n": outcome.entered, "value": outcome.score.value, "ci95": outcome.score.ci95}
    return {**found, "companions": dict(outcome.score.detail)}
