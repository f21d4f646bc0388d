"""Adds metrics to a finished run, computed from its stored samples: all at once or not at all.

The result is the `metrics.json`, byte for byte, of a run that had all these metrics from the beginning. Results whose
protocol did not change keep every byte. A result that comes out differently under the protocol of its record is
refused, since one of the two numbers must be wrong.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from egobench.data.check_split import check_split
from egobench.errors import BadInputError, StorageError
from egobench.files.atomic import read_json, write_bytes, write_json
from egobench.files.plain import plain
from egobench.plan.devices import device_of
from egobench.plan.model_code import codes_of
from egobench.plan.plan import RunPlan, identity_of
from egobench.plan.request import with_engine
from egobench.plan.resolve import absolute_metrics, preset_shown
from egobench.progress import Progress, Quiet
from egobench.run.finished import by_name, metrics_text, plan_of_run
from egobench.run.first_manifest import weights_of
from egobench.run.report import RunReport, finish, report_of
from egobench.run.stages import extract_stage, is_unchanged, score_metrics
from egobench.scoring.aggregate import metrics_document, result_of
from egobench.scoring.column import ScoreColumn, count_items, rows_of
from egobench.scoring.floor_and_chance import versions_of
from egobench.scoring.large import IN_MEMORY
from egobench.scoring.packs import with_packs
from egobench.store.cache import open_cache
from egobench.store.folder import RunFolder, open_run
from egobench.store.journal import event_line
from egobench.store.manifest import SCHEMA, environment, now, read_finished
from egobench.store.seal import refuse_changed, seal_flaws
from egobench.store.staging import replace_files, take_up
from egobench.store.tables import ItemRow, iter_scores, read_items, write_sorted_scores

ROUNDING = 1e-9
"""Share by which the two ways of scoring a large set may differ."""
Key = tuple[str, str]
"""Name and preset of a metric."""


@dataclass(frozen=True)
class Kept:
    """What a run holds of one metric."""

    record: Mapping[str, Any]
    """As in `metrics.json`."""
    rows: ScoreColumn
    protocol: Mapping[str, Any]
    """The readable record."""


def rescore_run(
    path: Path | str,
    metrics: str,
    progress: Progress | None = None,
    *,
    workers: int | None = None,
    engine: str = "",
    ray_address: str = "",
    device: str = "",
    trust: bool = True,
) -> RunReport:
    """Adds metrics to a finished run, or computes its own metrics again.

    Args:
        metrics: names by comma, as for a run.
        workers: processes; None keeps the number of the run.
        engine: who does it, such as `local` or `ray`; empty keeps that of the run.
        ray_address: of the cluster; empty keeps that of the run.
        device: empty keeps that of the run.
        trust: see `check_split`.

    Raises:
        BadInputError: `run-unfinished`; `run-changed`: files were edited since; `rescore-differs`: a number does not
            come out again; or a metric that cannot be computed here.
        NotComparableError: the split has changed.
        RunLockedError: another process works on the run.
        StorageError, KeyboardInterrupt: the run is as it was, or `egobench resume` puts it in order.
        IncompleteRunError: more items failed than the run allows.
    """
    folder, metrics = open_run(path), absolute_metrics(metrics)
    with folder.lock():
        take_up(folder)
        manifest = read_finished(folder)
        run_plan = plan_of_run(manifest, metrics)
        check_split(run_plan.split, progress, trust=trust)
        request = replace(
            with_engine(run_plan.request, workers, engine, ray_address),
            device=device or run_plan.request.device,
        )
        run_plan = replace(run_plan, request=replace(request, metrics=by_name(metrics, run_plan.labelled)))
        _refuse_changed(folder, manifest)
        items = read_items(folder.items)
        try:
            fresh = _score(folder, run_plan, items, progress or Quiet())
            _write(folder, manifest, run_plan, items, fresh)
        except KeyboardInterrupt:
            raise KeyboardInterrupt(f"interrupted; `egobench resume {folder.shown}` puts the run in order") from None
        except StorageError as error:
            raise StorageError(f"{error}; `egobench resume {folder.shown}` puts the run in order") from error
        return finish(report_of(folder, read_finished(folder)), request)


def _refuse_changed(folder: RunFolder, manifest: Mapping[str, Any]) -> None:
    """Refuses a run whose files were edited: a new seal must not cover that."""
    changed = [flaw.line for flaw in seal_flaws(folder, manifest)]
    if not changed:
        ok = [item for item in read_items(folder.items) if item.status == "ok"]
        changed = [f"sample {item.clip}/{item.seed}" for item in ok if not is_unchanged(folder, item)]
    refuse_changed(folder, changed)


def _score(folder: RunFolder, run_plan: RunPlan, items: list[ItemRow], progress: Progress) -> dict[Key, Kept]:
    device = device_of(run_plan.request)
    cache = with_packs(open_cache(), run_plan.split)
    inputs, known = extract_stage(folder, run_plan, items, cache, device, progress)
    columns, results = score_metrics(run_plan, items, inputs, known, progress)
    rows = {column.metric: column for column in columns}
    return {
        (metric.name, preset_shown(metric)): Kept(
            plain(asdict(results[label])), rows[label], run_plan.protocol_of(metric)[1]
        )
        for label, metric in run_plan.labelled.items()
    }


def _old(folder: RunFolder, manifest: Mapping[str, Any]) -> dict[Key, Kept]:
    document, found = read_json(folder.metrics), {}
    for label, record in document["metrics"].items():
        protocol = manifest["protocols"][record["protocol"]]
        key = protocol["metric"]["metric"], str(protocol["metric"].get("preset", ""))
        rows = ScoreColumn.of(label, iter_scores(folder.scores, label), folder.path)
        found[key] = Kept(record, rows, protocol)
    return found


def _write(
    folder: RunFolder,
    manifest: Mapping[str, Any],
    run_plan: RunPlan,
    items: list[ItemRow],
    fresh: Mapping[Key, Kept],
) -> None:
    old = _old(folder, manifest)
    rounded = {key for key in old.keys() & fresh.keys() if _differs_by_rounding(key, old[key], fresh[key])}
    union = {**old, **{key: kept for key, kept in fresh.items() if key not in rounded}}
    labels = _labels(union)
    columns = [kept.rows.named(labels[key]) for key, kept in union.items()]
    protocols = {kept.record["protocol"]: kept.protocol for kept in union.values()}
    request = replace(run_plan.request, metrics=_union_text(manifest, run_plan.request.metrics))
    identity = identity_of(
        *(request, run_plan.settings, run_plan.split.digest, [info.clip_id for info in run_plan.infos], protocols),
        codes_of(manifest["model"]),
    )
    results = {labels[key]: result_of(kept.record) for key, kept in union.items()}
    run = replace(run_plan, request=request, identity=identity).run
    document = metrics_document(run, request.model_name, run_plan.split.name, request.task, results)
    names = sorted(labels[key] for key in fresh)
    event = {"event": "rescored", "metrics": names, "protocols": {n: results[n].protocol for n in names}, "at": now()}
    journal = folder.journal.read_bytes() if folder.journal.is_file() else b""
    here, here_now = environment(), {name for name, _ in union}
    again = {"metrics": names, "at": event["at"], **{key: here[key] for key in ("version", "commit", "packages")}}
    new = {
        **manifest,
        "schema": SCHEMA,
        "identity": identity,
        "request": {**manifest["request"], "metrics": request.metrics},
        "metrics": sorted(labels.values()),
        "protocols": protocols,
        "left_out": {name: why for name, why in manifest.get("left_out", {}).items() if name not in here_now},
        "weights": weights_of(run_plan.settings, protocols),
        "items": count_items(items, columns),
        "yardsticks": {
            **_old_yardsticks(manifest, protocols),
            **versions_of(kept.record["protocol"] for kept in fresh.values()),
        },
        "rescored": [*manifest.get("rescored", ()), again],
    }
    writers = {
        "scores.parquet": lambda path: write_sorted_scores(path, rows_of(columns)),
        "metrics.json": lambda path: write_json(path, document),
        "events.jsonl": lambda path: write_bytes(path, journal + event_line(event)),
    }
    replace_files(folder, writers, new)


def _old_yardsticks(manifest: Mapping[str, Any], protocols: Mapping[str, Any]) -> dict[str, int]:
    return {digest: version for digest, version in manifest.get("yardsticks", {}).items() if digest in protocols}


def _differs_by_rounding(key: Key, old: Kept, fresh: Kept) -> bool:
    """Whether a set metric of a large run comes out again but for rounding: earlier versions summed up all rows at
    once. The old record stays then. Raises BadInputError `rescore-differs` for any other difference."""
    if old.record["protocol"] != fresh.record["protocol"]:
        return False  # another definition, other weights: the new number replaces the old one
    values = [kept.record["value"] for kept in (old, fresh)]
    if (
        _kept(old.record) == _kept(fresh.record)
        and len(old.rows)
        and np.array_equal(old.rows.numbers, fresh.rows.numbers, equal_nan=True)
    ):
        return False
    is_large = fresh.rows.is_set and int(fresh.protocol["items"]) > IN_MEMORY
    if is_large and old.rows.is_set and _are_close(_kept(old.record), _kept(fresh.record), abs(values[0] or 0.0)):
        return True
    raise BadInputError(
        f"{key[0]} does not come out again under the protocol it was recorded with: the run has {values[0]}, its "
        f"samples give {values[1]} with other details; nothing was changed, `egobench verify` finds what differs",
        code="rescore-differs",
    )


def _are_close(ours: Any, theirs: Any, scale: float) -> bool:
    """Whether two records agree to 1e-9, of each number or of the value."""
    if isinstance(ours, Mapping) and isinstance(theirs, Mapping):
        return ours.keys() == theirs.keys() and all(_are_close(ours[key], theirs[key], scale) for key in ours)
    if isinstance(ours, list | tuple) and isinstance(theirs, list | tuple):
        pairs = list(zip(ours, theirs, strict=False))
        return len(ours) == len(theirs) and all(_are_close(one, other, scale) for one, other in pairs)
    if isinstance(ours, float) and isinstance(theirs, float):
        return abs(ours - theirs) <= ROUNDING * max(abs(ours), abs(theirs), scale)
    return bool(ours == theirs)


def _kept(record: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a result that must come out again. Floor and chance belong to the split and are read anew. Coverage
    and reasons are left out, since earlier versions counted them less closely."""
    ours = {name: value for name, value in record.items() if name not in ("floor", "chance", "coverage")}
    anew = ("yardstick", "not_measured", "left_out")
    return {**ours, "detail": {name: value for name, value in record["detail"].items() if name not in anew}}


def _labels(metrics: Mapping[Key, Any]) -> dict[Key, str]:
    """Results are called by the metric's name; NAME:PRESET where one metric stands there with several."""
    names = [name for name, _ in metrics]
    return {(name, preset): name if names.count(name) == 1 else f"{name}:{preset}" for name, preset in metrics}


def _union_text(manifest: Mapping[str, Any], added: str) -> str:
    words = [*metrics_text(manifest).split(","), *added.split(",")]
    return ",".join(dict.fromkeys(word.strip() for word in words if word.strip()))
