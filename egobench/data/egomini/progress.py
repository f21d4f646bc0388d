"""What a caller shows while clips of the embedded world are made."""

from typing import Protocol


class Progress(Protocol):
    """Three calls; `egobench.pipeline.progress.Quiet` is one that says nothing."""

    def stage(self, name: str, total: int) -> None:
        """A stage of `total` clips begins."""
        ...

    def advance(self, n: int = 1, failed: bool = False) -> None:
        """`n` more clips are ready."""
        ...

    def done(self) -> None:
        """The stage is over."""
        ...
