"""Opens splits by their public names, once per process, for the controls that use references."""

from functools import lru_cache

from egobench import Clip, ClipInfo, Split, open_split


@lru_cache(maxsize=4)
def split_of(locator: str) -> Split:
    """The split behind `Condition.split`."""
    return open_split(locator)


@lru_cache(maxsize=4)
def rows_of(locator: str) -> tuple[ClipInfo, ...]:
    """Its rows, sorted by clip id."""
    return split_of(locator).infos()


@lru_cache(maxsize=4)
def places_of(locator: str) -> dict[str, int]:
    """Clip id to its index among the rows."""
    return {row.clip_id: index for index, row in enumerate(rows_of(locator))}


def clip_of(locator: str, clip_id: str) -> Clip:
    """One opened clip."""
    return split_of(locator).clip(clip_id)
