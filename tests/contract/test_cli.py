"""Every verb keeps the command line's contract: help, codes, data on stdout, one JSON document with --json."""

import json
import shutil
from importlib import import_module
from pathlib import Path

import pytest

from egobench.catalog import KINDS
from egobench.cli.main import VERBS, home_of, main

BOARD = Path(__file__).parents[2] / "leaderboards" / "egomini"
ACTIONS = [
    words
    for verb in VERBS
    for actions in (getattr(import_module(home_of(verb)[0]), "ACTIONS", {}),)
    for words in ([verb], *([verb, action] for action in actions.get(verb, ())))
]
"""Every verb of the command's own table, and every action that a verb has."""
NAMES = [(kind, name) for kind, registry in KINDS.items() for name in registry.names()]


@pytest.fixture(scope="module")
def toys():
    """The pipeline's tiny split and models, importable here and in worker processes."""
    import pipeline_toys

    return pipeline_toys


@pytest.fixture(scope="module")
def split(toys, tmp_path_factory):
    return toys.make_split(tmp_path_factory.mktemp("split") / "toy")


@pytest.fixture(scope="module")
def words(toys, split, tmp_path_factory):
    """A whole `egobench run`, without its output folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EGOBENCH_CACHE", str(tmp_path_factory.mktemp("cache")))
        common = ["--split", str(split), "--metrics", "pipeline_toys:Speed,pipeline_toys:MeanColour", "--draws", "20"]
        yield ["run", "--model", "pipeline_toys:ToyModel", *common]


@pytest.fixture(scope="module")
def finished(words, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs")
    assert main([*words, "--out", str(out)]) == 0
    (run,) = (path for path in out.iterdir() if path.is_dir())
    return run


def said(capsys, arguments, code=0):
    """Output of a command that leaves with `code`."""
    assert main(arguments) == code
    return capsys.readouterr()


def test_the_table_of_verbs_has_actions_too():
    verbs = {words[0] for words in ACTIONS if len(words) == 2}
    assert {"data", "leaderboard", "runs"} <= verbs < set(VERBS)
    assert ["data", "convert"] in ACTIONS


@pytest.mark.parametrize("verb", ACTIONS, ids=" ".join)
def test_every_verb_explains_itself_on_stdout(capsys, verb):
    captured = said(capsys, [*verb, "--help"])
    assert captured.out.startswith("usage: egobench")
    assert not captured.err


@pytest.mark.parametrize("verb", ACTIONS, ids=" ".join)
def test_every_verb_refuses_a_misspelt_option_with_code_2(capsys, verb):
    captured = said(capsys, [*verb, "--jsno"], code=2)
    assert captured.err
    assert not captured.out


@pytest.mark.parametrize(("kind", "name"), NAMES)
def test_every_listed_name_describes_itself(capsys, kind, name):
    assert said(capsys, ["describe", name, "--kind", kind]).out.startswith(f"{name}  ({kind})")
    found = json.loads(said(capsys, ["describe", name, "--kind", kind, "--json"]).out)
    assert (found["name"], found["kind"]) == (name, kind)


def test_every_metric_says_how_it_can_be_fooled(capsys):
    for name in KINDS["metrics"].names():
        assert "fooled" in said(capsys, ["describe", name]).out, name


def test_a_run_prints_its_table_and_its_folder_and_nothing_else_on_stdout(capsys, words, tmp_path):
    captured = said(capsys, [*words, "--out", str(tmp_path), "--limit", "4"])
    lines = captured.out.splitlines()
    assert lines[0].startswith("pipeline_toys:ToyModel on toy (t2vm)")
    assert any(line.split()[:3] == ["toy-speed", "(m/s)", "↓"] for line in lines)
    assert Path(lines[-1]).is_dir()
    assert "4/4" in captured.err


def test_a_run_in_json_is_its_metrics_and_its_folder(capsys, words, tmp_path):
    found = json.loads(said(capsys, [*words, "--out", str(tmp_path), "--json"]).out)
    stored = json.loads((Path(found.pop("path")) / "metrics.json").read_text(encoding="utf-8"))
    assert found == stored


def test_a_dry_run_says_what_it_would_do_and_does_nothing(capsys, words, tmp_path):
    captured = said(capsys, [*words, "--out", str(tmp_path / "runs"), "--dry-run", "--json", "--seeds", "2"])
    plan = json.loads(captured.out)
    assert (plan["clips"], plan["samples"], plan["metrics"]) == (8, 16, ["toy-colour", "toy-speed"])
    assert not list(tmp_path.iterdir())


def test_the_manifest_tells_typed_options_from_defaults(finished):
    manifest = json.loads((finished / "manifest.json").read_text(encoding="utf-8"))
    assert set(manifest["typed"]) == {"model", "split", "metrics", "draws", "out"}


def test_no_workers_mean_this_very_process_and_the_same_numbers(capsys, words, finished, tmp_path, monkeypatch):
    def no_process(*arguments):
        raise AssertionError("a worker process was asked for")

    monkeypatch.setattr("egobench.engines.local._pool", no_process)
    found = json.loads(said(capsys, [*words, "--out", str(tmp_path), "--workers", "0", "--json"]).out)
    assert (Path(found["path"]) / "metrics.json").read_bytes() == (finished / "metrics.json").read_bytes()
    manifest = json.loads((Path(found["path"]) / "manifest.json").read_text(encoding="utf-8"))
    assert (manifest["request"]["engine"], manifest["request"]["workers"]) == ("local", 0)


def test_a_run_is_planned_once(capsys, words, tmp_path, monkeypatch):
    from egobench.plan import plan as module

    planned, records = [], module.protocol_records
    monkeypatch.setattr(module, "protocol_records", lambda *given: planned.append(1) or records(*given))
    said(capsys, [*words, "--out", str(tmp_path), "--workers", "0"])
    assert planned == [1]


def test_an_incomplete_run_prints_its_table_and_exits_4_unless_allowed(capsys, words, tmp_path):
    broken = [*words, "--out", str(tmp_path), "--set", "fail=toy-00=raise"]
    captured = said(capsys, broken, code=4)
    assert "toy-speed" in captured.out
    assert "the model fell over" in captured.out
    assert captured.err.splitlines()[-1].startswith("egobench: 1 of 8 items failed, 0 are allowed")
    assert said(capsys, [*broken, "--allow-failed", "1"]).out


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (["--model", "statik"], "did you mean 'static'"),
        (["--split", "egomini-tset"], "did you mean 'egomini-test'"),
        (["--metrics", "jrek"], "did you mean 'jerk'"),
        (["--set", "slepe=1"], "did you mean 'sleep'"),
        (["--set", "sleep=soon"], "must be a float"),
        (["--seeds", "0"], "at least 1"),
        (["--limit", "0"], "at least 1"),
        (["--workers", "-1"], "at least 0"),
        (["--workers", "0", "--clip-timeout", "9"], "a process that can be ended"),
        (["--engine", "lokal"], "did you mean 'local'"),
    ],
)
def test_a_wrong_option_of_a_run_is_one_line_and_leaves_no_trace(capsys, words, tmp_path, changed, message):
    captured = said(capsys, [*words, "--out", str(tmp_path / "runs"), *changed], code=2)
    assert message in captured.err
    assert captured.err.count("\n") == 1
    assert not captured.out
    assert not list(tmp_path.iterdir())


def test_resuming_a_finished_run_prints_the_same_numbers(capsys, finished):
    before = (finished / "metrics.json").read_bytes()
    found = json.loads(said(capsys, ["resume", str(finished), "--json"]).out)
    assert Path(found["path"]) == finished.resolve()
    assert (finished / "metrics.json").read_bytes() == before


def test_resuming_what_is_no_run_is_one_line(capsys, tmp_path):
    assert "not a run folder" in said(capsys, ["resume", str(tmp_path)], code=2).err


def test_a_run_is_verified_exported_unpacked_and_verified_again(capsys, finished, words, tmp_path):
    found = json.loads(said(capsys, ["verify", str(finished), "--json"]).out)
    assert (found["ok"], found["flaws"], len(found["derived"])) == (True, [], 1)
    packed = json.loads(said(capsys, ["runs", "export", str(finished), "--out", str(tmp_path / "r.zip"), "--json"]).out)
    shutil.unpack_archive(packed["archive"], tmp_path)
    unpacked = tmp_path / finished.name
    assert "whole" in said(capsys, ["verify", str(unpacked), "--share", "0"]).out
    (unpacked / "metrics.json").write_text("{}")
    captured = said(capsys, ["verify", str(unpacked), "--share", "0"], code=2)
    assert captured.out.splitlines()[0].startswith("file-changed: metrics.json: found sha256 ")
    assert captured.err.splitlines()[-1] == f"egobench: {unpacked.resolve()}: 2 flaws"


def test_runs_are_listed_and_pruned_only_with_yes(capsys, finished, tmp_path):
    out = tmp_path / "runs"
    shutil.copytree(finished, out / "kept")
    stopped = Path(shutil.copytree(finished, out / "stopped")) / "manifest.json"
    stopped.write_text(stopped.read_text().replace('"status": "done"', '"status": "started"'))
    rows = said(capsys, ["runs", "list", str(out), "--status", "started"]).out.splitlines()
    assert (len(rows), rows[1].split()[:3]) == (2, ["stopped", "started", "ToyModel"])
    captured = said(capsys, ["runs", "prune", str(out)])
    assert captured.out.startswith(f"would delete  {out / 'stopped'}  started")
    assert "add --yes to delete these 1 runs" in captured.err
    assert stopped.is_file()
    assert json.loads(said(capsys, ["runs", "prune", str(out), "--yes", "--json"]).out)["deleted"]
    assert [path.name for path in out.iterdir()] == ["kept"]
    assert "is a run; the folder it lies in is needed" in said(capsys, ["runs", "list", str(out / "kept")], code=2).err


def test_a_run_goes_on_a_board_and_the_board_is_built(capsys, finished, tmp_path):
    board = tmp_path / "board"
    board.mkdir()
    recipe = 'schema = 1\ntitle = "Toys"\nsplit = "toy"\nmetrics = ["toy-speed", "toy-colour"]\norder = "toy-speed"\n'
    (board / "board.toml").write_text(recipe, encoding="utf-8")
    added = json.loads(said(capsys, ["leaderboard", "add", str(finished), str(board), "--label", "toy", "--json"]).out)
    provenance = json.loads(Path(added["entry"]).read_text(encoding="utf-8"))["provenance"]
    assert (provenance["model"], provenance["kind"], provenance["run"]) == ("toy", "model", finished.name)
    assert set(provenance["protocols"]) == {"toy-speed", "toy-colour"}
    built = json.loads(said(capsys, ["leaderboard", "build", str(board), "--json"]).out)
    assert {row["model"] for row in built["blocks"][0]["rows"]} == {"toy"}
    printed = said(capsys, ["leaderboard", "build", str(board)]).out
    for suffix in ("md", "tex", "csv", "json"):
        assert str(board / f"table.{suffix}") in printed
        assert (board / f"table.{suffix}").stat().st_size


def test_a_run_of_another_split_is_not_comparable_with_a_board(capsys, finished):
    captured = said(capsys, ["leaderboard", "add", str(finished), str(BOARD)], code=3)
    assert "split is 'toy', the board's is 'egomini-test'" in captured.err


def test_a_split_is_verified(capsys, split):
    assert json.loads(said(capsys, ["data", "verify", str(split), "--json"]).out)["problems"] == []


def test_a_changed_clip_is_found_by_verify(capsys, toys, tmp_path):
    path = toys.make_split(tmp_path / "toy", sequences=1)
    (path / "toy-01" / "motion.npz").write_bytes((path / "toy-00" / "motion.npz").read_bytes())
    assert "toy-01" in said(capsys, ["data", "verify", str(path)], code=2).out


def test_splits_are_listed_whether_here_or_not(capsys):
    rows = json.loads(said(capsys, ["data", "list", "--json"]).out)
    assert [row["name"] for row in rows] == KINDS["splits"].names()
    assert said(capsys, ["data", "list"]).out.count("\n") == len(rows)


def test_a_clip_and_its_sample_are_drawn(capsys, split, finished, tmp_path):
    out = tmp_path / "clip.png"
    words = ["data", "view", "toy-03", "--split", str(split), "--run", str(finished), "--out", str(out)]
    assert said(capsys, words).out == f"{out}\n"
    assert out.read_bytes().startswith(b"\x89PNG")


def test_a_sample_that_is_not_there_is_one_line(capsys, split, finished, tmp_path):
    words = ["data", "view", "toy-03", "--split", str(split), "--run", str(finished), "--seed", "7"]
    assert "has no sample of toy-03 with seed 7" in said(capsys, words, code=2).err


def test_an_unknown_clip_is_suggested(capsys, split):
    assert "did you mean 'toy-0" in said(capsys, ["data", "view", "toy-0x", "--split", str(split)], code=2).err


def test_a_sheet_is_spread_over_the_split(capsys, split, tmp_path):
    out = tmp_path / "sheet.png"
    words = ["data", "sheet", "--split", str(split), "--count", "4", "--out", str(out), "--json"]
    assert json.loads(said(capsys, words).out)["clips"] == ["toy-00", "toy-02", "toy-04", "toy-06"]
    assert out.read_bytes().startswith(b"\x89PNG")


def test_a_split_that_cannot_be_made_is_suggested(capsys):
    assert "did you mean 'egomini-train'" in said(capsys, ["data", "make", "egomini-trian"], code=2).err


def test_an_evaluator_that_cannot_be_fitted_is_suggested(capsys):
    assert "did you mean 'egomini-clip'" in said(capsys, ["fit", "egomini-clpi"], code=2).err
