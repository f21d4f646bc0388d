"""`egobench compare RUN_A RUN_B […]`: is B better, worse or the same, by the same clips under the same protocol?"""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tyro.conf import Positional

from egobench.cli.options import parse, print_grids, print_json
from egobench.cli.progress import progress
from egobench.cli.several import chosen_runs
from egobench.cli.stdout import columns, data_stream, print
from egobench.errors import BadInputError, NotComparableError
from egobench.tables.grid import Grid, GridRow
from egobench.tables.render import latex, markdown

if TYPE_CHECKING:
    from egobench.compare.comparison import Comparison
    from egobench.compare.side import Side

NARROW_COLUMNS = 110
"""A terminal of fewer columns gets the short table."""


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
    """Compares and prints; differences are no error: the exit code is 0 whatever the verdicts."""
    options = parse(CompareOptions, "compare", arguments)
    if len(options.runs) < 2:
        text = f"{len(options.runs)} run given; two or more are needed: `egobench compare runs/A runs/B`"
        raise BadInputError(text, code="option-form")
    if not 0 <= options.tolerance < float("inf"):
        raise BadInputError(f"tolerance is {options.tolerance}; 0 or more is needed", code="range")
    from egobench.compare.run_side import run_side, told_apart

    bars = progress()
    trust = not options.no_trust
    sides = told_apart([run_side(path, bars, trust=trust) for path in chosen_runs(options.runs, least=2)])
    form = "json" if options.json else options.format
    try:
        found = _compare_all(sides, options)
    except NotComparableError:
        if options.explain:
            _explain_refusal(sides, options, form)
        raise
    _print(found, sides, options, form)
    return 0


def _compare_all(sides: "Sequence[Side]", options: CompareOptions) -> "dict[tuple[int, int], Comparison]":
    """Every pair of places, the earlier first; those with A come first."""
    from egobench.compare.comparison import compare_sides
    from egobench.compare.policy import read_policy
    from egobench.compare.verdict import Tolerance

    policy = None if options.policy is None else read_policy(options.policy)
    names = _names(options)
    _make_all_ready(sides, names, options.allow_partial)
    return {
        (first, second): compare_sides(
            sides[first],
            sides[second],
            names,
            tolerance_of=lambda name: policy.rule(name).tolerance if policy else Tolerance(relative=options.tolerance),
            draws=options.draws,
            seed=options.seed,
            allow_partial=options.allow_partial,
        )
        for first, second in combinations(range(len(sides)), 2)
    }


def _make_all_ready(sides: "Sequence[Side]", names: list[str], allow_partial: bool) -> None:
    """One round of extraction for all runs, once none of them is refused."""
    from egobench.compare.comparable import joint_metrics, refuse_other_clips, refuse_unlike
    from egobench.compare.run_side import make_ready

    wanted: dict[str, None] = {}
    for first, second in combinations(sides, 2):
        joint = joint_metrics(first, second, names)
        refuse_unlike(first, second, joint)
        refuse_other_clips(first, second, allow_partial=allow_partial)
        wanted |= dict.fromkeys(joint)
    make_ready(sides, list(wanted))


def _print(
    found: "dict[tuple[int, int], Comparison]", sides: "Sequence[Side]", options: CompareOptions, form: str
) -> None:
    from egobench.compare.records import comparison_record
    from egobench.tables.compare_grid import compare_grids, matrix_grid, metrics_grid
    from egobench.tables.page import html_page

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
        print(_csv([dict(record) for each in against_first for record in metrics_grid(each).records]), end="")
        return
    narrow = form == "table" and data_stream().isatty() and columns() < NARROW_COLUMNS
    grids = [grid for each in against_first for grid in compare_grids(each, narrow=narrow)]
    if len(sides) > 2:
        grids.append(matrix_grid([_matrix_name(side) for side in sides], found))
    if options.explain:
        grids += [_explain_grid(each) for each in against_first]
    if form == "html":
        print(html_page(f"{sides[0].split}: {len(sides)} runs compared", grids), end="")
    elif form == "table":
        print_grids(grids)
    else:
        print({"md": markdown, "latex": latex}[form](grids), end="")


def _matrix_name(side: "Side") -> str:
    return side.called if side.run in side.called else f"{side.called} ({side.run})"


def _explain_grid(comparison: "Comparison") -> Grid:
    """Protocols and methods behind the rows."""
    rows = []
    for row in comparison.rows:
        found = row.difference
        how = row.reason if found is None else f"{found.method} over {found.groups} recordings or blocks of them"
        rows.append(GridRow((row.metric, row.protocol[:16], str(row.pairs.paired), how, row.reason)))
    return Grid(
        title=f"what was compared: {comparison.first.run} with {comparison.second.run}",
        header=("metric", "protocol (equal in both)", "pairs", "interval", "why not decided"),
        rows=tuple(rows),
        left=5,
        notes=(
            "rows are paired by clip, digest of the clip, and seed; the same recordings are drawn in both runs",
            f"first: {comparison.first.provenance}",
            f"second: {comparison.second.provenance}",
        ),
    )


def _explain_refusal(sides: "Sequence[Side]", options: CompareOptions, form: str) -> None:
    """Prints both values of every field that differs, before the error goes on its way."""
    from egobench.compare.comparable import joint_metrics, protocol_differences
    from egobench.compare.records import differences_record

    grids, records = [], []
    for other in sides[1:]:
        names = [name for name in joint_metrics(sides[0], other) if not _names(options) or name in _names(options)]
        records.append({"second": other.run, "differences": differences_record(sides[0], other, names)})
        lines: dict[tuple[str, str, str], list[str]] = {}  # one field often differs for every metric
        for name in names:
            for each in protocol_differences(sides[0], other, name):
                lines.setdefault((each.field, str(each.first), str(each.second)), []).append(name)
        rows = [
            GridRow((field, first, second, "every metric" if len(some) == len(names) else ", ".join(some)))
            for (field, first, second), some in lines.items()
        ]
        header = ("field", f"A = {sides[0].run}", f"B = {other.run}", "metrics")
        grids.append(Grid(title="fields that differ", header=header, rows=tuple(rows), left=4))
    if form == "json":
        print_json({"schema": 1, "comparable": False, "first": sides[0].run, "against": records})
    else:
        print_grids(grids)


def _names(options: CompareOptions) -> list[str]:
    return [name.strip() for name in options.metrics.split(",") if name.strip()]


def _csv(records: Sequence[dict]) -> str:
    buffer = io.StringIO()
    fields = list(dict.fromkeys(name for record in records for name in record))
    writer = csv.DictWriter(buffer, fields, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(records)
    return buffer.getvalue()
