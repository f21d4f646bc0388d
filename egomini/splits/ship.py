"""Puts what the package ships of the embedded world into place: `python -m egomini.splits.ship`.

`egomini-test` goes into the package whole; of the other splits the index goes in, so that their clips can
be made again one by one. Part of `make weights`; needs a few minutes and the disk space of `egomini-train`.
"""

import os
import sys

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from egobench.data.folder import open_folder
from egomini.splits.frozen import SHIPPED, SPECS
from egomini.splits.lazy import write_lazy_index
from egomini.splits.make import make_split


def ship(workers: int) -> None:
    """Makes every split of which something is shipped, and writes the shipped forms."""
    SHIPPED.mkdir(exist_ok=True)
    for spec in SPECS.values():
        if spec.subset_of or spec.on_demand:
            continue
        with Bar() as bar:
            made = make_split(spec, SHIPPED / spec.name if spec.shipped else None, workers, bar)
        if not spec.shipped:
            split = open_folder(made, name=spec.name)
            write_lazy_index(SHIPPED / f"{spec.name}.json.gz", spec.name, split.common, split.rows)


class Bar(Progress):
    """The maker's progress on a terminal."""

    def __init__(self) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        super().__init__(*columns)

    def stage(self, name: str, total: int) -> None:
        """A new bar."""
        self._current = self.add_task(name, total=total)

    def advance(self, n: int = 1, failed: int | bool = 0) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Moves the newest bar."""
        del failed  # a clip that cannot be made stops the making
        self.update(self._current, advance=n)

    def done(self) -> None:
        """Nothing to close: bars stay."""


if __name__ == "__main__":
    ship(workers=int(sys.argv[1]) if len(sys.argv) > 1 else os.cpu_count() or 1)
