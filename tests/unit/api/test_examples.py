"""The examples in the docstrings of the Python door run, in the order of the page, and say what they say."""

import doctest
import re
from pathlib import Path

import pytest

from egobench import api, open_split
from egobench.submissions.example import write_example

README = Path(__file__).parents[3] / "README.md"
DOORS = ("run", "score", "resume", "open_run", "compare", "gate", "evaluate")


@pytest.fixture(scope="module")
def names(tmp_path_factory):
    """What the examples have to hand: one script's names, in a folder and with a cache of their own."""
    place = tmp_path_factory.mktemp("examples")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        patch.setenv("EGOBENCH_CACHE", str(place / "cache"))
        yield {name: getattr(api, name) for name in api.__all__}


@pytest.mark.parametrize("door", DOORS)
def test_an_example_says_what_it_says(door, names, monkeypatch, capsys):
    monkeypatch.setenv("EGOBENCH_CACHE", "cache")
    (test,) = doctest.DocTestFinder(recurse=False).find(getattr(api, door), door)
    test.globs = names
    assert test.examples, f"{door} has no example"
    lines: list[str] = []
    found = doctest.DocTestRunner().run(test, out=lines.append, clear_globs=False)
    assert not found.failed, "".join(lines)
    assert capsys.readouterr().out == ""


def test_the_example_at_the_top_says_what_it_says(names):
    test = doctest.DocTestParser().get_doctest(api.__doc__ or "", {}, "api", api.__file__, 0)
    lines: list[str] = []
    assert not doctest.DocTestRunner().run(test, out=lines.append).failed, "".join(lines)


def test_every_door_has_an_example():
    functions = {name for name in api.__all__ if not isinstance(getattr(api, name), type)}
    assert functions == set(DOORS)


def test_the_readme_s_python_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    write_example(tmp_path / "my-samples", open_split("egomini-smoke"))
    (block,) = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    held: dict = {}
    exec(compile(block, str(README), "exec"), held)
    assert capsys.readouterr().out.splitlines()[0].startswith("0.0 (0.0, 0.0)")
    assert held["again"].failed == 0
    assert held["memory"]["jerk"].n == 1
