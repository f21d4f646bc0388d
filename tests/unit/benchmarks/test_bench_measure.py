"""`make bench`: where a result is kept."""

from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]


@pytest.fixture
def measure(tmp_path, monkeypatch) -> Any:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    import measure

    monkeypatch.setattr(measure, "RESULTS", tmp_path)
    return measure


@pytest.mark.parametrize("arguments", [[], ["--slow"]])
def test_a_whole_set_gets_a_new_file_and_never_an_older_one_s_place(measure, arguments, tmp_path):
    first = measure.target_of(arguments)
    assert first.parent == tmp_path
    first.write_text("{}")
    second = measure.target_of(arguments)
    assert second.name == f"{first.stem}-2.json"
    second.write_text("{}")
    assert measure.target_of(arguments).name == f"{first.stem}-3.json"


@pytest.mark.parametrize("arguments", [["-k", "frechet"], ["--slow", "-k", "frechet"], ["benchmarks/bench_world.py"]])
def test_a_part_is_written_to_the_file_that_git_ignores(measure, arguments, tmp_path):
    assert measure.target_of(arguments) == tmp_path / "part.json"
    assert "benchmarks/results/part.json" in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("arguments", [["--benchmark-json", "mine.json"], ["--slow", "--benchmark-json=mine.json"]])
def test_a_file_that_is_asked_for_is_taken(measure, arguments):
    assert measure.target_of(arguments) == Path("mine.json")
