"""`egobench gate` compares a run with a baseline: exit code, JUnit, step summary. `baseline` writes or shows one."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tyro.conf import Positional

from egobench.cli.options import parse, print_grids, print_json
from egobench.cli.progress import progress
from egobench.cli.quiet import note
from egobench.cli.stdout import print
from egobench.files.atomic import storage_errors, write_bytes
from egobench.tables.grid import Grid, GridRow
from egobench.tables.numbers import plain_text, value_text
from egobench.tables.table import in_order

SUMMARY = "GITHUB_STEP_SUMMARY"


@dataclass(frozen=True)
class GateOptions:
    """Holds a run against a baseline under a policy and fails where a gated metric got worse.

    One-sided: a metric passes where the 95 % interval of its harm lies below the tolerance, however much better it is.

    Exit code: 0 passed, 1 regressed, 2 a tolerance that so many clips cannot resolve, 3 not comparable, 4 incomplete,
    5 inconclusive under --strict.
    """

    run: Positional[Path]
    """Run folder."""
    baseline: Path
    """File of `egobench baseline update`."""
    policy: Path | None = None
    """A gate.toml: tolerance and severity per metric. Without, every metric of the baseline is gated with a tolerance
    of 10 % of its value there."""
    junit: Path | None = None
    """Write JUnit XML here, one test case a metric."""
    github: bool = False
    """Write the step summary to $GITHUB_STEP_SUMMARY and annotations to stderr."""
    strict: bool = False
    """Fail (exit 5) where a gated metric is inconclusive."""
    draws: int = 10_000
    """Bootstrap and permutation draws."""
    no_trust: bool = False
    """Read every clip of the split and compare it with its digest, also where its files look untouched since then."""
    json: bool = False
    """Machine-readable output."""


def gate(arguments: list[str]) -> int:
    """Decides, prints, and returns the exit code. One line on stderr gives the reason."""
    options = parse(GateOptions, "gate", arguments)
    from egobench.compare.records import gate_record
    from egobench.compare.runs import gate_run
    from egobench.tables.ci import annotations, junit, step_summary
    from egobench.tables.compare_grid import gate_grid

    if options.policy is None:
        note(
            "no --policy: every metric is gated, tolerance 10 % of the baseline's value; docs/gate.md shows a gate.toml"
        )
    how = {"strict": options.strict, "draws": options.draws, "trust": not options.no_trust}
    report = gate_run(options.run, options.baseline, options.policy, progress(), **how)
    if options.junit is not None:
        write_bytes(options.junit, junit(report).encode())
    if options.json:
        print_json(gate_record(report))
    else:
        print_grids([gate_grid(report)])
    if options.github:
        _to_github(step_summary(report), annotations(report))
    if report.exit_code:
        print(f"egobench: {report.headline}", file=sys.stderr)
    return report.exit_code


def _to_github(summary: str, lines: list[str]) -> None:
    """Writes the step summary and annotations. Annotations go to stderr, so stdout has only data; GitHub reads both."""
    target = os.environ.get(SUMMARY)
    if target:
        with storage_errors(target), open(target, "a", encoding="utf-8") as file:
            file.write(summary)
    else:
        print(f"egobench: {SUMMARY} is not set, so there is no step summary", file=sys.stderr)
    for line in lines:
        print(line, file=sys.stderr)


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
    "baseline": {
        "update": (update, "a finished run becomes the baseline, with a reason"),
        "show": (show, "what a baseline holds, and why"),
    }
}
"""Verb → action → (function, one line of help)."""
