"""Fréchet distance between two sets of features, its interval by sequence, and its limit for many items.

float64 throughout, covariances with ddof 1, no matrix square root. Dowson & Landau 1982, Heusel et al. 2017
(arXiv:1706.08500); the 1/N extrapolation is Chong & Forsyth 2020 (arXiv:1911.07023).
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int

from egobench.errors import BadInputError
from egobench.stats.bootstrap import draw_subsets
from egobench.stats.weighted_frechet import SequenceFrechet, nuclear_norm

EXACT_RANK = 1024
"""Up to this many rows or features, singular values are computed directly; above it, as roots of eigenvalues, which is
2 × faster."""
KEPT = 0.75
"""Share of the sequences in each draw of the interval."""
LIMIT_SIZES = 15
"""Subset sizes of the extrapolation, as in the paper."""
LIMIT_SUBSETS = 4
"""Random subsets per size."""


def frechet_distance(reference: np.ndarray, sample: np.ndarray) -> float:
    """Squared 2-Wasserstein distance of the Gaussians fitted to two sets: |μ₁-μ₂|² + tr S₁ + tr S₂ - 2 tr (S₁S₂)^½.

    The last trace is the nuclear norm ‖A₁A₂ᵀ‖_* / √((n-1)(m-1)) of the centred rows A. If a set has more rows than
    features, its A is replaced by the triangle R of A = QR (the Cholesky factor of its scatter, without squaring),
    which does not change the norm. So no covariance is formed, and rank deficiency is no special case. N < d is valid,
    but then
    the distance is biased upward: flag it.

    Sets that hold the same rows, in any order, give exactly 0. Rounding below 0 is cut.

    Args:
        reference: (n, d), any real type.
        sample: (m, d).

    Raises:
        BadInputError: fewer than two rows, another d, a value that is not finite, or two sets without any variance
            (a broken extractor).
    """
    reference, sample = _checked(reference, "reference"), _checked(sample, "sample")
    if reference.shape[1] != sample.shape[1]:
        raise BadInputError(
            f"features differ in length: reference has {reference.shape[1]}, sample has {sample.shape[1]}; "
            "both must come from one extractor",
            code="features-dimension",
        )
    refuse_constant(is_constant=not np.ptp(reference, axis=0).any() and not np.ptp(sample, axis=0).any())
    if _same_rows(reference, sample):
        return 0.0
    gap = reference.mean(axis=0) - sample.mean(axis=0)
    factor_1, trace_1 = _factor(reference)
    factor_2, trace_2 = _factor(sample)
    cross = factor_1 @ factor_2.T
    root_trace = nuclear_norm(cross, direct=min(cross.shape) <= EXACT_RANK)
    return max(0.0, float(gap @ gap + trace_1 + trace_2 - 2.0 * root_trace))


def refuse_constant(*, is_constant: bool) -> None:
    """Raises BadInputError `features-constant` for two sets without any variance."""
    if is_constant:
        raise BadInputError(
            "every row of the reference is the same, and every row of the sample; the features carry no information "
            "(is the extractor broken?)",
            code="features-constant",
        )


def frechet_interval(
    reference_per_clip: Sequence[Float[np.ndarray, "_item _feature"]],
    sample_per_clip: Sequence[Float[np.ndarray, "_item _feature"]],
    groups: Int[np.ndarray, " clip"],
    draws: int,
    seed: int,
) -> tuple[float, float] | None:
    """95 % interval of the Fréchet distance at this number of clips; None for fewer than two sequences (or rows
    in a draw).

    Each draw keeps a random three quarters of the sequences, the same ones on both sides (delete-d jackknife, Shao &
    Wu 1989). The deviations from the mean of the draws, times √(kept / left out), are added to the distance itself, and
    the ends are cut at 0.

    Drawing *with* replacement, as `cluster_mean_interval` does, is not used here. A draw with repeated rows has fewer
    distinct rows, so its distance has the 1/N bias twice, and the percentiles lie above the value (they covered 0 to
    40 % in `benchmarks/studies/frechet_coverage.py`, in place of 95 %). Also, the number of distinct rows changes from
    draw to draw, which made even the centred interval 1.1 to 9 times too wide.

    The interval covers the mean of the distance *at this N*, not its limit for N → ∞: compare equal N, and see
    `frechet_limit`. It is too wide if both sets have the same distribution.

    Args:
        reference_per_clip: per clip (item, feature).
        sample_per_clip: the same clips in the same order.
        groups: number of each clip's sequence.

    Raises:
        BadInputError: as `frechet_distance`, or lists of unequal length.
    """
    distances = SequenceFrechet.of(reference_per_clip, sample_per_clip, groups)
    total = distances.num_groups
    size = num_kept(total)
    fewest = min(int(np.sort(side.counts)[:size].sum()) for side in (distances.reference, distances.sample))
    if total < 2 or fewest < 2:
        return None
    value = frechet_distance(distances.reference.rows, distances.sample.rows)
    if np.array_equal(distances.reference.rows, distances.sample.rows):
        return value, value
    return interval_of(distances(draw_subsets(total, size, draws, seed)), value, size, total)


def num_kept(total: int) -> int:
    """Sequences, of `total`, in each draw of the interval."""
    return min(total - 1, max(1, round(KEPT * total)))


def interval_of(drawn: Float[np.ndarray, " draw"], value: float, size: int, total: int) -> tuple[float, float]:
    """The interval from the distances of draws that keep `size` of `total` sequences."""
    deviations = (drawn - drawn.mean()) * np.sqrt(size / (total - size))
    low, high = np.quantile(deviations, [0.025, 0.975]) + value
    return max(0.0, float(low)), max(0.0, float(high))


def frechet_limit(
    reference_per_clip: Sequence[Float[np.ndarray, "_item _feature"]],
    sample_per_clip: Sequence[Float[np.ndarray, "_item _feature"]],
    groups: Int[np.ndarray, " clip"],
    seed: int,
) -> float | None:
    """Distance extrapolated to infinitely many items: the intercept of a line in 1/N over subsets of the sequences.

    Differs from the paper: subsets are of sequences, on both sides (there, of generated images only), from a
    quarter of them to all, a few seeded ones per size, nested from size to size. May be slightly negative.
    None for fewer than eight sequences, or if the smallest subset has no more rows than features: the bias is
    not linear in 1/N there and the intercept means nothing.
    """
    distances = SequenceFrechet.of(reference_per_clip, sample_per_clip, groups)
    total = distances.num_groups
    sizes = limit_sizes(total)
    items = min(len(distances.reference.rows), len(distances.sample.rows))
    if total < 8 or items * sizes[0] / total <= distances.reference.rows.shape[1]:
        return None
    weights = np.concatenate([draw_subsets(total, size, LIMIT_SUBSETS, seed) for size in sizes.tolist()])
    return limit_of(weights @ distances.sample.counts, distances(weights))


def limit_sizes(total: int) -> Int[np.ndarray, " size"]:
    """Sequences, of `total`, in the subsets of the extrapolation."""
    return np.unique(np.linspace(max(2, total // 4), total, LIMIT_SIZES).astype(int))


def limit_of(items: np.ndarray, distances: Float[np.ndarray, " draw"]) -> float:
    """The intercept of the line through the distances of subsets with so many items."""
    return float(np.polynomial.Polynomial.fit(1.0 / items, distances, deg=1)(0.0))


def _checked(features: np.ndarray, name: str) -> Float[np.ndarray, "item feature"]:
    features = np.asarray(features)
    if features.ndim != 2 or features.dtype.kind not in "fiu" or 0 in features.shape:
        raise BadInputError(
            f"{name} features must be numbers of shape (items, features), not {features.dtype} {features.shape}",
            code="features-shape",
        )
    if len(features) < 2:
        raise BadInputError(f"{name} has {len(features)} row; a covariance needs at least 2", code="features-few")
    features = features.astype(np.float64)
    if not np.isfinite(features).all():
        row = int(np.argwhere(~np.isfinite(features))[0, 0])
        raise BadInputError(f"{name} features are not finite; first in row {row}", code="features-nonfinite")
    return features


def _same_rows(reference: np.ndarray, sample: np.ndarray) -> bool:
    if reference.shape != sample.shape:
        return False
    rows, others = (sorted(row.tobytes() for row in side + 0.0) for side in (reference, sample))  # -0.0 becomes 0.0
    return rows == others


def _factor(rows: Float[np.ndarray, "item feature"]) -> tuple[Float[np.ndarray, "rank feature"], float]:
    """F with FᵀF = covariance, and the covariance's trace."""
    centred = (rows - rows.mean(axis=0)) / np.sqrt(len(rows) - 1)
    trace = float(np.sum(centred**2))
    return (np.asarray(np.linalg.qr(centred, mode="r")) if len(rows) > rows.shape[1] else centred), trace
