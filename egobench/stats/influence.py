"""The clips with the largest influence on a Fréchet distance: how much it falls if a clip is left out on both sides.

All clips are sorted by the derivative of the distance with respect to their weight, from one singular value
decomposition. The first ones are then left out one by one, and the distance is computed again.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from egobench.stats.weighted_frechet import SequenceFrechet, WeightedSide

SCREENED = 2
"""Number of clips that are left out and computed again, for each requested clip."""


@dataclass(frozen=True)
class Influence:
    """One clip."""

    group: int
    """Its number."""
    change: float
    """Distance with it minus distance without it, exact; positive if the clip makes the distance larger."""


def frechet_influence(
    reference_per_clip: Sequence[Float[np.ndarray, "_item _feature"]],
    sample_per_clip: Sequence[Float[np.ndarray, "_item _feature"]],
    groups: Int[np.ndarray, " clip"],
    top: int = 10,
) -> list[Influence]:
    """The `top` groups that raise the distance most, the worst first. Groups that do not raise it are left out.

    Empty if nothing can be left out: fewer than three groups, or fewer than two rows without one.

    Args:
        reference_per_clip: per row of the run (item, feature).
        sample_per_clip: the same rows in the same order.
        groups: group of each row, from 0; all rows of a group (the seeds of one clip) are left out together.

    Raises:
        BadInputError: as `SequenceFrechet.of`.
    """
    distances = SequenceFrechet.of(reference_per_clip, sample_per_clip, groups)
    total, sides = distances.num_groups, (distances.reference, distances.sample)
    if total < 3 or any(len(side.rows) - side.counts.max() < 2 for side in sides):
        return []
    slope = weight_derivative(distances)
    foremost = np.argsort(-slope, kind="stable")[: SCREENED * top]
    weights = np.ones((1 + len(foremost), total), dtype=np.int64)
    weights[1 + np.arange(len(foremost)), foremost] = 0
    whole, *without = distances(weights)
    influences = [Influence(int(group), float(whole - rest)) for group, rest in zip(foremost, without, strict=True)]
    return sorted((each for each in influences if each.change > 0), key=lambda each: (-each.change, each.group))[:top]


def weight_derivative(distances: SequenceFrechet) -> Float[np.ndarray, " group"]:
    """∂ distance / ∂ weight of each group at weights of 1: the first-order change if the group is left out.

    Let A = Q R be the centred rows of a side, M = R₁R₂ᵀ / √((n-1)(m-1)) = U s Vᵀ and Ũ = Q₁U. Then row i of the first
    side contributes ½ (Σₖ sₖ Ũᵢₖ² - Σₖ sₖ / (n-1)) to tr (S₁S₂)^½; the same holds for the second side with V.
    """
    sides = (distances.reference, distances.sample)
    centred = [side.rows - side.rows.mean(axis=0) for side in sides]
    bases, factors = zip(*(np.linalg.qr(rows) for rows in centred), strict=True)
    spread = [len(rows) - 1.0 for rows in centred]
    left, values, right = np.linalg.svd(factors[0] @ factors[1].T / np.sqrt(spread[0] * spread[1]), full_matrices=False)
    gap = sides[0].rows.mean(axis=0) - sides[1].rows.mean(axis=0)
    total = np.zeros(distances.num_groups)
    for side, rows, basis, vectors, sign, n in zip(
        sides, centred, bases, (left, right.T), (1.0, -1.0), spread, strict=True
    ):
        variance = np.sum(rows**2, axis=1) / n
        shared = (basis @ vectors) ** 2 @ values
        by_row = 2.0 * sign * (rows @ gap) / len(rows) + variance - variance.sum() / n - shared + values.sum() / n
        total += _by_group(side, by_row, distances.num_groups)
    return total


def _by_group(side: WeightedSide, by_row: Float[np.ndarray, " row"], num_groups: int) -> Float[np.ndarray, " group"]:
    return np.bincount(side.owner, weights=by_row, minlength=num_groups)
