"""All rows of the table, from nothing: `make rows`, or the script itself.

    python benchmarks/egotwin/rows.py [--rows egotwin,mld] [--minutes 60]

For each row, in order of importance: train it, choose its guidance on egomini-val, run it on egomini-test unguided and
at its own best, and enter both into the board. Second seeds of EgoTwin and VidMLD come last; they are no rows, and say
how much of a difference is the training's. At the end come the claims and the pictures.

It prints how long all this will take, and before each step how long that takes. Stop it at any moment, or let
--minutes stop it: the same command goes on, and what is done is not done again. An entry of the board that has a row's
label and another run gives its place to the new one.
"""

import argparse
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from row_steps import (
    FailedError,
    Setup,
    StoppedError,
    choose,
    chosen,
    enter,
    is_run,
    leave,
    make_data,
    model_of,
    run,
    train,
    weights_of,
)
from row_times import estimate, said

from egobench import EgoBenchError
from egobench.cli.main import INTERRUPTED
from egobench.cli.verbs.leaderboard import ACTIONS
from egotwin_ref.model.sampling import PLAIN, Guidance
from egotwin_ref.table.plan import PAPER, ROWS, Log, TableRow, task_of, works_of
from egotwin_ref.training.recipes import RECIPES

HERE = Path(__file__).parent


def call(words: Sequence[str]) -> int:
    """Runs `egobench …` or `guidance …` in a process of its own and returns its exit code."""
    script = ["-m", "egobench"] if words[0] == "egobench" else [str(HERE / f"{words[0]}.py")]
    return subprocess.run([sys.executable, *script, *words[1:]], check=False).returncode


def tell(times: dict[tuple[TableRow, str], float], rows: Sequence[TableRow]) -> None:
    """The estimate, a line a row, and its sum."""
    for row in rows:
        steps = [f"{step} {said(times[row, step])}" for step in ("train", "guidance", "runs") if (row, step) in times]
        print(f"  {row.name:<14}  {', '.join(steps) or 'done'}")
    print(f"about {said(sum(times.values()))} in all", flush=True)


class Made(NamedTuple):
    """A finished run; second seeds have their row's labels."""

    label: str
    row: TableRow
    guidance: Guidance
    run: Path


def make(setup: Setup, rows: Sequence[TableRow]) -> list[Made]:
    """All steps of the rows, and the runs.

    Raises:
        StoppedError, FailedError: as the steps.
    """
    times, runs = estimate(setup, rows), []
    tell(times, rows)
    for row in rows:

        def begin(step: str, row: TableRow = row) -> None:
            if (row, step) in times:
                print(f"{row.name}: {step}, about {said(times[row, step])}", flush=True)

        begin("train")
        train(setup, row)
        begin("guidance")
        best = choose(setup, row)
        begin("runs")
        made = [Made(label, row, pair, run(setup, row, pair)) for label, pair in labels(row, best)]
        runs += made
        if row.seed:
            continue
        changes = [enter(setup, each.label, each.run) for each in made]
        changes += [leave(setup, guided(row))] if best == PLAIN else []
        if any(changes):
            setup.do("egobench", "leaderboard", "build", setup.board)
    return runs


def labels(row: TableRow, best: Guidance) -> Iterator[tuple[str, Guidance]]:
    """A row's runs: unguided, and at its best where that is another."""
    yield row.label, PLAIN
    if best != PLAIN:
        yield guided(row), best


def guided(row: TableRow) -> str:
    """Label of a row at its own best."""
    return f"{row.label}, guided"


def finish(setup: Setup, made: Sequence[Made]) -> None:
    """The board's claims and pictures, where this egobench has them; what goes wrong with them is said.

    Claims hold the paper's rows, and those that the board names beyond them, as they were trained, all seeds; of the
    board's own task, since a row whose motion was given is measured under another protocol. Pictures show each row at
    its own best.
    """
    recipe = tomllib.loads((setup.board / "board.toml").read_text(encoding="utf-8"))
    own = [each for each in made if task_of(each.row.variant) == recipe.get("task", "t2vm")]
    claimed = [each for each in own if each.guidance == PLAIN and each.label in (*PAPER, *recipe.get("beyond", ()))]
    shown = (recipe.get("task", "t2vm"), *recipe.get("given", ()))
    first = [each for each in made if each.row.seed == 0 and task_of(each.row.variant) in shown]
    best = {each.row: each for each in sorted(first, key=lambda each: each.guidance != PLAIN)}
    pictures = setup.work / "pictures"
    for action, runs, more in (("claims", claimed, []), ("pictures", list(best.values()), ["--out", pictures])):
        if action not in ACTIONS["leaderboard"]:
            print(f"this egobench has no `leaderboard {action}`; the rest is done")
            continue
        pairs = [word for each in runs for word in ("--run", f"{each.label}={each.run}")]
        try:
            setup.do("egobench", "leaderboard", action, setup.board, *pairs, *more)
        except FailedError as error:
            print(f"{error}; the rest is done", file=sys.stderr)


def summary(setup: Setup, rows: Sequence[TableRow]) -> str:
    """A line a variant: clips seen in stages 0, 2 and 3, minutes of its own stages, seeds, guidance, what is done."""
    first_of_each: dict[str, TableRow] = {}
    for each in rows:
        first_of_each.setdefault(each.variant, each)
    lines, folder = [("row", "clips seen", "minutes", "seeds", "guidance", "state")], setup.work / setup.preset
    for row in first_of_each.values():
        trained = [each for each in rows if each.variant == row.variant and weights_of(setup, each)]
        works = works_of(row, setup.preset, RECIPES[setup.preset])
        seen = sum(work.samples for work in works if work.kind not in ("video_vae", "motion_vae"))
        logs = [Log.read(folder / work.folder) for work in works if not work.shared]
        minutes = sum(log.seconds for log in logs if log) / 60
        best = chosen(setup, row) if trained else None
        state = "not trained" if not trained else "no guidance yet" if best is None else "trained"
        if best is not None and all(is_run(setup, row, pair) for _, pair in labels(row, best)):
            state = "on the board" if row.seed == 0 else "run"
        strengths = "–" if best is None else "none is best" if best == PLAIN else f"{best.text:g}, {best.partner:g}"
        seeds = ", ".join(str(each.seed) for each in trained) or "–"
        took = f"{minutes:.0f}" if any(logs) else "–"
        lines.append((row.label, f"{seen:,}", took, seeds, strengths, state))
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines)


def parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = [row.name for row in ROWS]
    parser.add_argument("--rows", default=",".join(names), help=f"by comma: {', '.join(names)}")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="stop after so many, with a checkpoint")
    parser.add_argument("--weights", type=Path, help="folder of weights made elsewhere; rows that lie there are ready")
    parser.add_argument("--preset", default="small")
    parser.add_argument("--work", type=Path, default=Path("work/rows"))
    parser.add_argument("--board", type=Path, default=Path("leaderboards/egomini"))
    parser.add_argument("--train", default="egomini-train", help="split that rows are trained on")
    parser.add_argument("--val", default="egomini-val", help="split that guidance is chosen on")
    parser.add_argument("--split", default="egomini-test", help="split that is scored")
    parser.add_argument("--clips", type=int, default=64, help="of --val, for guidance")
    parser.add_argument("--limit", type=int, help="first clips of --split; for trying out, never for a result")
    parser.add_argument("--steps", type=int, default=20, help="of sampling")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--workers", type=int, default=1, help="processes of a run")
    parser.add_argument("--threads", type=int, help="of training and choosing; by default as torch has it")
    options = parser.parse_args(arguments)
    requested = [name.strip() for name in options.rows.split(",") if name.strip()]
    if unknown := [name for name in requested if name not in names]:
        parser.error(f"--rows: no {unknown[0]!r}; there are {', '.join(names)}")
    options.rows = [row for row in ROWS if row.name in requested]
    return options


def main(arguments: Sequence[str] | None = None, call: Callable[[Sequence[str]], int] = call) -> int:
    """Makes the rows; 0 also where the time was up, else the exit code of the command that failed."""
    options = parsed(arguments)
    setup = Setup(
        call=call,
        board=options.board,
        work=options.work,
        preset=options.preset,
        given=options.weights,
        train_split=options.train,
        val_split=options.val,
        test_split=options.split,
        clips=options.clips,
        limit=options.limit,
        steps=options.steps,
        device=options.device,
        workers=options.workers,
        threads=options.threads,
        until=time.monotonic() + 60 * options.minutes,
    )
    code = 0
    try:
        make_data(setup)
        for row in options.rows:
            if weights_of(setup, row):
                model_of(setup, row)  # says what is missing before anything begins
        finish(setup, make(setup, options.rows))
    except StoppedError:
        print("stopped; the same command goes on")
    except FailedError as error:
        print(error, file=sys.stderr)
        code = error.code
    except EgoBenchError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("interrupted; the same command goes on", file=sys.stderr)
        return INTERRUPTED
    print(summary(setup, options.rows))
    return code


if __name__ == "__main__":
    raise SystemExit(main())
