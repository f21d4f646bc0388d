"""A folder of clips as arrays, which can be read while it is filled.

    recipe.json                the recipe and its digest; if it exists, all arrays exist in their full size
    frames.npy                 uint8 (n, 41, size, size, 3), as rendered
    positions.npy              float32 (n, 81, 23, 3), metres, world
    rotations.npy              float32 (n, 81, 23, 3, 3), joint → world
    hand_share.npy             float32 (n, 41, 2), share of the pixels that show the left and the right hand
    texts.npy, ids.npy         UTF-8 bytes (n,)
    done.npy                   uint8 (sequences,), 1 once all clips of a sequence are there
    clips.json                 ids, texts, digest; comes last, and then `egotwin_ref.training.clips` can map the folder

A flag in `done.npy` is safe if a process is killed, but not in a power failure: delete the folder after one.
"""

import os
import secrets
import shutil
from pathlib import Path
from typing import Any, Literal

import numpy as np

from egobench.errors import BadInputError, StorageError
from egobench.files.atomic import TEMPORARY_SUFFIX, make_folder, read_json, storage_errors, write_json
from egobench.files.digest import digest_json
from egomini.splits.arrays import ClipArrays, array_kinds, as_clips, clip_ids, recipe
from egomini.splits.recipe import SplitSpec

SCHEMA = 1
RECIPE, WHOLE = "recipe.json", "clips.json"
"""First and last file of a folder."""


def prepare_folder(spec: SplitSpec, folder: Path, sequences: range | None = None) -> range:
    """Makes a folder's empty arrays at once; a folder of the same recipe is left as it is.

    Returns:
        Its sequences.

    Raises:
        BadInputError: as `recipe`; `recipe-other`: the folder holds something else.
        StorageError: there is no room for the arrays, or the disk refused.
    """
    facts = recipe(spec, sequences)
    numbers = range(*facts["sequences"])
    if not (folder / RECIPE).is_file():
        _make_empty(spec, folder, facts)
    existing = _recipe_of(folder)["recipe"]
    if existing != facts:
        differing = ", ".join(
            f"{key} {existing.get(key)!r} in place of {facts.get(key)!r}"
            for key in sorted({*existing, *facts})
            if existing.get(key) != facts.get(key)
        )
        text = f"{folder} holds clips of another recipe ({differing}); choose another folder"
        raise BadInputError(text, code="recipe-other")
    return numbers


def map_arrays(folder: Path, mode: Literal["r", "r+"] = "r") -> dict[str, np.ndarray]:
    """All arrays of a folder by name, in their full size, mapped from its files (`mode` as of `numpy.load`)."""
    names = ("frames", "positions", "rotations", "hand_share", "texts", "done", "ids")
    return {name: np.load(folder / f"{name}.npy", mmap_mode=mode) for name in names}


def count_ready(folder: Path) -> int:
    """Number of complete clips from the first on.

    Raises:
        BadInputError: `arrays-missing`: no such folder.
    """
    facts = _recipe_of(folder)["recipe"]
    return _leading(np.load(folder / "done.npy")) * facts["clips_per_sequence"]


def open_arrays(folder: Path) -> ClipArrays:
    """The complete clips from the first on, mapped. In a folder that is being filled, a later call gives more.

    Raises:
        BadInputError: `arrays-missing`: no such folder; `arrays-schema`: a newer program wrote it.
    """
    facts, arrays = _recipe_of(folder), map_arrays(folder)
    ready = _leading(np.array(arrays["done"])) * facts["recipe"]["clips_per_sequence"]
    return as_clips(tuple(name.decode() for name in arrays["ids"].tolist()), arrays, ready, facts["digest"])


def finish_folder(folder: Path) -> bool:
    """Writes `clips.json` if all clips are complete; returns whether they are."""
    arrays = map_arrays(folder, "r+")
    if not arrays["done"].all():
        return False
    if not (folder / WHOLE).is_file():
        for array in arrays.values():
            array.flush()  # pyright: ignore[reportAttributeAccessIssue]
        clips = open_arrays(folder)
        write_json(folder / WHOLE, {"ids": clips.ids, "texts": clips.texts, "digest": clips.digest})
    return True


def _leading(done: np.ndarray) -> int:
    return len(done) if done.all() else int(np.argmin(done))


def _recipe_of(folder: Path) -> dict[str, Any]:
    if not (folder / RECIPE).is_file():
        raise BadInputError(f"no {RECIPE} in {folder}: no arrays of clips lie there", code="arrays-missing")
    facts = read_json(folder / RECIPE)
    if facts["schema"] > SCHEMA:
        text = f"{folder}: schema {facts['schema']}; this program reads up to {SCHEMA}, a newer one is needed"
        raise BadInputError(text, code="arrays-schema")
    return facts


def _make_empty(spec: SplitSpec, folder: Path, facts: dict[str, Any]) -> None:
    """Makes all files under another name and then renames the folder, so that nobody sees an incomplete one."""
    numbers = range(*facts["sequences"])
    kinds = {**array_kinds(spec, len(numbers) * spec.clips_per_sequence), "done": ("uint8", (len(numbers),))}
    needed = sum(np.dtype(dtype).itemsize * int(np.prod(shape)) for dtype, shape in kinds.values())
    make_folder(folder.parent)
    free = shutil.disk_usage(folder.parent).free
    if needed > free:
        raise StorageError(
            f"the arrays of {len(numbers) * spec.clips_per_sequence:,} clips take {needed / 2**30:.1f} GiB, "
            f"{folder.parent} has {free / 2**30:.1f} GiB free; choose fewer sequences or another folder"
        )
    temporary = folder.with_name(f".{folder.name}.{os.getpid()}.{secrets.token_hex(4)}{TEMPORARY_SUFFIX}")
    try:
        make_folder(temporary)
        with storage_errors(folder):
            for name, (dtype, shape) in kinds.items():
                np.lib.format.open_memmap(temporary / f"{name}.npy", mode="w+", dtype=dtype, shape=shape)
            np.save(temporary / "ids.npy", np.array([name.encode() for name in clip_ids(spec, numbers)]))
        write_json(temporary / RECIPE, {"schema": SCHEMA, "recipe": facts, "digest": digest_json(facts)})
        try:
            temporary.rename(folder)
        except OSError as error:
            if not (folder / RECIPE).is_file():  # else another process was faster, and made the same
                text = f"{folder} is no empty folder and no folder of arrays ({error.strerror}); choose another one"
                raise BadInputError(text, code="recipe-other") from None
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
