"""How a clip of the embedded world looks: `rich` (texture for feature points everywhere) or `plain`."""

from egobench.data.egomini.splits import SPECS
from egobench.types import ClipInfo


def clip_looks(split: str, infos: tuple[ClipInfo, ...]) -> dict[str, str] | None:
    """Clip id to look (`rich`, `plain`), by the recipe of the split.

    Args:
        split: its name; a subset has the looks of its parent.
        infos: rows of the split.

    Returns:
        None for a split that is not of the embedded world, or is all of one look.
    """
    spec = SPECS.get(split)
    if spec is None or spec.rich_every == 0:
        return None
    recipe = {spec.sequence_id(number): spec.sequence_difficulty(number).texture for number in range(spec.sequences)}
    if any(info.sequence not in recipe for info in infos):  # a folder of another origin that borrows the name
        return None
    return {info.clip_id: recipe[info.sequence] for info in infos}
