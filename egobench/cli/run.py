"""`egobench run`: a model on a split → a run folder and its table."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from tyro.conf import UseAppendAction, arg

from egobench.cli.options import key_values, parse, print_json, typed_names
from egobench.cli.progress import progress
from egobench.cli.quiet import note
from egobench.cli.stdout import print
from egobench.types import Task

if TYPE_CHECKING:
    from egobench.plan.request import RunPlan, RunRequest


@dataclass(frozen=True)
class RunOptions:
    """Samples a model on a split, scores it with metrics, and writes a run that can be resumed and compared."""

    model: str
    """Name of `egobench list models`, or a class of your own: package.module:Class, or folder/file.py:Class."""
    split: str
    """Name of `egobench list splits`, or a folder in the split format."""
    task: Task = "t2vm"
    """What is given besides text, first frame and first pose: nothing, the motion, or the video."""
    metrics: str = "core"
    """core, all, or names with commas between; NAME:PRESET takes another extractor's features, e.g. fvd:i3d.crop, and
    NAME:PRESET@FILE one with weights of your own, e.g. core,m-fid:motion-text@fitted/motion-text.safetensors."""
    seeds: int = 1
    """Samples per clip."""
    limit: int | None = None
    """Only the first clips of the split; for trying out, never for a result."""
    device: str = "auto"
    """auto, cpu, cuda, cuda:0, …"""
    engine: str = "local"
    """local: processes of this machine; inline: this very process, where breakpoints in a model's code work."""
    workers: int = 1
    """Processes."""
    out: Path = Path("runs")
    """Folder in which the run's own folder is made."""
    attempts: int = 1
    """Tries per clip before it counts as failed."""
    allow_failed: int = 0
    """Failed clips that still give exit code 0."""
    keep_going: bool = False
    """Go on where the first clip's sample has the wrong form; without, the run stops there."""
    clip_timeout: float | None = None
    """Seconds that one sample may take before its clip counts as failed; no limit by default."""
    draws: int = 2000
    """Bootstrap draws of the intervals."""
    name: str = ""
    """What tables call this run, e.g. "step 40k"; the model's name by default. It moves no number."""
    options: Annotated[tuple[tuple[str, ...], ...], arg(name="set", metavar="KEY=VALUE ..."), UseAppendAction] = ()
    """Settings of the model: fields of its class, as `egobench describe MODEL` lists them."""
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


def main(arguments: list[str]) -> int:
    """Runs and prints the table; exits 4 if more clips failed than allowed."""
    options = parse(RunOptions, "run", arguments)
    from egobench.cli.outcome import print_report
    from egobench.data.caption_notes import caption_notes
    from egobench.data.check_split import check_split
    from egobench.plan.request import plan
    from egobench.run.run import start_run

    request = _request(options, arguments)
    asked = plan(request)
    for line in caption_notes(asked.infos):
        note(line)
    if options.dry_run:
        check_split(asked.split, progress(), trust=not options.no_trust)
        _print_plan(asked, options.json)
        return 0
    for reason in asked.left_out.values():
        note(f"left out: {reason}")
    return print_report(lambda: start_run(request, progress(), trust=not options.no_trust), as_json=options.json)


def _request(options: RunOptions, arguments: list[str]) -> "RunRequest":
    from egobench.plan.request import RunRequest

    names = {field.name for field in fields(RunRequest)}
    typed = {"model_options" if name in ("set", "steps", "guidance") else name for name in typed_names(arguments)}
    given = {name: value for name, value in vars(options).items() if name in names}
    model_options = key_values(options.options)
    model_options |= {
        name: str(value) for name in ("steps", "guidance") if (value := getattr(options, name)) is not None
    }
    return RunRequest(
        **{**given, "out": str(options.out), "model_options": model_options, "typed": tuple(sorted(typed & names))}
    )


def _print_plan(plan: "RunPlan", as_json: bool) -> None:
    request = plan.request
    facts = {
        "model": plan.target,
        "settings": plan.settings,
        "split": f"{plan.split.name}, digest {plan.split.digest[:12]}",
        "task": request.task,
        "clips": len(plan.infos),
        "seeds": request.seeds,
        "samples": len(plan.items),
        "metrics": list(plan.labelled),
        "left out": plan.left_out,
        "protocols": {label: plan.protocol_of(metric)[0] for label, metric in plan.labelled.items()},
        "device": request.device,
        "engine": f"{request.engine}, {request.workers} workers",
        "out": request.out,
    }
    if as_json:
        print_json(facts)
        return
    width = max(len(key) for key in facts)
    facts["metrics"] = ", ".join(facts["metrics"])
    facts["left out"] = "; ".join(plan.left_out.values()) or "none"
    del facts["protocols"]
    for key, value in facts.items():
        print(f"{key:<{width}}  {value}")
    print("nothing was done; leave out --dry-run to run it")
