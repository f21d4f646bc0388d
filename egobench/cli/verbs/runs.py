"""`egobench runs list | show | prune | export`: many runs in one folder."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from tyro.conf import Positional

from egobench.cli.options import parse, print_json, print_rows
from egobench.cli.quiet import note
from egobench.cli.stdout import print
from egobench.errors import BadInputError

if TYPE_CHECKING:
    from egobench.store.listing import RunFacts

Status = Literal["done", "started", "failed", "running", "unreadable"]


@dataclass(frozen=True)
class ListOptions:
    """Runs in a folder, oldest first. Reads manifests only."""

    folder: Positional[Path] = Path("runs")
    """Folder of run folders."""
    model: str = ""
    """Only runs of this model, or of this name."""
    split: str = ""
    """Only runs on this split."""
    status: Status | None = None
    """Only runs of this status; `running` is one that a process writes to now."""
    since: str = ""
    """Only runs started on or after this date, or time, UTC: 2026-11-25, 2026-11-25T14:00."""
    until: str = ""
    """Only runs started before this date has ended, or before this time."""
    json: bool = False
    """Machine-readable output."""


@dataclass(frozen=True)
class ShowOptions:
    """What one run is: model, settings, split, code, machine, time, failures, results."""

    run: Positional[Path]
    """Run folder."""
    tracebacks: bool = False
    """Also the traceback of each clip on which the model raised."""
    json: bool = False
    """Machine-readable output."""


@dataclass(frozen=True)
class PruneOptions:
    """Deletes runs that were interrupted or failed. Says what it would delete; --yes does it. A run that a process
    writes to is never deleted; one that is done or cannot be read, only with --status."""

    folder: Positional[Path] = Path("runs")
    """Folder of run folders."""
    model: str = ""
    """Only runs of this model."""
    split: str = ""
    """Only runs on this split."""
    status: Literal["done", "started", "failed", "unreadable"] | None = None
    """Only runs of this status."""
    since: str = ""
    """Only runs started on or after this date, or time, UTC."""
    until: str = ""
    """Only runs started before this date has ended, or before this time."""
    yes: bool = False
    """Delete them."""
    json: bool = False
    """Machine-readable output."""


@dataclass(frozen=True)
class ExportOptions:
    """Packs a finished run into one archive, of the same bytes wherever it is packed. Unpacked, `egobench verify` takes
    it. It holds no links, no lock and no report."""

    run: Positional[Path]
    """Run folder."""
    out: Path | None = None
    """Archive, ending in .zip or .tar; by default the run's name and .zip, here."""
    json: bool = False
    """Machine-readable output."""


def list_them(arguments: list[str]) -> int:
    """Prints a row for each run."""
    options = parse(ListOptions, "runs list", arguments)
    from egobench.store.listing import labels_of

    runs = _found(options)
    if options.json:
        print_json([_record(run) for run in runs])
        return 0
    if not runs:
        note(f"no such runs in {options.folder}")
        return 0
    head = ("run", "status", "name or model", "split", "task", "items", "failed", "metrics", "started")
    print_rows(head, map(_row, runs, labels_of(runs)))
    for run in runs:
        if run.status == "unreadable":
            note(f"{run.path.name}: {run.reason}")
    return 0


def show(arguments: list[str]) -> int:
    """Prints one run."""
    options = parse(ShowOptions, "runs show", arguments)
    from egobench.files.atomic import read_json
    from egobench.plan.model_code import changed_text
    from egobench.store.folder import open_run
    from egobench.store.journal import read_events
    from egobench.store.listing import folder_bytes, read_facts
    from egobench.store.manifest import read_manifest
    from egobench.tables.numbers import value_text

    folder = open_run(options.run)
    manifest, facts = read_manifest(folder), read_facts(folder.path)
    results = read_json(folder.metrics)["metrics"] if folder.metrics.is_file() else {}
    settings = ", ".join(f"{key}={value}" for key, value in manifest["model"]["settings"].items())
    shown: dict[str, Any] = {
        **{"run": facts.path.name, "status": facts.status, "why": facts.reason},
        **{"name": facts.name, "model": facts.model, "settings": settings, "split": facts.split, "task": facts.task},
        **{"seeds": facts.seeds, "items": f"{facts.planned}, {facts.failed} failed"},
        **{"started": facts.started, "finished": manifest.get("finished", "")},
        "seconds": ", ".join(f"{stage} {took:g}" for stage, took in manifest.get("seconds", {}).items()),
        "code": f"egobench {manifest.get('version', '?')} {manifest.get('commit', '')}".rstrip(),
        "changed code": changed_text(manifest["model"]),
        "machine": ", ".join(str(part) for part in manifest.get("machine", {}).values()),
        "rescored": "; ".join(f"{each['at']} {', '.join(each['metrics'])}" for each in manifest.get("rescored", ())),
        "size": f"{folder_bytes(folder.path) / 2**20:.1f} MiB",
        "left out": "; ".join(manifest.get("left_out", {}).values()),
    }
    if options.json:
        print_json({**_record(facts), "manifest": manifest, "metrics": results, "bytes": folder_bytes(folder.path)})
        return 0
    width = max(len(key) for key in shown)
    for key, value in shown.items():
        if value != "":
            print(f"{key:<{width}}  {value}")
    for name, result in results.items():
        print(f"  {name:<{width}}  {value_text(result['value'], result['ci95'])} {result['unit']}")
    if options.tracebacks:
        for event in read_events(folder.journal):
            if event.get("traceback"):
                print(f"\n{event['clip']}, seed {event['seed']}: {event['code']}\n{event['traceback']}".rstrip())
    return 0


def prune(arguments: list[str]) -> int:
    """Lists the runs that would be deleted, or deletes them."""
    options = parse(PruneOptions, "runs prune", arguments)
    from egobench.store.listing import delete_run, folder_bytes, remove_trash

    runs = [run for run in _found(options) if run.status != "running" and not run.path.is_symlink()]
    runs = [run for run in runs if options.status or run.status in ("started", "failed")]
    sizes = {run.path: folder_bytes(run.path) for run in runs}
    if options.yes:
        for run in runs:
            delete_run(run)
        remove_trash(options.folder)
    if options.json:
        rows = [{**_record(run), "bytes": sizes[run.path]} for run in runs]
        print_json({"deleted": options.yes, "runs": rows})
        return 0
    did = "deleted" if options.yes else "would delete"
    for run in runs:
        print(f"{did}  {run.path}  {run.status}, {sizes[run.path] / 2**20:.1f} MiB")
    if not runs:
        note(f"nothing to delete in {options.folder}")
    elif not options.yes:
        note(f"nothing was deleted; add --yes to delete these {len(runs)} runs")
    return 0


def export(arguments: list[str]) -> int:
    """Packs a run."""
    options = parse(ExportOptions, "runs export", arguments)
    from egobench.files.digest import digest_file
    from egobench.store.folder import open_run
    from egobench.store.listing import export_run

    run = open_run(options.run)
    run.pull_samples()
    archive = options.out or Path(f"{run.run_id}.zip")
    count = export_run(run.path, archive)
    if options.json:
        print_json({"archive": archive, "sha256": digest_file(archive), "files": count})
    else:
        print(archive)
    return 0


def _found(options: ListOptions | PruneOptions) -> "list[RunFacts]":
    from egobench.store.listing import Filter, list_runs

    if options.folder.is_dir() and (options.folder / "manifest.json").is_file():
        text = f"{options.folder} is a run; the folder it lies in is needed: {options.folder.resolve().parent}"
        raise BadInputError(text, code="runs-folder")
    only = Filter(options.model, options.split, options.status or "", options.since, options.until)
    return list_runs(options.folder, only)


def _record(run: "RunFacts") -> dict[str, Any]:
    return {**asdict(run), "path": str(run.path), "run": run.path.name}


def _row(run: "RunFacts", label: str) -> tuple[str, ...]:
    items = (str(run.planned), str(run.failed), str(len(run.metrics))) if run.model else ("", "", "")
    return (run.path.name, run.status, label, run.split, run.task, *items, run.started)


ACTIONS = {
    "runs": {
        "list": (list_them, "a row for each run: status, model, split, failures"),
        "show": (show, "what one run is"),
        "prune": (prune, "delete interrupted and failed runs"),
        "export": (export, "one archive of a finished run"),
    }
}
"""Verb → action → (function, one line of help)."""
