"""Memory and time of each set metric as the number of clips grows, in a process of its own.

Features are random numbers of the shapes of the embedded world's extractors. Memory is the process's peak; beside it
stands what the process had before the features were there, and the size of the features: from 256 to 2,560 clips the
peak should hardly grow beyond them.
"""

import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import numpy as np
import processes
import pytest
from facts import Facts, stated

from egobench.metrics.base import SetMetric
from egobench.plan.resolve import resolve_metrics

SHAPES = {"frames": (41, 128), "clip": (1, 256), "text": (128,), "motion-features": (128,)}
NAMES = ("i-fid", "fvd", "m-fid", "r-precision")
MIB = 2.0**20


@pytest.mark.benchmark(group="score and interval of a set metric", timer=stated)
@pytest.mark.parametrize("clips", [256, pytest.param(2560, marks=pytest.mark.slow)])
@pytest.mark.parametrize("metric", NAMES)
def bench_memory(benchmark: Any, facts: Facts, metric: str, clips: int) -> None:
    """The seconds are those of scoring, with 2,000 draws."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        found = pool.submit(score_once, metric, clips).result()
    benchmark.pedantic(stated.of(lambda: found.pop("seconds")), rounds=1)
    facts.note(**found)


def score_once(name: str, clips: int) -> dict[str, float]:
    """Peak memory, memory before the features, size of the features (MiB), and seconds of scoring."""
    (metric,) = resolve_metrics(name)
    if not isinstance(metric, SetMetric):
        raise TypeError(f"{name} is no set metric")
    rng = np.random.default_rng(0)
    before = processes.own_peak_mib()
    inputs = {key: [rng.normal(size=SHAPES[need.what]) for _ in range(clips)] for key, need in metric.needs().items()}
    size = sum(row.nbytes for rows in inputs.values() for row in rows) / MIB
    began = time.perf_counter()
    metric.score(inputs, [f"{k:05d}" for k in range(clips)], np.arange(clips) // 4, draws=2000, seed=0)
    seconds = time.perf_counter() - began
    return {"seconds": seconds, "peak_mib": processes.own_peak_mib(), "start_mib": before, "features_mib": size}
