"""The look of a clip of the embedded world: `rich` (texture for feature points everywhere) or `plain`."""

from egobench.types import ClipInfo
from egomini.splits.recipe import SplitSpec


def clip_looks(spec: SplitSpec, infos: tuple[ClipInfo, ...]) -> dict[str, str] | None:
    """Clip id to look (`rich`, `plain`), by the recipe of the split.

    Args:
        spec: of the split.
        infos: rows of the split.

    Returns:
        None for a split with only one look.
    """
    if spec.rich_every == 0:
        return None
    recipe = {spec.sequence_id(number): spec.sequence_difficulty(number).texture for number in range(spec.sequences)}
    if any(info.sequence not in recipe for info in infos):  # a folder of another origin with the same name
        return None
    return {info.clip_id: recipe[info.sequence] for info in infos}
