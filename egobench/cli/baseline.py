"""`egobench baseline update RUN --baseline FILE --reason …` and `show FILE`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tyro.conf import Positional

from egobench.cli.options import parse, pick, print_grids, print_json
from egobench.cli.progress import progress
from egobench.cli.stdout import print
from egobench.tables.grid import Grid, GridRow
from egobench.tables.numbers import plain_text, value_text
from egobench.tables.table import in_order


@dataclass(frozen=True)
class UpdateOptions:
    """Writes a baseline from a finished run; the file belongs in the repository, its change in a review."""

    run: Positional[Path]
    """Run folder."""
    baseline: Path
    """File to write, e.g. baselines/main.json; an older one there hands on its history."""
    reason: str
    """Why it may change, for the reviewer."""
    allow_failed: int = 0
    """Failed rows that a baseline may have."""
    no_trust: bool = False
    """Read every clip of the split and compare it with its digest, also where its files look untouched since then."""
    json: bool = False
    """Machine-readable output."""


@dataclass(frozen=True)
class ShowOptions:
    """Prints what a baseline holds and why it was written."""

    baseline: Positional[Path]
    """Its file."""
    json: bool = False
    """Machine-readable output."""


def main(arguments: list[str]) -> int:
    """Runs one action."""
    action, rest = pick("baseline", ACTIONS, arguments)
    return action(rest)


def update(arguments: list[str]) -> int:
    """Writes a baseline."""
    options = parse(UpdateOptions, "baseline update", arguments)
    from egobench.compare.update import update_baseline

    found = update_baseline(
        options.run,
        options.baseline,
        reason=options.reason,
        allow_failed=options.allow_failed,
        progress=progress(),
        trust=not options.no_trust,
    )
    if options.json:
        print_json({"baseline": options.baseline, "changes": found.changes, "bytes": found.size})
        return 0
    rows = [
        GridRow((name, plain_text(change["old"]), plain_text(change["new"]), change["verdict"] or change["note"]))
        for name, change in ((name, found.changes[name]) for name in in_order(found.changes))
    ]
    title = f"baseline {options.baseline}"
    grid = Grid(title=title, header=("metric", "old", "new", "new against old"), rows=tuple(rows), notes=found.notes)
    print_grids([grid])
    print(f"{options.baseline} ({found.size / 1000:.0f} kB)")
    return 0


def show(arguments: list[str]) -> int:
    """Prints a baseline."""
    options = parse(ShowOptions, "baseline show", arguments)
    from egobench.compare.baseline import baseline_side, read_baseline

    baseline_side(options.baseline)  # refuses a damaged one
    document = read_baseline(options.baseline)
    if options.json:
        facts = {key: value for key, value in document.items() if key not in ("rows", "metrics")}
        print_json({**facts, "rows": len(document["rows"]["clip"]), "metrics": _results(document)})
        return 0
    rows = []
    for name in in_order(document["metrics"]):
        record = document["metrics"][name]
        kind = "–" if "unpaired" in record else "set" if "left_out" in record else "rows"
        result = record["result"]
        rows.append(GridRow((name, value_text(result["value"], result["ci95"]), str(result["n"]), kind)))
    history = document["history"]
    notes = [f"{each['date'][:10]} {each['model']} ({each['run']}): {each['reason']}" for each in history]
    title = f"{options.baseline}: {document['model']} on {document['split']} ({document['task']})"
    header = ("metric", "value ± 95 %", "n", "paired by")
    print_grids([Grid(title=title, header=header, rows=tuple(rows), notes=tuple(notes))])
    return 0


def _results(document: dict[str, Any]) -> dict[str, Any]:
    return {name: record["result"] for name, record in document["metrics"].items()}


ACTIONS = {
    "update": (update, "a finished run becomes the baseline, with a reason"),
    "show": (show, "what a baseline holds, and why"),
}
