"""Parsing of the heavy verbs."""

from dataclasses import dataclass

import pytest

from egobench.cli.main import main
from egobench.cli.options import key_values, parse, pick, print_json, typed_names, usage_reason
from egobench.cli.verbs.run import RunOptions
from egobench.errors import BadInputError, UnknownNameError


@dataclass(frozen=True)
class Small:
    """Something small."""

    count: int = 3
    """How many."""


def test_settings_may_be_given_together_or_one_by_one():
    assert key_values([["a=1", "b=x=y"], ["c="]]) == {"a": "1", "b": "x=y", "c": ""}


@pytest.mark.parametrize(("word", "said"), [("a", "key=value"), ("=1", "key=value")])
def test_a_setting_without_key_or_value_is_refused(word, said):
    with pytest.raises(BadInputError, match=said):
        key_values([[word]])


def test_a_setting_given_twice_is_refused_and_not_overwritten():
    with pytest.raises(BadInputError, match="given twice: '1' and '2'"):
        key_values([["a=1"], ["a=2"]])


def test_typed_options_are_told_from_defaults():
    assert typed_names(["--model", "x", "--seeds=2", "--dry-run"]) == ("dry_run", "model", "seeds")


def test_run_takes_the_options_of_its_help():
    words = ["--model", "m:C", "--split", "s", "--set", "a=1", "b=2", "--set", "c=3", "--limit", "4", "--dry-run"]
    options = parse(RunOptions, "run", words)
    assert (options.model, options.split, options.limit, options.dry_run) == ("m:C", "s", 4, True)
    assert key_values(options.model_options) == {"a": "1", "b": "2", "c": "3"}


def test_help_is_the_docstrings(capsys):
    with pytest.raises(SystemExit) as stop:
        parse(Small, "small", ["--help"])
    assert stop.value.code == 0
    assert "How many." in capsys.readouterr().out


@pytest.mark.parametrize("words", [["--cuont", "3"], ["--count", "x"], ["stray"]])
def test_wrong_usage_exits_2_and_prints_on_stderr(capsys, words):
    with pytest.raises(SystemExit) as stop:
        parse(Small, "small", words)
    assert stop.value.code == 2
    captured = capsys.readouterr()
    assert captured.err
    assert not captured.out


def test_an_action_is_picked_with_the_words_after_it():
    assert pick("data", {"make": (len, "make it")}, ["make", "x"]) == (len, ["x"])


def test_an_unknown_action_is_suggested():
    with pytest.raises(UnknownNameError, match="did you mean 'make'"):
        pick("data", {"make": (len, "make it")}, ["mkae"])


@pytest.mark.parametrize(("words", "code"), [(["--help"], 0), ([], 2)])
def test_actions_are_listed(capsys, words, code):
    with pytest.raises(SystemExit) as stop:
        pick("data", {"make": (len, "make it")}, words)
    assert stop.value.code == code
    captured = capsys.readouterr()
    assert "make it" in (captured.err if code else captured.out)


def test_json_has_stable_bytes_and_no_nan(capsys):
    print_json({"b": 1, "a": "é"})
    assert capsys.readouterr().out == '{\n  "a": "é",\n  "b": 1\n}\n'
    with pytest.raises(ValueError, match="JSON"):
        print_json(float("nan"))


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--cuont", "3"], "Unrecognized options: --cuont, 3; did you mean --count? (`egobench small --help`)"),
        (
            ["--count", "x"],
            "Error parsing --count: invalid literal for int() with base 10: 'x' (`egobench small --help`)",
        ),
    ],
)
def test_the_last_line_of_a_usage_error_is_its_reason(capsys, words, line):
    with pytest.raises(SystemExit) as stop:
        parse(Small, "small", words)
    assert stop.value.code == 2
    assert capsys.readouterr().err.splitlines()[-1] == f"egobench: {line}"


def test_options_that_are_missing_are_named_in_the_last_line(capsys):
    with pytest.raises(SystemExit):
        parse(RunOptions, "run", [])
    assert capsys.readouterr().err.splitlines()[-1] == "egobench: Missing: --model, --split (`egobench run --help`)"


def test_a_box_of_another_form_still_gives_a_line():
    assert usage_reason("", "run") == "the options cannot be read; `egobench run --help` lists them"
    assert usage_reason("\x1b[31m│ \x1b[0mSomething new │\n", "run") == "Something new (`egobench run --help`)"


@pytest.mark.parametrize("kind", [Small, RunOptions])
def test_help_names_quiet_and_the_options_do_not_hold_it(capsys, kind):
    with pytest.raises(SystemExit):
        parse(kind, "verb", ["--help"])
    assert "--quiet" in capsys.readouterr().out
    if kind is Small:
        assert parse(Small, "small", ["--count", "5"]) == Small(5)


@pytest.mark.parametrize("verb", ["run", "fit", "train", "calibrate"])
@pytest.mark.parametrize("words", [["--skeleton-map", "map.toml"], ["--skeleton-map=map.toml"]])
def test_a_skeleton_map_where_it_has_no_place_is_answered_with_what_does_the_same(verb, words, capsys):
    assert main([verb, *words]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"egobench: {verb} has no --skeleton-map: ")
    assert "egobench data skeleton FOLDER --skeleton-map map.toml" in said
    assert ("read_skeleton_map" in said) == (verb == "run")
