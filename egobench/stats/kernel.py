"""Kernel distance of two feature sets: the unbiased companion of the Fréchet distance.

Squared maximum mean discrepancy with the cubic kernel (x·y / d + 1)³, Bińkowski et al. 2018 (arXiv:1801.01401),
as one U-statistic over all rows. The literature averages 100 random subsets, which only adds noise.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import product

import numpy as np
from jaxtyping import Float

from egobench.errors import BadInputError

BLOCK = 1024
"""Number of rows of each side whose kernel values are in memory at the same time."""
MOST_FEATURES = 256
"""Up to so many, sums of products of three features fit into memory (64 MiB a side)."""
PRODUCT_ROWS = 64
"""Rows whose products of two features are in memory at the same time."""
Blocks = Callable[[], Iterable[np.ndarray]]
"""Gives the rows (item, feature) of a set, block by block."""


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


def large_kernel_distance(reference: Blocks, sample: Blocks) -> float:
    """The same for sets that do not fit into memory, to about 1e-9 of the largest of its three terms.

    Up to 256 features, each kernel sum comes from sums of products of up to three features, where that is less work: it
    grows with the number of rows and not with its square. Otherwise blocks are compared in pairs.

    Args:
        reference: a function that gives the blocks (item, feature) from the first to the last, each time it is called.
        sample: the same.

    Raises:
        BadInputError: `features-few`.
    """
    sides = (reference, sample)
    counts = [sum(len(block) for block in side()) for side in sides]
    if min(counts) < 2:
        raise BadInputError(f"two or more rows needed: found {counts[0]} and {counts[1]}", code="features-few")
    d = next(iter(reference())).shape[1]
    n, m = counts
    by_sums = d <= MOST_FEATURES and (n + m) * d**3 < 2 * d * (n * n + m * m + n * m)
    whole = [_Products.of(side(), d) for side in sides] if by_sums else []
    alone = [sum(float(np.sum(_cubic(np.sum(block**2, axis=1), d))) for block in side()) for side in sides]
    pairs = ((0, 0), (1, 1), (0, 1))
    within, within_sample, between = (
        whole[a].kernel_sum(whole[b], d) if by_sums else _pair_sum(sides[a], sides[b]) for a, b in pairs
    )
    parts = ((within - alone[0]) / (n * (n - 1)), (within_sample - alone[1]) / (m * (m - 1)), between / (n * m))
    return float(parts[0] + parts[1] - 2.0 * parts[2])


@dataclass(frozen=True)
class _Products:
    """Sums over rows of products of features. With them Σ (x·y / d + 1)³ over all pairs is a few dot products."""

    count: int
    first: Float[np.ndarray, " feature"]
    second: Float[np.ndarray, " pair"]
    third: Float[np.ndarray, "pair feature"]
    """Pairs i ≤ j."""

    @classmethod
    def of(cls, blocks: Iterable[np.ndarray], d: int) -> "_Products":
        """In one pass."""
        i, j = np.triu_indices(d)
        count, first, third = 0, np.zeros(d), np.zeros((i.size, d))
        second = np.zeros(i.size)
        for block in blocks:
            count += len(block)
            first += block.sum(axis=0)
            for start in range(0, len(block), PRODUCT_ROWS):
                rows = block[start : start + PRODUCT_ROWS]
                pairs = rows[:, i] * rows[:, j]
                second += pairs.sum(axis=0)
                third += pairs.T @ rows
        return cls(count, first, second, third)

    def kernel_sum(self, other: "_Products", d: int) -> float:
        """Over all pairs of a row here and a row there."""
        i, j = np.triu_indices(d)
        twice = np.where(i == j, 1.0, 2.0)
        one = self.first @ other.first / d
        two = np.sum(twice * self.second * other.second) / d**2
        three = np.sum(twice * np.einsum("pf,pf->p", self.third, other.third)) / d**3
        return float(self.count * other.count + 3.0 * one + 3.0 * two + three)


def _pair_sum(first: Blocks, second: Blocks) -> float:
    total = 0.0
    for block in first():
        for other in second():
            total += _kernel_sum(block, other)
    return total


def _kernel_sum(first: np.ndarray, second: np.ndarray) -> float:
    d = first.shape[1]
    corners = product(range(0, len(first), BLOCK), range(0, len(second), BLOCK))
    return float(sum(np.sum(_cubic(first[i : i + BLOCK] @ second[j : j + BLOCK].T, d)) for i, j in corners))


def _cubic(products: np.ndarray, d: int) -> np.ndarray:
    base = products / d + 1.0
    return base * base * base
