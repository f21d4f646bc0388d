"""`egobench calibrate`: runs an estimator on recorded videos, where the truth is known, and writes a card.

The videos are recordings, so every error is the estimator's own. The card holds error, coverage, failures, the score of
chance, all by kind of motion and look; the spread over seeds; and the seconds per clip.
"""

import os
import platform
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

import numpy as np

from egobench.data.check_split import check_split
from egobench.data.source import split_source
from egobench.errors import BadInputError
from egobench.estimators.base import Estimator
from egobench.estimators.cards import SCHEMA, card_digest, card_home, card_name, protocol_digest
from egobench.files.atomic import make_folder, write_json
from egobench.files.plain import plain
from egobench.metrics.base import Need, What
from egobench.plan.class_code import maker_record
from egobench.plan.devices import resolve_device
from egobench.plan.estimates import split_camera
from egobench.plan.own_weights import shown_name
from egobench.plan.resolve import resolve_engine, resolve_estimator, resolve_split
from egobench.progress import Progress, Quiet
from egobench.scoring.reasons import count_reasons
from egobench.store.cache import open_cache
from egobench.store.folder import RunFolder
from egobench.types import LOST, CameraPath, ClipInfo, PathStatus, Split, clips_of
from egobench.validate.calibrate_estimates import TIMED, EstimateJob, Estimates, estimate_all, own, seconds_key
from egobench.validate.calibrate_figures import Breakdown, measure, metrics_by
from egobench.validate.calibrate_hands import pixel_truth
from egobench.validate.calibrate_seeds import seed_spread

WHATS: dict[str, What] = {"camera": "camera-path", "hands": "hands"}
DIGITS = 6


@dataclass(frozen=True)
class CalibrateRequest:
    """A calibration: of which estimator, on which split."""

    estimator: str
    """Catalogue name, entry point or `package.module:Class`."""
    split: str
    """Name or folder."""
    seeds: int = 3
    """Number of seeds to compare, where the estimator has a seed."""
    workers: int = 1
    """Processes; never changes a number."""
    limit: int | None = None
    """Only so many clips, evenly spread over the split; the card says so."""
    out: Path | None = None
    """Folder of the card; by default where runs look for the user's own."""
    device: str = "auto"


def calibrate(request: CalibrateRequest, progress: Progress | None = None, *, trust: bool = True) -> Path:
    """Runs the estimator on clips that the cache does not hold, writes its card, and returns the card's path.

    Args:
        trust: see `check_split`.

    Raises:
        UnknownNameError: no such estimator or split.
        BadInputError: `range`; `split-form` (the estimator cannot look at this split), `weights-missing`,
            `extra-missing`; `load-failed`; `estimator-part` (it provides nothing that can be measured).
        StorageError: the disk refused; the same command goes on.
    """
    for name, least in {"seeds": 1, "workers": 1, "limit": 1}.items():
        if getattr(request, name) is not None and getattr(request, name) < least:
            raise BadInputError(f"{name} is {getattr(request, name)}; at least {least} is needed", code="range")
    estimator = resolve_estimator(request.estimator)
    split = check_split(resolve_split(request.split), progress, trust=trust)
    estimator.check(split.facts)
    record = plain(maker_record(estimator))
    whats = _whats(estimator, request.estimator)
    split_camera(split)
    infos = _part(split, request.limit)
    cache = open_cache()
    inputs = Estimates(split, RunFolder(Path()), cache, {}, request.estimator)
    job = EstimateJob(request.estimator, request.split, resolve_device(request.device), cache.place)
    engine, said = resolve_engine("local", request.workers), progress or Quiet()
    ids = [info.clip_id for info in infos]
    estimate_all(inputs, whats, ids, engine, job, said, timed=TIMED)

    def again(variant: tuple[int | None, int], clip_ids: Sequence[str]) -> Estimates:
        other = replace(inputs, variant=variant)
        estimate_all(other, whats, clip_ids, engine, job, said)
        return other

    metrics, refused = metrics_by(request.estimator, whats, split)
    breakdown = _breakdown(inputs, infos, whats)
    said.stage("figures", len(metrics) + 1)
    figures: dict[str, Any] = {}
    for metric in metrics:
        found = measure(metric, inputs, infos, breakdown)
        if found["all"]["n"]:
            figures[metric.name] = found
        else:
            refused[metric.name] = next(iter({**found["all"].get("undefined", {}), **found["all"].get("failed", {})}))
        said.advance()
    card = {
        "schema": SCHEMA,
        "estimator": shown_name(request.estimator),
        "protocol": record,
        "protocol_digest": protocol_digest(record),
        "split": _split_facts(split),
        "clips": {"n": len(infos), "of": len(split.infos()), "recordings": len({info.sequence for info in infos})},
        **_health(inputs, infos, whats, breakdown),
        "metrics": figures,
        **({"metrics_without_value": refused} if refused else {}),
        **({"hands_by_pixels": pixel_truth(inputs, ids, breakdown)} if "hands" in whats else {}),
    }
    said.advance()
    said.done()
    card["seeds"] = seed_spread(estimator, inputs, whats, metrics, ids, request.seeds, again)
    card["seconds_per_clip"] = _seconds(inputs, ids, whats)
    card["machine"] = _machine(request.workers)
    card = rounded(plain(card))
    path = make_folder(request.out or card_home()) / card_name(shown_name(request.estimator), split.name)
    write_json(path, {**card, "digest": card_digest(card)})
    return path


def rounded(value: Any) -> Any:
    """Numbers with six significant digits, since people read cards."""
    if isinstance(value, dict):
        return {key: rounded(part) for key, part in value.items()}
    if isinstance(value, list):
        return [rounded(part) for part in value]
    return float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value


def _whats(estimator: Estimator, name: str) -> list[What]:
    whats: list[What] = [WHATS[part] for part in estimator.provides if part in WHATS]
    if not whats:
        raise BadInputError(f"{name} provides {', '.join(estimator.provides) or 'nothing'}", code="estimator-part")
    return whats


def _part(split: Split, limit: int | None) -> list[ClipInfo]:
    infos = clips_of(split)
    if not infos:
        raise BadInputError(f"split '{split.name}' has no clips", code="split-empty")
    count = min(limit or len(infos), len(infos))
    return [infos[number * len(infos) // count] for number in range(count)]


def _breakdown(inputs: Estimates, infos: Sequence[ClipInfo], whats: Sequence[What]) -> Breakdown:
    strata = {info.clip_id: info.stratum for info in infos}
    source = split_source(inputs.split.name)
    kinds: dict[str, Mapping[str, str]] = {"stratum": strata, **(source.kinds(infos) if source else {})}
    if "camera-path" in whats:
        kinds["status"] = {info.clip_id: _status(inputs, info.clip_id) for info in infos}
    found: dict[str, dict[str, list[str]]] = {}
    for kind, values in kinds.items():
        groups = {value: [info.clip_id for info in infos if values[info.clip_id] == value] for value in values.values()}
        if len(groups) > 1:
            found[kind] = dict(sorted(groups.items()))
    return found


def _path(inputs: Estimates, clip_id: str) -> CameraPath | None:
    """None where the estimator raised or died."""
    try:
        return inputs.fetch(Need("sample", "camera-path", inputs.estimator), clip_id, own(clip_id))
    except BadInputError:
        return None


def _status(inputs: Estimates, clip_id: str) -> str:
    path = _path(inputs, clip_id)
    return "raised" if path is None else path.status


def _health(
    inputs: Estimates, infos: Sequence[ClipInfo], whats: Sequence[What], breakdown: Breakdown
) -> dict[str, Any]:
    """Statuses, coverage and failures, over all clips and by stratum and texture."""
    raised = Counter(reason for _, reason in inputs.unreadable.values())
    found: dict[str, Any] = {"raised": dict(raised.most_common(5))} if raised else {}
    if "camera-path" not in whats:
        return {**found, "failure_rate": len(inputs.unreadable) / len(infos)}
    paths = {info.clip_id: _path(inputs, info.clip_id) for info in infos}
    reasons = [f"{path.status}: {path.reason}" for path in paths.values() if path and path.status != "ok"]
    metric_scale = [path.is_metric for path in paths.values() if path is not None and path.status in ("ok", "partial")]
    found |= {"reasons": count_reasons(reasons, 8), **_statuses(list(paths.values()))}
    scales = {True: "metres", False: "up to scale"}
    found["positions"] = " or ".join(sorted({scales[is_metric] for is_metric in metric_scale})) or "none"
    found["health_by"] = {
        kind: {value: _statuses([paths[clip_id] for clip_id in ids]) for value, ids in values.items()}
        for kind, values in breakdown.items()
        if kind != "status"
    }
    return found


def _statuses(paths: Sequence[CameraPath | None]) -> dict[str, Any]:
    names = ["raised" if path is None else path.status for path in paths]
    coverage = [0.0 if path is None else float(path.registered.mean()) for path in paths]
    counts = {name: names.count(name) for name in (*get_args(PathStatus), "raised") if name in names}
    lost = sum(name in (*LOST, "raised") for name in names)
    return {"statuses": counts, "coverage": float(np.mean(coverage)), "failure_rate": lost / len(paths)}


def _split_facts(split: Split) -> dict[str, Any]:
    facts = split.facts
    frames = {"frames": facts["num_video_frames"], "fps": facts["fps_video"]}
    return {"name": split.name, "digest": split.digest, "width": facts["width"], "height": facts["height"], **frames}


def _seconds(inputs: Estimates, clip_ids: Sequence[str], whats: Sequence[What]) -> dict[str, Any]:
    found = {}
    for what in whats:
        entries = [inputs.cache.get(seconds_key(inputs.entry(what, clip_id))) for clip_id in clip_ids]
        seconds = [float(entry["seconds"]) for entry in entries if entry is not None]
        if seconds:
            median, p90 = (float(value) for value in np.quantile(seconds, [0.5, 0.9]))
            found[what] = {"median": median, "p90": p90, "clips": len(seconds)}
    return found


def _machine(workers: int) -> dict[str, Any]:
    """The machine that the seconds were measured on. A load above its number of cores makes them longer."""
    load = round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None
    facts = {"processor": platform.machine(), "cores": os.cpu_count(), "load": load}
    return {**facts, "processes": workers, "threads_per_clip": 1}
