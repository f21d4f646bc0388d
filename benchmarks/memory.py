"""Peak memory of each set metric as the number of clips grows: `python benchmarks/memory.py`.

Features are random numbers of the shapes of the embedded world's extractors, with one process per line. The aim: from
256 to 2,560 clips, the peak hardly grows beyond the size of the features.
"""

import argparse
import multiprocessing
import resource
import time

import numpy as np

from egobench.metrics.base import SetMetric
from egobench.plan.resolve import resolve_metrics

SHAPES = {"frames": (41, 128), "clip": (1, 256), "text": (128,), "motion-features": (128,)}
NAMES = ("i-fid", "fvd", "clip-sim", "m-fid", "r-precision", "mm-dist")
MIB = 2.0**20


def measure(name: str, clips: int, answers: "multiprocessing.Queue") -> None:
    """Scores once; answers with the peak (MiB), that before the features were there, their size, and seconds."""
    (metric,) = resolve_metrics(name)
    rng = np.random.default_rng(0)
    before = _peak()
    if not isinstance(metric, SetMetric):
        answers.put((before, before, 0.0, 0.0))
        return
    inputs = {key: [rng.normal(size=SHAPES[need.what]) for _ in range(clips)] for key, need in metric.needs().items()}
    size = sum(row.nbytes for rows in inputs.values() for row in rows) / MIB
    began = time.perf_counter()
    metric.score(inputs, [f"{k:05d}" for k in range(clips)], np.arange(clips) // 4, draws=2000, seed=0)
    answers.put((_peak(), before, size, time.perf_counter() - began))


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Prints a line per metric and number of clips."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clips", type=int, nargs="+", default=[256, 2560])
    parser.add_argument("--metrics", nargs="+", default=NAMES)
    options = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    print(f"{'metric':12} {'clips':>6} {'peak MiB':>9} {'start':>7} {'features':>9} {'rest':>7} {'s':>7}")
    for name in options.metrics:
        for clips in options.clips:
            answers = context.Queue()
            process = context.Process(target=measure, args=(name, clips, answers))
            process.start()
            peak, before, size, seconds = answers.get()
            process.join()
            rest = peak - before - size
            print(f"{name:12} {clips:6} {peak:9.0f} {before:7.0f} {size:9.0f} {rest:7.0f} {seconds:7.1f}", flush=True)


if __name__ == "__main__":
    main()
