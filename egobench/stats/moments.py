"""Count, mean and scatter of a set of features as sums that can be merged: block by block, or part by part.

The scatter is kept as a triangle F with FᵀF = Σ (x - μ)(x - μ)ᵀ, which the QR decomposition of a stack of triangles
merges. It is as exact as the decomposition of all rows at once (Demmel et al. 2012, "communication-optimal QR"), since
nothing is squared. The mean's shift between two parts is one more row of the stack (Chan et al. 1983).
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from egobench.errors import BadInputError
from egobench.stats.frechet import EXACT_RANK, refuse_constant
from egobench.stats.weighted_frechet import nuclear_norm

HASH_BYTES = 32


@dataclass(frozen=True)
class Moments:
    """A set of features, summed up."""

    count: int
    mean: Float[np.ndarray, " feature"]
    factor: Float[np.ndarray, "rank feature"]
    """F, with FᵀF = Σ (x - μ)(x - μ)ᵀ."""
    low: Float[np.ndarray, " feature"]
    high: Float[np.ndarray, " feature"]
    rows_hash: int
    """Sum of the hashes of all rows, so that equal sets have equal sums, in whatever order the rows came."""

    @classmethod
    def of(cls, rows: Float[np.ndarray, "item feature"]) -> "Moments":
        """Of one block of rows.

        Raises:
            BadInputError: `features-nonfinite`.
        """
        if not np.isfinite(rows).all():
            raise BadInputError("features are not finite", code="features-nonfinite")
        mean = rows.mean(axis=0)
        factor = _triangle(rows - mean)
        return cls(len(rows), mean, factor, rows.min(axis=0), rows.max(axis=0), _hash(rows))

    @classmethod
    def of_blocks(cls, blocks: Iterable[Float[np.ndarray, "item feature"]]) -> "Moments":
        """Of all blocks, one in memory at a time. Raises BadInputError `features-few` if there is none."""
        total: Moments | None = None
        for rows in blocks:
            part = cls.of(rows)
            total = part if total is None else total.merged(part)
        if total is None:
            raise BadInputError("no rows; a covariance needs at least 2", code="features-few")
        return total

    def merged(self, other: "Moments") -> "Moments":
        """Of both sets together."""
        count = self.count + other.count
        shift = other.mean - self.mean
        between = np.sqrt(self.count * other.count / count) * shift
        return Moments(
            count,
            self.mean + shift * (other.count / count),
            _triangle(np.concatenate([self.factor, other.factor, between[None]])),
            np.minimum(self.low, other.low),
            np.maximum(self.high, other.high),
            (self.rows_hash + other.rows_hash) % 2 ** (8 * HASH_BYTES),
        )

    @property
    def trace(self) -> float:
        """Of the covariance, ddof 1."""
        return float(np.sum(self.factor**2) / (self.count - 1))


def distance_of_moments(reference: Moments, sample: Moments) -> float:
    """As `frechet_distance` of the rows behind both, to about 1e-12 of it; sets that hold the same rows give exactly 0.

    Raises:
        BadInputError: as `frechet_distance`.
    """
    for side, name in ((reference, "reference"), (sample, "sample")):
        if side.count < 2:
            raise BadInputError(f"{name} has {side.count} row; a covariance needs at least 2", code="features-few")
    if reference.mean.size != sample.mean.size:
        text = f"features differ in length: {reference.mean.size} of the reference, {sample.mean.size} of the sample"
        raise BadInputError(text, code="features-dimension")
    refuse_constant(is_constant=all(np.array_equal(side.low, side.high) for side in (reference, sample)))
    if (reference.count, reference.rows_hash) == (sample.count, sample.rows_hash):
        return 0.0
    gap = reference.mean - sample.mean
    cross = reference.factor @ sample.factor.T / np.sqrt((reference.count - 1.0) * (sample.count - 1.0))
    root_trace = nuclear_norm(cross, direct=min(cross.shape) <= EXACT_RANK)
    return max(0.0, float(gap @ gap + reference.trace + sample.trace - 2.0 * root_trace))


def _triangle(rows: Float[np.ndarray, "row feature"]) -> Float[np.ndarray, "rank feature"]:
    return np.asarray(np.linalg.qr(rows, mode="r")) if len(rows) > rows.shape[1] else rows


def _hash(rows: Float[np.ndarray, "item feature"]) -> int:
    plain = rows + 0.0  # -0.0 becomes 0.0
    digests = (hashlib.blake2b(row.tobytes(), digest_size=HASH_BYTES).digest() for row in plain)
    return sum(int.from_bytes(digest, "big") for digest in digests) % 2 ** (8 * HASH_BYTES)
