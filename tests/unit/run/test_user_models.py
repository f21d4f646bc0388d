"""Models of the user's own that misbehave: each ends in a line, a row or a kept traceback, never in a bug of ours."""

import json
import sys
from pathlib import Path

import pytest

from egobench.audit.verify import verify_run
from egobench.errors import BadInputError
from egobench.plan.resolve import resolve_model
from egobench.run.run import resume_run, start_run
from egobench.store.journal import read_events
from egobench.store.tables import read_items

CODE = """
import time
from dataclasses import dataclass
import numpy as np
from toy_splits import picture, walk
from egobench.types import Sample

@dataclass(frozen=True)
class Mine:
    def load(self, device):
        {load}
        return self

    def sample(self, condition, *, seed):
        rng = np.random.default_rng(int(condition.clip_id[-2:]))
        first = condition.clip_id == "toy-00"
        third = condition.clip_id == "toy-02"
        {sample}
        return Sample(picture(rng), walk(rng))
"""


@pytest.fixture
def ask(ask):
    """Runs in processes: a file that is edited is read anew there."""
    return lambda **changes: ask(**{"engine": "local", **changes})


@pytest.fixture(autouse=True)
def own_path(monkeypatch):
    monkeypatch.setattr(sys, "path", list(sys.path))


@pytest.fixture
def mine(tmp_path):
    def write(sample="pass", load="pass", name="mine"):
        path = tmp_path / "code" / f"{name}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(CODE.format(sample=sample, load=load))
        return f"{path}:Mine"

    return write


def items_of(report):
    return {row.clip: row for row in read_items(report.path / "items.parquet")}


def test_a_model_in_a_file_is_called_by_the_files_name_and_resumed_from_anywhere(ask, mine, tmp_path, monkeypatch):
    mine()
    monkeypatch.chdir(tmp_path)
    report = start_run(ask(model="code/mine.py:Mine"))
    document = (report.path / "metrics.json").read_text()
    assert json.loads(document)["model"] == "mine.py:Mine"
    assert str(tmp_path) not in document
    manifest = json.loads((report.path / "manifest.json").read_text())
    assert manifest["model"]["name"] == "mine.py:Mine"
    assert manifest["model"]["code"]["name"] == "mine.py"
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    found = verify_run(report.path, share=0.2)
    assert (found.flaws, [line for line in found.unchecked if line.startswith("model")]) == ([], [])


def test_a_crash_keeps_its_traceback_in_the_run(ask, mine):
    report = start_run(ask(model=mine("assert not third, 'thrice'"), allow_failed=1))
    (event,) = [event for event in read_events(report.path / "events.jsonl") if event["status"] == "failed"]
    assert event["traceback"].startswith("Traceback (most recent call last)")
    assert "mine.py" in event["traceback"]
    assert "assert not third, 'thrice'" in event["traceback"]
    assert event["traceback"].endswith("AssertionError: thrice\n")
    assert verify_run(report.path, share=0).flaws == []


def test_a_first_sample_of_the_wrong_form_stops_the_run_and_leaves_it_to_be_mended(ask, mine):
    bad = "return Sample(picture(rng), walk(rng, frames=5))"
    with pytest.raises(BadInputError, match=r"first clip's sample is wrong: motion-frames: .*--keep-going") as caught:
        start_run(ask(model=mine(bad)))
    assert caught.value.code == "motion-frames"
    (path,) = Path(ask().out).iterdir()
    assert json.loads((path / "manifest.json").read_text())["status"] == "failed"
    assert len(read_events(path / "events.jsonl")) <= 2
    mine()
    assert resume_run(path).failed == 0


def test_it_goes_on_where_that_was_asked_for_or_where_a_later_sample_is_wrong(ask, mine):
    bad = "if {}: return Sample(picture(rng), walk(rng, frames=5))"
    assert start_run(ask(model=mine(bad.format("first")), keep_going=True, allow_failed=1)).failed == 1
    assert start_run(ask(model=mine(bad.format("third"), name="later"), allow_failed=1)).failed == 1


def test_a_clip_that_takes_too_long_fails_and_takes_no_other_along(ask, mine):
    report = start_run(ask(model=mine("time.sleep(60 * third)"), clip_timeout=0.5, allow_failed=1))
    items = items_of(report)
    assert items["toy-02"].code == "model-timeout"
    assert "0.5 s" in items["toy-02"].reason
    assert [row.status for row in items.values()].count("ok") == 7


def test_a_limit_of_no_seconds_is_refused(ask):
    with pytest.raises(BadInputError, match="clip_timeout is 0"):
        start_run(ask(clip_timeout=0))


@pytest.mark.parametrize(
    ("sample", "reason"),
    [
        (r"if third: raise ValueError('half a pair: \udc80')", r"ValueError: half a pair: \udc80 (mine.py:18)"),
        ("if third: raise KeyboardInterrupt('mine')", "KeyboardInterrupt: mine (mine.py:18)"),
        ("if third: raise GeneratorExit", "GeneratorExit: (mine.py:18)"),
        ("class E(Exception): __str__ = None\n        if third: raise E", "E: its text raised TypeError (mine.py:19)"),
    ],
    ids=["surrogate", "interrupt", "other base", "broken text"],
)
def test_whatever_a_model_raises_is_a_failed_row(ask, mine, sample, reason):
    report = start_run(ask(model=mine(sample), allow_failed=1))
    item = items_of(report)["toy-02"]
    assert (item.code, item.reason) == ("model-raised", reason)
    assert report.failed == 1


@pytest.mark.parametrize("load", ["raise KeyboardInterrupt", "raise SystemExit(2)", r"raise OSError('\udc80')"])
def test_whatever_load_raises_ends_the_run_in_one_line_with_the_traceback_as_a_note(ask, mine, load):
    with pytest.raises(BadInputError, match=r"cannot be loaded: .*mine.py:11") as caught:
        start_run(ask(model=mine(load=load)))
    assert caught.value.code == "model-load"
    assert "Traceback" in caught.value.__notes__[0]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("class Model:\n    def load(self, device): ...\n", "is not a dataclass"),
        ("from dataclasses import dataclass\n@dataclass\nclass Model: ...\n", r"has no `load\(device\)` method"),
        ("class Model: ...\n", r"is not a dataclass .* and has no `load"),
        ("def Model(): ...\n", "is a function; a class is needed"),
    ],
)
def test_what_a_class_lacks_to_be_a_model_is_named(tmp_path, text, said):
    (tmp_path / "lacks.py").write_text(text)
    with pytest.raises(BadInputError, match=said) as caught:
        resolve_model(f"{tmp_path}/lacks.py:Model")
    assert caught.value.code == "model-class"


@pytest.mark.parametrize(
    ("body", "line"), [("x: int = 1\n    def __post_init__(self): self.y()", 5), ("x: 'Nowhere' = 1", 1)]
)
def test_a_class_that_raises_while_it_is_built_is_the_users_error(tmp_path, body, line):
    text = f"from dataclasses import dataclass\n@dataclass\nclass Model:\n    {body}\n    def load(self, device): ...\n"
    (tmp_path / "built.py").write_text(text)
    with pytest.raises(BadInputError, match=rf"raised \w+: .*line {line}\)") as caught:
        resolve_model(f"{tmp_path}/built.py:Model")
    assert caught.value.code == "code-raised"
