"""One toy split for all, a cache of its own for each test."""

import pytest
from pipeline_toys import METRICS, make_split

from egobench.pipeline.run import RunRequest


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
