"""`egobench table RUN [RUN …]`: finished runs side by side."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tyro.conf import Positional

from egobench.boards.side_by_side import runs_grid
from egobench.cli.options import parse, print_grids
from egobench.cli.several import chosen_runs
from egobench.cli.stdout import print
from egobench.errors import BadInputError
from egobench.tables.render import RENDERERS


@dataclass(frozen=True)
class TableOptions:
    """Prints finished runs side by side; runs whose protocols differ are refused with exit code 3.

    Runs of one model are told apart by their names (`egobench run --name`), else by the settings that differ.
    """

    runs: Positional[tuple[Path, ...]]
    """Run folders, in the order of the rows; what is no run, such as a picture that `runs/*` catches, is named and
    skipped."""
    metrics: str = ""
    """Columns, by comma, in this order; all if left out."""
    format: Literal["terminal", "md", "tex", "csv", "json"] = "terminal"
    """Markdown, LaTeX (booktabs), CSV or JSON for papers and scripts."""
    json: bool = False
    """The same as --format json."""


def main(arguments: list[str]) -> int:
    """Prints the table."""
    options = parse(TableOptions, "table", arguments)
    if not options.runs:
        raise BadInputError("no run folders given; `egobench table runs/A runs/B`", code="option-form")
    grid = runs_grid(chosen_runs(options.runs), [name.strip() for name in options.metrics.split(",") if name.strip()])
    form = "json" if options.json else options.format
    if form == "terminal":
        print_grids([grid])
    else:
        print(RENDERERS[form]([grid]), end="")
    return 0
