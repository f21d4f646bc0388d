"""`egobench data make|verify|index|list|view|sheet|skeleton|convert`: splits, pictures, skeletons, motion files."""

import os
import warnings
from dataclasses import dataclass
from pathlib import Path

from tyro.conf import Positional

from egobench.cli.options import parse, print_json
from egobench.cli.progress import progress
from egobench.cli.quiet import note
from egobench.cli.stdout import print
from egobench.errors import BadInputError
from egobench.motions.axes import Kind, MotionFileWarning, Unit, Up
from egobench.types import Sample, Split


@dataclass(frozen=True)
class MakeOptions:
    """Makes a split of the embedded world on disk; interrupted, the same command goes on."""

    split: Positional[str]
    """Name, e.g. egomini-train."""
    out: Path | None = None
    """Folder to make it in; by default where runs look for it."""
    workers: int = os.cpu_count() or 1
    """Processes."""
    json: bool = False
    """Machine-readable output."""


@dataclass(frozen=True)
class VerifyOptions:
    """Opens every clip of a split, compares its content with its digest, and holds its motion to the conventions that
    samples are held to (docs/submissions.md): exits 2 if anything is wrong."""

    split: Positional[str]
    """Name, or folder in the split format."""
    json: bool = False
    """Machine-readable output."""


@dataclass(frozen=True)
class IndexOptions:
    """Writes the digests of what lies in a split folder into its split.json, and leaves the rest of it.

    Other content is another split: runs on what was there before are not comparable with runs on this.
    """

    folder: Positional[Path]
    """Folder in the split format; its split.json lists the clips, with any digests."""
    json: bool = False
    """Machine-readable output."""


@dataclass(frozen=True)
class ListOptions:
    """Splits by name: whether they are on this machine, how many clips, their digest."""

    json: bool = False
    """Machine-readable output."""


@dataclass(frozen=True)
class ViewOptions:
    """Draws one clip: frames, body, head path, hands, contacts, caption."""

    clip: Positional[str]
    """Clip id."""
    split: str = "egomini-test"
    """Name, or folder in the split format."""
    run: Path | None = None
    """Run folder whose sample of the clip is drawn beside the reference."""
    seed: int = 0
    """Which sample of the run."""
    out: Path | None = None
    """PNG to write; by default CLIP.png here."""
    json: bool = False
    """Machine-readable output."""


@dataclass(frozen=True)
class SheetOptions:
    """Draws many clips of a split, a line each."""

    split: str = "egomini-test"
    """Name, or folder in the split format."""
    count: int = 12
    """Clips, evenly spread over the split."""
    run: Path | None = None
    """Run folder whose samples are drawn below the references."""
    seed: int = 0
    """Which samples of the run."""
    out: Path | None = None
    """PNG to write; by default SPLIT.png here."""
    json: bool = False
    """Machine-readable output."""


@dataclass(frozen=True)
class SkeletonOptions:
    """Writes a skeleton of one's own into a split's index, so that `run`, `score` and `fit` know its joints."""

    folder: Positional[Path]
    """Folder in the split format, whose index names the skeleton."""
    skeleton_map: Path
    """TOML file that declares it: names, parents, which are head, feet and hands (docs/motion-files.md)."""
    json: bool = False
    """Machine-readable output."""


@dataclass(frozen=True)
class ConvertOptions:
    """Turns a motion file of another kind into motion.npz: named joints, metres, z up.

    What `egobench check` would refuse in a sample is refused here, by the same codes (docs/submission-errors.md).
    """

    source: Positional[Path]
    """HumanML3D vectors or joints (npy), SMPL or AMASS parameters (npz), BVH, XSens xdata (npz), or positions and
    rotations (npz)."""
    out: Positional[Path]
    """File to write."""
    kind: Kind = "auto"
    """What the file is; auto goes by its suffix and arrays."""
    fps: float | None = None
    """Frames per second of the file, where it does not say or says it wrong."""
    to_fps: float | None = None
    """Frames per second to write; by default the file's."""
    body_model: Path | None = None
    """Your SMPL, SMPL-H or SMPL-X body model (npz)."""
    unit: Unit = "m"
    """Of the file's lengths."""
    up: Up = "auto"
    """Axis that is up in the file; auto goes by the body."""
    skeleton: str | None = None
    """Of a file of positions and rotations; by default xsens23."""
    skeleton_map: Path | None = None
    """Which joints of a BVH file, or of positions and rotations, are which of ours: TOML, docs/motion-files.md."""
    json: bool = False
    """Machine-readable output."""


def make(arguments: list[str]) -> int:
    """Makes a split."""
    options = parse(MakeOptions, "data make", arguments)
    if options.workers < 1:
        raise BadInputError(f"--workers is {options.workers}; at least 1 is needed", code="option-range")
    from egobench.data.source import make_split

    folder = make_split(options.split, options.out, options.workers, progress())
    _print_path(folder, options.json, split=options.split)
    return 0


def verify(arguments: list[str]) -> int:
    """Verifies a split. The exit code is 2 if anything is wrong."""
    options = parse(VerifyOptions, "data verify", arguments)
    from egobench.data.content import verify_split
    from egobench.data.folder import FolderSplit
    from egobench.data.open import open_split

    split = open_split(options.split)
    if not isinstance(split, FolderSplit):
        raise BadInputError(
            f"{options.split} has no folder to verify; `egobench data make` writes one", code="no-folder"
        )
    bar = progress()
    bar.stage(f"verifying {split.name}", len(split.infos()))
    odd: list[str] = []
    problems = verify_split(split.path, bar.advance, odd.append)
    bar.done()
    for line in odd:
        note(line)
    if options.json:
        found = {"problems": problems, "warnings": odd}
        print_json({"split": split.name, "digest": split.digest, "path": split.path, **found})
    else:
        print(
            "\n".join(problems) or f"{split.name}: {len(split.infos())} clips, all as recorded; digest {split.digest}"
        )
    return 2 if problems else 0


def index(arguments: list[str]) -> int:
    """Writes the digests of a folder's content into its index."""
    options = parse(IndexOptions, "data index", arguments)
    from egobench.data.content import write_digests
    from egobench.data.folder import open_folder

    bar = progress()
    bar.stage(f"reading {options.folder}", len(open_folder(options.folder, check_digest=False).rows))
    changed = write_digests(options.folder, bar.advance)
    bar.done()
    split = open_folder(options.folder)
    if options.json:
        facts = {"clips": len(split.rows), "changed": {clip: list(pair) for clip, pair in changed.items()}}
        print_json({"path": options.folder, "split": split.name, "digest": split.digest, **facts})
        return 0
    for clip, (old, new) in changed.items():
        print(f"{clip}: {old} → {new}")
    print(f"{split.name}: {len(split.rows)} clips, {len(changed)} digests written; digest {split.digest}")
    return 0


def list_splits(arguments: list[str]) -> int:
    """Lists the splits and which of them are on this machine."""
    options = parse(ListOptions, "data list", arguments)
    from egobench.data.open import splits_here

    rows = splits_here()
    if options.json:
        print_json(rows)
        return 0
    width = max(len(row["name"]) for row in rows)
    for row in rows:
        here = f"{row['clips']:>5} clips  {row['digest'][:8]}" if row["here"] else row["why"]
        print(f"{row['name']:<{width}}  {here}")
    return 0


def view(arguments: list[str]) -> int:
    """Draws one clip."""
    options = parse(ViewOptions, "data view", arguments)
    from egobench.data.open import open_split
    from egobench.pictures.contact_sheet import clip_picture

    split = open_split(options.split)
    clip = split.clip(options.clip)
    sample = None if options.run is None else _sample_of(options.run, split, options.clip, options.seed)
    path = clip_picture(clip, sample, options.out or Path(f"{options.clip}.png"))
    _print_path(path, options.json, clip=options.clip)
    return 0


def sheet(arguments: list[str]) -> int:
    """Draws a contact sheet."""
    options = parse(SheetOptions, "data sheet", arguments)
    from egobench.data.open import open_split
    from egobench.pictures.contact_sheet import sheet as draw
    from egobench.pictures.drawing import evenly_spread

    if options.count < 1:
        raise BadInputError(f"--count is {options.count}; at least 1 is needed", code="option-range")
    split = open_split(options.split)
    ids = [info.clip_id for info in split.infos()]
    chosen = [ids[place] for place in evenly_spread(len(ids), options.count)]
    clips = [split.clip(clip_id) for clip_id in chosen]
    run = options.run
    samples = None if run is None else [_sample_of(run, split, clip_id, options.seed) for clip_id in chosen]
    path = draw(clips, options.out or Path(f"{split.name}.png"), samples)
    _print_path(path, options.json, clips=chosen)
    return 0


def convert(arguments: list[str]) -> int:
    """Converts a motion file."""
    options = parse(ConvertOptions, "data convert", arguments)
    from egobench.files.motion import write_motion
    from egobench.geometry.body import stature
    from egobench.geometry.skeleton import get_skeleton
    from egobench.motions.load import load_motion

    if options.out.suffix != ".npz":
        raise BadInputError(f"{options.out}: a name that ends in .npz is needed", code="option-form")
    with warnings.catch_warnings(record=True) as odd:
        warnings.simplefilter("always", MotionFileWarning)
        motion = load_motion(
            options.source,
            kind=options.kind,
            fps=options.fps,
            body_model=options.body_model,
            to_fps=options.to_fps,
            unit=options.unit,
            up=options.up,
            skeleton=options.skeleton,
            skeleton_map=options.skeleton_map,
        )
    said = [str(warning.message) for warning in odd if issubclass(warning.category, MotionFileWarning)]
    for text in said:
        note(text)
    write_motion(options.out, motion)
    height = stature(get_skeleton(motion.skeleton), motion.positions)
    frames = len(motion.positions)
    if options.json:
        facts = {"skeleton": motion.skeleton, "stature_m": round(height, 4), "fps": motion.fps, "frames": frames}
        print_json({"path": options.out, "warnings": said, **facts})
    else:
        rate = f"{frames} frames at {motion.fps:g} per second"
        print(f"{options.out}: {motion.skeleton}, {rate}, a body of {height:.2f} m by its bones")
    return 0


def skeleton(arguments: list[str]) -> int:
    """Declares a split's skeleton."""
    options = parse(SkeletonOptions, "data skeleton", arguments)
    from egobench.data.declare import declare_skeleton
    from egobench.motions.skeleton_map import read_skeleton_map

    found = read_skeleton_map(options.skeleton_map)
    if not found.is_own:
        raise BadInputError(
            f"{options.skeleton_map}: a map to {found.skeleton.name}, not a skeleton of one's own; `egobench data "
            "convert --skeleton-map` brings each clip's motion to it",
            code="skeleton-map",
        )
    index = declare_skeleton(options.folder, found.skeleton)
    _print_path(index, options.json, skeleton=found.skeleton.name, joints=found.skeleton.joints)
    return 0


def _sample_of(run: Path, split: Split, clip_id: str, seed: int) -> Sample:
    """The sample of a run for a clip. Raises BadInputError, code `sample-missing` or `sample-changed`."""
    from egobench.audit.opened import sample_of
    from egobench.store.folder import open_run

    return sample_of(open_run(run), split.facts, clip_id, seed, name=str(run))


def _print_path(path: Path, as_json: bool, **facts: object) -> None:
    if as_json:
        print_json({"path": path, **facts})
    else:
        print(path)


ACTIONS = {
    "data": {
        "make": (make, "make a split of the embedded world on disk"),
        "verify": (verify, "open every clip, compare it with its digest, check its motion"),
        "index": (index, "write the digests of what lies in a folder into its split.json"),
        "list": (list_splits, "splits: here or not, clips, digest"),
        "view": (view, "picture of one clip, with a run's sample if asked"),
        "sheet": (sheet, "contact sheet of many clips"),
        "skeleton": (skeleton, "write a skeleton of one's own into a split's index"),
        "convert": (convert, "a motion file of another kind (HumanML3D, SMPL, BVH, XSens) as motion.npz"),
    }
}
"""Verb → action → (function, one line of help)."""
