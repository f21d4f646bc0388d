"""`egobench leaderboard pictures`: all files, the same bytes twice, and what cannot be drawn is said or refused."""

import csv
import json

import matplotlib.image
import pytest

from egobench.boards.board import read_board
from egobench.cli.main import main
from egobench.errors import BadInputError
from egobench.pictures.board_pictures import make_pictures
from egobench.pictures.good_and_bad import extremes
from egobench.pictures.picture_rows import PictureRow, open_row
from egobench.pictures.training_curve import open_checkpoints, short_number, training_csv
from egobench.store.folder import RunFolder
from egobench.store.tables import ScoreRow, write_scores

METRIC = "rot-err"


def words(board, runs, *names):
    return ["leaderboard", "pictures", str(board), *(f"--run={name}={runs[name]}" for name in names)]


def test_all_pictures_are_made_and_the_same_runs_give_the_same_bytes(toy_runs, toy_board, tmp_path):
    runs = [(name, toy_runs[name]) for name in ("reference", "whole", "broken")]
    points = [("A", 100, toy_runs["broken"]), ("A", 2000, toy_runs["whole"])]
    made = [
        make_pictures(toy_board, runs, tmp_path / name, count=3, metric=METRIC, checkpoints=points) for name in "ab"
    ]
    names = [
        "rows.png",
        "rows.html",
        "over-time.png",
        "over-time.csv",
        "good-and-bad.png",
        "training.png",
        "training.csv",
    ]
    assert [file.name for file in made[0].files] == names
    assert made[0].clips == ["toy-00", "toy-02", "toy-05"]
    for name in names:
        first, second = ((tmp_path / folder / name).read_bytes() for folder in "ab")
        assert first == second, name
    for name in names:
        if name.endswith("png"):
            image = matplotlib.image.imread(tmp_path / "a" / name)
            assert image[..., :3].std() > 0.02
            assert min(image.shape[:2]) > 200


def test_a_row_without_video_keeps_its_path_and_is_said(toy_runs, toy_board, tmp_path, capsys):
    out = tmp_path / "out"
    asked = words(toy_board, toy_runs, "whole", "body only")
    assert main([*asked, "--count=2", "--metric=toy-speed", f"--out={out}"]) == 0
    said = capsys.readouterr()
    assert said.out.splitlines()[0] == str(out / "rows.png")
    assert "body only makes no video: no strip" in said.err
    assert "body only has no line: " in said.err
    assert "the same clips: 2/2" in said.err, "progress is shown"
    text = (out / "rows.html").read_text(encoding="utf-8")
    assert "no video" in text
    assert "body only" in text
    labels = {line["model"] for line in csv.DictReader((out / "over-time.csv").open())}
    assert labels == {"whole"}


def test_pictures_go_into_the_boards_folder_and_json_names_them(toy_runs, toy_board, capsys):
    assert main([*words(toy_board, toy_runs, "whole"), "--count=1", f"--metric={METRIC}", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["clips"] == ["toy-00"]
    assert found["files"][0] == str(toy_board / "pictures" / "rows.png")


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--run", "whole"], "--run takes LABEL=RUNFOLDER, found 'whole'"),
        (["--checkpoint", "A=runs/a"], "--checkpoint takes LABEL@SAMPLES=RUNFOLDER"),
        (["--count", "0"], "count is 0; at least 1 clip is needed"),
        (["--metric", "toy-colour"], "toy-colour scores all clips at once"),
        (["--metric", "toy-sped"], "did you mean 'toy-speed'"),
        (["--run", "again=nowhere"], "not a run folder"),
    ],
)
def test_what_is_wrong_is_one_line_with_what_would_be_right(toy_runs, toy_board, capsys, more, message):
    assert main([*words(toy_board, toy_runs, "whole"), *more]) == 2
    said = capsys.readouterr().err
    assert message in said
    assert said.count("\n") == 1
    assert not (toy_board / "pictures").exists()


def test_nothing_to_draw_is_refused(toy_board, capsys):
    assert main(["leaderboard", "pictures", str(toy_board)]) == 2
    assert "no run to draw" in capsys.readouterr().err


def scored(folder, values, better):
    """A row whose clips have these values of a metric; None is undefined."""
    rows = [
        ScoreRow(f"c{number}", 0, "m", value, "undefined" if value is None else "ok", "")
        for number, value in enumerate(values)
    ]
    write_scores(folder / "scores.parquet", rows)
    return PictureRow("row", RunFolder(folder), {"model": {"name": "x"}}, {"m": {"better": better}}, ())


@pytest.mark.parametrize(
    ("better", "best", "worst"),
    [("lower", ["c3", "c1", "c5"], ["c0", "c6", "c4"]), ("higher", ["c0", "c4", "c6"], ["c3", "c1", "c5"])],
)
def test_the_three_best_and_the_three_worst_are_chosen_by_value_and_then_by_name(tmp_path, better, best, worst):
    found = extremes(scored(tmp_path, [9.0, 1.0, None, 0.5, 8.0, 2.0, 8.0, 3.0], better), "m")
    assert [score.clip for score in found.best] == best
    assert found.scored == 7
    assert [score.clip for score in found.worst] == worst


def test_no_clip_is_both_good_and_bad(tmp_path):
    found = extremes(scored(tmp_path, [3.0, 1.0, 2.0], "lower"), "m")
    assert [score.clip for score in (*found.best, *found.worst)] == ["c1", "c2", "c0"]


def test_training_is_a_line_per_checkpoint_and_metric_sorted_by_samples(toy_runs, toy_board):
    board = read_board(toy_board)
    points = open_checkpoints(
        board, [("B", 5, toy_runs["whole"]), ("A", 90, toy_runs["whole"]), ("A", 7, toy_runs["broken"])]
    )
    assert [(each.label, each.samples) for each in points] == [("B", 5), ("A", 7), ("A", 90)]
    lines = list(csv.DictReader(training_csv(board, points).splitlines()))
    assert [(line["label"], line["samples"], line["metric"]) for line in lines[:3]] == [
        ("B", "5", metric) for metric in board.metrics
    ]
    result = open_row(board, "x", toy_runs["whole"]).results["toy-speed"]
    assert float(lines[0]["value"]) == result["value"]
    assert [float(lines[0]["ci95_low"]), float(lines[0]["ci95_high"])] == list(result["ci95"])
    assert (lines[0]["n"], lines[0]["run"]) == ("8", toy_runs["whole"].name)


def test_training_alone_is_drawn_without_any_row(toy_runs, toy_board, tmp_path):
    made = make_pictures(toy_board, [], tmp_path / "out", checkpoints=[("A", 0, toy_runs["whole"])])
    assert [file.name for file in made.files] == ["training.png", "training.csv"]


def test_a_checkpoint_twice_or_of_some_clips_is_refused(toy_runs, toy_board, tmp_path):
    board = read_board(toy_board)
    with pytest.raises(BadInputError, match=r"A@5 is given twice: .*; one is right"):
        open_checkpoints(board, [("A", 5, toy_runs["whole"]), ("A", 5, toy_runs["broken"])])
    with pytest.raises(BadInputError, match="0 or more"):
        open_checkpoints(board, [("A", -5, toy_runs["whole"])])
    with pytest.raises(BadInputError, match="4 of the 8 clips"):
        make_pictures(toy_board, [], tmp_path, checkpoints=[("A", 5, toy_runs["limited"])])


@pytest.mark.parametrize(("value", "text"), [(0, "0"), (800, "800"), (12_000, "12k"), (1.5e6, "1.5M")])
def test_training_samples_are_short(value, text):
    assert short_number(value) == text
