"""Training clips as arrays on disk: written once, from any format, and then memory-mapped."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

LEAST_HAND = 0.003
"""A frame shows a hand if at least this share of its pixels does: a dozen of 64 × 64."""


@dataclass(frozen=True)
class Clips:
    """n clips in a fixed order; large arrays are mapped from files."""

    ids: tuple[str, ...]
    texts: tuple[str, ...]
    frames: np.ndarray
    """uint8 (n, T, H, W, 3)."""
    positions: np.ndarray
    """float32 (n, T_m, J, 3), metres, world."""
    rotations: np.ndarray
    """float32 (n, T_m, J, 3, 3), joint → world."""
    hand_share: np.ndarray
    """float32 (n, T, 2): share of each frame's pixels that show the left and the right hand; 0 where it is unknown."""
    digest: str
    """Of the split that they come from."""

    def __len__(self) -> int:
        return len(self.ids)

    @staticmethod
    def load(folder: Path) -> "Clips":
        """Maps the arrays that `write` wrote.

        Raises:
            FileNotFoundError: the folder has no clips, or they were not written to the end.
        """
        facts = json.loads((folder / "clips.json").read_text())
        arrays = {name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in ARRAYS}
        return Clips(tuple(facts["ids"]), tuple(facts["texts"]), **arrays, digest=facts["digest"])


ARRAYS = {"frames": np.uint8, "positions": np.float32, "rotations": np.float32, "hand_share": np.float32}
Row = tuple[str, str, np.ndarray, np.ndarray, np.ndarray, np.ndarray]
"""Id, text, frames (T, H, W, 3), positions (T_m, J, 3), rotations (T_m, J, 3, 3), hand shares (T, 2)."""


def write(folder: Path, rows: Iterator[Row], count: int, digest: str) -> Clips:
    """Writes clips one by one. `clips.json` comes last, so that an unfinished folder does not look finished."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "clips.json").unlink(missing_ok=True)
    arrays: dict[str, np.ndarray] = {}
    ids, texts = [], []
    for place, (clip_id, text, *values) in enumerate(rows):
        for (name, dtype), value in zip(ARRAYS.items(), values, strict=True):
            if name not in arrays:
                path, shape = folder / f"{name}.npy", (count, *value.shape)
                arrays[name] = np.lib.format.open_memmap(path, mode="w+", dtype=dtype, shape=shape)
            arrays[name][place] = value
        ids.append(clip_id)
        texts.append(text)
    for array in arrays.values():
        array.flush()  # pyright: ignore[reportAttributeAccessIssue]
    (folder / "clips.json").write_text(json.dumps({"ids": ids, "texts": texts, "digest": digest}))
    return Clips.load(folder)
