"""Writes a skeleton of the user's own into the index of a split."""

from pathlib import Path

from egobench.data.folder import INDEX, open_folder, read_index
from egobench.errors import BadInputError
from egobench.files.atomic import write_json
from egobench.geometry.skeleton import Skeleton


def declare_skeleton(folder: Path, skeleton: Skeleton) -> Path:
    """Writes `joints` and `parents` into a split's facts; returns the index. No motion and no digest changes.

    Raises:
        BadInputError: `split-missing`; `split-damaged`; `skeleton-name`: the split's motions are on another skeleton;
            any code for which the first clip's motion is refused. The index then stays as it was.
        StorageError: the disk refused.
    """
    index = folder / INDEX
    if not index.is_file():
        raise BadInputError(f"no {INDEX} in {folder}: not a split folder", code="split-missing")
    before = read_index(folder)
    facts = before.get("facts")
    if not isinstance(facts, dict) or "skeleton" not in facts:
        raise BadInputError(f"{index} is damaged: no facts with a skeleton", code="split-damaged")
    if facts["skeleton"] != skeleton.name:
        text = f"{index}: its skeleton is {facts['skeleton']!r}, the map declares {skeleton.name!r}; one name is needed"
        raise BadInputError(text, code="skeleton-name")
    tree = {"joints": list(skeleton.joints), "parents": list(skeleton.parents)}
    write_json(index, {**before, "facts": {**facts, **tree}})
    try:
        split = open_folder(folder)
        for info in split.infos()[:1]:
            split.clip(info.clip_id)
    except BadInputError:
        write_json(index, before)
        raise
    return index
