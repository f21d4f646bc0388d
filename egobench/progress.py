"""Progress of long work: three calls from which the command line draws bars."""

from typing import Protocol


class Progress(Protocol):
    """Three calls; stages follow one another."""

    def stage(self, name: str, total: int) -> None:
        """A stage of `total` units begins."""
        ...

    def advance(self, n: int = 1, failed: int | bool = 0) -> None:
        """`n` more units are done; `failed` of them have failed."""
        ...

    def done(self) -> None:
        """The stage is over."""
        ...


class Quiet:
    """Says nothing."""

    def stage(self, name: str, total: int) -> None:
        """Nothing."""

    def advance(self, n: int = 1, failed: int | bool = 0) -> None:
        """Nothing."""

    def done(self) -> None:
        """Nothing."""
