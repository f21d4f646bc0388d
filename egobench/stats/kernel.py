"""Kernel distance of two feature sets: the unbiased companion of the Fréchet distance.

Squared maximum mean discrepancy with the cubic kernel (x·y / d + 1)³, Bińkowski et al. 2018 (arXiv:1801.01401),
as one U-statistic over all rows. The literature averages 100 random subsets, which only adds noise.
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import product
from typing import Any

import numpy as np
from jaxtyping import Float

from egobench.errors import BadInputError
from egobench.stats.in_place import add_product

BLOCK = 1024
"""Number of rows of each side whose kernel values are in memory at the same time."""
MOST_FEATURES = 256
"""Up to so many, sums of products of three features are worth their passes over the rows."""
PRODUCTS = 2**20
"""Such sums that are in memory at the same time (8 MiB a side)."""
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
    alone = [sum(float(np.sum(_cubic(np.sum(block**2, axis=1), d))) for block in side()) for side in sides]
    within, within_sample, between = (
        _sums_of_products(sides, d) if by_sums else (_pair_sum(sides[a], sides[b]) for a, b in ((0, 0), (1, 1), (0, 1)))
    )
    parts = ((within - alone[0]) / (n * (n - 1)), (within_sample - alone[1]) / (m * (m - 1)), between / (n * m))
    return float(parts[0] + parts[1] - 2.0 * parts[2])


def _sums_of_products(sides: tuple[Blocks, Blocks], d: int) -> tuple[float, float, float]:
    """Σ (x·y / d + 1)³ over all pairs of rows within the first set, within the second, and between both.

    With Tₖ, the sum over rows of all products of k features, that is Σₖ C(3, k) T̂ₖ·T̂ₖ / dᵏ. A part of T₃ is in memory
    at a time; every part takes one more pass over the rows.
    """
    rows, columns = np.triu_indices(d)  # products of two features, each pair once
    twice = np.where(rows == columns, 1.0, 2.0)
    totals = np.zeros(3)
    first = [np.zeros((2, d)) for _ in sides]  # of the number of rows (in column 0), and of the features
    for at, side in enumerate(sides):
        for block in side():
            first[at][0, 0] += len(block)
            first[at][1] += block.sum(axis=0)
    totals += [_dot(one[0], other[0]) + 3.0 / d * _dot(one[1], other[1]) for one, other in _pairs(first)]
    size = max(1, PRODUCTS // d)
    for start in range(0, rows.size, size):
        i, j, weight = (part[start : start + size] for part in (rows, columns, twice))
        sums = [_products(side(), i, j, d) for side in sides]
        for place, ((two, three), (other_two, other_three)) in enumerate(_pairs(sums)):
            totals[place] += 3.0 / d**2 * _dot(weight * two, other_two)
            totals[place] += _dot(weight, np.einsum("pf,pf->p", three, other_three)) / d**3
    return float(totals[0]), float(totals[1]), float(totals[2])


def _products(
    blocks: Iterable[np.ndarray], i: np.ndarray, j: np.ndarray, d: int
) -> tuple[Float[np.ndarray, " pair"], Float[np.ndarray, "pair feature"]]:
    """Sums over rows of xᵢxⱼ, and of xᵢxⱼxₖ for every k."""
    two, three = np.zeros(i.size), np.zeros((i.size, d))
    for block in blocks:
        for start in range(0, len(block), PRODUCT_ROWS):
            some = block[start : start + PRODUCT_ROWS]
            pairs = some[:, i] * some[:, j]
            two += pairs.sum(axis=0)
            add_product(three, pairs, some)
    return two, three


def _pairs(sides: Sequence[Any]) -> list[tuple[Any, Any]]:
    return [(sides[0], sides[0]), (sides[1], sides[1]), (sides[0], sides[1])]


def _dot(first: np.ndarray, second: np.ndarray) -> float:
    return float(first @ second)


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
