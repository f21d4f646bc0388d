"""Intervals by resampling sequences (cluster bootstrap): clips of one recording are not independent.

Percentile method, Efron & Tibshirani 1993 ch. 13; whole clusters with replacement, Davison & Hinkley 1997 §3.8.
"""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float, Int, UInt8

from egobench.errors import BadInputError

MOST_WEIGHTS = 2**21
"""Weights of draws that are in memory at the same time, where there are more than these."""


def draw_weights(num_groups: int, draws: int, seed: int) -> Int[np.ndarray, "draw group"]:
    """How often each of `num_groups` sequences is drawn, with replacement, in each of `draws` draws."""
    return np.concatenate(list(weight_parts(num_groups, draws, seed)))


def weight_parts(num_groups: int, draws: int, seed: int) -> Iterator[Int[np.ndarray, "draw group"]]:
    """The same weights, some draws at a time: all at once up to 2^21 numbers (16 MiB; 2,000 draws of 1,048 sequences),
    fewer above. The numbers drawn are the same either way."""
    _check_draws(draws)
    size = draws if draws * num_groups <= MOST_WEIGHTS else max(1, MOST_WEIGHTS // num_groups)
    rng, shares = np.random.default_rng(seed), np.full(num_groups, 1.0 / num_groups)
    for start in range(0, draws, size):
        yield rng.multinomial(num_groups, shares, size=min(size, draws - start))


def draw_subsets(num_groups: int, size: int, draws: int, seed: int) -> Int[np.ndarray, "draw group"]:
    """Weights 0 and 1: `size` of `num_groups` sequences, without replacement, in each of `draws` draws."""
    return np.concatenate(list(subset_parts(num_groups, size, draws, seed, draws))).astype(np.int64)


def subset_parts(
    num_groups: int, size: int, draws: int, seed: int, most: int
) -> Iterator[UInt8[np.ndarray, "draw group"]]:
    """The same weights, `most` draws at a time."""
    _check_draws(draws)
    rng = np.random.default_rng(seed)
    at_once = max(1, MOST_WEIGHTS // num_groups)
    for start in range(0, draws, most):
        weights = np.empty((min(most, draws - start), num_groups), dtype=np.uint8)
        for done in range(0, len(weights), at_once):
            part = weights[done : done + at_once]
            part[:] = np.argsort(rng.random(part.shape), axis=1) < size
        yield weights


def cluster_means(
    values: np.ndarray, groups: np.ndarray, draws: int = 2000, seed: int = 0
) -> Float[np.ndarray, " draw"]:
    """Mean over rows of each bootstrap draw; `cluster_mean_interval` uses them.

    A draw has as many sequences as the data. Its mean is sum over count, so long sequences weigh more, as in the mean
    itself. Arguments and errors as `cluster_mean_interval`.
    """
    values, groups = np.asarray(values, dtype=np.float64), np.asarray(groups)
    if values.ndim != 1 or values.shape != groups.shape or values.size == 0:
        raise BadInputError(
            f"values and groups must be vectors of one length, at least 1: found {values.shape} and {groups.shape}",
            code="bootstrap-shape",
        )
    if not np.isfinite(values).all():
        row = int(np.argmin(np.isfinite(values)))
        raise BadInputError(f"value {values[row]} in row {row}; leave undefined rows out", code="bootstrap-nonfinite")
    names, owner = np.unique(groups, return_inverse=True)
    centre = values.mean()
    sums = np.bincount(owner, weights=values - centre)
    counts = np.bincount(owner)
    drawn = [weights @ sums / (weights @ counts) for weights in weight_parts(len(names), draws, seed)]
    return centre + np.concatenate(drawn)


def cluster_mean_interval(
    values: np.ndarray, groups: np.ndarray, draws: int = 2000, seed: int = 0
) -> tuple[float, float] | None:
    """95 % percentile interval of the mean of `values`, resampling whole sequences.

    Args:
        values: (row,) one score per clip × seed, finite.
        groups: (row,) the sequence of each row, as numbers or names.
        draws: number of bootstrap draws.
        seed: seed of the draws; equal seeds and groups draw equal sequences, so intervals can be paired.

    Returns:
        Low and high end, or None for fewer than two sequences.

    Raises:
        BadInputError: lengths differ, nothing given, or a value is not finite.
    """
    means = cluster_means(values, groups, draws, seed)
    if np.unique(groups).size < 2:
        return None
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)


def _check_draws(draws: int) -> None:
    if draws < 1:
        raise BadInputError(f"draws must be at least 1, not {draws}", code="bootstrap-draws")
