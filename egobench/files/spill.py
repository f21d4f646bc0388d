"""A list that may be larger than memory: its full blocks lie in an unnamed file, which ends with the process."""

import pickle
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Generic, TypeVar, cast, overload

import numpy as np

from egobench.files.atomic import storage_errors

BLOCK = 1024
"""Number of entries of a block. A list that is no longer than this writes nothing."""
Entry = TypeVar("Entry")


class SpilledList(Sequence[Entry], Generic[Entry]):
    """Appends and reads entries that can be pickled; no more than two blocks of them are in memory.

    Args:
        folder: where the file is made. It has no name there, so a killed process leaves nothing behind.
        block: entries of a block.
    """

    def __init__(self, folder: Path, block: int = BLOCK) -> None:
        self._folder, self._block = folder, block
        self._open: list[Entry] = []
        self._starts: list[int] = []
        self._file: BinaryIO | None = None
        self._held: tuple[int, list[Entry]] = (-1, [])

    def append(self, entry: Entry) -> None:
        """Adds one entry at the end.

        Raises:
            StorageError: the disk refused.
        """
        if len(self._open) == self._block:
            self._close_block()
        self._open.append(entry)

    def __len__(self) -> int:
        return len(self._starts) * self._block + len(self._open)

    @overload
    def __getitem__(self, index: int) -> Entry: ...
    @overload
    def __getitem__(self, index: slice) -> list[Entry]: ...
    def __getitem__(self, index: int | slice) -> Entry | list[Entry]:
        if isinstance(index, slice):
            return [self[place] for place in range(*index.indices(len(self)))]
        place = index + len(self) if index < 0 else index
        if not 0 <= place < len(self):
            raise IndexError(index)
        number, inside = divmod(place, self._block)
        return self._open[inside] if number == len(self._starts) else self._read(number)[inside]

    def __iter__(self) -> Iterator[Entry]:
        for number in range(len(self._starts)):
            yield from self._read(number)
        yield from self._open

    def chosen(self, places: Sequence[int] | np.ndarray) -> "Chosen[Entry]":
        """Some of the entries, in that order, each once or more often."""
        return Chosen(self, np.asarray(places, dtype=np.int64))

    def _close_block(self) -> None:
        with storage_errors(self._folder):
            if self._file is None:
                self._file = cast(BinaryIO, tempfile.TemporaryFile(dir=self._folder))  # noqa: SIM115  it lives as long as the list
            start = self._file.seek(0, 2)
            pickle.dump(self._open, self._file, protocol=pickle.HIGHEST_PROTOCOL)
            self._file.flush()
        self._starts.append(start)
        self._open = []

    def _read(self, number: int) -> list[Entry]:
        if self._held[0] != number:
            file: Any = self._file
            file.seek(self._starts[number])
            self._held = number, pickle.load(file)
        return self._held[1]


class Chosen(Sequence[Entry], Generic[Entry]):
    """Some entries of a spilled list; read in order of the list, each block is read once."""

    def __init__(self, whole: SpilledList[Entry], places: np.ndarray) -> None:
        self._whole, self._places = whole, places

    def chosen(self, places: Sequence[int] | np.ndarray) -> "Chosen[Entry]":
        """Some of these entries."""
        return Chosen(self._whole, self._places[np.asarray(places, dtype=np.int64)])

    def __len__(self) -> int:
        return len(self._places)

    @overload
    def __getitem__(self, index: int) -> Entry: ...
    @overload
    def __getitem__(self, index: slice) -> list[Entry]: ...
    def __getitem__(self, index: int | slice) -> Entry | list[Entry]:
        if isinstance(index, slice):
            return [self._whole[place] for place in self._places[index].tolist()]
        return self._whole[int(self._places[index])]
