"""Fréchet distances of many re-weighted copies of two feature sets, as resampling needs them.

A copy is one integer per sequence (how often it was drawn), which holds for both sides. With more items than features,
a copy needs one d × d eigenvalue problem on covariances, which are summed from moments per sequence. With fewer items,
it needs one problem of the size of the drawn rows on a cached cross-Gram matrix.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.linalg
from jaxtyping import Float, Int

from egobench.errors import BadInputError

CACHE_BYTES = 256 * 2**20
"""Largest total size of the scatter matrices per sequence; beyond it covariances are computed from rows for each
draw."""
CHUNK = 64
"""Largest number of draws whose d × d matrices are in memory at the same time."""


@dataclass(frozen=True)
class WeightedSide:
    """The rows of one side, their sequences, and the moments of each sequence."""

    rows: Float[np.ndarray, "item feature"]
    owner: Int[np.ndarray, " item"]
    """Sequence of each row, 0 … groups - 1."""
    counts: Int[np.ndarray, " group"]
    """Rows per sequence."""
    sums: Float[np.ndarray, "group feature"]
    scatter: Float[np.ndarray, "group square_feature"] | None
    """Flattened Σ x xᵀ per sequence; None if that would take too much memory."""

    @classmethod
    def of(cls, rows: np.ndarray, owner: np.ndarray, num_groups: int) -> "WeightedSide":
        """Sums up each sequence once."""
        counts = np.bincount(owner, minlength=num_groups)
        sums = np.stack([rows[owner == group].sum(axis=0) for group in range(num_groups)])
        scatter = None
        d = rows.shape[1]
        if num_groups * d * d * 8 <= CACHE_BYTES and 2 * num_groups <= len(rows) and len(rows) > d:
            scatter = np.empty((num_groups, d * d))
            for group in range(num_groups):
                part = rows[owner == group]
                scatter[group] = (part.T @ part).ravel()
        return cls(rows, owner, counts, sums, scatter)

    def covariances(
        self, weights: Int[np.ndarray, "draw group"]
    ) -> tuple[Float[np.ndarray, "draw feature"], Float[np.ndarray, "draw feature feature"]]:
        """Weighted means and covariances (ddof 1), one per draw."""
        items = (weights @ self.counts).astype(np.float64)[:, None]
        means = weights @ self.sums / items
        d = self.rows.shape[1]
        if self.scatter is not None:
            second = (weights.astype(np.float64) @ self.scatter).reshape(-1, d, d)
        else:
            second = np.stack([_scatter(self.rows, weight[self.owner]) for weight in weights])
        second -= items[:, :, None] * means[:, :, None] * means[:, None, :]
        return means, second / (items[:, :, None] - 1)


@dataclass(frozen=True)
class SequenceFrechet:
    """Callable: weights per draw and sequence → distances per draw."""

    reference: WeightedSide
    sample: WeightedSide
    num_groups: int
    gram: Float[np.ndarray, "item other_item"] | None
    """Cross-Gram matrix of reference and sample rows, if a side has no more rows than features; else None."""

    @classmethod
    def of(
        cls,
        reference_per_clip: Sequence[Float[np.ndarray, "_item _feature"]],
        sample_per_clip: Sequence[Float[np.ndarray, "_item _feature"]],
        groups: Int[np.ndarray, " clip"],
    ) -> "SequenceFrechet":
        """Stacks the clips.

        Raises:
            BadInputError: lists of unequal length, fewer than two clips, or clips whose features do not stack.
        """
        if not len(reference_per_clip) == len(sample_per_clip) == len(groups) >= 2:
            raise BadInputError(
                f"sets of two or more clips, with one entry per clip, are needed: found {len(reference_per_clip)} of "
                f"the reference, {len(sample_per_clip)} of the sample, {len(groups)} groups",
                code="features-clips",
            )
        shapes = {clip.shape[1] for clip in (*reference_per_clip, *sample_per_clip)}
        if len(shapes) > 1:
            raise BadInputError(f"features of different lengths: {sorted(shapes)}", code="features-dimension")
        numbers, owner = np.unique(groups, return_inverse=True)
        stacked = [np.concatenate(side).astype(np.float64) for side in (reference_per_clip, sample_per_clip)]
        if not all(np.isfinite(rows).all() for rows in stacked):
            raise BadInputError("features are not finite", code="features-nonfinite")
        centre = stacked[0].mean(axis=0)  # a common shift changes no distance, and raw moments keep more digits
        sides = [
            WeightedSide.of(rows - centre, np.repeat(owner, [len(clip) for clip in clips]), len(numbers))
            for rows, clips in zip(stacked, (reference_per_clip, sample_per_clip), strict=True)
        ]
        small = min(len(side.rows) for side in sides) <= centre.size
        gram = sides[0].rows @ sides[1].rows.T if small else None
        return cls(sides[0], sides[1], len(numbers), gram)

    def __call__(self, weights: Int[np.ndarray, "draw group"]) -> Float[np.ndarray, " draw"]:
        """One distance per row of `weights`."""
        if self.gram is not None:
            return np.array([self._from_gram(weight) for weight in weights])
        size = max(1, min(CHUNK, CACHE_BYTES // (8 * 4 * self.reference.rows.shape[1] ** 2)))
        parts = [self._from_moments(weights[start : start + size]) for start in range(0, len(weights), size)]
        return np.concatenate(parts)

    def _from_moments(self, weights: Int[np.ndarray, "draw group"]) -> Float[np.ndarray, " draw"]:
        means_1, first = self.reference.covariances(weights)
        means_2, second = self.sample.covariances(weights)
        root_traces = np.array([root_trace(*pair) for pair in zip(first, second, strict=True)])
        traces = np.trace(first, axis1=-2, axis2=-1) + np.trace(second, axis1=-2, axis2=-1)
        return np.maximum(0.0, np.sum((means_1 - means_2) ** 2, axis=-1) + traces - 2.0 * root_traces)

    def _from_gram(self, weight: Int[np.ndarray, " group"]) -> float:
        assert self.gram is not None
        copies = [weight[side.owner] for side in (self.reference, self.sample)]
        rows_drawn = [np.flatnonzero(copy) for copy in copies]
        shares = [copy[keep].astype(np.float64) for copy, keep in zip(copies, rows_drawn, strict=True)]
        items = [share.sum() for share in shares]
        gram = self.gram[np.ix_(*rows_drawn)]
        gram = gram - (gram @ shares[1] / items[1])[:, None]
        gram -= (shares[0] @ gram / items[0])[None, :]
        cross = np.sqrt(shares[0])[:, None] * gram * np.sqrt(shares[1])[None, :]
        means, traces = [], []
        for side, keep, share, n in zip((self.reference, self.sample), rows_drawn, shares, items, strict=True):
            rows = side.rows[keep]
            means.append(share @ rows / n)
            traces.append((share @ np.sum(rows**2, axis=1) - n * means[-1] @ means[-1]) / (n - 1))
        gap = means[0] - means[1]
        root_trace = nuclear_norm(cross, direct=False) / np.sqrt((items[0] - 1) * (items[1] - 1))
        return max(0.0, float(gap @ gap + sum(traces) - 2.0 * root_trace))


def nuclear_norm(matrix: Float[np.ndarray, "row column"], *, direct: bool) -> float:
    """Sum of the singular values.

    `direct`: from the matrix itself, up to rounding. Otherwise as roots of the eigenvalues of its smaller Gram matrix:
    about twice as fast, with an absolute error of up to 1e-8 of the largest for each vanishing one.
    """
    if direct:
        return float(np.sum(scipy.linalg.svdvals(matrix)))
    wide = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T
    return float(np.sqrt(np.maximum(np.linalg.eigvalsh(wide @ wide.T), 0.0)).sum())


def root_trace(first: Float[np.ndarray, "feature feature"], second: Float[np.ndarray, "feature feature"]) -> float:
    """tr (S₁S₂)^½, from the eigenvalues of S₁S₂ as a symmetric problem."""
    try:
        squares = scipy.linalg.eigh(second, first, type=3, eigvals_only=True, driver="gv", check_finite=False)
    except np.linalg.LinAlgError:  # S₁ of this draw is singular and has no Cholesky factor: use its square root
        values, vectors = np.linalg.eigh(first)
        factor = vectors * np.sqrt(np.maximum(values, 0.0))
        squares = np.linalg.eigvalsh(factor.T @ second @ factor)
    return float(np.sum(np.sqrt(np.maximum(squares, 0.0))))


def _scatter(rows: Float[np.ndarray, "item feature"], weight: np.ndarray) -> Float[np.ndarray, "feature feature"]:
    is_drawn = weight > 0
    scaled = rows[is_drawn] * np.sqrt(weight[is_drawn])[:, None]
    return scaled.T @ scaled
