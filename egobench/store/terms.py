"""The terms of a set metric in the cache: contributions per row, or the value without each block of recordings."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from egobench.store.cache import Cache, cache_key
from egobench.store.tables import ItemRow

TERMS_VERSION = 2
"""2: terms come only from splits whose content was checked."""
_PARTS = ("above", "below", "left_out")


@dataclass(frozen=True)
class SetTerms:
    """One set metric over the rows that entered; either `above` and `below`, or `left_out`."""

    rows: Int[np.ndarray, " row"]
    """Indices of the items that entered."""
    value: float
    above: Float[np.ndarray, " row"] | None = None
    """What each row adds to the numerator."""
    below: Float[np.ndarray, " row"] | None = None
    left_out: Float[np.ndarray, " block"] | None = None
    """Value without each of the blocks of `jackknife_blocks` over the rows' sequences."""


def terms_key(label: str, protocol: str, items: Sequence[ItemRow]) -> str:
    """Cache key of a metric over items: protocol and digests of the samples, no name of a run."""
    rows = [[item.clip, item.seed, item.video, item.motion, item.sequence] for item in items]
    return cache_key(terms=TERMS_VERSION, metric=label, protocol=protocol, rows=rows)


def load_terms(cache: Cache, key: str) -> SetTerms | None:
    """Terms from the cache; None if absent or damaged."""
    arrays = cache.get(key)
    if arrays is None or not {"rows", "value"} <= set(arrays):
        return None
    return SetTerms(arrays["rows"], float(arrays["value"][0]), **{name: arrays.get(name) for name in _PARTS})


def keep_terms(cache: Cache, key: str, terms: SetTerms) -> None:
    """Puts terms into the cache.

    Raises:
        StorageError: the disk refused.
    """
    arrays = {"rows": terms.rows, "value": np.array([terms.value])}
    parts = {name: getattr(terms, name) for name in _PARTS}
    cache.put(key, {**arrays, **{name: array for name, array in parts.items() if array is not None}})
