"""Scores as columns: the same rows, numbers and counts as a list of rows, whether they lie in memory or in a file."""

import json

import numpy as np
import pytest

from egobench.files import spill
from egobench.metrics.base import ClipScore
from egobench.scoring import column as column_module
from egobench.scoring.column import ScoreColumn, count_items, rows_of
from egobench.scoring.measured import coverage_of, unmeasured_items
from egobench.store.tables import SET_CLIP, SET_SEED, ItemRow, ScoreRow

SCORES = [
    ("ok", 1.5, "", ClipScore(1.5, {"counted": "measured", "coverage": 0.75, "x": np.float64(0.1)})),
    ("failed", None, "a: b", None),
    ("undefined", None, "still", None),
    ("ok", 2.0, "", ClipScore(2.0, {"counted": "null", "not_measured": "black"})),
    ("ok", 0.25, "", None),
    ("not-applicable", None, "no video", None),
]


def row_of(number, status, value, reason, score):
    detail = "" if score is None else json.dumps(dict(score.detail), sort_keys=True)
    return ScoreRow(f"c{number:02d}", 0, "m", value, status, reason, detail)


ROWS = [row_of(number, *SCORES[number % len(SCORES)]) for number in range(20)]


@pytest.fixture(params=[1024, 3])
def column(request, tmp_path, monkeypatch):
    monkeypatch.setattr(column_module, "BLOCK", request.param)
    monkeypatch.setattr(spill.SpilledList.__init__, "__defaults__", (request.param,))
    column = ScoreColumn("m", tmp_path)
    for number in range(20):
        status, value, reason, score = SCORES[number % len(SCORES)]
        column.add(f"c{number:02d}", 0, status, value, reason, score)
    return column


def test_a_column_gives_back_its_rows(column):
    assert list(column) == ROWS
    assert list(ScoreColumn.of("m", ROWS, None)) == ROWS
    assert {row.metric for row in column.named("other")} == {"other"}


def test_a_column_counts_as_its_rows_do(column):
    assert column.numbers[column.has("ok")].tolist() == [row.value for row in ROWS if row.status == "ok"]
    assert [int(column.has(status).sum()) for status in ("ok", "failed", "undefined")] == [10, 4, 3]
    assert column.coverage == coverage_of(ROWS)
    assert list(column.reasons("failed")) == ["a: b"] * 4
    assert list(column.why_unmeasured()) == ["black"] * 3


def test_the_scores_of_a_summary_are_those_with_details_in_order(column):
    found = column.scores()
    wanted = [row for row in ROWS if row.detail]
    assert [score.value for score in found] == [row.value for row in wanted]
    assert [score.detail for score in found] == [json.loads(row.detail) for row in wanted]
    assert found[-1].value == wanted[-1].value
    assert len(found[1:3]) == 2


def test_items_are_counted_over_columns_as_over_rows(column, tmp_path):
    items = [
        ItemRow(f"c{n:02d}", 0, "failed" if n == 7 else "ok", "", "", 1, 0.1, "v", "m", "0" * 16, "s", "p", "walk")
        for n in range(20)
    ]
    for status, detail in (("ok", json.dumps({"left_out": [["c04", 0], ["c01", 0]]})), ("failed", "")):
        set_row = ScoreRow(SET_CLIP, SET_SEED, "set", None, status, "why", detail)
        columns = [ScoreColumn.of("set", [set_row], tmp_path), column]
        failed = {(row.clip, 0) for row in ROWS if row.status == "failed"} | {("c07", 0)}
        unmeasured = unmeasured_items(items, [*ROWS, set_row]) - failed
        assert count_items(items, columns) == {"planned": 20, "failed": len(failed), "unmeasured": len(unmeasured)}
        assert [row.metric for row in rows_of(columns)] == ["m"] * 20 + ["set"]
