"""Diversity and multimodality: mean distances of samples, over clips and over the seeds of one clip.

Guo et al. 2020 (Action2Motion, arXiv:2007.15240): mean Euclidean distance of random pairs of features. No item is
paired with itself; the usual code allows this, which lowers the value.
"""

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float, Int

from egobench.errors import BadInputError

PAIRS = 10_000
"""Number of pairs for a diversity; the literature's 300 leave an error of a few per cent."""


Features = Float[np.ndarray, "row _feature"] | Callable[[np.ndarray], np.ndarray]
"""Features of all rows, or a function that reads those of the rows at the given places."""


def diversity(sides: Sequence[Features], clips: Sequence[str], *, pairs: int = PAIRS, seed: int = 0) -> list[float]:
    """Mean distance between the features of two different clips, for each side over the same pairs.

    Args:
        sides: sets of features (sample, reference); row i of each belongs to clip `clips[i]`.
        clips: clip ids; rows of one clip (several seeds) are never paired with each other.
        pairs: number of pairs, drawn with replacement.
        seed: seed of the pairs; the order of clips does not matter.

    Raises:
        BadInputError: `features-clips` (fewer than two clips, other lengths), `features-nonfinite`.
    """
    rows = [_checked(side, clips) for side in sides]
    if len(set(clips)) < 2 or pairs < 1:
        raise BadInputError(
            f"{pairs} pairs of {len(set(clips))} clips; at least one pair of two clips is needed", code="features-clips"
        )
    first, second = draw_pairs(clips, pairs, seed)
    return [float(np.mean(np.linalg.norm(take(first) - take(second), axis=1))) for take in rows]


def draw_pairs(
    clips: Sequence[str], pairs: int, seed: int
) -> tuple[Int[np.ndarray, " pair"], Int[np.ndarray, " pair"]]:
    """Rows of pairs of two different clips, all such pairs of clips equally likely."""
    rng = np.random.default_rng(seed)
    names, owner = np.unique(np.asarray(clips, dtype=str), return_inverse=True)
    counts = np.bincount(owner)
    by_clip, starts = np.argsort(owner, kind="stable"), np.cumsum(counts) - counts
    first = rng.integers(0, len(names), pairs)
    second = (first + rng.integers(1, len(names), pairs)) % len(names)
    ends = [by_clip[starts[side] + rng.integers(0, counts[side])] for side in (first, second)]
    return ends[0], ends[1]


def multimodality(features: Features, clips: Sequence[str]) -> float | None:
    """Mean over clips of the mean distance between two samples of the clip, over all pairs of different seeds.

    None if no clip has two rows.

    Raises:
        BadInputError: `features-clips` (other lengths), `features-nonfinite`.
    """
    take = _checked(features, clips)
    owner = np.unique(np.asarray(clips, dtype=str), return_inverse=True)[1]
    counts = np.bincount(owner)
    by_clip = np.split(np.argsort(owner, kind="stable"), np.cumsum(counts)[:-1])
    means = []
    for own in by_clip:
        if len(own) > 1:
            first, second = np.triu_indices(len(own), k=1)
            means.append(np.mean(np.linalg.norm(take(own[first]) - take(own[second]), axis=1)))
    return float(np.mean(means)) if means else None


def _checked(features: Features, clips: Sequence[str]) -> Callable[[np.ndarray], np.ndarray]:
    if callable(features):
        return features
    rows = np.asarray(features, dtype=np.float64)
    if rows.ndim != 2 or len(rows) != len(clips):
        raise BadInputError(
            f"features must be (rows, features) with one row per clip id: found {rows.shape} and {len(clips)} ids",
            code="features-clips",
        )
    if not np.isfinite(rows).all():
        raise BadInputError("features are not finite", code="features-nonfinite")
    return rows.__getitem__
