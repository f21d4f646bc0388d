"""Progress on stderr: on a terminal bars with rate and remaining time, otherwise a plain line every ten seconds.

Stdout stays free for data. All classes have the same three methods: `stage`, `advance`, `done`.
"""

import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TextIO

from egobench.cli.quiet import is_quiet
from egobench.progress import Quiet

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID

SECONDS_BETWEEN_LINES = 10.0
NARROW = 60
"""A terminal with fewer columns has no room for a bar and a rate."""


class Bars:
    """Progress for a terminal."""

    def __init__(self) -> None:
        self._bars: RichProgress | None = None
        self._task: TaskID | None = None
        self._failed = 0

    def stage(self, name: str, total: int) -> None:
        """Begins a stage of `total` items. If a stage is still open, it ends."""
        self.done()
        self._bars = _rich_bars()
        self._bars.start()
        self._failed = 0
        self._task = self._bars.add_task(name, total=total, note="")

    def advance(self, n: int = 1, failed: int | bool = 0) -> None:
        """Counts `n` more finished items. `failed` of them failed; True means all of them."""
        if self._bars is None or self._task is None:
            return
        self._failed += n if failed is True else int(failed)
        note = f"{self._failed} failed" if self._failed else ""
        self._bars.update(self._task, advance=n, note=note)

    def done(self) -> None:
        """Ends the stage. Its bar stays on the screen."""
        if self._bars is not None:
            self._bars.stop()
        self._bars = None


class Lines:
    """Progress for logs and pipes."""

    def __init__(self, stream: TextIO | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream or sys.stderr
        self._clock = clock
        self._name = ""

    def stage(self, name: str, total: int) -> None:
        """Begins a stage of `total` items. If a stage is still open, it ends."""
        self.done()
        self._name, self._total, self._count, self._failed = name, total, 0, 0
        self._began = self._printed = self._clock()

    def advance(self, n: int = 1, failed: int | bool = 0) -> None:
        """Counts `n` more finished items. `failed` of them failed; True means all of them."""
        if not self._name:
            return
        self._count += n
        self._failed += n if failed is True else int(failed)
        now = self._clock()
        if now - self._printed >= SECONDS_BETWEEN_LINES:
            self._printed = now
            self._print(now, "")

    def done(self) -> None:
        """Ends the stage and prints its total."""
        if self._name:
            self._print(self._clock(), "done")
        self._name = ""

    def _print(self, now: float, end: str) -> None:
        seconds = max(now - self._began, 1e-9)
        rate = self._count / seconds
        if not end and rate > 0:
            end = f"{clock_text((self._total - self._count) / rate)} left"
        failed = f", {self._failed} failed" if self._failed else ""
        print(
            f"{self._name}: {self._count}/{self._total}, {rate:.1f}/s, {clock_text(seconds)}, {end}{failed}",
            file=self._stream,
            flush=True,
        )


def progress() -> Bars | Lines | Quiet:
    """The kind of progress that fits stderr; no progress with `--quiet`."""
    if is_quiet():
        return Quiet()
    return Bars() if sys.stderr.isatty() else Lines()


def clock_text(seconds: float) -> str:
    """A time as text, e.g. `0:07`, `12:31`, `2:05:00`."""
    minutes, rest = divmod(round(max(seconds, 0)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _rich_bars() -> "RichProgress":
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        ProgressColumn,
        Task,
        TextColumn,
        TimeRemainingColumn,
    )
    from rich.text import Text

    class Rate(ProgressColumn):
        def render(self, task: Task) -> Text:
            return Text(f"{task.speed:.1f}/s" if task.speed else "–/s", style="cyan")

    console = Console(stderr=True)
    is_wide = console.width >= NARROW
    return Progress(
        TextColumn("{task.description}"),
        *([BarColumn()] if is_wide else []),
        MofNCompleteColumn(),
        *([Rate()] if is_wide else []),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}", style="red"),
        console=console,
    )
