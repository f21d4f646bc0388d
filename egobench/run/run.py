"""One run from start to *done*: manifest → samples → features → scores → results, resumable at any instant.

The journal lists finished items. A resumed run does the rest and ends with the same `metrics.json`, byte for byte.
Failed items never end a run: it counts them at its end.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from egobench.data.check_split import check_split
from egobench.engines.worker import one_line
from egobench.errors import BadInputError, IncompleteRunError, NotComparableError, StorageError, UnknownNameError
from egobench.files.atomic import make_folder, read_json
from egobench.plan.devices import resolve_device
from egobench.plan.model_code import CHANGED, codes_of
from egobench.plan.plan import RunPlan, identity_of, plan, submission_settings, with_whole_paths
from egobench.plan.request import RunRequest, request_of, request_record
from egobench.plan.resolve import resolve_split
from egobench.progress import Progress, Quiet
from egobench.run.aggregate import result_of
from egobench.run.floor_and_chance import versions_of
from egobench.run.measured import failed_sets
from egobench.run.stages import extract_stage, generate_stage, score_stage, settled_count
from egobench.store.cache import Cache, cache_home
from egobench.store.folder import RunFolder, create_run, open_run
from egobench.store.journal import Journal
from egobench.store.manifest import SCHEMA, environment, now, read_finished, read_manifest, write_manifest
from egobench.store.seal import sealed
from egobench.store.staging import is_pending, take_up
from egobench.store.tables import read_items, read_scores
from egobench.types import Result


@dataclass(frozen=True)
class RunReport:
    """A finished run."""

    path: Path
    results: dict[str, Result]
    """Metric → result."""
    planned: int
    """Clip × seed items."""
    failed: int
    """Items without a sample, or with a metric that failed on it."""
    unmeasured: int = 0
    """Further items on which a metric saw nothing: a path metric gave them the cost of a camera that never moves, a set
    metric left them out or failed as a whole."""
    failed_metrics: Mapping[str, str] = field(default_factory=dict)
    """Set metrics that failed as a whole, and why."""


def start_run(request: RunRequest, progress: Progress | None = None, *, trust: bool = True) -> RunReport:
    """Makes a run folder and works until the run is done.

    Args:
        trust: reads clips of the split whose files look untouched since they were last read only where they are needed.

    Raises:
        UnknownNameError, BadInputError: the request cannot be met (before anything is written), or the model
            cannot be loaded.
        IncompleteRunError: more items failed than allowed; the run is complete and readable.
        StorageError: the disk refused; resume goes on.
        KeyboardInterrupt: as it came, with the folder to resume in its text.
    """
    return start_plan(plan(request), progress, trust=trust)


def start_plan(run_plan: RunPlan, progress: Progress | None = None, *, trust: bool = True) -> RunReport:
    """As `start_run`, of a request that is planned already."""
    run_plan = with_whole_paths(run_plan)
    request = run_plan.request
    check_split(run_plan.split, progress, trust=trust)
    make_folder(cache_home())  # a place that cannot be used is told before anything is sampled
    folder = create_run(Path(request.out), request.name.replace(":", " ") or request.model, run_plan.split.name)
    with folder.lock():
        write_manifest(folder, _first_manifest(folder, run_plan))
        return _work(folder, run_plan, progress or Quiet())


def resume_run(
    path: Path | str,
    progress: Progress | None = None,
    *,
    workers: int | None = None,
    trust: bool = True,
    allow_changed_code: bool = False,
) -> RunReport:
    """Continues an interrupted run. A finished run is only read, provided that its submission has not changed.

    Args:
        workers: processes from now on; None keeps the number of the request.
        trust: as `start_run`.
        allow_changed_code: go on where the model's code has changed; the manifest then has both versions and how many
            items are of the earlier one.

    Raises:
        BadInputError: not a run folder, or damaged.
        NotComparableError: the model's code, the split, the weights or the submission have changed since the run began.
        RunLockedError: another process works on it.
        Others as `start_run`.
    """
    folder = open_run(path)
    manifest = read_manifest(folder)
    if manifest["status"] == "done" and not is_pending(folder):  # also where nothing may be written
        return _read_again(folder, manifest)
    with folder.lock():
        take_up(folder)
        manifest = read_manifest(folder)
        request = request_of(manifest["request"])
        if manifest["status"] == "done":
            return _read_again(folder, manifest)
        run_plan = plan(request if workers is None else replace(request, workers=workers))
        model = _model_now(folder, run_plan, manifest, allow_changed_code)
        _refuse_other(replace(run_plan, identity=_identity(run_plan, manifest["model"])), manifest)
        check_split(run_plan.split, progress, trust=trust)
        run_plan = replace(run_plan, identity=_identity(run_plan, model))
        write_manifest(folder, {**manifest, "model": model, "identity": run_plan.identity})
        folder.remove_leftovers()
        return _work(folder, run_plan, progress or Quiet())


def load_run(path: Path | str) -> RunReport:
    """Reads a finished run. Raises BadInputError if it is none, damaged, or of a newer schema."""
    folder = open_run(path)
    return report_of(folder, read_finished(folder, path))


def _work(folder: RunFolder, run_plan: RunPlan, progress: Progress) -> RunReport:
    manifest = {**read_manifest(folder), "status": "started", "schema": SCHEMA}
    manifest.pop("error", None)
    try:
        with _clock(folder, manifest, "generate"), Journal(folder.journal) as journal:
            device = resolve_device(run_plan.request.device)
            items = generate_stage(folder, run_plan, device, journal, progress)
        cache = Cache(make_folder(cache_home()))
        with _clock(folder, manifest, "extract"):
            inputs, yardsticks = extract_stage(folder, run_plan, items, cache, device, progress)
        with _clock(folder, manifest, "score"):
            counts = score_stage(folder, run_plan, items, inputs, yardsticks, progress)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"interrupted; `egobench resume {folder.path}` goes on") from None
    except StorageError as error:
        raise StorageError(f"{error}; `egobench resume {folder.path}` goes on") from error
    except Exception as error:
        write_manifest(folder, {**manifest, "status": "failed", "error": one_line(error)})
        if isinstance(error, BadInputError) and error.code == CHANGED:
            raise NotComparableError(str(error)) from error
        raise
    manifest["items"], manifest["yardsticks"] = counts, versions_of(run_plan.protocols)
    manifest |= {"status": "done", "finished": now()}
    write_manifest(folder, sealed(manifest, folder))
    return finish(report_of(folder, manifest), run_plan.request)


def finish(report: RunReport, request: RunRequest) -> RunReport:
    """The report itself. Raises IncompleteRunError where more items failed or were not measured than the request
    allows."""
    if report.failed + report.unmeasured > request.allow_failed:
        found = [f"{report.failed} of {report.planned} items failed"] if report.failed else []
        if report.unmeasured:
            lost = [f"{name} failed as a whole: {reason}" for name, reason in report.failed_metrics.items()]
            why = "; ".join(lost) or "nothing was seen in them"
            found.append(f"{report.unmeasured} of {report.planned} were not measured ({why})")
        raise IncompleteRunError(
            f"{' and '.join(found)}, {request.allow_failed} are allowed; "
            f"the run is complete and readable: {report.path}",
            path=str(report.path),
        )
    return report


def report_of(folder: RunFolder, manifest: dict[str, Any]) -> RunReport:
    """What a finished run came to."""
    document = read_json(folder.metrics)
    results = {name: result_of(record) for name, record in document["metrics"].items()}
    counts = manifest["items"]
    lost = failed_sets(read_items(folder.items), read_scores(folder.scores))
    return RunReport(folder.path, results, counts["planned"], counts["failed"], counts.get("unmeasured", 0), lost)


def _first_manifest(folder: RunFolder, run_plan: RunPlan) -> dict[str, Any]:
    request = request_record(run_plan.request)
    options = {name: value for name, value in request.items() if name != "typed"}
    split = run_plan.split
    return {
        "schema": SCHEMA,
        "run": folder.run_id,
        "identity": run_plan.identity,
        "status": "started",
        "started": now(),
        "request": request,
        "typed": {name: value for name, value in options.items() if name in run_plan.request.typed},
        "defaulted": {name: value for name, value in options.items() if name not in run_plan.request.typed},
        "model": {
            **{"name": run_plan.request.model_name, "target": run_plan.target, "settings": run_plan.settings},
            **({"code": run_plan.code} if run_plan.code else {}),
        },
        **({"submission": run_plan.settings} if run_plan.request.submission else {}),
        "split": {"name": split.name, "digest": split.digest, "facts": dict(split.facts)},
        "task": run_plan.request.task,
        "seeds": list(range(run_plan.request.seeds)),
        "items": {"planned": len(run_plan.items), "failed": 0},
        "metrics": list(run_plan.labelled),
        "left_out": run_plan.left_out,
        "protocols": run_plan.protocols,
        "weights": weights_of(run_plan.settings, run_plan.protocols),
        "seconds": {},
        **environment(),
    }


def weights_of(settings: Mapping[str, Any], protocols: Mapping[str, Any]) -> dict[str, str]:
    """SHA-256 of every weight file, of the model's settings and of the extractors."""
    found = {f"model.{k}": v["sha256"] for k, v in settings.items() if isinstance(v, dict) and "sha256" in v}
    for record in protocols.values():
        for name, extractor in record["extractors"].items():
            if "weights_sha256" in extractor:
                found[name] = extractor["weights_sha256"]
    return found


def _model_now(
    folder: RunFolder, run_plan: RunPlan, manifest: Mapping[str, Any], allow_changed: bool
) -> dict[str, Any]:
    """The manifest's `model` from now on. It holds the new code where a change is allowed or no sample depends on it.

    Raises:
        NotComparableError: the model's code has changed, and that is not allowed.
    """
    model, code = dict(manifest["model"]), run_plan.code
    before = model.get("code")
    if before is None or before["sha256"] == code["sha256"]:
        return model
    done = settled_count(folder, run_plan)
    if done == len(run_plan.items):  # the model is not asked again
        return model
    if done and not allow_changed:
        raise NotComparableError(
            f"{manifest['run']} cannot be resumed: the code of {model['name']} changed since it was started, and "
            f"{done} of {len(run_plan.items)} items are made; start a new run, change it back, or take a run of two "
            "versions with --allow-changed-code"
        )
    earlier = list(model.get("earlier_code", ()))
    items = done - sum(each["items"] for each in earlier)
    if items > 0:
        earlier.append({"sha256": before["sha256"], "version": before["version"], "until": now(), "items": items})
    return {**model, "code": code, **({"earlier_code": earlier} if earlier else {})}


def _identity(run_plan: RunPlan, model: Mapping[str, Any]) -> str:
    clip_ids = [info.clip_id for info in run_plan.infos]
    return identity_of(
        run_plan.request, run_plan.settings, run_plan.split.digest, clip_ids, run_plan.protocols, codes_of(model)
    )


def _read_again(folder: RunFolder, manifest: dict[str, Any]) -> RunReport:
    """A finished run, as it was finished.

    Raises:
        NotComparableError: it scores a submission whose samples have changed since.
    """
    request = request_of(manifest["request"])
    if request.submission and Path(request.submission).is_dir():
        try:
            split = resolve_split(request.split)
        except (UnknownNameError, BadInputError):
            return finish(report_of(folder, manifest), request)  # not here; the run needs it no more
        try:
            changed = _changed_settings(submission_settings(request, split), manifest["model"]["settings"])
        except BadInputError as error:
            changed = str(error)
        if changed:
            raise NotComparableError(
                f"{manifest['run']} is finished, and its submission has changed since ({changed}): its numbers are of "
                f"what {request.submission} was; `egobench score` makes a run of what it is now"
            )
    return finish(report_of(folder, manifest), request)


def _changed_settings(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> str:
    return ", ".join(sorted(key for key in ours.keys() | theirs.keys() if ours.get(key) != theirs.get(key)))


def _refuse_other(run_plan: RunPlan, manifest: dict[str, Any]) -> None:
    if run_plan.identity == manifest["identity"]:
        return
    differing = [
        name
        for name, ours, theirs in (
            ("model settings", run_plan.settings, manifest["model"]["settings"]),
            ("split digest", run_plan.split.digest, manifest["split"]["digest"]),
            ("protocols", sorted(run_plan.protocols), sorted(manifest["protocols"])),
        )
        if ours != theirs
    ]
    raise NotComparableError(
        f"{manifest['run']} cannot be resumed: {', '.join(differing) or 'the request'} changed since it was started; "
        "start a new run"
    )


@contextmanager
def _clock(folder: RunFolder, manifest: dict[str, Any], stage: str) -> Iterator[None]:
    """Adds a stage's seconds to the manifest when the stage is done."""
    began = time.monotonic()
    yield
    seconds = manifest.setdefault("seconds", {})
    seconds[stage] = round(seconds.get(stage, 0.0) + time.monotonic() - began, 3)
    write_manifest(folder, manifest)
