"""The three stages of a run, each of which can be repeated: what is done already is not done again."""

from collections.abc import Mapping
from contextlib import closing
from typing import Any

from threadpoolctl import threadpool_limits

from egobench.engines.local import Outcome
from egobench.errors import BadInputError
from egobench.files.atomic import write_json
from egobench.metrics.base import ClipMetric, SetMetric
from egobench.plan.calibration import with_calibration
from egobench.plan.class_code import refuse_changed_makers
from egobench.plan.protocol import is_set_metric
from egobench.plan.request import RunPlan
from egobench.plan.resolve import Metric, resolve_engine
from egobench.progress import Progress
from egobench.run.aggregate import clip_result, metrics_document, set_result, set_row, with_alarm
from egobench.run.extract import ExtractJob, WantList, makers_of
from egobench.run.floor_and_chance import (
    Yardstick,
    compute_yardstick,
    load_yardstick,
    plan_yardsticks,
    yardstick_wants,
)
from egobench.run.generate import MOTION_FILE, VIDEO_FILE, GenerateJob, is_of_form
from egobench.run.inputs import Inputs, Origin, unchanged
from egobench.run.measured import unmeasured_items
from egobench.run.score import score_items, score_set
from egobench.store.cache import Cache
from egobench.store.folder import RunFolder
from egobench.store.journal import Journal, read_events
from egobench.store.tables import ItemRow, ScoreRow, write_items, write_scores
from egobench.types import ClipInfo, Result


def generate_stage(
    folder: RunFolder, asked: RunPlan, device: str, journal: Journal, progress: Progress
) -> list[ItemRow]:
    """Samples what the journal does not hold; returns all items, sorted by clip and seed."""
    request = asked.request
    infos = {info.clip_id: info for info in asked.infos}
    rows = _settled(folder, infos)
    left = [item for item in asked.items if item not in rows]
    code, place = str(asked.code.get("sha256", "")), (device, folder.path.absolute(), asked.split.digest)
    job = GenerateJob(*asked.source, request.split, request.task, *place, code, request.clip_timeout)
    progress.stage("generate", len(asked.items))
    progress.advance(len(rows), sum(row.status == "failed" for row in rows.values()))
    engine = resolve_engine(request.engine, request.workers)
    with closing(engine.run(job, left, attempts=request.attempts)) as outcomes:
        for outcome in outcomes:
            row = _item_row(outcome, infos)
            if odd := (outcome.answer.value or {}).get("odd"):
                journal.append({"event": "note", "clip": row.clip, "seed": row.seed, "code": odd})
            is_first = outcome.item == asked.items[0] and not (request.keep_going or request.submission)
            if is_first and row.status == "failed" and is_of_form(row.code):
                text = f"the first clip's sample is wrong: {row.code}: {row.reason}; the others would be too"
                raise BadInputError(f"{text}; mend the model, or go on all the same with --keep-going", code=row.code)
            why = outcome.answer.traceback
            journal.append({"event": "item", **_event(row), **({"traceback": why} if why else {})})
            rows[row.clip, row.seed] = row
            progress.advance(1, row.status == "failed")
    progress.done()
    ordered = [rows[item] for item in asked.items]
    write_items(folder.items, ordered)
    return ordered


def extract_stage(
    folder: RunFolder, asked: RunPlan, items: list[ItemRow], cache: Cache, device: str, progress: Progress
) -> tuple[Inputs, dict[str, Yardstick]]:
    """Fills the cache with what the metrics and the missing yardsticks read; returns access to it, and the yardsticks
    that were there."""
    refuse_changed_makers((metric, asked.protocol_of(metric)[1]) for metric in asked.metrics)
    unreadable: dict[tuple[str, int], tuple[str, str]] = {}
    inputs = Inputs(asked.split, folder, cache, unreadable)
    strangers = plan_yardsticks(inputs, [info.clip_id for info in asked.infos], asked.request.seeds)
    wants, known = WantList(inputs), {}
    for label, metric in asked.labelled.items():
        _add_wants(wants, metric, inputs, items)
        yardstick = load_yardstick(cache, asked.protocol_of(metric)[1])
        if yardstick:
            known[label] = yardstick
        else:
            for clip_id, want in yardstick_wants(metric, inputs, strangers):
                wants.add(want, clip_id)
    missing = wants.items()
    if not missing:
        return inputs, known
    places = {"folder": folder.path.absolute(), "cache": cache.root.absolute()}  # user code may change the folder
    job = ExtractJob(asked.request.split, makers_of(missing), device, **places, split_digest=asked.split.digest)
    progress.stage("extract", len(missing))
    engine = resolve_engine(asked.request.engine, asked.request.workers)
    with closing(engine.run(job, missing)) as outcomes:
        for outcome in outcomes:
            if outcome.answer.code:
                unreadable[outcome.item.clip_id, outcome.item.seed] = outcome.answer.code, outcome.answer.reason
            progress.advance(1, bool(outcome.answer.code))
    progress.done()
    return inputs, known


def score_stage(
    folder: RunFolder,
    asked: RunPlan,
    items: list[ItemRow],
    inputs: Inputs,
    known: Mapping[str, Yardstick],
    progress: Progress,
) -> dict[str, int]:
    """Writes `scores.parquet` and `metrics.json`; returns the `count_items`."""
    rows, results = score_metrics(asked, items, inputs, known, progress)
    write_scores(folder.scores, rows)
    request = asked.request
    document = metrics_document(asked.run, request.model_name, asked.split.name, request.task, results)
    write_json(folder.metrics, document)
    return count_items(items, rows)


def score_metrics(
    asked: RunPlan, items: list[ItemRow], inputs: Inputs, known: Mapping[str, Yardstick], progress: Progress
) -> tuple[list[ScoreRow], dict[str, Result]]:
    """Rows and results of the metrics asked for, by their labels; writes nothing but yardsticks to the cache."""
    draws = asked.request.draws
    strangers = plan_yardsticks(inputs, [info.clip_id for info in asked.infos], asked.request.seeds)
    by_clip: dict[str, ClipMetric] = {
        label: metric  # pyright: ignore[reportAssignmentType]
        for label, metric in asked.labelled.items()
        if not is_set_metric(metric)
    }
    rows: list[ScoreRow] = []
    results: dict[str, Result] = {}
    progress.stage("score", len(asked.metrics) + 1)
    with threadpool_limits(1):
        clip_rows, details = score_items(by_clip, inputs, items)
        progress.advance()
        for label, metric in asked.labelled.items():
            digest, record = asked.protocol_of(metric)
            yardstick = known.get(label) or compute_yardstick(metric, inputs, strangers, record)
            if label in clip_rows:
                rows += clip_rows[label]
                results[label] = clip_result(metric, clip_rows[label], inputs, yardstick, digest, draws, details[label])
            else:
                set_metric: SetMetric = metric  # pyright: ignore[reportAssignmentType]
                outcome = score_set(set_metric, inputs, items, draws=draws)
                rows.append(set_row(label, outcome))
                results[label] = set_result(metric, outcome, len(items), yardstick, digest)
            results[label] = with_calibration(metric, with_alarm(metric, results[label]), asked.split)
            progress.advance()
    progress.done()
    return rows, results


def count_items(items: list[ItemRow], rows: list[ScoreRow]) -> dict[str, int]:
    """`planned`; `failed`: items without a sample, or with a metric that failed on it; and, where there are any,
    `unmeasured`: others on which some metric saw nothing."""
    bad = {(row.clip, row.seed) for row in rows if row.status == "failed" and row.clip}
    failed = bad | {(item.clip, item.seed) for item in items if item.status == "failed"}
    unmeasured = len(unmeasured_items(items, rows) - failed)
    counts = {"planned": len(items), "failed": len(failed)}
    return {**counts, **({"unmeasured": unmeasured} if unmeasured else {})}


def _add_wants(wants: WantList, metric: Metric, inputs: Inputs, items: list[ItemRow]) -> None:
    for item in items:
        if item.status == "ok":
            for need in metric.needs().values():
                want = inputs.want(need, item.clip, Origin(item))
                is_own = need.source == "sample"
                wants.add(want, item.clip, item if is_own else None)


def settled_count(folder: RunFolder, asked: RunPlan) -> int:
    """How many of the items that are asked for are through by the journal."""
    return len(_settled(folder, {info.clip_id: info for info in asked.infos}))


def _settled(folder: RunFolder, infos: Mapping[str, ClipInfo]) -> dict[tuple[str, int], ItemRow]:
    """Items of the journal whose samples still lie there unchanged, and failed ones; the last event of each counts."""
    found = {}
    for event in read_events(folder.journal):
        if event.get("event") != "item" or event["clip"] not in infos:
            continue
        row = _row_of(event, infos)
        found[row.clip, row.seed] = row
    return {place: row for place, row in found.items() if row.status == "failed" or is_unchanged(folder, row)}


def is_unchanged(folder: RunFolder, row: ItemRow) -> bool:
    """Whether a sample's files lie there as they were written."""
    sample = folder.sample(row.clip, row.seed)
    try:
        for name, digest in ((VIDEO_FILE, row.video), (MOTION_FILE, row.motion)):
            if digest:
                unchanged(sample / name, digest)
    except BadInputError:
        return False
    return True


def _item_row(outcome: Outcome, infos: Mapping[str, ClipInfo]) -> ItemRow:
    (clip_id, seed), answer = outcome.item, outcome.answer
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
