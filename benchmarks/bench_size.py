"""How the stages of a run grow with its items: seconds an item, memory and disk, on made-up clips (`size.py`).

A stage's seconds are the run's own. Memory is the peak of the command's process, and of its worker; disk is counted in
blocks, and in files and folders.
"""

import multiprocessing
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import size
from facts import Facts, stated

ITEMS = pytest.mark.parametrize("items", [1_000, *(pytest.param(n, marks=pytest.mark.slow) for n in (10_000, 100_000))])


@pytest.fixture(scope="module")
def run(place: Callable[[str], Path]) -> Callable[[int], dict[str, Any]]:
    """What a run of so many items took; one run serves all benchmarks."""

    @cache
    def make(items: int) -> dict[str, Any]:
        folder, context = place("size"), multiprocessing.get_context("spawn")
        answers = context.Queue()
        process = context.Process(target=size.measure, args=(items, str(folder), answers))
        process.start()
        process.join()
        shutil.rmtree(folder)
        if process.exitcode:
            raise RuntimeError(f"a run of {items} items ended with {process.exitcode}")
        return answers.get()

    return make


@ITEMS
@pytest.mark.benchmark(group="a run of made-up clips, by its size", timer=stated)
@pytest.mark.parametrize("stage", ["generate", "extract", "score"])
def bench_size(benchmark: Any, facts: Facts, run: Callable[[int], dict[str, Any]], stage: str, items: int) -> None:
    """One worker."""
    found = run(items)
    benchmark.pedantic(stated.of(lambda: found["seconds"][stage]), rounds=1)
    facts.per("clip", items)
    (run_mib, entries), (cache_mib, kept) = found["files"]["run"], found["files"]["cache"]
    own, worker = found["peaks"]
    facts.note(cpu_ms_of_all_stages=found["cpu"], peak_mib=own, worker_mib=worker, journal_bytes=found["journal"])
    facts.note(run_mib=run_mib, run_entries=entries, cache_mib=cache_mib, cache_entries=kept)
