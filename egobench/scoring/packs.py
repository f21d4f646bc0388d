"""Joins a cache with the packs that a split's data set ships."""

from dataclasses import replace

from egobench.data.source import split_source
from egobench.store.cache import Cache
from egobench.store.pack import open_pack
from egobench.types import Split


def with_packs(cache: Cache, split: Split) -> Cache:
    """The cache, with the packs of the data set to which the split belongs; a split in a folder has none."""
    source = split_source(split.name)
    packs = () if source is None else tuple(open_pack(path) for path in source.packs())
    return replace(cache, packs=tuple(pack for pack in packs if pack is not None))
