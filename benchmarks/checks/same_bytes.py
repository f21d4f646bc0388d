"""Do two checkouts do the same, byte for byte? For changes that must move nothing, such as moving modules.

    python benchmarks/checks/same_bytes.py BEFORE AFTER [--steps help names …] [--keep FOLDER]

Runs the command line of both, step by step and side by side, each with its own packages first and an empty cache of
its own, and compares exit codes, stdout, stderr and every file that is written. `--help` lists the steps, and what
differs between any two runs and is therefore not compared. Exits 1 if anything else differs. All steps take ten
minutes on two idle cores; neither checkout is written to.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from same_bytes_plain import JOURNAL, LEFT_OUT, RULES, Difference, differences
from same_bytes_side import Side
from same_bytes_steps import STEPS

SHOWN = 12
"""Differences of one step that are printed."""


class Outcome(NamedTuple):
    """One step."""

    step: str
    files: int
    seconds: float
    found: list[Difference]


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    lines = [f"  {name:<12} {step.__doc__}" for name, (step, _) in STEPS.items()]
    lines += [
        "",
        "not compared",
        *(f"  {rule}" for rule in RULES),
        f"  columns of parquet files: {', '.join(LEFT_OUT)}",
        f"  order of the lines of {JOURNAL}",
    ]
    epilog = "\n".join(["steps", *lines])
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=epilog, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("before", type=Path, help="folder of a checkout")
    parser.add_argument("after", type=Path, help="folder of another")
    parser.add_argument("--steps", nargs="+", choices=STEPS, default=list(STEPS), metavar="STEP", help="all by default")
    parser.add_argument(
        "--keep", type=Path, help="new folder for everything that is written; deleted at the end without"
    )
    return parser.parse_args(argv)


def with_needs(chosen: Sequence[str]) -> list[str]:
    """The chosen steps and those they need, in the order of `STEPS`."""
    needed = {need for name in chosen for need in STEPS[name][1]}
    return [name for name in STEPS if name in {*chosen, *needed}]


def one_step(name: str, sides: tuple[Side, Side], seen: set[Difference]) -> Outcome:
    """Does a step on both sides at once and compares all that lies there; `seen` was reported before."""
    began = time.monotonic()

    def work(side: Side) -> None:
        side.step, side.count, side.wrong = name, 0, []
        try:
            STEPS[name][0](side)
        except Exception as error:  # the other steps still say what they find
            side.complain(name, f"the step stopped: {type(error).__name__}: {error}")

    with ThreadPoolExecutor(len(sides)) as pool:
        list(pool.map(work, sides))
    compared, files = differences(sides[0].work, sides[1].work, (sides[0].places, sides[1].places))
    found = [*sides[0].wrong, *sides[1].wrong, *(difference for difference in compared if difference not in seen)]
    seen.update(found)
    return Outcome(name, files, time.monotonic() - began, found)


def compare(before: Path, after: Path, steps: Sequence[str], place: Path, console: Console) -> list[Outcome]:
    """All steps, with a bar on a terminal."""
    sides = Side(before.resolve(), place / "a"), Side(after.resolve(), place / "b")
    columns = (SpinnerColumn(), TextColumn("{task.description}"), MofNCompleteColumn(), TimeElapsedColumn())
    outcomes: list[Outcome] = []
    seen: set[Difference] = set()
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("", total=len(steps))
        for name in steps:
            progress.update(task, description=name)
            outcomes.append(one_step(name, sides, seen))
            progress.advance(task)
    return outcomes


def show(outcomes: Sequence[Outcome], console: Console) -> None:
    """The table, then the differences."""
    table = Table("step", "files so far", "seconds", "differences")
    for outcome in outcomes:
        table.add_row(outcome.step, str(outcome.files), f"{outcome.seconds:.0f}", str(len(outcome.found) or "none"))
    console.print(table)
    for outcome in outcomes:
        for difference in outcome.found[:SHOWN]:
            console.print(
                f"{outcome.step}: {difference.path}\n    {difference.what}",
                markup=False,
                highlight=False,
                soft_wrap=True,
            )
        if len(outcome.found) > SHOWN:
            console.print(f"{outcome.step}: and {len(outcome.found) - SHOWN} more", highlight=False)


def main(argv: Sequence[str] | None = None) -> int:
    """Prints the table; 0 if nothing differs, else 1."""
    options = parse(argv)
    steps = with_needs(options.steps)
    with tempfile.TemporaryDirectory() as temporary:
        place = Path(temporary).resolve()
        if options.keep:
            options.keep.mkdir(parents=True)
            place = options.keep.resolve()
        outcomes = compare(options.before, options.after, steps, place, Console(stderr=True))
    show(outcomes, Console())
    return int(any(outcome.found for outcome in outcomes))


if __name__ == "__main__":
    sys.exit(main())
