"""A rehearsal of `make rows`: two rows on eight clips, two steps of training, one of sampling, with a small board."""

import importlib
import json
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from egobench.cli.main import main as egobench  # noqa: E402
from egobench.engines import local as engine  # noqa: E402
from egobench.engines import worker  # noqa: E402
from egotwin_ref.model import configs  # noqa: E402
from egotwin_ref.table.guidance_choice import Scale, Tried  # noqa: E402
from egotwin_ref.training import recipes  # noqa: E402
from egotwin_ref.training.recipes import Recipe, Recipes  # noqa: E402

BENCHMARKS = Path(__file__).parents[2] / "benchmarks" / "egotwin"
TWO, NONE = Recipe(steps=2, batch=2, warmup=1), Recipe(steps=0, batch=1)
TINY = Recipes(video_vae=TWO, motion_vae=TWO, kl_video=1e-5, kl_motion=1e-5, base=TWO, motion=TWO, joint=TWO, fine=NONE)
SMALL = configs.PRESETS["small"]
NETWORK = replace(SMALL.network, layers=2, heads=2, head_dim=32, motion_width=96, text_width=64, global_channels=96)
SMALLER = replace(SMALL, network=NETWORK, vae_width=16, global_vae=(32, 3))
BOARD = """
schema = 1
title = "Rehearsal"
split = "egomini-smoke"
given = ["tm2v"]
metrics = ["trans-err", "jerk"]
order = "trans-err"
"""


class Here:
    """A pool that works in this process: a fresh one would neither know the tiny network nor be cheap."""

    def submit(self, work, *arguments):
        future = Future()
        try:
            future.set_result(work(*arguments))
        except Exception as error:
            future.set_exception(error)
        return future


@contextmanager
def pool_here(blob, workers, devices):
    worker._state.clear()
    worker._state["job"] = blob
    yield Here()


@pytest.fixture(scope="module")
def scripts():
    """The benchmarks `rows` and `guidance`, which lie beside each other, with tiny trainings and a short grid."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCHMARKS))
        patch.setitem(recipes.RECIPES, "small", TINY)
        patch.setitem(configs.PRESETS, "small", SMALLER)
        patch.setattr(engine, "_pool", pool_here)
        rows, guidance = importlib.import_module("rows"), importlib.import_module("guidance")
        patch.setattr(guidance, "TEXT", (1.0, 4.0))
        patch.setattr(guidance, "PARTNER", (1.0, 3.0))
        yield rows, guidance


@pytest.fixture(scope="module")
def rehearsal(scripts, tmp_path_factory):
    """Folder, and the commands of three calls: stopped before guidance, gone on with to the end, and once more."""
    rows, guidance = scripts
    folder, calls = tmp_path_factory.mktemp("rows"), []
    (folder / "board").mkdir()
    (folder / "board" / "board.toml").write_text(BOARD)
    for stops in (True, False, False):
        calls.append([])

        def call(words, done=calls[-1], stops=stops):
            done.append(words)
            if words[0] == "guidance":
                return 130 if stops else guidance.main(words[1:])
            short = ["--metrics", "trans-err,jerk", "--draws", "0"] if words[1] == "run" else []
            return egobench([*words[1:], *short])

        assert rows.main(_arguments(folder), call) == (130 if stops else 0)
    return folder, calls


def _arguments(folder, *more):
    splits = [word for option in ("--train", "--val", "--split") for word in (option, "egomini-smoke")]
    places = ["--work", str(folder / "work"), "--board", str(folder / "board")]
    return ["--rows", "egotwin,mld", *splits, *places, "--clips", "2", "--limit", "2", "--steps", "1", *more]


def verbs(calls):
    return [" ".join(words[1:3]) if words[0] == "egobench" else words[0] for words in calls]


def test_each_row_is_trained_guided_run_entered_and_tabled_in_order(rehearsal):
    _, (stopped, gone_on, _) = rehearsal
    assert verbs(stopped) == ["train egotwin", "guidance"]
    row = ["train egotwin", "guidance", "run --model", "run --model", "leaderboard add", "leaderboard add"]
    made = [verb for verb in verbs(gone_on) if verb not in ("leaderboard claims", "leaderboard pictures")]
    wanted = [*row[1:], "leaderboard build", *row, "leaderboard build"]  # what was trained is not trained again
    plain = [verb for verb in wanted if verb not in ("run --model", "leaderboard add")]
    assert [verb for verb in made if verb not in ("run --model", "leaderboard add")] == plain
    assert made.count("run --model") == made.count("leaderboard add")


def test_what_is_done_is_not_done_again(rehearsal):
    _, (_, _, again) = rehearsal
    assert [verb for verb in verbs(again) if verb not in ("leaderboard claims", "leaderboard pictures")] == []


def test_the_choice_stands_in_a_file_with_every_pair(rehearsal):
    folder, _ = rehearsal
    for row, columns, pairs in (("egotwin", {"trans-err", "rot-err", "mm-dist"}, 3), ("mld", {"mm-dist"}, 2)):
        found = json.loads((folder / "board" / "guidance" / f"{row}.json").read_text())
        assert len(found["tried"]) == pairs
        assert all(set(pair["columns"]) == columns for pair in found["tried"])
        least = min(found["tried"], key=lambda pair: pair["way"])
        assert found["chosen"] == {"text": least["text"], "partner": least["partner"]}


def test_the_board_has_the_rows_and_says_what_does_not_apply(rehearsal):
    folder, _ = rehearsal
    table = (folder / "board" / "table.md").read_text()
    labels = {json.loads(path.read_text())["provenance"]["model"] for path in (folder / "board/entries").iterdir()}
    assert {"EgoTwin", "MLD"} <= labels <= {"EgoTwin", "MLD", "EgoTwin, guided", "MLD, guided"}
    assert "MLD: not ranked: no value of trans-err: the model makes no video" in table


def test_weights_made_elsewhere_are_not_trained_again(scripts, rehearsal, tmp_path, capsys):
    rows, _ = scripts
    folder, _ = rehearsal
    (tmp_path / "board").mkdir()
    (tmp_path / "board" / "board.toml").write_text(BOARD)
    done = []

    def call(words):
        done.append(words)
        return 130  # not needed: it is enough to see what would come first

    arguments = _arguments(tmp_path, "--weights", str(folder / "work" / "weights"))
    assert rows.main(arguments, call) == 130
    assert verbs(done) == ["guidance"]
    assert "EgoTwin" in capsys.readouterr().out


def test_the_estimate_and_the_table_say_every_row(scripts, rehearsal, capsys):
    rows, _ = scripts
    folder, _ = rehearsal
    assert rows.main(_arguments(folder), lambda words: 0) == 0
    printed = capsys.readouterr().out
    assert "egotwin         done" in printed
    assert "about 0 s in all" in printed
    lines = [line.split() for line in printed.splitlines() if line.startswith(("EgoTwin", "MLD"))]
    assert [(line[0], line[1], line[3]) for line in lines] == [("EgoTwin", "12", "0"), ("MLD", "12", "0")]
    assert all("on the board" in line for line in printed.splitlines() if line.startswith(("EgoTwin", "MLD")))


def test_a_choice_that_was_stopped_goes_on_with_the_pairs_it_has(scripts, tmp_path, capsys):
    _, guidance = scripts
    ways, asked_for = {1.0: 0.5, 4.0: 0.3}, []
    asked = guidance.Request("mld", 0, "small", "t2vm", "val", "0" * 64, 2, 1, {}, (1.0, 4.0), (1.0,))
    scale = Scale.of({"mm-dist": [0.0, 0.0]}, {"mm-dist": [1.0, 1.0]})

    def measure(pair):
        asked_for.append(pair.text)
        return Tried.of(pair, {"mm-dist": [ways[pair.text]] * 2}, scale)

    def late_after_one(pair):
        monkey.setattr(guidance.time, "monotonic", lambda: 2.0)
        return measure(pair)

    out = tmp_path / "choice.json"
    with pytest.MonkeyPatch.context() as monkey:
        monkey.setattr(guidance.time, "monotonic", lambda: 0.0)
        with pytest.raises(guidance.LateError):
            guidance.choose(asked, late_after_one, scale, out, until=1.0)
    assert json.loads(out.read_text())["chosen"] is None
    guidance.choose(asked, measure, scale, out, until=float("inf"))
    assert asked_for == [1.0, 4.0]
    assert json.loads(out.read_text())["chosen"] == {"text": 4.0, "partner": 1.0}
    assert "chosen: w_t 4, partner 1" in capsys.readouterr().out


def test_claims_get_the_rows_as_trained_with_all_seeds_and_pictures_each_row_at_its_best(scripts, tmp_path):
    rows, _ = scripts
    (tmp_path / "board").mkdir()
    (tmp_path / "board" / "board.toml").write_text(BOARD + 'beyond = ["MM-DiT"]')
    by_name, strong, commands = {row.name: row for row in rows.ROWS}, rows.Guidance(2.5), []
    made = [
        rows.Made(by_name[name].label + (", guided" if guidance != rows.PLAIN else ""), by_name[name], guidance, name)
        for name, guidance in [
            *[("egotwin", rows.PLAIN), ("egotwin", strong), ("mm-dit", rows.PLAIN), ("cameractrl", rows.PLAIN)],
            *[("mld", rows.PLAIN), ("egotwin-seed1", rows.PLAIN), ("egotwin-seed1", strong)],
        ]
    ]
    setup = rows.Setup(lambda words: commands.append(words) or 3, tmp_path / "board", tmp_path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rows, "ACTIONS", {"leaderboard": {"claims": None, "pictures": None}})
        rows.finish(setup, made)  # a command that fails is told, and the next one is called
    found = [[words[place + 1] for place, word in enumerate(words) if word == "--run"] for words in commands]
    assert found == [
        ["EgoTwin=egotwin", "MM-DiT=mm-dit", "EgoTwin=egotwin-seed1"],
        ["EgoTwin, guided=egotwin", "MM-DiT=mm-dit", "CameraCtrl=cameractrl", "MLD=mld"],
    ]


def test_an_entry_gives_its_place_to_a_newer_run_and_leaves_where_guidance_is_no_longer_best(scripts, tmp_path):
    rows, _ = scripts
    entries = tmp_path / "board" / "entries"
    entries.mkdir(parents=True)
    for label in ("MLD", "MLD, guided", "EgoTwin"):
        (entries / f"{label}.json").write_text(json.dumps({"provenance": {"model": label, "run": "old"}}))
    commands = []
    setup = rows.Setup(lambda words: commands.append(words[1:3]) or 0, tmp_path / "board", tmp_path)
    assert not rows.enter(setup, "MLD", tmp_path / "old")
    assert rows.enter(setup, "MLD", tmp_path / "new")
    assert rows.leave(setup, "MLD, guided")
    assert not rows.leave(setup, "MLD, guided")
    assert commands == [["leaderboard", "add"]]
    assert [path.stem for path in entries.iterdir()] == ["EgoTwin"]


def test_a_time_that_is_up_begins_nothing(scripts, rehearsal, tmp_path, capsys):
    rows, _ = scripts
    called = []
    assert rows.main(_arguments(tmp_path, "--minutes", "0"), called.append) == 0
    assert called == []
    assert "stopped; the same command goes on" in capsys.readouterr().out


def test_a_row_that_is_not_known_is_refused_with_those_that_are(scripts, capsys):
    rows, _ = scripts
    with pytest.raises(SystemExit):
        rows.main(["--rows", "egotwins"])
    assert "no 'egotwins'; there are egotwin, vidmld, wo-im" in capsys.readouterr().err
