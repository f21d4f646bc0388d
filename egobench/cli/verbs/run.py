"""`egobench run`, `score`, `resume` and `rescore`: from samples to a run folder and its table."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any

from tyro.conf import Positional, Suppress, UseAppendAction, arg

from egobench.cli.options import key_values, parse, typed_names
from egobench.cli.progress import progress
from egobench.cli.quiet import note
from egobench.plan.request import RunRequest
from egobench.types import ClipInfo, Task

Settings = Annotated[tuple[tuple[str, ...], ...], arg(name="set", metavar="KEY=VALUE ..."), UseAppendAction]
SHORT = ("steps", "guidance")
"""Settings of a model that have their own option."""


@dataclass(frozen=True)
class RunOptions(RunRequest):
    """Samples a model on a split, scores it with metrics, and writes a run that can be resumed and compared."""

    model_options: Settings = ()  # pyright: ignore
    """Settings of the model: fields of its class, as `egobench describe MODEL` lists them."""
    submission: Suppress[str] = ""
    typed: Suppress[tuple[str, ...]] = ()
    steps: int | None = None
    """Short for `--set steps=N`: sampling steps of a diffusion model."""
    guidance: float | None = None
    """Short for `--set guidance=W`: weight of the text in classifier-free guidance."""
    no_trust: bool = False
    """Read every clip of the split and compare it with its digest, also where its files look untouched since then."""
    dry_run: bool = False
    """Print what would be done, and do nothing."""
    json: bool = False
    """Machine-readable output."""


@dataclass(frozen=True, kw_only=True)
class ScoreOptions(RunRequest):
    """Scores a submission (docs/submissions.md) without running a model; its run can be resumed and compared.

    The folder is looked over first as by `egobench check`; if it has errors, nothing is scored.
    """

    folder: Positional[Path]
    """Folder with submission.toml and one folder per clip."""
    allow_failed: Annotated[int, arg(name="allow-missing")] = 0
    """Samples that may be missing or fail; they are counted as failed rows."""
    body_model: Path | None = None
    """Your SMPL, SMPL-H or SMPL-X body model (npz), where samples are its parameters."""
    skeleton_map: Path | None = None
    """Which joints of positions and rotations are which of the split's: a TOML file, docs/motion-files.md."""
    no_trust: bool = False
    """Read every clip of the split and compare it with its digest, also where its files look untouched since then."""
    json: bool = False
    """Machine-readable output."""
    # Fields that submission.toml gives, or that only a model has.
    model: Suppress[str] = ""
    task: Suppress[Task] = "t2vm"
    seeds: Suppress[int] = 1
    limit: Suppress[int | None] = None
    engine: Suppress[str] = "local"
    ray_address: Suppress[str] = "auto"
    attempts: Suppress[int] = 1
    keep_going: Suppress[bool] = False
    clip_timeout: Suppress[float | None] = None
    model_options: Suppress[tuple[str, ...]] = ()  # pyright: ignore
    submission: Suppress[str] = ""
    typed: Suppress[tuple[str, ...]] = ()


@dataclass(frozen=True)
class ResumeOptions:
    """Finishes an interrupted run with the settings it was started with, to the same bytes as if uninterrupted."""

    run: Positional[Path]
    """Run folder."""
    workers: int | None = None
    """Processes from now on, as many as at the start by default; changes nothing in the result."""
    engine: str = ""
    """Who does the rest, local, inline or ray; the engine of the start by default. It changes nothing in the result."""
    ray_address: str = ""
    """Head of the Ray cluster as host:port; that of the start by default."""
    no_trust: bool = False
    """Read every clip of the split and compare it with its digest, also where its files look untouched since then."""
    allow_changed_code: bool = False
    """Go on where the model's code has changed since the run was started; the run then says which items are whose."""
    json: bool = False
    """Machine-readable output."""


@dataclass(frozen=True)
class RescoreOptions:
    """Adds metrics to a finished run, or computes its own again, from the samples it kept. All at once or not at all:
    results whose protocol did not change keep every byte, and one that does not come out again is refused."""

    run: Positional[Path]
    """Run folder."""
    metrics: str
    """Names with commas between; NAME:PRESET takes another extractor's features, e.g. fvd:i3d.crop, and
    NAME:PRESET@FILE one with weights of your own, e.g. m-fid:motion-text@fitted/motion-text.safetensors."""
    workers: int | None = None
    """Processes, as many as at the start by default; changes nothing in the result."""
    engine: str = ""
    """Who does the work, local, inline or ray; the engine of the run by default. It changes nothing in the result."""
    ray_address: str = ""
    """Head of the Ray cluster as host:port; that of the run by default."""
    device: str = ""
    """auto, cpu, cuda, …; that of the run by default."""
    no_trust: bool = False
    """Read every clip of the split and compare it with its digest, also where its files look untouched since then."""
    json: bool = False
    """Machine-readable output."""


def run(arguments: list[str]) -> int:
    """Runs and prints the table. The exit code is 4 if more clips failed than allowed."""
    options = parse(RunOptions, "run", arguments)
    from egobench.cli.outcome import print_report
    from egobench.cli.planned import print_plan
    from egobench.data.check_split import check_split
    from egobench.plan.plan import plan
    from egobench.run.run import start_plan

    run_plan = plan(_request(options, arguments))
    _note_captions(run_plan.infos)
    trust = not options.no_trust
    if options.dry_run:
        check_split(run_plan.split, progress(), trust=trust)
        print_plan(run_plan, options.json)
        return 0
    for reason in run_plan.left_out.values():
        note(f"left out: {reason}")
    return print_report(lambda: start_plan(run_plan, progress(), trust=trust), as_json=options.json)


def score(arguments: list[str]) -> int:
    """Checks, scores and prints the table."""
    options = parse(ScoreOptions, "score", arguments)
    from egobench.cli.outcome import print_report
    from egobench.data.open import open_split
    from egobench.run.run import start_run
    from egobench.run.submitted import request_for

    renamed = {"allow_missing": "allow_failed", "body_model": "model_options", "skeleton_map": "model_options"}
    typed = {renamed.get(name, name) for name in typed_names(arguments)} | {"submission"}
    asked = _fields(options, submission=str(options.folder), model_options={}, typed=_known(typed))
    bar = progress()
    request = request_for(
        RunRequest(**asked),
        body_model=options.body_model,
        skeleton_map=options.skeleton_map,
        progress=bar,
        trust=not options.no_trust,
    )
    _note_captions(open_split(options.split).infos())
    return print_report(lambda: start_run(request, bar), as_json=options.json)


def resume(arguments: list[str]) -> int:
    """Resumes a run and prints the table. For a finished run it only prints the table again."""
    options = parse(ResumeOptions, "resume", arguments)
    from egobench.cli.outcome import print_report
    from egobench.run.run import resume_run

    how = {**_who(options), "allow_changed_code": options.allow_changed_code}
    return print_report(lambda: resume_run(options.run, progress(), **how), as_json=options.json)


def rescore(arguments: list[str]) -> int:
    """Rescores and prints the table."""
    options = parse(RescoreOptions, "rescore", arguments)
    from egobench.audit.rescore import rescore_run
    from egobench.cli.outcome import print_report

    how = {**_who(options), "device": options.device}
    return print_report(lambda: rescore_run(options.run, options.metrics, progress(), **how), as_json=options.json)


def _who(options: ResumeOptions | RescoreOptions) -> dict[str, Any]:
    who = {"workers": options.workers, "engine": options.engine, "ray_address": options.ray_address}
    return {**who, "trust": not options.no_trust}


def _request(options: RunOptions, arguments: list[str]) -> RunRequest:
    """The request, with `--set` and its short forms in one mapping."""
    typed = {"model_options" if name in ("set", *SHORT) else name for name in typed_names(arguments)}
    settings = key_values(options.model_options)  # pyright: ignore[reportArgumentType]
    settings |= {name: str(value) for name in SHORT if (value := getattr(options, name)) is not None}
    return RunRequest(**_fields(options, model_options=settings, typed=_known(typed)))


def _fields(options: RunRequest, **changed: Any) -> dict[str, Any]:
    return {each.name: getattr(options, each.name) for each in fields(RunRequest)} | changed


def _known(typed: set[str]) -> tuple[str, ...]:
    """The typed options that are fields of a request, sorted."""
    return tuple(sorted(typed & {each.name for each in fields(RunRequest)} - {"typed"}))


def _note_captions(infos: Sequence[ClipInfo]) -> None:
    from egobench.data.caption_notes import caption_notes

    for line in caption_notes(infos):
        note(line)
