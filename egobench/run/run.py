"""One run from start to *done*: manifest → samples → features → scores → results, resumable at any instant.

The journal lists finished items. A resumed run does the rest and ends with the same `metrics.json`, byte for byte.
Failed items never end a run: it counts them at its end.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from egobench.data.check_split import check_split
from egobench.engines.worker import one_line
from egobench.errors import BadInputError, NotComparableError, StorageError, UnknownNameError
from egobench.plan.batching import sizes_of
from egobench.plan.devices import device_of
from egobench.plan.model_code import CHANGED, codes_of
from egobench.plan.plan import RunPlan, identity_of, plan, submission_settings, with_whole_paths
from egobench.plan.request import RunRequest, request_of, with_engine
from egobench.plan.resolve import resolve_split
from egobench.progress import Progress, Quiet
from egobench.run.first_manifest import first_manifest
from egobench.run.report import RunReport, finish, report_of
from egobench.run.same_everywhere import check_places
from egobench.run.stages import extract_stage, generate_stage, score_stage, settled_count
from egobench.run.watch import Watch
from egobench.scoring.floor_and_chance import versions_of
from egobench.scoring.packs import with_packs
from egobench.store.cache import open_cache
from egobench.store.folder import RunFolder, create_run, open_run
from egobench.store.journal import Journal
from egobench.store.manifest import SCHEMA, now, read_manifest, write_manifest
from egobench.store.seal import sealed
from egobench.store.staging import is_pending, take_up


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
    check_places(request)
    folder = create_run(Path(request.out), request.name.replace(":", " ") or request.model, run_plan.split.name)
    with folder.lock():
        write_manifest(folder, first_manifest(folder, run_plan))
        return _work(folder, run_plan, progress or Quiet())


def resume_run(
    path: Path | str,
    progress: Progress | None = None,
    *,
    workers: int | None = None,
    engine: str = "",
    ray_address: str = "",
    trust: bool = True,
    allow_changed_code: bool = False,
) -> RunReport:
    """Continues an interrupted run. A finished run is only read, provided that its submission has not changed.

    Args:
        workers: processes from now on; None keeps the number of the request.
        engine: who does the rest, such as `local` or `ray`; empty keeps that of the request.
        ray_address: of the cluster from now on; empty keeps that of the request.
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
        run_plan = plan(with_engine(request, workers, engine, ray_address))
        model = _model_now(folder, run_plan, manifest, allow_changed_code)
        _refuse_other(replace(run_plan, identity=_identity(run_plan, manifest["model"])), manifest)
        check_split(run_plan.split, progress, trust=trust)
        run_plan = replace(run_plan, identity=_identity(run_plan, model), sizes=sizes_of(manifest))
        write_manifest(folder, {**manifest, "model": model, "identity": run_plan.identity})
        folder.remove_leftovers()
        return _work(folder, run_plan, progress or Quiet())


def _work(folder: RunFolder, run_plan: RunPlan, progress: Progress) -> RunReport:
    manifest = {**read_manifest(folder), "status": "started", "schema": SCHEMA}
    manifest.pop("error", None)
    try:
        with _clock(folder, manifest, "generate") as watch, Journal(folder.journal) as journal:
            device = device_of(run_plan.request)
            items = generate_stage(folder, run_plan, device, journal, progress, watch)
        cache = with_packs(open_cache(), run_plan.split)
        with _clock(folder, manifest, "extract") as watch:
            inputs, yardsticks = extract_stage(folder, run_plan, items, cache, device, progress, watch)
        with _clock(folder, manifest, "score"):
            counts = score_stage(folder, run_plan, items, inputs, yardsticks, progress)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"interrupted; `egobench resume {folder.shown}` goes on") from None
    except StorageError as error:
        raise StorageError(f"{error}; `egobench resume {folder.shown}` goes on") from error
    except Exception as error:
        write_manifest(folder, {**manifest, "status": "failed", "error": one_line(error)})
        if isinstance(error, BadInputError) and error.code == CHANGED:
            raise NotComparableError(str(error)) from error
        raise
    manifest["items"], manifest["yardsticks"] = counts, versions_of(run_plan.protocols)
    manifest |= {"status": "done", "finished": now()}
    write_manifest(folder, sealed(manifest, folder))
    return finish(report_of(folder, manifest), run_plan.request)


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
def _clock(folder: RunFolder, manifest: dict[str, Any], stage: str) -> Iterator[Watch]:
    """Adds a stage's seconds, and those of its work, to the manifest when the stage is done."""
    began, watch = time.monotonic(), Watch()
    yield watch
    facts = {"seconds": time.monotonic() - began, "busy": watch.busy / watch.processes}
    for name, spent in facts.items():
        seconds = manifest.setdefault(name, {})
        seconds[stage] = round(seconds.get(stage, 0.0) + spent, 3)
    if watch.notes:
        manifest["notes"] = list(dict.fromkeys([*manifest.get("notes", []), *watch.notes]))
    write_manifest(folder, manifest)
