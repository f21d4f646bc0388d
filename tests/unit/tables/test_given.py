"""Rows that were given more than the others, and rows that make one modality: listed, marked, never ranked."""

import csv
import io
import json

import pytest
from board_fixtures import RECIPE, document, entry, make_board, result
from rich.console import Console

from egobench.boards.board import read_board
from egobench.boards.leaderboard import board_grids, build
from egobench.data.open import open_split
from egobench.errors import BadInputError, NotComparableError
from egobench.files.digest import digest_json
from egobench.plan.protocol import protocol_record
from egobench.plan.resolve import resolve_metrics
from egobench.tables.given import given_mark, not_applicable_metrics, protocol_but_for_task
from egobench.tables.render import terminal
from egobench.tables.table import ModelRow, models_grid, run_grid

COLUMNS = RECIPE.replace('metrics = ["i-fid", "clip-sim"]', 'metrics = ["trans-err", "m-fid", "fvd"]').replace(
    'order = "i-fid"', 'order = "trans-err"'
)
GIVEN = COLUMNS.replace("metrics = [", 'given = ["tm2v"]\nmetrics = [')
NO_VIDEO = {"not_applicable": "the model makes no video"}


def protocol(metric, task="t2vm"):
    """A readable record and its digest."""
    record = {"metric": {"metric": metric}, "clips": 256, "task": task}
    return record, digest_json(record)


def measured(metric, value, task="t2vm", **changed):
    return result(value, protocol=protocol(metric, task)[1], **changed)


def ranked_entry(label, value):
    return entry(label, trans_err=measured("trans-err", value), m_fid=measured("m-fid", 5.0), fvd=measured("fvd", 9.0))


def given_entry(label="CameraCtrl", value=0.01, clips=256):
    """A run of tm2v: without a value of m-fid, which would judge the motion that was given."""
    metrics = {name: measured(name, value, "tm2v") for name in ("trans-err", "fvd")}
    content = {**entry(label), "task": "tm2v", "metrics": metrics}
    content["provenance"]["protocols"] = {name: protocol(name, "tm2v")[0] for name in metrics}
    if clips != 256:
        record = {**protocol("fvd", "tm2v")[0], "clips": clips}
        content["provenance"]["protocols"]["fvd"] = record
        metrics["fvd"]["protocol"] = digest_json(record)
    return content


def motion_entry(label="MLD"):
    """A model that makes motion alone: its video columns have no value and say why."""
    lost = {"n": 0, "coverage": 0.0, "detail": NO_VIDEO}
    return entry(
        label,
        trans_err=measured("trans-err", None, **lost),
        m_fid=measured("m-fid", 3.0),
        fvd=measured("fvd", None, **lost),
    )


@pytest.fixture
def board(tmp_path):
    """EgoTwin and VidMLD make both; CameraCtrl has the best numbers, with the motion given; MLD has the best motion."""
    entries = ranked_entry("EgoTwin", 0.2), ranked_entry("VidMLD", 0.3), given_entry(), motion_entry()
    return make_board(tmp_path, *entries, recipe=GIVEN)


def test_a_row_whose_motion_was_given_is_listed_with_a_mark_below_the_ranked_and_has_no_rank(board):
    (grid,) = board_grids(board)
    assert [row.cells[:2] for row in grid.rows[grid.rule_after :]] == [
        ("1", "EgoTwin"), ("2", "VidMLD"), ("", "MLD"), ("", "CameraCtrl, motion given (tm2v)"),
    ]  # fmt: skip
    assert "CameraCtrl: not ranked: motion given (tm2v); ranked rows make both" in grid.notes


def test_the_best_number_of_an_unranked_row_takes_nobodys_bold(board):
    (grid,) = board_grids(board)
    assert [set(row.strong) for row in grid.rows[2:]] == [{2, 3, 4}, {3, 4}, set(), set()]


def test_a_column_that_does_not_apply_says_so_and_why(board):
    (grid,) = board_grids(board)
    cells = {row.cells[1]: row.cells[2:] for row in grid.rows}
    assert cells["CameraCtrl, motion given (tm2v)"] == ("0.01", "not applicable", "0.01")
    assert cells["MLD"] == ("not applicable", "3", "not applicable")
    assert "CameraCtrl: m-fid does not apply: the motion was given, and nothing else is looked at" in grid.notes
    assert "MLD: trans-err, fvd do not apply: the model makes no video" in grid.notes
    assert "MLD: not ranked: no value of trans-err: the model makes no video" in grid.notes
    assert not [note for note in grid.notes if "was not scored" in note or "of the rows" in note]


def test_every_format_carries_mark_and_reason(board):
    written = {suffix: path.read_text(encoding="utf-8") for suffix, path in build(board).items()}
    printed = io.StringIO()
    terminal(board_grids(board), Console(file=printed, width=200))
    for text in (written["md"], written["tex"], printed.getvalue()):
        assert "CameraCtrl, motion given (tm2v)" in text
        assert "not applicable" in text
        assert "CameraCtrl: not ranked: motion given (tm2v)" in text
    lines = {(row["model"], row["metric"]): row for row in csv.DictReader(io.StringIO(written["csv"]))}
    reason = "motion given (tm2v); not applicable: the motion was given, and nothing else is looked at"
    assert lines["CameraCtrl", "m-fid"]["note"] == reason
    assert (lines["CameraCtrl", "m-fid"]["value"], lines["CameraCtrl", "m-fid"]["status"]) == ("", "not-applicable")
    assert lines["CameraCtrl", "fvd"]["note"] == "motion given (tm2v)"
    (block,) = json.loads(written["json"])["blocks"]
    rows = {(row["model"], row["metric"]): row for row in block["rows"]}
    assert (rows["CameraCtrl", "fvd"]["task"], rows["CameraCtrl", "fvd"]["rank"]) == ("tm2v", None)
    assert "task" not in rows["EgoTwin", "fvd"]
    assert rows["MLD", "fvd"]["note"] == "not applicable: the model makes no video"
    assert rows["MLD", "m-fid"]["status"] == "measured"


def test_a_given_row_of_fewer_clips_stands_in_a_block_of_its_own(tmp_path):
    entries = ranked_entry("EgoTwin", 0.2), given_entry(clips=8)
    first, second = board_grids(make_board(tmp_path, *entries, recipe=GIVEN))
    assert [row.cells[1] for grid in (first, second) for row in grid.rows[2:]] == [
        "EgoTwin", "CameraCtrl, motion given (tm2v)"
    ]  # fmt: skip
    assert "not comparable" in second.title


def test_a_row_whose_readable_protocol_is_not_the_digested_one_does_not_join_the_others(tmp_path):
    other = given_entry()
    other["provenance"]["protocols"]["fvd"]["clips"] = 8
    assert len(board_grids(make_board(tmp_path, ranked_entry("EgoTwin", 0.2), other, recipe=GIVEN))) == 2


def test_a_board_that_lists_no_given_task_refuses_such_an_entry(tmp_path):
    with pytest.raises(NotComparableError, match="task is 'tm2v', the board's is 't2vm'"):
        board_grids(make_board(tmp_path, given_entry(), recipe=COLUMNS))


def test_a_task_that_is_not_listed_is_refused_with_those_that_are(tmp_path):
    with pytest.raises(NotComparableError, match="task is 'tv2m', the board's is 't2vm' or 'tm2v'"):
        board_grids(make_board(tmp_path, {**given_entry(), "task": "tv2m"}, recipe=GIVEN))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ('"tm2v"', "a list of tasks is needed"),
        ('["tm3v"]', "did you mean 'tm2v'"),
        ('["t2vm"]', "each task stands there once"),
        ('["tm2v", "tm2v"]', "each task stands there once"),
    ],
)
def test_a_wrong_list_of_given_tasks_is_refused_with_what_would_be_right(tmp_path, given, said):
    with pytest.raises(BadInputError, match=said):
        read_board(make_board(tmp_path, recipe=GIVEN.replace('["tm2v"]', given)))


def test_a_mark_names_the_part_and_the_task():
    assert [given_mark(task) for task in ("tm2v", "tv2m", "t2vm", "")] == [
        "motion given (tm2v)", "video given (tv2m)", "", ""
    ]  # fmt: skip


def test_what_looks_at_the_given_part_alone_judges_nothing():
    columns = ["m-fid", "mm-dist", "trans-err", "fvd", "jerk", "somebody:Elses"]
    assert list(not_applicable_metrics("tm2v", columns)) == ["m-fid", "mm-dist", "jerk"]
    assert list(not_applicable_metrics("tv2m", columns)) == ["fvd"]
    assert not_applicable_metrics("t2vm", columns) == {}


@pytest.mark.parametrize("metric", ["trans-err", "fvd"])
def test_a_run_of_another_task_has_the_same_protocol_but_for_the_task(metric):
    split, (made,) = open_split("egomini-smoke"), resolve_metrics(metric)
    ids = [info.clip_id for info in split.infos()]
    ours, theirs = (protocol_record(made, split, ids, 1, task) for task in ("t2vm", "tm2v"))
    assert digest_json(ours) != digest_json(theirs)
    assert protocol_but_for_task(digest_json(theirs), theirs, "t2vm") == digest_json(ours)


def test_a_run_alone_and_runs_side_by_side_say_not_applicable_too():
    motion = motion_entry()["metrics"]
    alone = run_grid({**document("mld"), "metrics": motion})
    assert [row.cells[1] for row in alone.rows] == ["not applicable", "3", "not applicable"]
    rows = [ModelRow("mld", motion), ModelRow("egotwin", ranked_entry("a", 0.2)["metrics"])]
    beside = models_grid("t", ["trans-err", "m-fid"], rows)
    assert [row.cells[2:] for row in beside.rows[2:]] == [("not applicable", "3"), ("0.2", "5")]
