"""A cache of its own for each test; one toy split, and small finished runs of it, for all."""

from pathlib import Path

import pytest
from pipeline_toys import METRICS, make_split

from egobench.plan.request import RunRequest
from egobench.run.run import start_run

RUN_METRICS = (
    "trans-err:pipeline_toys:ToyEyes,rot-err:pipeline_toys:ToyEyes,pipeline_toys:Speed,pipeline_toys:MeanColour"
)
TOY_BOARD = """
schema = 1
title = "Toys"
split = "toy"
metrics = ["toy-speed", "toy-colour", "rot-err"]
order = "toy-speed"
"""
RUNS = {
    "whole": ("pipeline_toys:ToyModel", {}, {}),
    "reference": ("reference", {}, {}),
    "body only": ("pipeline_toys:ToyModel", {"parts": "motion"}, {}),
    "broken": ("pipeline_toys:ToyModel", {"fail": "toy-04=raise"}, {"allow_failed": 8}),
    "limited": ("pipeline_toys:ToyModel", {}, {"limit": 4}),
}


@pytest.fixture(scope="session")
def toy_split(tmp_path_factory):
    return make_split(tmp_path_factory.mktemp("toy") / "split")


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("EGOBENCH_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def ask(toy_split, tmp_path):
    def request(**changes):
        options = {"model": "pipeline_toys:ToyModel", "split": str(toy_split), "metrics": METRICS, "draws": 50}
        options["engine"] = (
            "local" if {"workers", "clip_timeout"} & set(changes) else "inline"
        )  # a process costs seconds
        return RunRequest(**{**options, "out": str(tmp_path / "runs"), **changes})

    return request


@pytest.fixture(scope="session")
def toy_runs(tmp_path_factory):
    """Name → run folder, all of one toy split of 8 clips in 4 sequences, 9 video frames of 32 × 16."""
    folder = tmp_path_factory.mktemp("toy-runs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EGOBENCH_CACHE", str(folder / "cache"))
        split = str(make_split(folder / "split"))
        yield {
            name: Path(
                start_run(
                    RunRequest(model, split, model_options=options, metrics=RUN_METRICS, draws=20, out=folder, **more)
                ).path
            )
            for name, (model, options, more) in RUNS.items()
        }


@pytest.fixture
def toy_board(tmp_path):
    """A board folder of the toy split."""
    board = tmp_path / "board"
    board.mkdir()
    (board / "board.toml").write_text(TOY_BOARD, encoding="utf-8")
    return board
