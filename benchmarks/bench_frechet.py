"""Fréchet distance beside its peers, from the same features, and its intervals. CPU seconds on one thread.

Peers: `scipy.linalg.sqrtm` as pytorch-fid uses it (covariances, root of their product, +1e-6 on the diagonal if it
fails), torch-fidelity and torchmetrics by their own functions.
"""

import time
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest
import scipy.linalg
from facts import Facts

from egobench.stats.bootstrap import draw_weights
from egobench.stats.frechet import frechet_distance, frechet_interval
from egobench.stats.weighted_frechet import SequenceFrechet

Solver = Callable[[np.ndarray, np.ndarray], float]
OURS = "egobench"
SQRTM = "scipy sqrtm (pytorch-fid's way)"
FULL = pytest.mark.slow


@pytest.mark.benchmark(timer=time.process_time)
@pytest.mark.parametrize(
    ("n", "d"),
    [(512, 512), (64, 512), (256, 2048), pytest.param(2048, 2048, marks=FULL)],
)
@pytest.mark.parametrize("by", [OURS, SQRTM, "torch-fidelity", "torchmetrics"])
def bench_frechet(benchmark: Any, facts: Facts, by: str, n: int, d: int) -> None:
    benchmark.group = f"Fréchet distance, {n} rows, {d} features"
    solve = SOLVERS[by]()
    reference, sample = relu_features(n, d, seed=0), relu_features(n, d, seed=1) * 1.1
    value = benchmark.pedantic(solve, (reference, sample), rounds=1 if d > 1000 and by != OURS else 3)
    if by != OURS:
        facts.peer()
        ours = frechet_distance(reference, sample)
        facts.note(apart=abs(value - ours) / abs(ours))


@pytest.mark.benchmark(group="interval of a Fréchet distance, every row a recording", timer=time.process_time)
@pytest.mark.parametrize(
    ("n", "d", "draws"), [(250, 128, 100), pytest.param(1000, 512, 1000, marks=FULL)], ids=lambda value: str(value)
)
@pytest.mark.parametrize("by", ["interval", "with replacement"])
def bench_frechet_interval_of_rows(benchmark: Any, facts: Facts, by: str, n: int, d: int, draws: int) -> None:
    """No moments can be summed beforehand."""
    sides = [list(relu_features(n, d, seed)[:, None]) for seed in (2, 3)]
    facts.per("draw", draws)
    if by == "interval":
        benchmark.pedantic(frechet_interval, (*sides, np.arange(n), draws), {"seed": 0}, rounds=1)
    else:
        engine, weights = SequenceFrechet.of(*sides, np.arange(n)), draw_weights(n, draws, seed=0)
        benchmark.pedantic(engine, (weights,), rounds=1)


@pytest.mark.benchmark(group="interval of a Fréchet distance, 64 recordings, 2,000 draws", timer=time.process_time)
@pytest.mark.parametrize("d", [96, 128])
@pytest.mark.usefixtures("facts")
def bench_frechet_interval(benchmark: Any, d: int) -> None:
    """The shape of egomini-test: 64 recordings × 4 clips × 8 frames, 2,000 draws."""
    sides = [list(relu_features(2048, d, seed).reshape(256, 8, d)) for seed in (4, 5)]
    benchmark.pedantic(frechet_interval, (*sides, np.arange(256) // 4, 2000), {"seed": 0}, rounds=2)


@cache
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


def fidelity() -> Solver:
    """torch-fidelity's statistics and distance."""
    fid = pytest.importorskip("torch_fidelity.metric_fid", reason="torch-fidelity is not installed")

    def solve(reference: np.ndarray, sample: np.ndarray) -> float:
        sides = [{"mu": rows.mean(axis=0), "sigma": np.cov(rows, rowvar=False)} for rows in (reference, sample)]
        return fid.fid_statistics_to_metric(*sides, verbose=False)["frechet_inception_distance"]

    return solve


def metrics() -> Solver:
    """torchmetrics' solver on float64 statistics."""
    torch = pytest.importorskip("torch")
    fid = pytest.importorskip("torchmetrics.image.fid", reason="torchmetrics is not installed")
    torch.set_num_threads(1)

    def solve(reference: np.ndarray, sample: np.ndarray) -> float:
        statistics_of = [(rows.mean(dim=0), rows.T.cov()) for rows in map(torch.from_numpy, (reference, sample))]
        (mu_1, sigma_1), (mu_2, sigma_2) = statistics_of
        return float(fid._compute_fid(mu_1, sigma_1, mu_2, sigma_2))

    return solve


SOLVERS: dict[str, Callable[[], Solver]] = {
    OURS: lambda: frechet_distance,
    SQRTM: lambda: by_sqrtm,
    "torch-fidelity": fidelity,
    "torchmetrics": metrics,
}
"""Way → what gives it; a peer that is not installed skips its benchmark."""
