"""Counts rows whose score was not measured, so that a number made of failures does not look like a measured one.

Where the estimator sees nothing, a path metric gives the clip the cost of a camera that never moves: failing must not
pay. A set metric leaves such a clip out; a set metric that raises leaves out all. The counts come from the rows of
`scores.parquet`.
"""

import json
from collections.abc import Sequence
from typing import Any

from egobench.store.tables import SET_CLIP, ItemRow, ScoreRow

LEFT_OUT = "left_out"
"""Key in the detail of a set metric's row: `[clip, seed]` of the samples that could not be read for it."""


def coverage_of(rows: Sequence[ScoreRow]) -> float:
    """Mean coverage of a clip metric's rows, 0 … 1. A row of a path metric counts with the share of video frames whose
    pose was estimated, any other scored or undefined row with 1, a failed row with 0."""
    return sum(_seen(row) for row in rows) / len(rows) if rows else 0.0


TOO_FEW = "features-clips:"
"""Start of the reason of a set metric that had too few rows."""


def failed_sets(items: Sequence[ItemRow], rows: Sequence[ScoreRow]) -> dict[str, str]:
    """Set metrics that failed as a whole, and why. One clip that was asked for alone is no set: a metric that needs
    more did not fail."""
    is_alone = len({item.clip for item in items}) < 2
    return {
        row.metric: row.reason
        for row in rows
        if row.clip == SET_CLIP and row.status == "failed" and not (is_alone and row.reason.startswith(TOO_FEW))
    }


def unmeasured_items(items: Sequence[ItemRow], rows: Sequence[ScoreRow]) -> set[tuple[str, int]]:
    """Items with a sample, on which some metric saw nothing: (clip, seed). A set metric that failed as a whole saw
    nothing of any."""
    if failed_sets(items, rows):
        return {(item.clip, item.seed) for item in items if item.status == "ok"}
    found: set[tuple[str, int]] = set()
    for row in rows:
        if row.clip == SET_CLIP:
            found |= {(str(clip), int(seed)) for clip, seed in _detail(row).get(LEFT_OUT, ())}
        elif row.status == "ok" and _detail(row).get("counted") == "null":
            found.add((row.clip, row.seed))
    return found & {(item.clip, item.seed) for item in items if item.status == "ok"}


def why_unmeasured(rows: Sequence[ScoreRow]) -> list[str]:
    """A reason for each row that was given the cost of seeing nothing."""
    details = [_detail(row) for row in rows if row.status == "ok"]
    return [str(each.get("not_measured", "no reason given")) for each in details if each.get("counted") == "null"]


def _seen(row: ScoreRow) -> float:
    if row.status != "ok":
        return 1.0 if row.status == "undefined" else 0.0
    detail = _detail(row)
    if "counted" not in detail:
        return 1.0
    return 0.0 if detail["counted"] == "null" else float(detail.get("coverage", 1.0))


def _detail(row: ScoreRow) -> dict[str, Any]:
    return json.loads(row.detail) if row.detail else {}
