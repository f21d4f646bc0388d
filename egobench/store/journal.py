"""The journal of a run: one JSON object a line, appended, flushed and synced before an item counts as done.

A killed process can leave an incomplete last line. Reading ignores it, and opening for writing cuts it off. An
incomplete line anywhere else does not come from a crash and is refused.
"""

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

from egobench.errors import BadInputError
from egobench.files.atomic import storage_errors
from egobench.store.remote_run import push_events, remote_of

BLOCK = 2**16
"""Bytes that are read at once, from the end, to find the last complete line."""

PIECE_S = 20.0
"""Seconds after which the new events of a run under a URL are put there; another machine would do these items again."""


class Journal:
    """Appends events; use as a context manager and by one process at a time."""

    def __init__(self, path: Path) -> None:
        self.path, self._remote, self._pushed = path, remote_of(path.parent), time.monotonic()
        with storage_errors(path):
            self._file: BinaryIO = path.open("ab")
            whole = _whole_bytes(path)
            if whole < path.stat().st_size:
                os.truncate(path, whole)

    def append(self, event: dict[str, Any]) -> None:
        """Writes one event and returns once the disk has it.

        Raises:
            StorageError: the disk refused; the line may be incomplete and does not count.
        """
        with storage_errors(self.path):
            self._file.write(event_line(event))
            self._file.flush()
            os.fsync(self._file.fileno())
        if self._remote and time.monotonic() - self._pushed > PIECE_S:
            push_events(self.path.parent, self._remote)
            self._pushed = time.monotonic()

    def __enter__(self) -> "Journal":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with storage_errors(self.path):
            self._file.close()
        if self._remote:
            push_events(self.path.parent, self._remote)


def event_line(event: dict[str, Any]) -> bytes:
    """One event as the journal has it."""
    return json.dumps(event, sort_keys=True, ensure_ascii=False, allow_nan=False).encode() + b"\n"


def read_events(path: Path) -> list[dict[str, Any]]:
    """All complete events, in order; empty if there is no journal. Raises as `iter_events`."""
    return list(iter_events(path))


def iter_events(path: Path) -> Iterator[dict[str, Any]]:
    """Complete events, in order, one line in memory at a time; none if there is no journal.

    Raises:
        BadInputError: `journal-damaged`: a line other than the last is not a JSON object.
    """
    if not path.is_file():
        return
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if not line.endswith(b"\n"):  # the last line, which a killed process left incomplete
                return
            try:
                event = json.loads(line)
            except ValueError:
                event = None
            if not isinstance(event, dict):
                text = f"{path}: line {number} is damaged; delete it to redo its item"
                raise BadInputError(text, code="journal-damaged")
            yield event


def _whole_bytes(path: Path) -> int:
    """Bytes up to the end of the last complete line, read from the end of the file."""
    with path.open("rb") as file:
        end = file.seek(0, os.SEEK_END)
        while end:
            start = max(0, end - BLOCK)
            file.seek(start)
            place = file.read(end - start).rfind(b"\n")
            if place >= 0:
                return start + place + 1
            end = start
    return 0
