"""`egobench compare RUN_A RUN_B […]`: whether B is better, worse or the same, on the same clips and one protocol."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tyro.conf import Positional

from egobench.cli.options import parse, print_grids, print_json
from egobench.cli.progress import progress
from egobench.cli.several import chosen_runs
from egobench.cli.stdout import columns, data_stream, print
from egobench.errors import BadInputError, NotComparableError

if TYPE_CHECKING:
    from egobench.compare.comparison import Comparison
    from egobench.compare.side import Side

NARROW_COLUMNS = 110
"""A terminal with fewer columns gets the short table."""


@dataclass(frozen=True)
class CompareOptions:
    """Compares finished runs by the same clips: difference with interval, p, verdict; refuses two protocols (exit 3).

    The first run is A; every other one is compared with it, and with more than two a matrix is added. Runs of one model
    are told apart by their names (`egobench run --name`), else by the settings that differ.
    """

    runs: Positional[tuple[Path, ...]]
    """Two or more run folders; what is no run, such as a picture that `runs/*` catches, is named and skipped."""
    format: Literal["table", "md", "latex", "csv", "json", "html"] = "table"
    """How it is printed."""
    explain: bool = False
    """Print what was compared with what and how; of runs that may not be compared, both values of every field."""
    metrics: str = ""
    """Metrics, by comma; all in common if left out."""
    tolerance: float = 0.02
    """Share of A's value that does not matter: within it runs are equivalent."""
    policy: Path | None = None
    """A gate.toml whose tolerances are used in place of --tolerance."""
    draws: int = 10_000
    """Bootstrap and permutation draws."""
    seed: int = 0
    """Of the draws."""
    allow_partial: bool = False
    """Compare what is left where more than 1 % of the rows failed on a side."""
    no_trust: bool = False
    """Read every clip of the split and compare it with its digest, also where its files look untouched since then."""
    json: bool = False
    """The same as --format json."""


def main(arguments: list[str]) -> int:
    """Compares and prints. Differences are no error, so the exit code is 0 for any verdict."""
    options = parse(CompareOptions, "compare", arguments)
    if len(options.runs) < 2:
        text = f"{len(options.runs)} run given; two or more are needed: `egobench compare runs/A runs/B`"
        raise BadInputError(text, code="option-form")
    from egobench.compare.policy import read_policy
    from egobench.compare.runs import check_tolerance, compare_all, open_sides

    check_tolerance(options.tolerance)
    sides = open_sides(chosen_runs(options.runs, least=2), progress(), trust=not options.no_trust)
    form, names = "json" if options.json else options.format, _names(options)
    try:
        found = compare_all(
            sides,
            names,
            tolerance=options.tolerance,
            policy=None if options.policy is None else read_policy(options.policy),
            draws=options.draws,
            seed=options.seed,
            allow_partial=options.allow_partial,
        )
    except NotComparableError:
        if options.explain:
            _print_refusal(sides, names, form)
        raise
    _print(found, sides, options, form)
    return 0


def _print(
    found: "dict[tuple[int, int], Comparison]", sides: "Sequence[Side]", options: CompareOptions, form: str
) -> None:
    from egobench.compare.records import comparison_record
    from egobench.tables.compare_explained import explain_grid
    from egobench.tables.compare_grid import compare_grids, comparison_csv, matrix_grid, matrix_name
    from egobench.tables.page import html_page
    from egobench.tables.render import latex, markdown

    against_first = [comparison for (first, _), comparison in found.items() if first == 0]
    if form == "json":
        content = {"schema": 1, "comparisons": [comparison_record(each) for each in against_first]}
        if len(sides) > 2:
            pairs = {f"{sides[a].run} → {sides[b].run}": pair for (a, b), pair in found.items()}
            content["matrix"] = {name: {row.metric: row.verdict for row in pair.rows} for name, pair in pairs.items()}
        if options.explain:
            content["protocols"] = {row.metric: sides[0].protocols[row.metric] for row in against_first[0].rows}
        print_json(content)
        return
    if form == "csv":
        print(comparison_csv(against_first), end="")
        return
    narrow = form == "table" and data_stream().isatty() and columns() < NARROW_COLUMNS
    grids = [grid for each in against_first for grid in compare_grids(each, narrow=narrow)]
    if len(sides) > 2:
        grids.append(matrix_grid([matrix_name(side) for side in sides], found))
    if options.explain:
        grids += [explain_grid(each) for each in against_first]
    if form == "html":
        print(html_page(f"{sides[0].split}: {len(sides)} runs compared", grids), end="")
    elif form == "table":
        print_grids(grids)
    else:
        print({"md": markdown, "latex": latex}[form](grids), end="")


def _print_refusal(sides: "Sequence[Side]", names: Sequence[str], form: str) -> None:
    """Prints both values of every field that differs, before the error is raised."""
    from egobench.compare.records import refusal_record
    from egobench.tables.compare_explained import refusal_grids

    if form == "json":
        print_json(refusal_record(sides, names))
    else:
        print_grids(refusal_grids(sides, names))


def _names(options: CompareOptions) -> list[str]:
    return [name.strip() for name in options.metrics.split(",") if name.strip()]
