"""Streams whose reader may go away: `egobench run … 2>&1 | head -1` must neither fail a clip nor end a run.

What is written after the reader has closed the pipe goes nowhere, in silence.
"""

import io
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:  # `typing` costs as much as starting Python; `egobench list` must not pay for it
    from typing import Any, TextIO


class PatientFile(io.FileIO):
    """A file descriptor that is led to nowhere once nobody reads what is written to it."""

    def write(self, data: "Any", /) -> int | None:
        """Writes, or pretends to."""
        try:
            return super().write(data)
        except BrokenPipeError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self.fileno())  # for libraries below Python too
            os.close(nowhere)
            return len(data)


def patient(stream: "TextIO") -> "TextIO":
    """The same stream with patience; one that has no file descriptor (a test's, a notebook's) as it is."""
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
