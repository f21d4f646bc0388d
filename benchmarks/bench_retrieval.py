"""R-Precision of many pairs beside the loop of the literature's code, on the same pools. CPU seconds on one thread.

The loop goes pool by pool: scikit-learn's distances, argsort, compare. Memory is measured by `tracemalloc` in a run of
its own, beside the features.
"""

import time
import tracemalloc
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest
from facts import Facts

from egobench.stats.retrieval import POOL, REPLICATIONS, TOP, draw_pools, retrieve

Pairs = tuple[np.ndarray, np.ndarray, list[str], list[str]]
LOOP = "loop with scikit-learn"


@pytest.mark.benchmark(timer=time.process_time)
@pytest.mark.parametrize("pairs", [1_000, pytest.param(10_000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("d", [128, 512])
@pytest.mark.parametrize("by", ["egobench, identical captions are right", "egobench, strict", LOOP])
def bench_retrieval(benchmark: Any, facts: Facts, by: str, d: int, pairs: int) -> None:
    """20 partitions into pools of 32; one caption in ten occurs twice."""
    benchmark.group = f"R-Precision, {pairs:,} pairs, {d} features"
    solve = solvers()[by]
    made = made_pairs(pairs, d)
    hits = benchmark.pedantic(solve, made, rounds=3)
    facts.note(**{f"top_{k + 1}": float(share) for k, share in enumerate(hits)})
    if by == LOOP:
        facts.peer()
        return
    tracemalloc.start()
    solve(*made)
    facts.note(peak_mib=tracemalloc.get_traced_memory()[1] / 2**20)
    tracemalloc.stop()


@cache
def made_pairs(number: int, d: int) -> Pairs:
    """Features, clip ids and captions; one caption in ten occurs twice, with the same feature."""
    rng = np.random.default_rng(0)
    source = np.arange(number) % (number * 9 // 10)
    text = rng.standard_normal((number, d))[source]
    motion = text + 3.0 * rng.standard_normal((number, d))
    return text, motion, [f"clip-{k:05d}" for k in range(number)], [f"caption {k}" for k in source]


def solvers() -> dict[str, Callable[..., np.ndarray]]:
    """Way → shares of captions whose motion is among the nearest 1, 2, 3."""
    return {
        "egobench, identical captions are right": lambda *pairs: retrieve(*pairs).hits.mean(axis=0),
        "egobench, strict": lambda *pairs: retrieve(*pairs, identical="strict").hits.mean(axis=0),
        LOOP: loop,
    }


def loop(text: np.ndarray, motion: np.ndarray, clips: list[str], captions: list[str]) -> np.ndarray:
    """Pool by pool; ties by the order of the pool."""
    del captions
    pairwise = pytest.importorskip("sklearn.metrics.pairwise", reason="scikit-learn is not installed")
    hits = np.zeros((len(text), TOP))
    for members, is_query in zip(*draw_pools(clips, POOL, REPLICATIONS, 0), strict=True):
        order = np.argsort(pairwise.euclidean_distances(text[members], motion[members]), axis=1)
        for place in np.flatnonzero(is_query):
            rank = int(np.flatnonzero(order[place] == place)[0])
            hits[members[place], rank:] += 1
    return hits.mean(axis=0) / REPLICATIONS
