"""Every error that the suite raises on purpose, with one base class.

A message says what was wrong, what was found and what would be right. The command line prints a
known error as one line and exits with `exit_code`. Any other error is a bug and keeps its traceback.
"""


class EgoBenchError(Exception):
    """Base of all known errors; never raised itself."""

    exit_code = 2
    """Exit code of the process: 2 is bad input or usage (the table is in docs/exit-codes.md)."""


class UnknownNameError(EgoBenchError):
    """A name that no registry has; the message suggests similar ones."""


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
    """A path that no folder or file can have (its parent is a file, or does not exist); another one is needed."""

    exit_code = 2


class Undefined(Exception):  # noqa: N818  (not an error: a counted outcome)
    """A metric has no meaning on this clip; the text is the reason, which is stored and counted.

    It is no `EgoBenchError`: a user sees it as `n_undefined`, never as a failure.
    """
