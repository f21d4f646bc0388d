"""Runs that are drawn side by side: held to the board, to the whole split and to one protocol; clips chosen by rule."""

import json
import shutil
from dataclasses import replace

import pytest

from egobench.boards.board import read_board
from egobench.errors import BadInputError, NotComparableError
from egobench.pictures.drawing import evenly_spread
from egobench.pictures.picture_rows import open_row, open_rows, refuse_mixture, rows_split, why_not_scored
from egobench.pictures.rows_sheet import chosen_ids, missing_parts

ROT_ERR = "rot-err"


@pytest.fixture
def board(toy_board):
    return read_board(toy_board)


def changed(run, folder, **fields):
    """A copy of a run with other fields in its manifest."""
    copy = shutil.copytree(run, folder / "copy")
    manifest = json.loads((copy / "manifest.json").read_text())
    (copy / "manifest.json").write_text(json.dumps({**manifest, **fields}))
    return copy


@pytest.mark.parametrize(
    ("count", "shown", "places"),
    [(256, 8, [0, 32, 64, 96, 128, 160, 192, 224]), (8, 3, [0, 2, 5]), (3, 8, [0, 1, 2]), (5, 1, [0])],
)
def test_clips_are_a_fixed_step_apart_from_the_first_on(count, shown, places):
    assert evenly_spread(count, shown) == places


def test_the_rule_is_said_with_the_numbers_of_the_clips(board, toy_runs):
    split = rows_split(open_rows(board, [("a", toy_runs["whole"])]))
    ids, rule = chosen_ids(split, 3)
    assert ids == ["toy-00", "toy-02", "toy-05"]
    assert "3 of the 8 clips of toy" in rule
    assert "number 1, 3, 6)" in rule
    assert chosen_ids(split, 100)[1] == "All 8 clips of toy."


def test_what_a_row_lacks_is_a_line(board, toy_runs):
    runs = [("truth", toy_runs["reference"]), ("walker", toy_runs["body only"]), ("whole", toy_runs["whole"])]
    rows = open_rows(board, runs)
    assert [row.parts for row in rows] == [("video", "motion"), ("motion",), ("video", "motion")]
    assert missing_parts(rows) == [
        "truth is the reference itself: see the first strip",
        "walker makes no video: no strip",
    ]
    assert "does not apply" in why_not_scored(rows[1], ROT_ERR) or "no number" in why_not_scored(rows[1], ROT_ERR)
    assert "scores all clips at once" in why_not_scored(rows[2], "toy-colour")
    assert "egobench rescore RUN --metrics jerk" in why_not_scored(rows[2], "jerk")


def test_a_failed_sample_says_why_and_a_changed_one_is_refused(board, toy_runs, tmp_path):
    row = open_row(board, "broken", toy_runs["broken"])
    facts = row.manifest["split"]["facts"]
    assert row.sample("toy-04", 0, facts) == "failed: model-raised"
    assert row.sample("toy-99", 0, facts) == "no sample"
    assert row.sample("toy-00", 0, facts).video.frames.shape == (9, 16, 32, 3)
    copy = shutil.copytree(toy_runs["broken"], tmp_path / "copy")
    (copy / "samples/toy-00/0/video.mp4").write_bytes(b"x")
    with pytest.raises(BadInputError, match=r"video\.mp4 .* has changed"):
        open_row(board, "broken", copy).sample("toy-00", 0, facts)


@pytest.mark.parametrize("label", ["", "=sum(a1)", "$x$", "two\nlines"])
def test_a_label_that_cannot_be_printed_is_refused(board, toy_runs, label):
    with pytest.raises(BadInputError, match="cannot be printed; a letter or digit first"):
        open_row(board, label, toy_runs["whole"])


def test_no_run_and_two_runs_of_one_label_are_refused(board, toy_runs):
    with pytest.raises(BadInputError, match="--run LABEL=RUNFOLDER names one"):
        open_rows(board, [])
    with pytest.raises(BadInputError, match="two runs are called 'a'; give each a label of its own"):
        open_rows(board, [("a", toy_runs["whole"]), ("a", toy_runs["broken"])])


def test_a_run_that_is_not_done_is_refused_with_what_finishes_it(board, toy_runs, tmp_path):
    with pytest.raises(BadInputError, match="status is 'started'; `egobench resume"):
        open_row(board, "a", changed(toy_runs["whole"], tmp_path, status="started"))
    with pytest.raises(BadInputError, match="not a run folder"):
        open_row(board, "a", tmp_path)


def test_a_run_of_another_split_names_the_boards_and_the_command(toy_board, toy_runs):
    recipe = toy_board / "board.toml"
    recipe.write_text(recipe.read_text().replace('split = "toy"', 'split = "egomini-test"'))
    with pytest.raises(
        NotComparableError, match=r"split is 'toy', the board's is 'egomini-test'.*--split egomini-test"
    ):
        open_row(read_board(toy_board), "a", toy_runs["whole"])
    recipe.write_text(recipe.read_text().replace("egomini-test", "toy") + f'split_digest = "{"0" * 64}"\n')
    with pytest.raises(NotComparableError, match=r"split digest is '.{12}', the board's is '0{12}'"):
        open_row(read_board(toy_board), "a", toy_runs["whole"])


def test_a_run_whose_motion_was_given_is_drawn_where_the_board_lists_its_task(toy_board, toy_runs, tmp_path):
    copy = shutil.copytree(toy_runs["whole"], tmp_path / "copy")
    document = json.loads((copy / "metrics.json").read_text())
    (copy / "metrics.json").write_text(json.dumps({**document, "task": "tm2v"}))
    with pytest.raises(NotComparableError, match="task is 'tm2v', the board's is 't2vm'"):
        open_row(read_board(toy_board), "a", copy)
    recipe = toy_board / "board.toml"
    recipe.write_text('given = ["tm2v"]\n' + recipe.read_text())
    assert open_row(read_board(toy_board), "a", copy).label == "a"


def test_a_run_of_some_clips_is_refused(board, toy_runs):
    rows = open_rows(board, [("a", toy_runs["whole"]), ("few", toy_runs["limited"])])
    with pytest.raises(BadInputError, match=r"'few' was run on 4 of the 8 clips of toy; all are needed: .* --limit"):
        rows_split(rows)


def test_a_protocol_may_differ_in_a_task_that_the_board_lists_as_given(toy_board, toy_runs, tmp_path):
    copy = shutil.copytree(toy_runs["whole"], tmp_path / "copy")
    manifest, document = (json.loads((copy / name).read_text()) for name in ("manifest.json", "metrics.json"))
    before = document["metrics"]["toy-speed"]["protocol"]
    manifest["protocols"]["f" * 64] = manifest["protocols"][before] | {"task": "tm2v"}
    document["metrics"]["toy-speed"]["protocol"], document["task"] = "f" * 64, "tm2v"
    (copy / "manifest.json").write_text(json.dumps(manifest))
    (copy / "metrics.json").write_text(json.dumps(document))
    recipe = toy_board / "board.toml"
    recipe.write_text('given = ["tm2v"]\n' + recipe.read_text())
    board = read_board(toy_board)
    rows = open_rows(board, [("a", toy_runs["whole"]), ("b", copy)])
    refuse_mixture(board, rows, "toy-speed")
    with pytest.raises(NotComparableError, match=": task differ"):
        refuse_mixture(replace(board, given=()), rows, "toy-speed")


def test_two_protocols_of_one_metric_are_refused_and_the_fields_named(board, toy_runs):
    rows = open_rows(board, [("a", toy_runs["whole"]), ("few", toy_runs["limited"])])
    with pytest.raises(NotComparableError, match=r"toy-speed of 'few' .*: clip_ids, clips, items differ"):
        refuse_mixture(board, rows, "toy-speed")
    refuse_mixture(board, rows[:1], "toy-speed")
    refuse_mixture(board, rows, "nobody-has-it")
