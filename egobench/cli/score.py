"""`egobench score FOLDER --split SPLIT`: samples made elsewhere → the same run folder as `egobench run`."""

from dataclasses import dataclass, fields
from pathlib import Path

from tyro.conf import Positional

from egobench.cli.options import parse, typed_names
from egobench.cli.progress import progress
from egobench.cli.quiet import note


@dataclass(frozen=True)
class ScoreOptions:
    """Scores a submission (docs/submissions.md) without running a model; its run can be resumed and compared.

    The folder is looked over first as by `egobench check`; if it has errors, nothing is scored.
    """

    folder: Positional[Path]
    """Folder with submission.toml and one folder per clip."""
    split: str
    """Name of `egobench list splits`, or a folder in the split format."""
    metrics: str = "core"
    """core, all, or names with commas between; NAME:PRESET takes another extractor's features, e.g. fvd:i3d.crop, and
    NAME:PRESET@FILE one with weights of your own, e.g. core,m-fid:motion-text@fitted/motion-text.safetensors."""
    allow_missing: int = 0
    """Samples that may be missing or fail; they are counted as failed rows."""
    body_model: Path | None = None
    """Your SMPL, SMPL-H or SMPL-X body model (npz), where samples are its parameters."""
    skeleton_map: Path | None = None
    """Which joints of positions and rotations are which of the split's: a TOML file, docs/motion-files.md."""
    device: str = "auto"
    """auto, cpu, cuda, cuda:0, …"""
    workers: int = 1
    """Processes."""
    out: Path = Path("runs")
    """Folder in which the run's own folder is made."""
    draws: int = 2000
    """Bootstrap draws of the intervals."""
    name: str = ""
    """What tables call this run, e.g. "step 40k"; the model's name by default. It moves no number."""
    no_trust: bool = False
    """Read every clip of the split and compare it with its digest, also where its files look untouched since then."""
    quiet: bool = False
    """No progress."""
    json: bool = False
    """Machine-readable output."""


def main(arguments: list[str]) -> int:
    """Checks, scores and prints the table."""
    options = parse(ScoreOptions, "score", arguments)
    from egobench.cli.outcome import print_report
    from egobench.data.caption_notes import caption_notes
    from egobench.data.open import open_split
    from egobench.plan.request import RunRequest
    from egobench.run.run import start_run
    from egobench.run.submitted import request_for

    names = {field.name for field in fields(RunRequest)} - {"model"}
    renamed = {"allow_missing": "allow_failed", "body_model": "model_options", "skeleton_map": "model_options"}
    typed = {renamed.get(name, name) for name in typed_names(arguments)} | {"submission"}
    bar = None if options.quiet else progress()
    given = {name: value for name, value in vars(options).items() if name not in ("json", "quiet", "no_trust")}
    named = tuple(sorted(typed & names))
    request = request_for(**given, typed=named, progress=bar, trust=not options.no_trust)
    for line in caption_notes(open_split(options.split).infos()):
        note(line)
    return print_report(lambda: start_run(request, bar), as_json=options.json)
