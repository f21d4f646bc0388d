"""The three stages of a run. Each can be repeated; it skips what is done."""

from collections.abc import Mapping
from contextlib import closing
from typing import Any

from threadpoolctl import threadpool_limits

from egobench.engines.batches import Batching, unfinished
from egobench.engines.local import Engine, Outcome
from egobench.errors import BadInputError
from egobench.files.atomic import write_json
from egobench.metrics.base import ClipMetric
from egobench.plan.calibration import with_calibration
from egobench.plan.class_code import refuse_changed_makers
from egobench.plan.devices import resolve_devices
from egobench.plan.plan import RunPlan
from egobench.plan.request import RunRequest
from egobench.plan.resolve import Metric, resolve_engine
from egobench.progress import Progress
from egobench.run.check_sample import is_of_form
from egobench.run.extract import ExtractItem, ExtractJob, MissingInputs, makers_of
from egobench.run.generate import GenerateJob, SampleItem
from egobench.run.rounds import Round, job_for, run_beside, split_by_device
from egobench.run.watch import Watch
from egobench.scoring.aggregate import RowGroups, clip_result, metrics_document, set_result, set_row, with_alarm
from egobench.scoring.column import ScoreColumn, count_items, rows_of
from egobench.scoring.floor_and_chance import (
    FloorAndChance,
    floor_and_chance_inputs,
    keep_floor_and_chance,
    load_floor_and_chance,
)
from egobench.scoring.inputs import Inputs, Origin
from egobench.scoring.score import score_items
from egobench.scoring.score_set import score_set
from egobench.scoring.stand_ins import plan_stand_ins
from egobench.scoring.stored_sample import sample_file
from egobench.store.cache import Cache
from egobench.store.folder import MOTION_FILE, VIDEO_FILE, RunFolder
from egobench.store.journal import Journal, iter_events
from egobench.store.tables import ItemRow, write_items, write_sorted_scores
from egobench.types import ClipInfo, Result

PIPELINE = 8
"""Batches that a process on a GPU is given at once."""


def generate_stage(
    folder: RunFolder, run_plan: RunPlan, device: str, journal: Journal, progress: Progress, watch: Watch
) -> list[ItemRow]:
    """Samples what the journal does not hold; returns all items, sorted by clip and seed. A batch in which an item is
    left is sampled whole, and what is there of it stays as it is."""
    request, size = run_plan.request, run_plan.sizes.generate
    infos = {info.clip_id: info for info in run_plan.infos}
    rows = _settled(folder, infos)
    left = unfinished(run_plan.items, size, lambda item: item not in rows)
    left = [SampleItem(clip_id, seed, (clip_id, seed) not in rows) for clip_id, seed in left]
    code, place = str(run_plan.code.get("sha256", "")), (device, folder.place, run_plan.split.digest)
    job = GenerateJob(*run_plan.source, request.split, request.task, *place, code, request.clip_timeout)
    progress.stage("generate", len(run_plan.items))
    progress.advance(len(rows), sum(row.status == "failed" for row in rows.values()))
    engine = engine_of(request)
    watch.processes = engine.workers
    batching = batching_of(size, device)
    with closing(engine.run(job, left, attempts=request.attempts, batching=batching)) as outcomes:
        for outcome in outcomes:
            watch.see(outcome.answer)
            if not outcome.item.is_wanted:
                continue
            row = _item_row(outcome, infos)
            if odd := (outcome.answer.value or {}).get("odd"):
                journal.append({"event": "note", "clip": row.clip, "seed": row.seed, "code": odd})
            is_first = outcome.item[:2] == run_plan.items[0] and not (request.keep_going or request.submission)
            if is_first and row.status == "failed" and is_of_form(row.code):
                text = f"the first clip's sample is wrong: {row.code}: {row.reason}; the others would be too"
                raise BadInputError(f"{text}; mend the model, or go on all the same with --keep-going", code=row.code)
            why = outcome.answer.traceback
            journal.append({"event": "item", **_event(row), **({"traceback": why} if why else {})})
            rows[row.clip, row.seed] = row
            progress.advance(1, row.status == "failed")
    progress.done()
    ordered = [rows[item] for item in run_plan.items]
    write_items(folder.items, ordered)
    return ordered


def extract_stage(
    folder: RunFolder,
    run_plan: RunPlan,
    items: list[ItemRow],
    cache: Cache,
    device: str,
    progress: Progress,
    watch: Watch | None = None,
) -> tuple[Inputs, dict[str, FloorAndChance]]:
    """Fills the cache with the inputs of the metrics, and of floors and chances that it does not hold.

    Returns:
        Access to the inputs; label of a metric → floor and chance that the cache held already.
    """
    refuse_changed_makers((metric, run_plan.protocol_of(metric)[1]) for metric in run_plan.metrics)
    unreadable: dict[tuple[str, int], tuple[str, str]] = {}
    inputs = Inputs(run_plan.split, folder, cache, unreadable)
    stand_ins = plan_stand_ins(inputs, [info.clip_id for info in run_plan.infos], run_plan.request.seeds)
    missing_inputs, known = MissingInputs(inputs, run_plan.sizes.extract), {}
    for label, metric in run_plan.labelled.items():
        _add_inputs(missing_inputs, metric, inputs, items)
        bounds = load_floor_and_chance(metric, inputs, stand_ins, run_plan.protocol_of(metric)[1])
        if bounds:
            known[label] = bounds
        else:
            for clip_id, entry in floor_and_chance_inputs(metric, inputs, stand_ins):
                missing_inputs.add(entry, clip_id)
    missing = missing_inputs.items()
    if not missing:
        return inputs, known
    places = {"folder": folder.place, "cache": cache.place}  # user code may change the folder
    packs = tuple(pack.path for pack in cache.packs)
    job = ExtractJob(
        run_plan.request.split,
        makers_of(missing),
        device,
        **places,
        split_digest=run_plan.split.digest,
        packs=packs,
    )
    rounds, watch = _rounds(run_plan, job, missing), watch or Watch()
    progress.stage("extract", sum(len(each.items) for each in rounds))
    watch.processes = sum(each.engine.workers for each in rounds)
    with closing(run_beside(rounds)) as outcomes:
        for outcome in outcomes:
            watch.see(outcome.answer)
            if outcome.answer.code:
                unreadable[outcome.item.clip_id, outcome.item.seed] = outcome.answer.code, outcome.answer.reason
            progress.advance(1, bool(outcome.answer.code))
    progress.done()
    return inputs, known


def _rounds(run_plan: RunPlan, job: ExtractJob, missing: list[ExtractItem]) -> list[Round]:
    """One round for all; on GPUs a second one beside it, for estimators that compute on the CPU."""
    request, size = run_plan.request, run_plan.sizes.extract
    batching = batching_of(size, job.device)
    if job.device == "cpu":
        return [Round(engine_of(request), job, missing, batching)]
    on_device, on_cpu = split_by_device(missing)
    rounds = []
    if any(item.inputs for item in on_device):
        rounds.append(Round(engine_of(request), job_for(job, on_device, job.device), on_device, batching))
    if on_cpu:
        beside = resolve_engine(request.engine, request.workers, ray_address=request.ray_address)
        rounds.append(Round(beside, job_for(job, on_cpu, "cpu"), on_cpu, Batching(size)))
    return rounds


def engine_of(request: RunRequest) -> Engine:
    """The engine that a request asks for."""
    devices = resolve_devices(request.devices, request.device)
    return resolve_engine(request.engine, request.workers, devices, ray_address=request.ray_address)


def batching_of(size: int, device: str) -> Batching:
    """Batches of a size; on a GPU with reading ahead and writing behind."""
    return Batching(size) if device == "cpu" else Batching(size, PIPELINE)


def score_stage(
    folder: RunFolder,
    run_plan: RunPlan,
    items: list[ItemRow],
    inputs: Inputs,
    known: Mapping[str, FloorAndChance],
    progress: Progress,
) -> dict[str, int]:
    """Writes `scores.parquet` and `metrics.json`; returns the `count_items`."""
    columns, results = score_metrics(run_plan, items, inputs, known, progress)
    write_sorted_scores(folder.scores, rows_of(columns))
    request = run_plan.request
    document = metrics_document(run_plan.run, request.model_name, run_plan.split.name, request.task, results)
    write_json(folder.metrics, document)
    return count_items(items, columns)


def score_metrics(
    run_plan: RunPlan, items: list[ItemRow], inputs: Inputs, known: Mapping[str, FloorAndChance], progress: Progress
) -> tuple[list[ScoreColumn], dict[str, Result]]:
    """Rows and results of the metrics of the plan, by their labels. Writes floors and chances to the cache, no more."""
    draws, folder = run_plan.request.draws, inputs.folder.path
    stand_ins = plan_stand_ins(inputs, [info.clip_id for info in run_plan.infos], run_plan.request.seeds)
    groups = RowGroups.of([inputs.infos[item.clip] for item in items])
    by_clip = {label: metric for label, metric in run_plan.labelled.items() if isinstance(metric, ClipMetric)}
    results: dict[str, Result] = {}
    progress.stage("score", len(run_plan.metrics) + 1)
    with threadpool_limits(1):
        columns = score_items(by_clip, inputs, items, folder)
        progress.advance()
        for label, metric in run_plan.labelled.items():
            digest, record = run_plan.protocol_of(metric)
            bounds = known.get(label) or keep_floor_and_chance(metric, inputs, stand_ins, record)
            if isinstance(metric, ClipMetric):
                results[label] = clip_result(metric, columns[label], groups, bounds, digest, draws)
            else:
                outcome = score_set(metric, inputs, items, draws=draws)
                columns[label] = ScoreColumn.of(label, [set_row(label, outcome)], folder)
                results[label] = set_result(metric, outcome, len(items), bounds, digest)
            results[label] = with_calibration(metric, with_alarm(metric, results[label]), run_plan.split)
            progress.advance()
    progress.done()
    return list(columns.values()), results


def _add_inputs(missing_inputs: MissingInputs, metric: Metric, inputs: Inputs, items: list[ItemRow]) -> None:
    for item in items:
        if item.status == "ok":
            for need in metric.needs().values():
                entry = inputs.cached_input(need, item.clip, Origin(item))
                is_own = need.source == "sample"
                missing_inputs.add(entry, item.clip, item if is_own else None)


def settled_count(folder: RunFolder, run_plan: RunPlan) -> int:
    """Number of the plan's items that the journal lists as finished."""
    return len(_settled(folder, {info.clip_id: info for info in run_plan.infos}))


def _settled(folder: RunFolder, infos: Mapping[str, ClipInfo]) -> dict[tuple[str, int], ItemRow]:
    """Items of the journal whose samples still lie there unchanged, and failed ones; the last event of each counts."""
    found = {}
    for event in iter_events(folder.journal):
        if event.get("event") != "item" or event["clip"] not in infos:
            continue
        row = _row_of(event, infos)
        found[row.clip, row.seed] = row
    return {place: row for place, row in found.items() if row.status == "failed" or is_unchanged(folder, row)}


def is_unchanged(folder: RunFolder, row: ItemRow) -> bool:
    """Whether a sample's files lie there as they were written."""
    try:
        for name, digest in ((VIDEO_FILE, row.video), (MOTION_FILE, row.motion)):
            if digest:
                sample_file(folder, (row.clip, row.seed), name, digest)
    except BadInputError:
        return False
    return True


def _item_row(outcome: Outcome, infos: Mapping[str, ClipInfo]) -> ItemRow:
    (clip_id, seed, _), answer = outcome.item, outcome.answer
    told = {"video": "", "motion": "", **(answer.value or {})}  # digests, and a good sample's warnings
    told.pop("odd", None)
    event = {
        **{"clip": clip_id, "seed": seed, "status": "failed" if answer.code else "ok"},
        **{"code": answer.code, "reason": answer.reason, "attempts": answer.attempts},
        **{"seconds": round(answer.seconds, 4), **told},
    }
    return _row_of(event, infos)


def _row_of(event: Mapping[str, Any], infos: Mapping[str, ClipInfo]) -> ItemRow:
    info = infos[event["clip"]]
    own = {name: value for name, value in event.items() if name != "event"}
    return ItemRow(
        **own,
        clip_digest=info.digest,
        sequence=info.sequence,
        participant=info.participant,
        stratum=info.stratum,
    )


def _event(row: ItemRow) -> dict[str, Any]:
    names = ("clip", "seed", "status", "code", "reason", "attempts", "seconds", "video", "motion")
    return {name: getattr(row, name) for name in names}
