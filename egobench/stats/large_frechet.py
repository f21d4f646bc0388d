"""Fréchet distances of feature sets that do not fit into memory: value, interval, limit, jackknife and influence.

The same definitions as in `frechet`, `weighted_frechet` and `influence`, from sums over blocks of rows. All agree with
those to about 1e-9 of the distance. Memory does not depend on the number of rows; every part of 2^20 matrix entries
takes one more pass over the rows. For sets with more items than features.
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Int, UInt8

from egobench.stats.bootstrap import subset_parts
from egobench.stats.frechet import LIMIT_SUBSETS, interval_of, limit_of, limit_sizes, num_kept
from egobench.stats.in_place import add_product
from egobench.stats.influence import SCREENED, Influence
from egobench.stats.moments import Moments, distance_of_moments
from egobench.stats.weighted_frechet import root_trace

MATRIX_NUMBERS = 2**20
"""Numbers (8 MiB a side) of all the covariances that are summed in one pass; 127 draws of 128 features."""
GROUPS_AT_ONCE = 64
"""Groups whose scatter matrices are in memory at the same time."""


@runtime_checkable
class Rows(Protocol):
    """Entries (item, feature) that are read block by block."""

    @property
    def counts(self) -> Int[np.ndarray, " entry"]:
        """Items of each entry."""
        ...

    @property
    def width(self) -> int:
        """Features of an item."""
        ...

    def blocks(self) -> Iterator[tuple[int, Float[np.ndarray, "item feature"]]]:
        """Number of the first entry, and the items of entries that follow each other."""
        ...


class LargeFrechet:
    """Two large sets of features, entry beside entry.

    Raises:
        BadInputError: as `frechet_distance`.
    """

    def __init__(self, reference: Rows, sample: Rows) -> None:
        self.reference, self.sample = reference, sample
        self._moments = tuple(Moments.of_blocks(rows for _, rows in side.blocks()) for side in (reference, sample))
        self.value = distance_of_moments(*self._moments)
        """The distance."""

    @property
    def has_few(self) -> bool:
        """Whether a side has fewer items than features."""
        return min(moments.count for moments in self._moments) < self.reference.width

    def interval(self, groups: Int[np.ndarray, " entry"], draws: int, seed: int) -> tuple[float, float] | None:
        """As `frechet_interval`; `groups` has the number of each entry's sequence."""
        owner, total = _numbered(groups)
        size = num_kept(total)
        per_group = [np.bincount(owner, weights=side.counts, minlength=total) for side in (self.reference, self.sample)]
        if total < 2 or min(int(np.sort(counts)[:size].sum()) for counts in per_group) < 2:
            return None
        if self.value == 0.0 and self._is_same:
            return 0.0, 0.0
        parts = subset_parts(total, size, draws, seed, self._at_once)
        return interval_of(np.concatenate([self(owner, part) for part in parts]), self.value, size, total)

    def limit(self, groups: Int[np.ndarray, " entry"], seed: int) -> float | None:
        """As `frechet_limit`."""
        owner, total = _numbered(groups)
        sizes = limit_sizes(total)
        items = min(moments.count for moments in self._moments)
        if total < 8 or items * sizes[0] / total <= self.reference.width:
            return None
        counts = np.bincount(owner, weights=self.sample.counts, minlength=total)
        found = []
        for size in sizes.tolist():
            for part in subset_parts(total, size, LIMIT_SUBSETS, seed, self._at_once):
                found.append((part @ counts, self(owner, part)))
        return limit_of(*(np.concatenate(each) for each in zip(*found, strict=True)))

    def left_out(self, blocks: Int[np.ndarray, " entry"]) -> Float[np.ndarray, " block"]:
        """Distances without each block of entries."""
        owner, total = _numbered(blocks)
        weights = (1 - np.eye(total)).astype(np.uint8)
        parts = [weights[start : start + self._at_once] for start in range(0, total, self._at_once)]
        return np.concatenate([self(owner, part) for part in parts])

    def influence(self, groups: Int[np.ndarray, " entry"], top: int = 10) -> list[Influence]:
        """As `frechet_influence`."""
        owner, total = _numbered(groups)
        counts = [np.bincount(owner, weights=side.counts, minlength=total) for side in (self.reference, self.sample)]
        if total < 3 or any(count.sum() - count.max() < 2 for count in counts):
            return []
        slope = self._weight_derivative(owner, total)
        foremost = np.argsort(-slope, kind="stable")[: SCREENED * top]
        weights = np.ones((1 + len(foremost), total), dtype=np.uint8)
        weights[1 + np.arange(len(foremost)), foremost] = 0
        parts = [weights[start : start + self._at_once] for start in range(0, len(weights), self._at_once)]
        whole, *without = np.concatenate([self(owner, part) for part in parts])
        found = [Influence(int(group), float(whole - rest)) for group, rest in zip(foremost, without, strict=True)]
        return sorted((each for each in found if each.change > 0), key=lambda each: (-each.change, each.group))[:top]

    @property
    def _is_same(self) -> bool:
        """Whether both sides have the same rows in the same order."""
        pairs = zip(self.reference.blocks(), self.sample.blocks(), strict=False)
        return all(np.array_equal(one, other) for (_, one), (_, other) in pairs)

    @property
    def _at_once(self) -> int:
        width = self.reference.width
        return max(1, MATRIX_NUMBERS // (width * (width + 1) // 2))

    def __call__(
        self, owner: Int[np.ndarray, " entry"], weights: UInt8[np.ndarray, "draw group"]
    ) -> Float[np.ndarray, " draw"]:
        """One distance for every row of weights of the groups; in one pass over the rows."""
        means_1, first = self._covariances(self.reference, owner, weights)
        means_2, second = self._covariances(self.sample, owner, weights)
        corner = np.triu_indices(self.reference.width)
        distances = []
        for mean_1, mean_2, packed_1, packed_2 in zip(means_1, means_2, first, second, strict=True):
            one, other = _unpacked(packed_1, corner), _unpacked(packed_2, corner)
            gap = mean_1 - mean_2
            distances.append(gap @ gap + np.trace(one) + np.trace(other) - 2.0 * root_trace(one, other))
        return np.maximum(0.0, np.array(distances))

    def _covariances(
        self, side: Rows, owner: np.ndarray, weights: np.ndarray
    ) -> tuple[Float[np.ndarray, "draw feature"], Float[np.ndarray, "draw half"]]:
        """Weighted means, and the upper halves of the weighted covariances (ddof 1)."""
        rows, columns = np.triu_indices(side.width)
        centre = self._moments[0].mean  # a common shift changes no distance, and raw moments keep more digits
        sums, second = np.zeros((len(weights), side.width)), np.zeros((len(weights), rows.size))
        for first, block in side.blocks():
            entries = _entries_of(side.counts, first, len(block))
            numbers = np.repeat(owner[first : first + len(entries)], entries)
            order = np.argsort(numbers, kind="stable")
            groups, starts = np.unique(numbers[order], return_index=True)
            sorted_rows = (block - centre)[order]
            for at in range(0, len(groups), GROUPS_AT_ONCE):
                some = groups[at : at + GROUPS_AT_ONCE]
                last = starts[at + len(some)] if at + len(some) < len(starts) else len(block)
                scatter, totals = np.empty((len(some), rows.size)), np.empty((len(some), side.width))
                for place, (start, end) in enumerate(pairwise([*starts[at : at + len(some)], last])):
                    part = sorted_rows[start:end]
                    scatter[place], totals[place] = (part.T @ part)[rows, columns], part.sum(axis=0)
                chosen = weights[:, some].astype(np.float64)
                add_product(second, chosen.T, scatter)
                sums += chosen @ totals
        items = (weights.astype(np.float64) @ np.bincount(owner, side.counts, weights.shape[1]))[:, None]
        means = sums / items
        for draw in range(len(weights)):
            second[draw] -= items[draw] * means[draw, rows] * means[draw, columns]
        second /= items - 1
        return means, second

    def _weight_derivative(self, owner: np.ndarray, total: int) -> Float[np.ndarray, " group"]:
        """As `influence.weight_derivative`; a basis vector's share of a row is found from the triangles."""
        spread = [moments.count - 1.0 for moments in self._moments]
        decomposed = [np.linalg.svd(moments.factor, full_matrices=False) for moments in self._moments]
        factors = [values[:, None] * right for _, values, right in decomposed]
        left, values, right = np.linalg.svd(factors[0] @ factors[1].T / np.sqrt(spread[0] * spread[1]))
        gap = self._moments[0].mean - self._moments[1].mean
        slope = np.zeros(total)
        sides = zip((self.reference, self.sample), self._moments, decomposed, (left, right.T), (1.0, -1.0), strict=True)
        for side, moments, (_, sizes, axes), vectors, sign in sides:
            n = moments.count - 1.0
            known = sizes > sizes[0] * len(sizes) * np.finfo(np.float64).eps
            to_basis = (axes[known].T / sizes[known]) @ vectors[known]
            for first, block in side.blocks():
                rows = block - moments.mean
                shared = (rows @ to_basis) ** 2 @ values
                variance = np.sum(rows**2, axis=1) / n
                by_row = 2.0 * sign * (rows @ gap) / moments.count + variance - moments.trace / n - shared
                entries = _entries_of(side.counts, first, len(block))
                numbers = np.repeat(owner[first : first + len(entries)], entries)
                slope += np.bincount(numbers, weights=by_row + values.sum() / n, minlength=total)
        return slope


def _numbered(groups: Int[np.ndarray, " entry"]) -> tuple[Int[np.ndarray, " entry"], int]:
    names, owner = np.unique(groups, return_inverse=True)
    return owner, len(names)


def _entries_of(counts: np.ndarray, first: int, items: int) -> np.ndarray:
    """Counts of the entries that make up a block."""
    ends = np.cumsum(counts[first : first + items])  # an entry has one item or more
    return counts[first : first + int(np.searchsorted(ends, items)) + 1]


def _unpacked(half: Float[np.ndarray, " half"], corner: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    width = int(corner[0][-1]) + 1
    whole = np.empty((width, width))
    whole[corner] = half
    whole[corner[1], corner[0]] = half
    return whole
