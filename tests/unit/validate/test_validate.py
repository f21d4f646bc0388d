"""Validation of toy metrics: one that notices, one that sleeps, one that runs the wrong way; ladders as data."""

import json
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, get_args

import numpy as np
import pytest
from egobench_baselines.corrupted import Kind

from egobench.catalog import METRICS, MODELS
from egobench.cli.main import main
from egobench.errors import BadInputError, UnknownNameError
from egobench.geometry.skeleton import XSENS23
from egobench.metrics.base import Better, ClipMetric, Need
from egobench.tables.validation import validation_grids, write_page
from egobench.validate.ladders import load_ladders
from egobench.validate.validate import ValidateRequest, validate

LADDERS = """
[faults]
slide = { unit = "m/s", strengths = [0.5, 2] }
lift = { unit = "m", strengths = [0.1] }

[metrics.toy-pace]
worse = ["slide"]
unmoved = ["lift"]
order = ["reference < noise"]

[metrics.toy-deaf]
worse = ["slide"]
order = ["reference < shuffled"]

[metrics.toy-backwards]
worse = ["slide"]

[metrics.toy-touchy]
unmoved = ["lift"]
resolution = 0.01
"""


@dataclass(frozen=True)
class _Toy(ClipMetric):
    version: ClassVar[int] = 1
    unit: ClassVar[str] = "m/s"
    better: ClassVar[Better] = "lower"

    def needs(self) -> Mapping[str, Need]:
        return {"motion": Need("sample", "motion")}


@dataclass(frozen=True)
class Pace(_Toy):
    """Speed of the pelvis: notices sliding."""

    name: ClassVar[str] = "toy-pace"

    def __call__(self, motion) -> float:
        steps = np.linalg.norm(np.diff(motion.positions[:, XSENS23.index("pelvis")], axis=0), axis=-1)
        return float(steps.mean() * motion.fps)


@dataclass(frozen=True)
class Deaf(_Toy):
    """Always the same."""

    name: ClassVar[str] = "toy-deaf"

    def __call__(self, motion) -> float:
        return 1.0


@dataclass(frozen=True)
class Backwards(Pace):
    """Takes speed for a merit."""

    name: ClassVar[str] = "toy-backwards"
    better: ClassVar[str] = "higher"


@dataclass(frozen=True)
class Touchy(_Toy):
    """Height of the pelvis, which nobody asked for."""

    name: ClassVar[str] = "toy-touchy"

    def __call__(self, motion) -> float:
        return float(motion.positions[:, 0, 2].mean())


@dataclass(frozen=True)
class Undeclared(Pace):
    """Not in the ladders."""

    name: ClassVar[str] = "toy-undeclared"


TOYS = ",".join(f"test_validate:{kind.__name__}" for kind in (Pace, Deaf, Backwards, Touchy, Undeclared))


@pytest.fixture(scope="module")
def ladders(tmp_path_factory):
    path = tmp_path_factory.mktemp("ladders") / "ladders.toml"
    path.write_text(LADDERS, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    return tmp_path_factory.mktemp("validation")


@pytest.fixture
def ask(toy_split, ladders, out):
    def request(metrics=TOYS):
        loaded = load_ladders(ladders)
        return ValidateRequest(str(toy_split), None, metrics, workers=1, draws=50, out=out, ladders=loaded)

    return request


@pytest.fixture
def document(ask):
    return validate(ask())


def test_a_metric_that_notices_passes_and_its_values_are_those_of_the_faults(document):
    pace = document["metrics"]["toy-pace"]
    assert pace["problems"] == []
    slide = pace["ladders"]["slide"]
    assert slide["verdict"] == "monotone"
    assert slide["strengths"] == [0.0, 0.5, 2.0]
    values = [point["value"] for point in slide["points"]]
    # The toy body glides along its heading, and the fault slides it further that way: speeds add up.
    assert np.diff(values) == pytest.approx([0.5, 1.5], abs=1e-3)
    assert pace["ladders"]["lift"]["verdict"] == "unmoved"
    assert pace["order"] == [{"better": "reference", "worse": "noise", "verdict": "in order"}]
    assert values[0] == pace["controls"]["reference"]["value"]


def test_a_metric_that_does_not_move_is_reported_and_called_uninformative(document):
    deaf = document["metrics"]["toy-deaf"]
    assert deaf["ladders"]["slide"]["verdict"] == "flat"
    assert deaf["pairing"] == "uninformative"
    assert deaf["problems"] == [
        "slide (worse): flat: the last rung (1 [1, 1]) cannot be told from the first (1 [1, 1])",
        "control shuffled is not worse than reference, intervals apart",
    ]


def test_a_metric_that_goes_the_wrong_way_or_moves_unasked_fails(document):
    assert document["metrics"]["toy-backwards"]["ladders"]["slide"]["verdict"] == "wrong way"
    assert document["metrics"]["toy-touchy"]["ladders"]["lift"]["verdict"] == "moved"
    named = {line.partition(":")[0] for line in document["problems"]}
    assert named == {"toy-deaf", "toy-backwards", "toy-touchy"}


def test_a_metric_without_ladders_is_listed_as_such(document):
    assert document["metrics"]["toy-undeclared"]["declared"] is False
    assert document["metrics"]["toy-undeclared"]["ladders"] == {}


def test_a_repeated_call_runs_nothing_and_says_the_same(ask, document, out):
    before = sorted(path.name for path in (out / "runs").iterdir())
    assert validate(ask()) == document
    assert sorted(path.name for path in (out / "runs").iterdir()) == before
    assert len(before) == 3 + 3  # reference, shuffled, noise; two slides, one lift
    assert json.loads((out / "report.json").read_text()) == document


def test_the_page_is_one_file_with_a_plot_per_metric_and_the_same_bytes_again(document, tmp_path):
    page, again = (write_page(document, tmp_path / name).read_text() for name in ("a.html", "b.html"))
    assert page == again
    assert page.count("<svg") == 4
    assert "slide: wrong way" in page
    assert "src=" not in page
    first, second = validation_grids(document)
    assert {row.cells[3] for row in first.rows} == {"monotone", "unmoved", "flat", "wrong way", "moved"}
    assert {row.cells[0]: row.cells[2] for row in second.rows}["toy-undeclared"] == "no ladders declared"


def test_the_verb_leaves_with_1_where_something_fails(document, toy_split, ladders, out, capsys):
    words = ["validate-metrics", "--split", str(toy_split), "--limit", "None", "--workers", "1", "--draws", "50"]
    words += ["--out", str(out), "--ladders", str(ladders), "--metrics", TOYS]
    assert main([*words, "--json"]) == 1
    said = capsys.readouterr()
    assert "toy-backwards: slide (worse): wrong way" in said.err
    assert json.loads(said.out) == document
    assert main(words) == 1
    assert "wrong way" in capsys.readouterr().out
    page = (out / "page.html").read_text(encoding="utf-8")
    (out / "page.html").unlink()
    call = [sys.executable, "-m", "egobench.tables.validation", str(out / "report.json")]
    assert subprocess.run(call, check=True, capture_output=True, text=True).stdout == f"{out / 'page.html'}\n"
    again = (out / "page.html").read_text(encoding="utf-8")
    report = json.loads((out / "report.json").read_text(encoding="utf-8"))  # its names are sorted
    assert again == write_page(report, out / "other.html").read_text(encoding="utf-8")
    assert set(re.findall(r"<h2 id='(.+?)'", again)) == set(re.findall(r"<h2 id='(.+?)'", page))
    assert main([*words, "--faults", "slide", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["faults"] == ["slide"]
    assert main([*words, "--faults", "slyde"]) == 2


def test_the_verb_leaves_with_0_where_nothing_fails(toy_split, tmp_path, capsys):
    path = tmp_path / "one.toml"
    path.write_text("[faults]\nslide = { unit = 'm/s', strengths = [1] }\n[metrics.toy-pace]\nworse = ['slide']\n")
    words = ["validate-metrics", "--split", str(toy_split), "--limit", "None", "--workers", "1", "--draws", "50"]
    words += ["--out", str(tmp_path / "out"), "--ladders", str(path), "--metrics", "test_validate:Pace"]
    assert main(words) == 0
    assert "monotone" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "error", "said"),
    [
        ("[faults]\nslide = { unit = 'm', strengths = [2, 1] }\n[metrics]", BadInputError, "must rise"),
        ("[faults]\n[metrics.jerk]\nworse = ['slyde']", UnknownNameError, "slyde"),
        ("[faults]\n[metrics.jerk]\nwrose = []", UnknownNameError, "did you mean 'worse'"),
        ("[faults]\n[metrics.jerk]\norder = ['reference']", BadInputError, "'better < worse'"),
        ("[faults]", BadInputError, "metrics"),
        ("[faults", BadInputError, "no ladders"),
        ("faults = 3\nmetrics = 4", BadInputError, "no ladders"),
    ],
)
def test_ladders_that_say_nothing_sound_are_refused(tmp_path, text, error, said):
    path = tmp_path / "ladders.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(error, match=said):
        load_ladders(path)


def test_the_ladders_of_one_fault_keep_the_orders_of_controls():
    whole = load_ladders()
    part = whole.only(["slide"])
    assert list(part.faults) == ["slide"]
    assert part.controls == whole.controls
    assert part.metrics["foot-skate"].worse == ("slide",)
    assert part.metrics["foot-skate"].unmoved == ()
    with pytest.raises(UnknownNameError, match="did you mean 'slide'"):
        whole.only(["slyde"])


def test_every_shipped_metric_has_a_ladder_that_it_must_climb():
    declared = load_ladders().metrics
    for name in METRICS.builtin:
        assert name in declared, f"{name}: declare in egobench/validate/ladders.toml what it must notice"
        assert declared[name].worse, f"{name}: no fault makes it worse"
        assert declared[name].unmoved, f"{name}: no fault leaves it alone"


def test_every_shipped_fault_is_one_of_the_control_and_every_control_a_model():
    ladders = load_ladders()
    assert set(ladders.faults) == set(get_args(Kind))
    assert set(ladders.controls) <= set(MODELS.builtin)
