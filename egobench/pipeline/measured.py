"""What was measured, as opposed to penalised or left out: a number made of failures must not look like one.

A path metric gives a clip that its estimator could not see the cost of a camera that never moves, so that failing does
not pay; a set metric leaves it out. Both are counted here, from the rows of `scores.parquet`.
"""

import json
from collections.abc import Sequence
from typing import Any

from egobench.store.tables import SET_CLIP, ItemRow, ScoreRow

LEFT_OUT = "left_out"
"""Key in the detail of a set metric's row: `[clip, seed]` of the samples that could not be read for it."""


def coverage_of(rows: Sequence[ScoreRow]) -> float:
    """Share of the rows of a clip metric that were seen, 0 … 1: of a row that a path metric scored, the share of its
    video frames whose pose was found; 1 of any other that is scored or undefined, 0 of one that failed."""
    return sum(_seen(row) for row in rows) / len(rows) if rows else 0.0


def unmeasured_items(items: Sequence[ItemRow], rows: Sequence[ScoreRow]) -> set[tuple[str, int]]:
    """Items with a sample, on which some metric saw nothing: (clip, seed)."""
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
