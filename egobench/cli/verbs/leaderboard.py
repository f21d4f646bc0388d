"""`egobench leaderboard`: makes entries, tables, pictures and comparisons with the paper's claims from runs."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import Positional, UseAppendAction, arg

from egobench.boards.leaderboard import add_entry, board_grids, build
from egobench.cli.options import parse, print_grids, print_json
from egobench.cli.progress import progress
from egobench.cli.quiet import note
from egobench.cli.stdout import print
from egobench.errors import BadInputError
from egobench.tables.render import json_text


@dataclass(frozen=True)
class AddOptions:
    """Copies a finished run's results into a board as an entry; build the board afterwards."""

    run: Positional[Path]
    """Run folder."""
    board: Positional[Path]
    """Board folder, e.g. leaderboards/egomini."""
    label: str | None = None
    """Name in the table; the run's model by default."""
    kind: Literal["model", "control"] | None = None
    """Controls are shown and never ranked; by default told from the model's name."""
    json: bool = False
    """Machine-readable output."""


@dataclass(frozen=True)
class BuildOptions:
    """Writes table.md, table.tex, table.csv and table.json into the board's folder, and prints the table."""

    board: Positional[Path]
    """Board folder, e.g. leaderboards/egomini."""
    json: bool = False
    """Print the content of table.json instead."""


@dataclass(frozen=True)
class ClaimsOptions:
    """Holds the paper's orderings against runs: writes CLAIMS.md and claims.json into the board's folder, and prints
    the tables. Without a run each claim is `not measured`. A run of another split, task or protocol is refused: exit 3.
    """

    board: Positional[Path]
    """Board folder, e.g. leaderboards/egomini."""
    runs: Annotated[tuple[str, ...], arg(name="run", metavar="LABEL=RUNFOLDER"), UseAppendAction] = ()
    """A row's finished run, e.g. EgoTwin=runs/a; once for each run. The first run of a label is compared; others of the
    same label are other training seeds, and say how large the training noise is. Where none is given, the noise that
    claims.json has is kept, of rows and protocols that are still the same."""
    no_trust: bool = False
    """Read every clip of the split and compare it with its digest, also where its files look untouched since then."""
    json: bool = False
    """Print the content of claims.json instead."""


def add(arguments: list[str]) -> int:
    """Adds an entry."""
    options = parse(AddOptions, "leaderboard add", arguments)
    path = add_entry(options.board, options.run, kind=options.kind, label=options.label)
    if options.json:
        print_json({"entry": path})
    else:
        print(path)
    return 0


def build_tables(arguments: list[str]) -> int:
    """Builds a board."""
    options = parse(BuildOptions, "leaderboard build", arguments)
    written = build(options.board)
    grids = board_grids(options.board)
    if options.json:
        print(json_text(grids), end="")
        return 0
    print_grids(grids)
    print("\n".join(str(path) for path in written.values()))
    return 0


def claims(arguments: list[str]) -> int:
    """Writes a board's claims."""
    options = parse(ClaimsOptions, "leaderboard claims", arguments)
    from egobench.boards.claim_runs import split_labels
    from egobench.boards.claims import find_claims
    from egobench.boards.claims_files import claims_record, write_claims
    from egobench.boards.claims_page import claims_grids, summary_lines

    trust = not options.no_trust
    found = find_claims(options.board, split_labels(options.runs), progress=progress(), trust=trust)
    written = write_claims(options.board, found)
    if options.json:
        print_json(claims_record(found))
        return 0
    print_grids(claims_grids(found))
    print("\n".join([*summary_lines(found), *map(str, written)]))
    return 0


CHECKPOINT = re.compile(r"(?P<label>[^=]+)@(?P<samples>\d[\d_]*)=(?P<run>.+)", re.DOTALL)


@dataclass(frozen=True)
class PicturesOptions:
    """Draws finished runs of a board's split side by side: rows.png (the same clips for every row), rows.html (their
    videos play in step, offline), over-time.png and .csv (errors over the time of the clip), good-and-bad.png (the best
    and worst clips of each row), and with --checkpoint training.png and .csv."""

    board: Positional[Path]
    """Board folder, e.g. leaderboards/egomini."""
    run: UseAppendAction[tuple[str, ...]] = ()
    """LABEL=RUNFOLDER, a row of the pictures; again for each further one."""
    checkpoint: UseAppendAction[tuple[str, ...]] = ()
    """LABEL@SAMPLES=RUNFOLDER, a point of training.png: a run of the state after so many training samples."""
    out: Path | None = None
    """Folder for the pictures; BOARD/pictures by default."""
    count: int = 8
    """Clips of rows.png, evenly spread over the split."""
    metric: str = "rot-err"
    """What the good and the bad clips are chosen by."""
    json: bool = False
    """Machine-readable output."""


def pictures(arguments: list[str]) -> int:
    """Draws runs side by side and prints the paths."""
    options = parse(PicturesOptions, "leaderboard pictures", arguments)
    runs, points = [_run(word) for word in options.run], [_checkpoint(word) for word in options.checkpoint]
    from egobench.pictures.board_pictures import make_pictures

    made = make_pictures(
        options.board,
        runs,
        options.out,
        count=options.count,
        metric=options.metric,
        checkpoints=points,
        progress=progress(),
    )
    if options.json:
        print_json({"files": made.files, "clips": made.clips, "notes": made.notes})
        return 0
    for line in made.notes:
        note(line)
    print("\n".join(str(path) for path in made.files))
    return 0


def _run(word: str) -> tuple[str, Path]:
    label, equals, run = word.partition("=")
    if not (label and equals and run):
        raise BadInputError(f"--run takes LABEL=RUNFOLDER, found {word!r}", code="option-form")
    return label, Path(run)


def _checkpoint(word: str) -> tuple[str, int, Path]:
    found = CHECKPOINT.fullmatch(word)
    if found is None:
        text = f"--checkpoint takes LABEL@SAMPLES=RUNFOLDER, SAMPLES a whole number, found {word!r}"
        raise BadInputError(text, code="option-form")
    return found["label"], int(found["samples"].replace("_", "")), Path(found["run"])


ACTIONS = {
    "leaderboard": {
        "add": (add, "a finished run becomes an entry"),
        "build": (build_tables, "entries become tables in Markdown, LaTeX, CSV and JSON"),
        "claims": (claims, "which of the paper's orderings hold in finished runs: CLAIMS.md and claims.json"),
        "pictures": (pictures, "runs side by side: the same clips, errors over time, good and bad clips, a page"),
    }
}
"""Verb → action → (function, one line of help)."""
