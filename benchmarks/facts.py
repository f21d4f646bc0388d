"""What a benchmark says of itself beside its times; `page.py` reads it from the result."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

Measure = Literal["seconds", "peak_mib", "as_long", "as_fast"]
"""`seconds` are for one unit; `as_long` is ours over the peer, `as_fast` the peer over ours."""


@dataclass
class Facts:
    """Writes into a benchmark's `extra_info`."""

    info: dict[str, Any]

    def per(self, unit: str, count: int) -> None:
        """A round does `count` units: figures are shown for one."""
        self.info |= {"unit": unit, "count": int(count)}

    def peer(self) -> None:
        """The others of the group are compared with this one."""
        self.info["peer"] = True

    def bar(self, measure: Measure, *, at_most: float | None = None, at_least: float | None = None) -> None:
        """What the figure should reach."""
        self.info["bar"] = [measure, "at most" if at_least is None else "at least", at_most or at_least]

    def take(self, cpu_s: float, peak_mib: float) -> None:
        """CPU seconds of a round and memory, of a command with all its processes."""
        self.info |= {"cpu_s": cpu_s, "peak_mib": peak_mib}

    def note(self, **figures: float | str) -> None:
        """Other figures, e.g. how far apart two ways are."""
        self.info |= figures


class StatedClock:
    """A timer for `benchmark.pedantic`: it moves by the seconds, or the CPU seconds, that the work itself reports.

    A run states how long its stages took, and a process how long its scoring took, without the start of either.
    """

    def __init__(self, name: str) -> None:
        self.now = 0.0
        self.__name__ = name

    def __call__(self) -> float:
        return self.now

    def of(self, work: Callable[[], float]) -> Callable[[], None]:
        """A target that moves the clock by what `work` returns."""

        def target() -> None:
            self.now += work()

        return target


stated, stated_cpu = StatedClock("stated"), StatedClock("stated_cpu")
