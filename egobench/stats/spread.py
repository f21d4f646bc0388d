"""Mean, median and 90 % quantile of values, each with its interval by sequence."""

from typing import NamedTuple

import numpy as np

from egobench.stats.bootstrap import cluster_means, draw_weights

Interval = tuple[float, float] | None
TAIL = 0.9


class Spread(NamedTuple):
    """Statistics of values in their own unit; intervals are 95 % percentile, None for fewer than two sequences."""

    n: int
    mean: float
    mean_ci95: Interval
    median: float
    median_ci95: Interval
    p90: float
    p90_ci95: Interval


def spread(values: np.ndarray, groups: np.ndarray, draws: int = 2000, seed: int = 0) -> Spread:
    """Mean, median and 90 % quantile (linear between values, as numpy's) with cluster bootstrap intervals.

    Args:
        values: (row,) finite.
        groups: (row,) the sequence of each row, as numbers or names.
        draws: number of draws of whole sequences; with the same seed they are those of `cluster_mean_interval`.
        seed: seed of the draws.

    Raises:
        BadInputError: as `cluster_means`.
    """
    means = cluster_means(values, groups, draws, seed)
    values = np.asarray(values, dtype=np.float64)
    median, p90 = (float(value) for value in np.quantile(values, [0.5, TAIL]))
    names, owner = np.unique(groups, return_inverse=True)
    if len(names) < 2:
        return Spread(len(values), float(values.mean()), None, median, None, p90, None)
    weights = draw_weights(len(names), draws, seed)[:, owner]
    copies = np.array([np.quantile(np.repeat(values, weight), [0.5, TAIL]) for weight in weights])
    ends = [np.quantile(column, [0.025, 0.975]) for column in (means, *copies.T)]
    mean_ci95, median_ci95, p90_ci95 = [(float(low), float(high)) for low, high in ends]
    return Spread(len(values), float(values.mean()), mean_ci95, median, median_ci95, p90, p90_ci95)
