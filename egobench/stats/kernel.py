"""Kernel distance of two feature sets: the unbiased companion of the Fréchet distance.

Squared maximum mean discrepancy with the cubic kernel (x·y / d + 1)³, Bińkowski et al. 2018 (arXiv:1801.01401),
as one U-statistic over all rows. The literature averages 100 random subsets, which only adds noise.
"""

from itertools import product

import numpy as np

from egobench.errors import BadInputError

BLOCK = 1024
"""Number of rows of each side whose kernel values are in memory at the same time."""


def kernel_distance(reference: np.ndarray, sample: np.ndarray) -> float:
    """Unbiased MMD²; 0 on average for two sets of one distribution, so it may be negative.

    Args:
        reference: (n, d).
        sample: (m, d).

    Raises:
        BadInputError: fewer than two rows on a side, another d, or a value that is not finite.
    """
    reference, sample = np.asarray(reference, dtype=np.float64), np.asarray(sample, dtype=np.float64)
    if reference.ndim != 2 or sample.ndim != 2 or reference.shape[1] != sample.shape[1]:
        raise BadInputError(
            f"features must be (items, features) of one length: found {reference.shape} and {sample.shape}",
            code="features-dimension",
        )
    if min(len(reference), len(sample)) < 2:
        raise BadInputError(
            f"two or more rows needed: found {len(reference)} and {len(sample)}",
            code="features-few",
        )
    if not (np.isfinite(reference).all() and np.isfinite(sample).all()):
        raise BadInputError("features are not finite", code="features-nonfinite")
    n, m = len(reference), len(sample)
    within = _kernel_sum(reference, reference) - np.sum(_cubic(np.sum(reference**2, axis=1), reference.shape[1]))
    within_sample = _kernel_sum(sample, sample) - np.sum(_cubic(np.sum(sample**2, axis=1), sample.shape[1]))
    between = _kernel_sum(reference, sample)
    return float(within / (n * (n - 1)) + within_sample / (m * (m - 1)) - 2.0 * between / (n * m))


def _kernel_sum(first: np.ndarray, second: np.ndarray) -> float:
    d = first.shape[1]
    corners = product(range(0, len(first), BLOCK), range(0, len(second), BLOCK))
    return float(sum(np.sum(_cubic(first[i : i + BLOCK] @ second[j : j + BLOCK].T, d)) for i, j in corners))


def _cubic(products: np.ndarray, d: int) -> np.ndarray:
    base = products / d + 1.0
    return base * base * base
