"""What benchmarks share: slow ones wait for --slow, a result describes its machine, figures carry their facts."""

import os
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import machine
import pytest
from facts import Facts
from threadpoolctl import threadpool_limits


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="run the benchmarks that take minutes, too")
    parser.addoption("--device", default="cpu", help="where networks run in benchmarks that can use a GPU")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--slow"):
        skip = pytest.mark.skip(reason="slow: it runs with --slow")
        for item in items:
            if item.get_closest_marker("slow"):
                item.add_marker(skip)
    if config.getoption("--device") != "cpu":
        for item in items:
            by_the_clock(item)


def by_the_clock(item: pytest.Item) -> None:
    """On a GPU, CPU seconds say nothing of what runs there."""
    marker = item.get_closest_marker("benchmark")
    uses = getattr(item, "fixturenames", ())
    if marker and "device" in uses and marker.kwargs.get("timer") is time.process_time:
        item.add_marker(pytest.mark.benchmark(**{**marker.kwargs, "timer": time.perf_counter}), append=False)


def pytest_benchmark_generate_machine_info() -> dict[str, Any]:
    return described


def pytest_benchmark_update_json(output_json: dict[str, Any]) -> None:
    output_json["machine_info"]["gpu"] = machine.gpu()
    output_json |= machine.trimmed(output_json, machine.load())


described = machine.describe()
"""Taken before the first benchmark, with the load of that moment."""


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> Iterator[None]:
    """Work inside this process has one thread; commands are measured as a user types them."""
    with threadpool_limits(1):
        yield


@pytest.fixture
def facts(benchmark: Any) -> Facts:
    """What the page needs beside the times."""
    benchmark.extra_info["load"] = machine.load()
    return Facts(benchmark.extra_info)


@pytest.fixture(scope="session")
def device(request: pytest.FixtureRequest) -> str:
    """`--device`."""
    return request.config.getoption("--device")


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Makes a new empty folder."""
    return lambda name: tmp_path_factory.mktemp(name, numbered=True)
