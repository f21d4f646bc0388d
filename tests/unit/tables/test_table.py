"""Runs and models as grids."""

import json

import pytest
from board_fixtures import document, result

from egobench.errors import BadInputError
from egobench.tables.table import ModelRow, check_metrics, models_grid, read_metrics, run_grid


def row(label, rank=None, kind="model", **metrics):
    return ModelRow(label, document(label, **metrics)["metrics"], kind, rank)


def test_a_run_prints_value_interval_count_coverage_floor_and_chance():
    grid = run_grid(document(i_fid=result(10.0, ci95=[9.0, 11.0], unit="px", n=250, n_undefined=6, coverage=0.9846)))
    assert grid.rows[0].cells == ("i-fid (px) ↓", "10.0 ± 1.0", "250", "6", "98.4 %", "2.5", "40")
    assert "Protocols: i-fid v1 aaaaaaaa." in grid.notes


def test_an_undefined_result_is_a_dash_with_its_reason_below():
    undefined = result(None, n=0, n_undefined=256, detail={"undefined": {"still head": 256}})
    grid = run_grid(document(i_fid=undefined))
    assert grid.rows[0].cells[1] == "–"
    assert "i-fid is undefined on 256 of 256 rows: still head (256)" in grid.notes
    assert grid.records[0]["value"] is None


def test_lost_rows_are_noted():
    grid = run_grid(document(i_fid=result(1.0, coverage=0.5)))
    assert any("50.0 % of the rows" in note for note in grid.notes)


def test_floor_and_chance_stand_under_the_header():
    grid = models_grid("t", ["i-fid"], [row("a", i_fid=result(3.0))])
    assert grid.rows[0].cells == ("", "floor", "2.5")
    assert grid.rows[1].cells == ("", "chance", "40")
    assert grid.rule_after == 2
    assert grid.header == ("#", "model", "i-fid ↓")


def test_floors_that_disagree_are_a_range():
    rows = [row("a", i_fid=result(3.0)), row("b", i_fid=result(3.0, floor=2.75))]
    assert models_grid("t", ["i-fid"], rows).rows[0].cells[2] == "2.5 … 2.75"


def test_a_metric_that_was_not_run_is_a_dash_and_a_note():
    grid = models_grid("t", ["i-fid", "fvd"], [row("a", i_fid=result(3.0))])
    assert grid.rows[2].cells[3] == "–"
    assert "a: fvd was not scored" in grid.notes


def test_the_best_ranked_value_is_bold_whichever_way_is_better():
    rows = [
        row("a", 1, i_fid=result(3.0), clip_sim=result(0.2, better="higher")),
        row("b", 2, i_fid=result(4.0), clip_sim=result(0.3, better="higher")),
        row("reference", None, "control", i_fid=result(0.0), clip_sim=result(0.9, better="higher")),
    ]
    grid = models_grid("t", ["i-fid", "clip-sim"], rows)
    assert [set(line.strong) for line in grid.rows[2:]] == [{2}, {3}, set()]


def test_nobody_is_best_alone():
    assert not models_grid("t", ["i-fid"], [row("a", 1, i_fid=result(3.0))]).rows[2].strong


def test_a_metrics_file_is_read_from_a_run_or_by_itself(tmp_path):
    (tmp_path / "metrics.json").write_text(json.dumps(document(i_fid=result(1.0))), encoding="utf-8")
    assert read_metrics(tmp_path) == read_metrics(tmp_path / "metrics.json")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"schema": 99}, "update egobench"),
        ({"schema": None}, "no `schema`"),
        ({"metrics": []}, "table of metrics"),
        ({"metrics": {"x": {"value": 1}}}, "lacks better"),
        ({"metrics": {"x": result(1.0, better="up")}}, "better = 'up'"),
    ],
)
def test_a_damaged_metrics_file_is_refused_with_what_is_wrong(change, said):
    with pytest.raises(BadInputError, match=said):
        check_metrics({**document(i_fid=result(1.0)), **change}, "metrics.json")


def test_a_folder_without_metrics_is_not_a_finished_run(tmp_path):
    with pytest.raises(BadInputError, match="not a finished run"):
        read_metrics(tmp_path)


def test_reasons_that_are_left_out_point_to_where_all_are():
    failed = {f"reason {chr(97 + k)}": 1 for k in range(8)}
    shown = run_grid(document("walker", i_fid=result(3.0, detail={"failed": failed}))).notes
    assert any("; others (5)" in note for note in shown)
    assert "every reason, row by row: the run's items.parquet and scores.parquet, or `egobench report RUN`" in shown
    few = run_grid(document("walker", i_fid=result(3.0, detail={"failed": {"reason a": 1}}))).notes
    assert not any("row by row" in note for note in few)
