"""Streams whose reader may close the pipe: `egobench run … 2>&1 | head -1` must neither fail a clip nor end a run.

Text that is written after the reader has closed the pipe is dropped.
"""

import io
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:  # importing `typing` takes as long as starting Python; `egobench list` must be fast
    from typing import Any, TextIO


class PatientFile(io.FileIO):
    """A file descriptor that leads to the null device once nobody reads it."""

    def write(self, data: "Any", /) -> int | None:
        """Writes; after the reader has gone, it only returns the length."""
        try:
            return super().write(data)
        except BrokenPipeError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self.fileno())  # for libraries below Python too
            os.close(nowhere)
            return len(data)


def patient(stream: "TextIO") -> "TextIO":
    """The stream as a patient one; a stream without a file descriptor (of a test or notebook) is returned as it is."""
    try:
        number = stream.fileno()
        stream.flush()
    except (OSError, ValueError, AttributeError):
        return stream
    raw = io.BufferedWriter(PatientFile(number, "wb", closefd=False))
    return io.TextIOWrapper(raw, encoding=stream.encoding, errors=stream.errors, line_buffering=True)


def use_patient_streams() -> None:
    """Makes this process's stdout and stderr patient: for workers, in which a user's model prints."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is not None:
            setattr(sys, name, patient(getattr(sys, name)))
