"""Floor of a metric that compares two sets: its value between real clips and as many other real clips.

A split has no second set of its own size. The metric is therefore taken between disjoint groups that hold a half, a
quarter and an eighth of the recordings, and a power law extrapolates it to the whole number. That is sound because a
distance between two sets of one population falls to 0 as they grow (a Fréchet distance about as 1/N).
"""

from collections.abc import Callable, Sequence

import numpy as np

from egobench.errors import BadInputError
from egobench.stats.power_law import power_law_at

LEAST_RECORDINGS = 8
"""Fewer recordings cannot be halved twice."""
PARTS = (2, 4, 8)
"""Groups hold one recording in so many."""
DRAWS = 8
"""Pairs of groups of each size."""
LEAST_GROUP = 2
"""Recordings in the smallest group."""
Between = Callable[[list[int], list[int]], float]
"""The metric between two equally long lists of rows."""


def floor_at_full_size(between: Between, sequences: Sequence[str], seed: int) -> float:
    """The metric between two sets of as many clips as there are, each from recordings of its own.

    Args:
        between: rows that stand for samples, rows that stand for references → the metric.
        sequences: (row,) name of each row's recording.
        seed: of the groups.

    Raises:
        BadInputError: `floor-few`: fewer than eight recordings; or what `between` raises.
    """
    names, owner = np.unique(np.asarray(sequences, dtype=str), return_inverse=True)
    if len(names) < LEAST_RECORDINGS:
        text = f"{len(names)} recordings; {LEAST_RECORDINGS} are needed to see how the metric falls with their number"
        raise BadInputError(text, code="floor-few")
    rng = np.random.default_rng(seed)
    counts, means = [], []
    for group in sorted({len(names) // part for part in PARTS if len(names) // part >= LEAST_GROUP}):
        pairs = [_two_groups(owner, rng.permutation(len(names)), group) for _ in range(DRAWS)]
        counts.append(float(np.mean([len(first) for first, _ in pairs])))
        means.append(float(np.mean([between(*pair) for pair in pairs])))
    if min(means) <= 0:  # a metric without bias: it does not fall with the number
        return means[-1]
    return power_law_at(np.array(counts), np.array(means), float(len(owner)))


def _two_groups(owner: np.ndarray, order: np.ndarray, group: int) -> tuple[list[int], list[int]]:
    """Rows of two disjoint groups of recordings, as many rows in each."""
    sides = [np.flatnonzero(np.isin(owner, part)) for part in (order[:group], order[group : 2 * group])]
    size = min(len(side) for side in sides)
    return sides[0][:size].tolist(), sides[1][:size].tolist()
