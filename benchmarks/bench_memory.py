"""Memory and time of each set metric as the number of clips grows, in a process of its own.

Features are random numbers of the shapes of the embedded world's extractors, made clip by clip as the score stage reads
them. Memory is the process's peak; beside it stands what the process had before the first clip was read. From 256 to
25,600 clips the peak should grow by no more than a fifth.
"""

import multiprocessing
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import processes
import pytest
from facts import Facts, stated

from egobench.metrics.base import SetMetric
from egobench.plan.resolve import resolve_metrics
from egobench.scoring.score_set import score_set
from egobench.store.tables import ItemRow
from egobench.types import ClipInfo

SHAPES = {"frames": (41, 128), "clip": (1, 256), "text": (128,), "motion-features": (128,)}
NAMES = ("i-fid", "fvd", "m-fid", "r-precision")
PER_SEQUENCE = 4


@pytest.mark.benchmark(group="score and interval of a set metric", timer=stated)
@pytest.mark.parametrize("clips", [256, *(pytest.param(clips, marks=pytest.mark.slow) for clips in (512, 2560, 25600))])
@pytest.mark.parametrize("metric", NAMES)
def bench_memory(benchmark: Any, facts: Facts, metric: str, clips: int) -> None:
    """The seconds are those of scoring, with 2,000 draws."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        found = pool.submit(score_once, metric, clips).result()
    benchmark.pedantic(stated.of(lambda: found.pop("seconds")), rounds=1)
    facts.note(**found)


class Made:
    """Inputs that are made when they are asked for."""

    def __init__(self, clips: int, folder: Path) -> None:
        rows = [(f"{k:07d}", f"s{k // PER_SEQUENCE:07d}") for k in range(clips)]
        self.infos = {clip: ClipInfo(clip, sequence, "p", f"caption {clip}", "walk", "") for clip, sequence in rows}
        self.items = [ItemRow(clip, 0, "ok", "", "", 1, 0.1, "v", "m", "", name, "p", "walk") for clip, name in rows]
        self.cache, self.folder = SimpleNamespace(root=folder), SimpleNamespace(path=folder)

    def fetch(self, need: Any, clip_id: str, origin: Any) -> Any:
        """Random features by the clip and what is needed; its caption as text."""
        if need.extractor is None:
            return self.infos[clip_id].text
        is_sample = need.source == "sample"
        rng = np.random.default_rng([int(clip_id), is_sample])
        return rng.normal(size=SHAPES[need.what]) + 0.1 * is_sample


def score_once(name: str, clips: int, draws: int = 2000) -> dict[str, float]:
    """Peak memory, memory before the first clip (MiB), and seconds of reading and scoring."""
    (metric,) = resolve_metrics(name)
    if not isinstance(metric, SetMetric):
        raise TypeError(f"{name} is no set metric")
    with tempfile.TemporaryDirectory() as place:
        made: Any = Made(clips, Path(place))
        before, began = processes.own_peak_mib(), time.perf_counter()
        outcome = score_set(metric, made, made.items, draws=draws)
        seconds = time.perf_counter() - began
    if outcome.score is None:
        raise RuntimeError(outcome.reason)
    return {"seconds": seconds, "peak_mib": processes.own_peak_mib(), "start_mib": before}
