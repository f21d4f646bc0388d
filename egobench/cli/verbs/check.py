"""`egobench check FOLDER --split SPLIT`: checks a submission; `--example DIR` writes a valid one."""

from dataclasses import dataclass
from pathlib import Path

from tyro.conf import Positional

from egobench.catalog import SPLITS
from egobench.cli.options import parse, print_json
from egobench.cli.progress import progress
from egobench.cli.quiet import note
from egobench.cli.stdout import print
from egobench.errors import BadInputError

EXAMPLE_SPLIT = "egomini-smoke"


@dataclass(frozen=True)
class CheckOptions:
    """Looks a folder of samples over, before any of it is scored: exits 0 if it can be, 2 with findings if not.

    Needs no network and no torch. docs/submissions.md has the format, docs/submission-errors.md every code.
    """

    folder: Positional[Path | None] = None
    """Folder with submission.toml and one folder per clip."""
    split: str | None = None
    """Name of `egobench list splits`, or a folder in the split format; by default what submission.toml says."""
    example: Path | None = None
    """Write a valid submission into this new folder instead, made of the split's references."""
    allow_missing: int = 0
    """So many missing samples are warnings."""
    body_model: Path | None = None
    """Your SMPL, SMPL-H or SMPL-X body model (npz), where samples are its parameters."""
    skeleton_map: Path | None = None
    """Which joints of positions and rotations are which of the split's: a TOML file, docs/motion-files.md."""
    workers: int = 1
    """Processes."""
    no_trust: bool = False
    """Read every clip of the split and compare it with its digest, also where its files look untouched since then."""
    json: bool = False
    """Machine-readable output."""


def main(arguments: list[str]) -> int:
    """Checks a submission, or writes an example."""
    options = parse(CheckOptions, "check", arguments)
    if options.example is not None:
        return _example(options)
    if options.folder is None:
        raise BadInputError(
            "no folder was given; `egobench check FOLDER --split SPLIT`, or `egobench check --example DIR` to see one",
            code="option-form",
        )
    if options.allow_missing < 0 or options.workers < 1:
        text = f"--allow-missing {options.allow_missing}, --workers {options.workers}; from 0 and from 1 are needed"
        raise BadInputError(text, code="option-range")
    from egobench.data.caption_notes import caption_notes
    from egobench.data.check_split import check_split
    from egobench.data.open import open_split
    from egobench.plan.resolve import resolve_split
    from egobench.submissions.check import check_submission

    locator = options.split or _stated_split(options.folder)
    split = check_split(open_split(locator), progress(), trust=not options.no_trust)
    for line in caption_notes(split.infos()):
        note(line)
    report = check_submission(
        options.folder,
        split,
        locator,
        resolve_split,
        workers=options.workers,
        allowed_missing=options.allow_missing,
        body_model=options.body_model,
        skeleton_map=options.skeleton_map,
        progress=progress(),
    )
    if options.json:
        print_json(report.as_json())
    else:
        print("\n".join([*report.lines(), report.summary()]))
    return 2 if report.errors else 0


def _stated_split(folder: Path) -> str:
    """The split in submission.toml, if it is a name of the catalogue. A submitted file must not choose a folder."""
    from egobench.submissions.description import NAME, read_description

    description, _ = read_description(folder / NAME)
    stated = description.split if description else ""
    if stated not in SPLITS.names():
        found = f"{NAME} says {stated!r}" if stated else f"{NAME} does not say"
        raise BadInputError(f"no --split was given and {found}; give --split", code="option-form")
    return stated


def _example(options: CheckOptions) -> int:
    if options.folder is not None:
        raise BadInputError("a folder to check and --example were given; one of them is needed", code="option-form")
    from egobench.data.open import open_split
    from egobench.submissions.example import write_example

    assert options.example is not None
    split = open_split(options.split or EXAMPLE_SPLIT)
    bar = progress()
    bar.stage(f"example of {split.name}", len(split.infos()))
    path = write_example(options.example, split, step=bar.advance)
    bar.done()
    if options.json:
        print_json({"path": path, "split": split.name, "clips": len(split.infos())})
        return 0
    print(path)
    note(f"`egobench check {path} --split {options.split or EXAMPLE_SPLIT}` looks it over")
    return 0
