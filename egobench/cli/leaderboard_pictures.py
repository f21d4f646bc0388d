"""`egobench leaderboard pictures BOARD --run LABEL=RUN …`: runs of a board's split side by side, for people."""

import re
from dataclasses import dataclass
from pathlib import Path

from tyro.conf import Positional, UseAppendAction

from egobench.cli.options import print_json
from egobench.cli.progress import progress
from egobench.cli.quiet import note
from egobench.cli.stdout import print
from egobench.errors import BadInputError

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


def draw(options: PicturesOptions) -> int:
    """Draws, and prints the paths."""
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
