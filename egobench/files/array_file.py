"""Arrays that together may be larger than memory: numbers in an unnamed file, read by blocks or by places."""

import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np
from jaxtyping import Float, Int

from egobench.errors import BadInputError
from egobench.files.atomic import storage_errors

BLOCK_BYTES = 2**22
"""Size of a block: what is read, or held before it is written, at a time."""
FLOAT = 8


class ArrayFile:
    """Entries (item, feature) of one width, float64. The file has no name and ends with the process.

    Args:
        folder: where the file is made.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._waiting: list[np.ndarray] = []
        self._waiting_bytes, self._written = 0, 0
        self._counts: list[int] = []
        self._file: BinaryIO | None = None
        self.width = 0
        """Features of an item; 0 before the first entry."""

    def append(self, entry: np.ndarray) -> None:
        """Adds an entry at the end.

        Raises:
            BadInputError: `features-dimension`: not (item, feature), or another width than the first entry's.
            StorageError: the disk refused.
        """
        array = np.ascontiguousarray(entry, dtype=np.float64)
        if array.ndim != 2 or 0 in array.shape or self.width not in (0, array.shape[1]):
            text = f"features of shape {array.shape}; (items, {self.width or 'features'}) of one extractor are needed"
            raise BadInputError(text, code="features-dimension")
        self.width = array.shape[1]
        self._counts.append(len(array))
        self._waiting.append(array)
        self._waiting_bytes += array.nbytes
        if self._waiting_bytes > BLOCK_BYTES:
            self._write()

    def _write(self) -> None:
        with storage_errors(self._folder):
            if self._file is None:
                self._file = cast(BinaryIO, tempfile.TemporaryFile(dir=self._folder))  # noqa: SIM115  it lives as long as this
            for array in self._waiting:
                self._file.write(array.tobytes())
            self._file.flush()
        self._waiting, self._waiting_bytes = [], 0

    def entries(self) -> "Entries":
        """All entries that were appended so far.

        Raises:
            StorageError: the disk refused.
        """
        if self._waiting or self._file is None:
            self._write()
        counts = np.array(self._counts, dtype=np.int64)
        assert self._file is not None
        return Entries(self._file, self.width, np.cumsum(counts) - counts, counts)


class Entries:
    """Entries of an `ArrayFile`, all or some of them, each once or more often."""

    def __init__(self, file: BinaryIO, width: int, starts: np.ndarray, counts: np.ndarray) -> None:
        self._file, self.width, self._starts, self.counts = file, width, starts, counts

    width: int
    """Features of an item."""
    counts: Int[np.ndarray, " entry"]
    """Items of each entry."""

    def __len__(self) -> int:
        return len(self.counts)

    @property
    def items(self) -> int:
        """Items of all entries."""
        return int(self.counts.sum())

    def chosen(self, places: Sequence[int] | np.ndarray) -> "Entries":
        """Some of the entries, in that order."""
        at = np.asarray(places, dtype=np.int64)
        return Entries(self._file, self.width, self._starts[at], self.counts[at])

    def blocks(self) -> Iterator[tuple[int, Float[np.ndarray, "item feature"]]]:
        """Number of the first entry and the items of entries that follow each other; at least one entry a block."""
        most = max(1, BLOCK_BYTES // (FLOAT * max(1, self.width)))
        first, total = 0, 0
        for place, count in enumerate(self.counts.tolist()):
            if total and total + count > most:
                yield first, self._read(first, place)
                first, total = place, 0
            total += count
        if total:
            yield first, self._read(first, len(self))

    def take(self, places: np.ndarray) -> Float[np.ndarray, "*place feature"]:
        """The first item of the entries at these places, of any shape."""
        flat = places.ravel()
        firsts = self._starts[flat] * self.width * FLOAT
        size = self.width * FLOAT
        data = b"".join(os.pread(self._file.fileno(), size, start) for start in firsts.tolist())
        return np.frombuffer(data, dtype=np.float64).reshape(*places.shape, self.width)

    def _read(self, first: int, end: int) -> Float[np.ndarray, "item feature"]:
        starts, counts = self._starts[first:end], self.counts[first:end]
        breaks = np.flatnonzero(starts[1:] != starts[:-1] + counts[:-1]) + 1  # where the file does not go on
        parts = []
        for run in np.split(np.arange(end - first), breaks):
            start, items = int(starts[run[0]]), int(counts[run].sum())
            parts.append(os.pread(self._file.fileno(), items * self.width * FLOAT, start * self.width * FLOAT))
        return np.frombuffer(b"".join(parts), dtype=np.float64).reshape(-1, self.width)
