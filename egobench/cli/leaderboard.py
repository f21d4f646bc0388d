"""`egobench leaderboard`: runs become entries, tables, claims held against the paper, and pictures."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import Positional, UseAppendAction, arg

from egobench.boards.leaderboard import add_entry, board_grids, build
from egobench.cli.leaderboard_pictures import PicturesOptions, draw
from egobench.cli.options import parse, pick, print_grids, print_json
from egobench.cli.progress import progress
from egobench.cli.stdout import print
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


def main(arguments: list[str]) -> int:
    """Runs one action."""
    action, rest = pick("leaderboard", ACTIONS, arguments)
    return action(rest)


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


def pictures(arguments: list[str]) -> int:
    """Draws runs side by side."""
    return draw(parse(PicturesOptions, "leaderboard pictures", arguments))


ACTIONS = {
    "add": (add, "a finished run becomes an entry"),
    "build": (build_tables, "entries become tables in Markdown, LaTeX, CSV and JSON"),
    "claims": (claims, "which of the paper's orderings hold in finished runs: CLAIMS.md and claims.json"),
    "pictures": (pictures, "runs side by side: the same clips, errors over time, good and bad clips, a page"),
}
