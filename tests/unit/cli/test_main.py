"""Dispatch: exit codes, one-line errors, and what is never imported."""

import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from egobench.cli import main as cli
from egobench.errors import BadInputError, IncompleteRunError, NotComparableError, StorageError

SCRIPT = "import sys; from egobench.cli.main import main; code = main(sys.argv[1:]); "
HEAVY = ("torch", "numpy", "scipy", "tyro", "rich", "matplotlib", "importlib.metadata", "pyarrow", "av")


def egobench(*arguments, after="sys.exit(code)", **options):
    command = [sys.executable, "-c", SCRIPT + after, *arguments]
    return subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=60, **options)


@pytest.fixture
def verb(monkeypatch):
    """A verb whose module does what a test tells it to."""

    class Module:
        @staticmethod
        def main(arguments):
            return Module.act(arguments)

    monkeypatch.setitem(cli.VERBS, "act", ("act:main", "acts"))
    monkeypatch.setattr(cli, "import_module", lambda name: Module)
    return Module


def raising(error):
    def act(arguments):
        raise error

    return act


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (BadInputError("bad"), 2),
        (NotComparableError("other"), 3),
        (IncompleteRunError("few"), 4),
        (StorageError("full"), 130),
    ],
)
def test_a_known_error_is_one_line_and_its_code(verb, capsys, error, code):
    verb.act = raising(error)
    assert cli.main(["act"]) == code
    assert capsys.readouterr().err == f"egobench: {error}\n"


def test_a_known_error_of_several_lines_is_folded_into_one(verb, capsys):
    verb.act = raising(BadInputError("a\n  b"))
    cli.main(["act"])
    assert capsys.readouterr().err == "egobench: a b\n"


def test_a_bug_keeps_its_traceback_and_exits_70(verb, capsys):
    verb.act = raising(ZeroDivisionError("oops"))
    assert cli.main(["act"]) == 70
    said = capsys.readouterr().err
    assert "Traceback" in said
    assert "ZeroDivisionError: oops" in said
    assert "egobench doctor --json" in said


def test_a_working_folder_that_was_deleted_is_named_in_one_line(verb, capsys, monkeypatch, tmp_path):
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    verb.act = lambda _: os.getcwd()
    assert cli.main(["act"]) == 2
    assert capsys.readouterr().err.endswith("called from is no longer there; go into one that is\n")


@pytest.mark.parametrize(
    ("name", "advice"), [("run", "`egobench resume RUN`"), ("data", "the same command"), ("list", "")]
)
def test_an_interruption_exits_130_and_says_how_to_go_on(verb, capsys, monkeypatch, name, advice):
    monkeypatch.setitem(cli.VERBS, name, ("act:main", "acts"))
    verb.act = raising(KeyboardInterrupt())
    assert cli.main([name]) == 130
    said = capsys.readouterr().err
    assert said.startswith("egobench: interrupted")
    assert advice in said


@pytest.mark.parametrize(("stop", "code"), [(SystemExit(), 0), (SystemExit(2), 2), (SystemExit("no"), 2)])
def test_a_verb_may_leave_by_system_exit(verb, stop, code):
    verb.act = raising(stop)
    assert cli.main(["act"]) == code


def test_the_words_after_the_verb_and_its_code_pass_through(verb):
    verb.act = lambda arguments: len(arguments)
    assert cli.main(["act", "a", "b"]) == 2


def test_help_lists_every_verb_and_exit_code(capsys):
    assert cli.main(["--help"]) == 0
    said = capsys.readouterr().out
    assert all(f"  {verb} " in said for verb in cli.VERBS)
    assert all(f"{code:>3}  {meaning}" in said for code, meaning in cli.EXIT_CODES)
    assert max(map(len, said.splitlines())) <= 100


def test_the_page_on_exit_codes_has_the_same_codes():
    page = (Path(__file__).parents[3] / "docs" / "exit-codes.md").read_text(encoding="utf-8")
    assert all(
        f"| {code} | {meaning.partition(':')[0].partition(' under')[0]}" in page for code, meaning in cli.EXIT_CODES
    )


def test_no_verb_is_usage(capsys):
    assert cli.main([]) == 2
    assert "usage" in capsys.readouterr().err


def test_an_unknown_verb_is_suggested(capsys):
    assert cli.main(["lst"]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "did you mean 'list'" in said


def test_version_is_the_packages(capsys):
    import egobench as package

    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out == f"egobench {package.__version__}\n"


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["--version"], ["list"], ["list", "models"], ["describe", "static"], ["describe", "egomini-test"]],
)
def test_quick_verbs_import_nothing_heavy_and_write_nothing(arguments, tmp_path):
    after = f"print('HEAVY', [name for name in {HEAVY} if name in sys.modules], file=sys.stderr); sys.exit(code)"
    environment = {**os.environ, "HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
    done = egobench(*arguments, after=after, cwd=tmp_path, env=environment)
    assert done.returncode == 0
    assert done.stdout
    assert done.stderr == "HEAVY []\n"
    assert not list(tmp_path.rglob("*"))


@pytest.mark.parametrize("arguments", [["run", "--help"], ["doctor", "--help"], ["data", "make", "--help"]])
def test_help_of_a_heavy_verb_needs_no_torch(arguments):
    done = egobench(*arguments, after="assert 'torch' not in sys.modules; sys.exit(code)")
    assert done.returncode == 0
    assert done.stdout


def test_a_reader_that_leaves_early_is_no_error():
    command = f"{sys.executable} -c '{SCRIPT} sys.exit(code)' list; echo $? >&2"
    done = subprocess.run(["bash", "-c", f"({command}) | true"], capture_output=True, text=True, timeout=60)
    assert done.stderr.strip() == "0"


def test_list_prints_json_of_every_kind(capsys):
    assert cli.main(["list", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert {"models", "metrics", "splits", "extractors", "engines"} <= set(found)
    assert [row["name"] for row in found["models"]] == sorted(row["name"] for row in found["models"])


@pytest.mark.parametrize(
    ("arguments", "suggestion"),
    [
        (["list", "modls"], "did you mean 'models'"),
        (["describe", "statik"], "did you mean 'static'"),
        (["describe", "egobench_baselines.static:StatikControl"], "did you mean 'StaticControl'"),
        (["describe", "egobench_baselines.statik:X"], "no module 'egobench_baselines.statik'"),
    ],
)
def test_an_unknown_name_is_one_line_with_a_suggestion(capsys, arguments, suggestion):
    assert cli.main(arguments) == 2
    captured = capsys.readouterr()
    assert suggestion in captured.err
    assert captured.err.count("\n") == 1
    assert not captured.out


def test_describe_takes_a_class_from_outside(capsys, tmp_path, monkeypatch):
    (tmp_path / "mine.py").write_text('class Mine:\n    """My model."""\n    steps: int = 3\n    """How many."""\n')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    assert cli.main(["describe", "mine:Mine", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["doc"], found["fields"][0]["name"], found["fields"][0]["doc"]) == ("My model.", "steps", "How many.")


def test_describe_takes_a_split_folder(capsys, tmp_path):
    clip = {"clip_id": "a", "sequence": "s", "participant": "p", "text": "t", "stratum": "walk", "digest": "0"}
    index = {"schema": 1, "name": "mine", "digest": "d" * 64, "facts": {"fps_video": 8.0}, "clips": [clip]}
    (tmp_path / "split.json").write_text(json.dumps(index), encoding="utf-8")
    assert cli.main(["describe", str(tmp_path), "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)["facts"]
    assert (facts["clips"], facts["strata"], facts["digest"]) == (1, {"walk": 1}, "d" * 64)


def test_a_damaged_split_index_is_one_line(capsys, tmp_path):
    (tmp_path / "split.json").write_text('{"clips": 3}', encoding="utf-8")
    assert cli.main(["describe", str(tmp_path)]) == 2
    assert "is damaged" in capsys.readouterr().err


def test_the_working_folder_comes_last_on_the_path(verb, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    verb.act = lambda arguments: 0
    cli.main(["act"])
    assert sys.path[-1] == str(tmp_path)


def test_verbs_that_draw_silence_the_notes_of_matplotlib(capsys):
    logger = logging.getLogger("matplotlib.font_manager")
    logging.getLogger("matplotlib").setLevel(logging.NOTSET)
    assert cli.main(["data", "list"]) == 0
    assert not logger.isEnabledFor(logging.WARNING)
    assert logger.isEnabledFor(logging.ERROR)


def test_a_folder_without_an_index_is_not_called_an_unknown_name(capsys, tmp_path, monkeypatch):
    (tmp_path / "mysplit").mkdir()
    monkeypatch.chdir(tmp_path)
    assert cli.main(["data", "verify", "mysplit"]) == 2
    assert "no split.json in mysplit: not a split folder" in capsys.readouterr().err
    assert cli.main(["data", "verify", "far/away"]) == 2
    assert "not a split folder; nothing is there" in capsys.readouterr().err
    assert cli.main(["data", "verify", "egomini-tset"]) == 2
    assert "did you mean 'egomini-test'" in capsys.readouterr().err


def test_debug_shows_the_traceback_of_a_known_error_and_is_no_option_of_the_verb(verb, capsys):
    seen = []

    def act(arguments):
        seen.append(arguments)
        raise BadInputError("bad")

    verb.act = act
    assert cli.main(["act", "--debug", "x"]) == 2
    assert "Traceback" in capsys.readouterr().err
    assert cli.main(["act", "x"]) == 2
    assert "Traceback" not in capsys.readouterr().err
    assert seen == [["x"], ["x"]]


@pytest.mark.parametrize(
    "words",
    [
        ["run", "--model", "static", "--split", "egomini-smoke", "--out", "{file}/runs"],
        ["run", "--model", "static", "--split", "egomini-smoke", "--out", "{file}"],
        ["check", "--example", "{file}/example"],
        ["check", "--example", "/proc/nothing/example"],
        ["runs", "export", "{run}", "--out", "{file}/run.zip"],
        ["runs", "export", "{run}", "--out", "{file}-none/run.zip"],
    ],
    ids=lambda words: " ".join(words[:2]),
)
def test_a_place_that_cannot_be_used_is_one_line_and_no_bug(words, tmp_path, capsys):
    file = tmp_path / "file"
    file.write_text("x")
    run = Path(__file__).parents[2] / "golden" / "run-schema-2"
    assert cli.main([word.format(file=file, run=run) for word in words]) == 2
    said = capsys.readouterr().err.splitlines()[-1]
    assert said.startswith("egobench: ")
    assert "place" in said or "not empty" in said


def test_a_cache_under_a_file_is_told_before_anything_is_sampled(tmp_path, capsys, monkeypatch):
    (tmp_path / "file").write_text("x")
    monkeypatch.setenv("EGOBENCH_CACHE", str(tmp_path / "file" / "cache"))
    words = ["run", "--model", "static", "--split", "egomini-smoke", "--out", str(tmp_path / "runs")]
    assert cli.main(words) == 2
    assert "file, not a folder" in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()


def test_a_baseline_under_a_file_is_refused_as_a_place(tmp_path):
    from egobench.errors import UnusablePlaceError
    from egobench.files.atomic import make_folder, write_json

    (tmp_path / "file").write_text("x")
    for write in (lambda: make_folder(tmp_path / "file"), lambda: write_json(tmp_path / "file" / "b.json", {})):
        with pytest.raises(UnusablePlaceError, match="file") as caught:
            write()
        assert caught.value.exit_code == 2
    with pytest.raises(UnusablePlaceError, match="a folder is there"):
        write_json(tmp_path, {})
