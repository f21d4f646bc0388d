"""R-Precision of many pairs: `egobench.stats.retrieval` against the loop of the literature's code, in one process.

    python benchmarks/retrieval.py [--quick]

The loop goes pool by pool: scikit-learn's distances, argsort, compare; the same pools for both. CPU seconds on one
thread by `time.process_time`, medians, interleaved; peak memory by `tracemalloc` in a run of its own.
"""

import argparse
import statistics
import time
import tracemalloc
from collections.abc import Callable

import numpy as np
from sklearn.metrics.pairwise import euclidean_distances
from threadpoolctl import threadpool_limits

from egobench.stats.retrieval import POOL, REPLICATIONS, TOP, draw_pools, retrieve

Solver = Callable[[np.ndarray, np.ndarray, list[str], list[str]], np.ndarray]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3, help="timed runs of each; the median is printed")
    parser.add_argument("--quick", action="store_true", help="a tenth of the size, to see that it runs")
    options = parser.parse_args()
    threadpool_limits(1)
    number = 1_000 if options.quick else 10_000
    for d in (128, 512):
        side_by_side(number, d, options.repeats)


def side_by_side(number: int, d: int, repeats: int) -> None:
    """One table; one caption in ten occurs twice."""
    text, motion, clips, captions = pairs(number, d)
    solvers: dict[str, Solver] = {"egobench, identical right": collapse, "egobench, strict": strict, "loop": loop}
    seconds: dict[str, list[float]] = {name: [] for name in solvers}
    values: dict[str, np.ndarray] = {}
    for _ in range(repeats):
        for name, solver in solvers.items():
            start = time.process_time()
            values[name] = solver(text, motion, clips, captions)
            seconds[name].append(time.process_time() - start)
    print(f"\n{number} pairs × {REPLICATIONS} replications, pools of {POOL}, d = {d}: CPU seconds, median of {repeats}")
    for name, value in values.items():
        shares = " ".join(f"{share:.6f}" for share in value)
        print(f"  {name:28} {statistics.median(seconds[name]):7.2f} s   top-1, 2, 3: {shares}")
    tracemalloc.start()
    collapse(text, motion, clips, captions)
    print(f"  peak memory beside the features: {tracemalloc.get_traced_memory()[1] / 2**20:.0f} MiB")
    tracemalloc.stop()
    shuffled = retrieve(text, motion[np.random.default_rng(1).permutation(number)], clips, captions)
    shown = shuffled.hits.mean(axis=0), shuffled.chance
    shares = " ".join(f"{value:.6f} ({luck:.6f})" for value, luck in zip(*shown, strict=True))
    print(f"  motions of other clips (chance): {shares}")


def pairs(number: int, d: int) -> tuple[np.ndarray, np.ndarray, list[str], list[str]]:
    """Features, clip ids and captions; one caption in ten occurs twice, with the same feature."""
    rng = np.random.default_rng(0)
    source = np.arange(number) % (number * 9 // 10)
    text = rng.standard_normal((number, d))[source]
    motion = text + 3.0 * rng.standard_normal((number, d))
    return text, motion, [f"clip-{k:05d}" for k in range(number)], [f"caption {k}" for k in source]


def collapse(text: np.ndarray, motion: np.ndarray, clips: list[str], captions: list[str]) -> np.ndarray:
    """The suite's, where the motion of an identical caption is right."""
    return retrieve(text, motion, clips, captions).hits.mean(axis=0)


def strict(text: np.ndarray, motion: np.ndarray, clips: list[str], captions: list[str]) -> np.ndarray:
    """The suite's, with the loop's rule."""
    return retrieve(text, motion, clips, captions, identical="strict").hits.mean(axis=0)


def loop(text: np.ndarray, motion: np.ndarray, clips: list[str], captions: list[str]) -> np.ndarray:
    """Pool by pool; ties by the order of the pool."""
    del captions
    hits = np.zeros((len(text), TOP))
    for members, is_query in zip(*draw_pools(clips, POOL, REPLICATIONS, 0), strict=True):
        order = np.argsort(euclidean_distances(text[members], motion[members]), axis=1)
        for place in np.flatnonzero(is_query):
            rank = int(np.flatnonzero(order[place] == place)[0])
            hits[members[place], rank:] += 1
    return hits.mean(axis=0) / REPLICATIONS


if __name__ == "__main__":
    main()
