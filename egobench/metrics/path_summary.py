"""What a whole run says beside its mean: by status, by observability, over time. From the details of its clips."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from egobench.metrics.base import ClipScore

COMPLETE = 0.9
"""Least coverage of a success."""


def path_summary(
    scores: Sequence[ClipScore],
    *,
    companions: Sequence[str],
    over_time: str,
    moved: str,
    least_moved: float | None,
    thresholds: Sequence[float],
) -> dict[str, Any]:
    """Details of a result.

    Args:
        scores: of the defined clips.
        companions: keys of `ClipScore.detail` whose means are given.
        over_time: key of the error per frame.
        moved: key of how far a clip moves; that of the reference (`reference_…`) is taken where there is one, so that
            all models have the same clips in the stratum.
        least_moved: how far an observable clip moves; None where the floor is not known.
        thresholds: of the success curve, in the metric's unit.
    """
    values = np.array([score.value for score in scores], dtype=np.float64)
    details = [score.detail for score in scores]
    status = np.array([str(detail["status"]) for detail in details])
    ok = np.asarray(status == "ok")
    return {
        "statuses": {name: _part(values, np.asarray(status == name)) for name in sorted(set(status.tolist()))},
        "counted": dict(sorted(Counter(str(detail["counted"]) for detail in details).items())),
        "coverage_of_frames": float(np.mean([detail["coverage"] for detail in details])),
        "ok": _part(values, ok),
        "companions": {key: _mean([detail.get(key) for detail in details]) for key in companions},
        "over_time": _over_time([detail.get(over_time) for detail in details]),
        "observable": _observable(values, details, moved, least_moved),
        "success": {f"{value:g}": _success(scores, value) for value in thresholds},
    }


def _part(values: np.ndarray, chosen: np.ndarray) -> dict[str, Any]:
    return {"n": int(chosen.sum()), "mean": float(values[chosen].mean()) if chosen.any() else None}


def _mean(values: Sequence[float | None]) -> dict[str, Any]:
    known = [value for value in values if value is not None]
    return {"n": len(known), "mean": float(np.mean(known)) if known else None}


def _over_time(series: Sequence[Sequence[float | None] | None]) -> dict[str, list[Any]]:
    """Median, 90th percentile and number of clips, per video frame; of registered frames only."""
    known = [np.array([np.nan if value is None else value for value in row]) for row in series if row is not None]
    frames = max((len(row) for row in known), default=0)
    columns = [np.array([row[k] for row in known if k < len(row) and not np.isnan(row[k])]) for k in range(frames)]
    return {
        "median": [float(np.median(column)) if column.size else None for column in columns],
        "p90": [float(np.quantile(column, 0.9)) if column.size else None for column in columns],
        "n": [int(column.size) for column in columns],
    }


def _observable(
    values: np.ndarray, details: Sequence[Mapping[str, Any]], moved: str, least: float | None
) -> dict[str, Any]:
    if least is None:
        return {"least": None, "share": None, "n": None, "mean": None}
    gone = [
        detail[moved] if detail.get(f"reference_{moved}") is None else detail[f"reference_{moved}"]
        for detail in details
    ]
    chosen = np.asarray(np.array(gone, dtype=np.float64) >= least)
    return {"least": least, "share": float(chosen.mean()), **_part(values, chosen)}


def _success(scores: Sequence[ClipScore], threshold: float) -> float:
    """Share of all scored clips below the threshold, measured on at least 90 % of their frames."""
    return float(
        np.mean(
            [
                score.value < threshold
                and score.detail["counted"] == "measured"
                and score.detail["coverage"] >= COMPLETE
                for score in scores
            ]
        )
    )
