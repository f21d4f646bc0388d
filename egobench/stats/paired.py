"""Two runs on the same clips: difference, interval, permutation p, minimum detectable effect; all by sequence.

A metric is given as sums per sequence if its value is one sum divided by another. Other metrics are given by their
value without each block of sequences. Whole sequences are resampled, the same in both runs: Davison & Hinkley 1997
§3.8.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from scipy.special import stdtrit

from egobench.errors import BadInputError

MIN_BOOTSTRAP = 20
"""With fewer sequences, percentiles of a bootstrap are too narrow, and Student's t on a jackknife is used instead."""
MAX_BLOCKS = 64
"""Largest number of blocks of sequences, which are left out one after another."""
POWER, LEVEL = 0.8, 0.05
CHUNK = 500
"""Number of draws whose weights are in memory at the same time."""
TIE = 1e-12
"""Statistics that differ by less than this share of the larger one are ties, since they differ by rounding only."""


class ClusterSums(NamedTuple):
    """One metric of two runs: its value in a run is `above.sum() / below.sum()`. Runs are first and second."""

    above: Float[np.ndarray, "run group"]
    below: Float[np.ndarray, "run group"]
    """Rows of each group for a mean; denominators for a ratio."""
    is_jackknife: bool = False
    """The groups are blocks of a jackknife (`left_out_sums`), which are not bootstrapped."""


@dataclass(frozen=True)
class Difference:
    """Second run minus first run."""

    first: float
    second: float
    value: float
    ci95: tuple[float, float] | None
    """None for fewer than two groups."""
    error: float | None
    """Standard error, by jackknife over groups; None for fewer than two."""
    p: float | None
    """Two-sided, of the sign-flip permutation test by group; None for fewer than two."""
    detectable: float | None
    """True difference that such a comparison finds with 80 % power at two-sided 5 %."""
    groups: int
    method: str
    """Method of the interval: `bootstrap` or `jackknife`."""


def row_sums(above: np.ndarray, below: np.ndarray, groups: Sequence[str] | np.ndarray) -> ClusterSums:
    """Sums per sequence from what each row adds to numerator and denominator.

    Args:
        above: (2, row) of the first and the second run.
        below: (2, row); 1 everywhere for a mean.
        groups: (row,) sequence of each row, as numbers or names.

    Raises:
        BadInputError: `paired-shape`, `paired-nonfinite`.
    """
    above, below = np.asarray(above, dtype=np.float64), np.asarray(below, dtype=np.float64)
    if above.ndim != 2 or above.shape != below.shape or above.shape != (2, len(groups)) or not len(groups):
        text = f"two runs of one length and a group per row are needed: found {above.shape}, {below.shape}"
        raise BadInputError(f"{text}, {len(groups)} groups", code="paired-shape")
    if not (np.isfinite(above).all() and np.isfinite(below).all()):
        raise BadInputError("a paired value is not finite; leave undefined rows out", code="paired-nonfinite")
    names, owner = np.unique(np.asarray(groups), return_inverse=True)
    sums = [[np.bincount(owner, weights=run, minlength=len(names)) for run in side] for side in (above, below)]
    return ClusterSums(np.array(sums[0]), np.array(sums[1]))


def left_out_sums(values: tuple[float, float], first: np.ndarray, second: np.ndarray) -> ClusterSums:
    """The same from the values without each block: what each block adds to the difference, to first order.

    The share of block b is Δ + (B - 1)(mean of the Δ without a block - Δ without b). So the mean of the shares is the
    difference itself. The bias of a set distance at this number of clips is common to both runs and is not corrected.

    Args:
        values: of the first and the second run, over all rows.
        first: (block,) value of the first run without each block; empty if there is only one block.
        second: (block,) the same of the second run.

    Raises:
        BadInputError: `paired-shape`: not the same blocks.
    """
    if len(first) != len(second):
        text = f"{len(first)} and {len(second)} blocks; both runs must leave out the same ones"
        raise BadInputError(text, code="paired-shape")
    without = np.asarray(second, dtype=np.float64) - np.asarray(first, dtype=np.float64)
    centred = without.mean() - without if len(without) else np.zeros(1)  # only one block
    shares = values[1] - values[0] + (len(centred) - 1) * centred
    half = np.stack([-0.5 * shares, 0.5 * shares])
    return ClusterSums(half, np.ones_like(half), is_jackknife=True)


def jackknife_blocks(sequences: Sequence[str], most: int = MAX_BLOCKS) -> Int[np.ndarray, " row"]:
    """Block of each row. Sequences are sorted by the hash of their names and assigned to blocks in turn, so the order
    of rows does not matter."""
    names = sorted(set(sequences), key=lambda name: (hashlib.sha256(name.encode()).digest(), name))
    block = {name: place % min(len(names), most) for place, name in enumerate(names)}
    return np.array([block[name] for name in sequences], dtype=np.int64)


def paired_differences(
    tables: Sequence[ClusterSums], values: Sequence[tuple[float, float]], draws: int = 10_000, seed: int = 0
) -> list[Difference]:
    """Difference of every metric; metrics over equally many groups share draws.

    Args:
        tables: one per metric.
        values: value of each metric in the first and the second run.
        draws: number of draws of bootstrap and permutation; if there are no more than `draws` permutations, all are
            used.
        seed: seed of the draws.

    Raises:
        BadInputError: `bootstrap-draws`.
    """
    if draws < 1:
        raise BadInputError(f"draws must be at least 1, not {draws}", code="bootstrap-draws")
    differences: dict[int, Difference] = {}
    for groups in sorted({table.above.shape[1] for table in tables}):
        same_groups = [place for place, table in enumerate(tables) if table.above.shape[1] == groups]
        some, their_values = [tables[place] for place in same_groups], [values[place] for place in same_groups]
        for place, difference in zip(same_groups, _of_equal_size(some, their_values, draws, seed), strict=True):
            differences[place] = difference
    return [differences[place] for place in range(len(tables))]


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Holm 1979: p adjusted for the number of tests, in the given order; None (no test) stays None."""
    tested = sorted((p, place) for place, p in enumerate(p_values) if p is not None)
    adjusted: list[float | None] = [None] * len(p_values)
    largest = 0.0
    for rank, (p, place) in enumerate(tested):
        largest = max(largest, min(1.0, (len(tested) - rank) * p))
        adjusted[place] = largest
    return adjusted


def detectable_effect(error: float, groups: int) -> float:
    """Smallest true difference found with 80 % power at two-sided 5 %, for a standard error from `groups` groups."""
    freedom = groups - 1
    return float(error * (stdtrit(freedom, 1 - LEVEL / 2) + stdtrit(freedom, POWER)))


def _of_equal_size(
    tables: Sequence[ClusterSums], values: Sequence[tuple[float, float]], draws: int, seed: int
) -> list[Difference]:
    groups = tables[0].above.shape[1]
    above, below = (np.stack([table[part] for table in tables], axis=1) for part in range(2))  # (run, metric, group)
    changes = [second - first for first, second in values]
    if groups < 2:
        pairs = zip(values, changes, strict=True)
        return [Difference(*pair, change, None, None, None, None, groups, "none") for pair, change in pairs]
    error = _jackknife_error(above, below)
    p = _sign_flip_p(above, below, draws, seed)
    wide = groups >= MIN_BOOTSTRAP and not all(table.is_jackknife for table in tables)
    drawn = _bootstrap(above, below, draws, seed) if wide else None
    differences = []
    for place, table in enumerate(tables):
        centre, method = changes[place], "jackknife"
        reach = float(stdtrit(groups - 1, 1 - LEVEL / 2) * error[place])
        interval = centre - reach, centre + reach
        if drawn is not None and not table.is_jackknife:
            low, high = np.nanquantile(drawn[:, place], [LEVEL / 2, 1 - LEVEL / 2])
            interval, method = (float(low), float(high)), "bootstrap"
        effect = detectable_effect(float(error[place]), groups)
        differences.append(
            Difference(*values[place], centre, interval, float(error[place]), float(p[place]), effect, groups, method)
        )
    return differences


def _gap(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """Second ratio minus first; NaN if a draw has no denominator."""
    with np.errstate(invalid="ignore", divide="ignore"):
        ratios = above / below
    return np.where(np.isfinite(ratios).all(axis=0), ratios[1] - ratios[0], np.nan)


def _jackknife_error(above: np.ndarray, below: np.ndarray) -> Float[np.ndarray, " metric"]:
    groups = above.shape[-1]
    without = _gap(above.sum(axis=-1, keepdims=True) - above, below.sum(axis=-1, keepdims=True) - below)
    centred = np.nan_to_num(without - np.nanmean(without, axis=-1, keepdims=True))
    return np.sqrt((groups - 1) / groups * np.sum(centred**2, axis=-1))


def _bootstrap(above: np.ndarray, below: np.ndarray, draws: int, seed: int) -> Float[np.ndarray, "draw metric"]:
    groups = above.shape[-1]
    rng, draws_of_chunks = np.random.default_rng(seed), []
    for size in _chunks(draws):
        weights = rng.multinomial(groups, np.full(groups, 1.0 / groups), size=size).astype(np.float64)
        draws_of_chunks.append(_gap(*(np.stack([weights @ run.T for run in side]) for side in (above, below))))
    return np.concatenate(draws_of_chunks)


def _sign_flip_p(above: np.ndarray, below: np.ndarray, draws: int, seed: int) -> Float[np.ndarray, " metric"]:
    """Two-sided p: how often a difference as large arises if the two runs are swapped within random groups."""
    observed = np.abs(_gap(above.sum(axis=-1), below.sum(axis=-1)))
    middle = [side.sum(axis=(0, 2)) / 2 for side in (above, below)]
    halves = [(side[1] - side[0]).T / 2 for side in (above, below)]
    scale = np.max(np.abs(above.sum(axis=-1) / below.sum(axis=-1)), axis=0)
    hits, total = np.zeros(len(observed)), 0
    for signs in _signs(above.shape[-1], draws, seed):
        moved = [signs @ half for half in halves]
        parts = (np.stack([mid - move, mid + move]) for mid, move in zip(middle, moved, strict=True))
        hits += np.sum(np.abs(np.nan_to_num(_gap(*parts))) >= observed - TIE * np.maximum(scale, observed), axis=0)
        total += len(signs)
    is_exact = 2 ** above.shape[-1] <= draws
    return hits / total if is_exact else (hits + 1) / (total + 1)


def _signs(groups: int, draws: int, seed: int) -> Iterator[Float[np.ndarray, "draw group"]]:
    """All patterns of swaps if there are no more than `draws`, else random ones."""
    if 2**groups <= draws:
        patterns = np.arange(2**groups)[:, None] >> np.arange(groups) & 1
        yield 1.0 - 2.0 * patterns
        return
    rng = np.random.default_rng([seed, groups])
    for size in _chunks(draws):
        yield 1.0 - 2.0 * rng.integers(0, 2, (size, groups), dtype=np.int8)


def _chunks(draws: int) -> Iterator[int]:
    for start in range(0, draws, CHUNK):
        yield min(CHUNK, draws - start)
