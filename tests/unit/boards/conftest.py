"""Small finished runs for pictures: the pipeline's toys, made once."""

import sys
from pathlib import Path

import pytest

TOYS = Path(__file__).parents[1] / "pipeline"
METRICS = "trans-err:pipeline_toys:ToyEyes,rot-err:pipeline_toys:ToyEyes,pipeline_toys:Speed,pipeline_toys:MeanColour"
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
def toy_runs(tmp_path_factory):
    """Name → run folder, all of one toy split of 8 clips in 4 sequences, 9 video frames of 32 × 16."""
    sys.path.append(str(TOYS))
    from pipeline_toys import make_split

    from egobench.pipeline.run import RunRequest, start_run

    folder = tmp_path_factory.mktemp("toy-runs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EGOBENCH_CACHE", str(folder / "cache"))
        split = str(make_split(folder / "split"))
        yield {
            name: Path(
                start_run(RunRequest(model, split, options, metrics=METRICS, draws=20, out=str(folder), **more)).path
            )
            for name, (model, options, more) in RUNS.items()
        }
    sys.path.remove(str(TOYS))


@pytest.fixture
def toy_board(tmp_path):
    """A board folder of the toy split."""
    board = tmp_path / "board"
    board.mkdir()
    (board / "board.toml").write_text(TOY_BOARD, encoding="utf-8")
    return board
