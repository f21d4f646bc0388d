"""Counts rows whose score was not measured, so that a number made of failures does not look like a measured one.

Where the estimator sees nothing, a path metric gives the clip the cost of a camera that never moves: failing must not
pay. A set metric leaves such a clip out; a set metric that raises leaves out all. The counts come from the rows of
`scores.parquet`.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from egobench.store.tables import SET_CLIP, ItemRow, ScoreRow, ScoreStatus

LEFT_OUT = "left_out"
"""Key in the detail of a set metric's row: `[clip, seed]` of the samples that could not be read for it."""


def coverage_of(rows: Sequence[ScoreRow]) -> float:
    """Mean coverage of a clip metric's rows, 0 … 1. A row of a path metric counts with the share of video frames whose
    pose was estimated, any other scored or undefined row with 1, a failed row with 0."""
    return sum(seen_of(row.status, _detail(row)) for row in rows) / len(rows) if rows else 0.0


TOO_FEW = "features-clips:"
"""Start of the reason of a set metric that had too few rows."""


def failed_sets(clips: Iterable[str], rows: Iterable[ScoreRow]) -> dict[str, str]:
    """Set metrics that failed as a whole, and why. One clip that was asked for alone is no set: a metric that needs
    more did not fail.

    Args:
        clips: clip id of every item.
        rows: of all metrics, or of set metrics only.
    """
    is_alone = len(set(clips)) < 2
    return {
        row.metric: row.reason
        for row in rows
        if row.clip == SET_CLIP and row.status == "failed" and not (is_alone and row.reason.startswith(TOO_FEW))
    }


def unmeasured_items(items: Sequence[ItemRow], rows: Sequence[ScoreRow]) -> set[tuple[str, int]]:
    """Items with a sample, on which some metric saw nothing: (clip, seed). A set metric that failed as a whole saw
    nothing of any."""
    if failed_sets((item.clip for item in items), rows):
        return {(item.clip, item.seed) for item in items if item.status == "ok"}
    found: set[tuple[str, int]] = set()
    for row in rows:
        if row.clip == SET_CLIP:
            found |= left_out_of(row)
        elif is_null(row.status, _detail(row)):
            found.add((row.clip, row.seed))
    return found & {(item.clip, item.seed) for item in items if item.status == "ok"}


def left_out_of(row: ScoreRow) -> set[tuple[str, int]]:
    """Samples that a set metric left out: (clip, seed)."""
    return {(str(clip), int(seed)) for clip, seed in _detail(row).get(LEFT_OUT, ())}


def seen_of(status: ScoreStatus, detail: Mapping[str, Any]) -> float:
    """Share of a row that was measured, 0 … 1, by its status and what the metric gave besides the number."""
    if status != "ok":
        return 1.0 if status == "undefined" else 0.0
    if "counted" not in detail:
        return 1.0
    return 0.0 if detail["counted"] == "null" else float(detail.get("coverage", 1.0))


def is_null(status: ScoreStatus, detail: Mapping[str, Any]) -> bool:
    """Whether a row was given the cost of seeing nothing."""
    return status == "ok" and detail.get("counted") == "null"


def why_null(detail: Mapping[str, Any]) -> str:
    """Why such a row was not measured."""
    return str(detail.get("not_measured", "no reason given"))


def _detail(row: ScoreRow) -> dict[str, Any]:
    return json.loads(row.detail) if row.detail else {}
