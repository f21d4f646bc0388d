"""Every error the suite raises on purpose, under one base.

A message says what was wrong, what was found and what would be right. The command line prints a
known error as one line and leaves with `exit_code`; anything else is a crash and keeps its traceback.
"""


class EgoBenchError(Exception):
    """Base of all known errors; never raised itself."""

    exit_code = 2
    """What the process returns: 2 is bad input or usage (the table is in docs/exit-codes.md)."""


class UnknownNameError(EgoBenchError):
    """A name that stands in no registry; the message suggests near ones."""


class BadInputError(EgoBenchError):
    """A file, array or option that breaks its contract; `code` is stable and machine-readable."""

    def __init__(self, message: str, *, code: str = "bad-input") -> None:
        super().__init__(message)
        self.code = code


class NotComparableError(EgoBenchError):
    """Two results whose protocols differ; the message lists the differing fields."""

    exit_code = 3


class IncompleteRunError(EgoBenchError):
    """More items failed than were allowed; the run is finished and readable."""

    exit_code = 4

    def __init__(self, message: str, *, path: str | None = None) -> None:
        super().__init__(message)
        self.path = path
        """Folder of the run."""


class StorageError(EgoBenchError):
    """The disk refused (full, read-only, locked by another run); the run can be resumed."""

    exit_code = 130


class UnusablePlaceError(StorageError):
    """A path that no folder or file can have (its parent is a file, or is not there); another one is needed."""

    exit_code = 2


class Undefined(Exception):  # noqa: N818  (not an error: a counted outcome)
    """A metric has no meaning on this clip; the text is the reason that is stored and counted.

    Not an `EgoBenchError`: it never reaches a user as a failure, only as `n_undefined`.
    """
