"""Fréchet distance against its peers, and its bootstrap: CPU seconds, agreement, the figures of docs.

    python benchmarks/frechet.py [--repeats 3] [--quick]

Peers: `scipy.linalg.sqrtm` as pytorch-fid uses it (covariances, root of their product, +1e-6 on the diagonal if it
fails), torch-fidelity and torchmetrics by their own functions. All are given the same features and are timed from
features to distance by `time.process_time`, on one thread, interleaved; medians.
"""

import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np
import scipy.linalg
from threadpoolctl import threadpool_limits

from egobench.stats.bootstrap import draw_weights
from egobench.stats.frechet import frechet_distance, frechet_interval
from egobench.stats.weighted_frechet import SequenceFrechet

Solver = Callable[[np.ndarray, np.ndarray], float]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3, help="timed runs of each solver; the median is printed")
    parser.add_argument("--quick", action="store_true", help="a quarter of the size, to see that it runs")
    options = parser.parse_args()
    threadpool_limits(1)
    d = 512 if options.quick else 2048
    for n in (d, d // 8):
        side_by_side(n, d, options.repeats)
    bootstrap_of_rows(*((250, 128, 100) if options.quick else (1000, 512, 1000)))
    bootstrap_of_sequences(draws=200 if options.quick else 2000)


def side_by_side(n: int, d: int, repeats: int) -> None:
    """One table: every solver on the same two sets of n rows and d features."""
    reference, sample = relu_features(n, d, seed=0), relu_features(n, d, seed=1) * 1.1
    peers: dict[str, Solver] = {"egobench": frechet_distance, "scipy sqrtm (pytorch-fid)": by_sqrtm}
    peers |= {name: solver for name, solver in (("torch-fidelity", fidelity()), ("torchmetrics", metrics())) if solver}
    seconds: dict[str, list[float]] = {name: [] for name in peers}
    values: dict[str, float] = {}
    for _ in range(repeats):
        for name, solver in peers.items():
            start = time.process_time()
            values[name] = solver(reference, sample)
            seconds[name].append(time.process_time() - start)
    ours = statistics.median(seconds["egobench"])
    print(f"\nN = {n}, d = {d}: median of {repeats}, CPU seconds on one thread")
    for name in peers:
        median = statistics.median(seconds[name])
        apart = abs(values[name] - values["egobench"]) / abs(values["egobench"])
        print(f"  {name:28} {median:9.3f} s  {median / ours:7.1f} ×  value {values[name]:.9f}  apart {apart:.1e}")
    print(f"  identical sets, rows permuted: {frechet_distance(reference, reference[::-1])!r}")


def bootstrap_of_rows(n: int, d: int, draws: int) -> None:
    """Every row its own sequence: no moments can be summed beforehand."""
    sides = [list(relu_features(n, d, seed)[:, None]) for seed in (2, 3)]
    start = time.process_time(), time.perf_counter()
    frechet_interval(*sides, np.arange(n), draws, seed=0)
    took = time.process_time() - start[0], time.perf_counter() - start[1]
    print(f"\ninterval, {draws} draws, N = {n}, d = {d}: {took[0]:.1f} s CPU, {took[1]:.1f} s wall")
    engine = SequenceFrechet.of(*sides, np.arange(n))
    start = time.process_time()
    engine(draw_weights(n, draws, seed=0))
    print(f"the same with replacement: {time.process_time() - start:.1f} s CPU")


def bootstrap_of_sequences(draws: int) -> None:
    """The shape of the embedded split: 64 sequences × 4 clips × 8 frames."""
    for d in (96, 128):
        sides = [list(relu_features(2048, d, seed).reshape(256, 8, d)) for seed in (4, 5)]
        start = time.process_time()
        frechet_interval(*sides, np.arange(256) // 4, draws, seed=0)
        print(f"interval, {draws} draws, 64 sequences, N = 2048, d = {d}: {time.process_time() - start:.2f} s CPU")


def relu_features(n: int, d: int, seed: int) -> np.ndarray:
    """Rectified correlated Gaussians with a decaying spectrum, as a network's last layer gives."""
    mix, _ = np.linalg.qr(np.random.default_rng(0).standard_normal((d, d)))
    mix = mix / np.sqrt(np.arange(1, d + 1))
    return np.maximum(np.random.default_rng(seed + 10).standard_normal((n, d)) @ mix + 0.01, 0.0)


def by_sqrtm(reference: np.ndarray, sample: np.ndarray) -> float:
    """As pytorch-fid's `calculate_frechet_distance` goes, without the `disp` that new SciPy refuses."""
    gap = reference.mean(axis=0) - sample.mean(axis=0)
    first, second = (np.cov(rows, rowvar=False) for rows in (reference, sample))
    root = scipy.linalg.sqrtm(first @ second)
    if not np.isfinite(root).all():
        offset = 1e-6 * np.eye(len(first))
        root = scipy.linalg.sqrtm((first + offset) @ (second + offset))
    return float(gap @ gap + np.trace(first) + np.trace(second) - 2.0 * np.trace(root.real))


def fidelity() -> Solver | None:
    """torch-fidelity's statistics and distance, or None where it is not installed."""
    try:
        from torch_fidelity.metric_fid import fid_statistics_to_metric
    except ImportError:
        return None

    def solve(reference: np.ndarray, sample: np.ndarray) -> float:
        sides = [{"mu": rows.mean(axis=0), "sigma": np.cov(rows, rowvar=False)} for rows in (reference, sample)]
        return fid_statistics_to_metric(*sides, verbose=False)["frechet_inception_distance"]

    return solve


def metrics() -> Solver | None:
    """torchmetrics' solver on float64 statistics, or None where it is not installed."""
    try:
        import torch
        from torchmetrics.image.fid import _compute_fid
    except ImportError:
        return None
    torch.set_num_threads(1)

    def solve(reference: np.ndarray, sample: np.ndarray) -> float:
        statistics_of = [(rows.mean(dim=0), rows.T.cov()) for rows in map(torch.from_numpy, (reference, sample))]
        (mu_1, sigma_1), (mu_2, sigma_2) = statistics_of
        return float(_compute_fid(mu_1, sigma_1, mu_2, sigma_2))

    return solve


if __name__ == "__main__":
    main()
