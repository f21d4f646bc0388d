"""Floor and chance of a metric: what the reference itself scores, and what it scores when nothing belongs together.

Floor: the references stand in for the samples. A set metric that compares samples with references takes as many other
real clips instead (`set_floor.py`). Chance: each clip gets the video of one other clip and the motion of a third,
paired as in the control `shuffled`, so chance equals that control's value. A distance between sets has no chance: it
sees no pairs. Both belong to the split and the protocol, not to the run. The cache keeps them.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from egobench.errors import BadInputError
from egobench.files.digest import digest_json
from egobench.metrics.base import ClipMetric, SetMetric
from egobench.plan.calibration import estimators_of
from egobench.plan.protocol import is_set_metric
from egobench.plan.resolve import Metric, resolve_estimator
from egobench.scoring.inputs import CachedInput, Inputs, Origin
from egobench.scoring.large import LargeRows, is_large
from egobench.scoring.score import SetOutcome, SetRows, collect, group_numbers, try_set
from egobench.scoring.set_floor import floor_at_full_size
from egobench.scoring.stand_in_scores import mean_of_scores, means_of_kept_scores, score_stand_ins
from egobench.scoring.stand_ins import VERSION, StandIns, has_chance
from egobench.stats.pairing import SHUFFLE_SEED
from egobench.store.cache import cache_key


@dataclass(frozen=True)
class FloorAndChance:
    """The two numbers that a result is read by."""

    floor: float | None
    chance: float | None
    notes: Mapping[str, Any]
    """Why one is None, and how many clips it rests on if not all."""


def floor_and_chance_inputs(metric: Metric, inputs: Inputs, stand_ins: StandIns) -> list[tuple[str, CachedInput]]:
    """Owner clip and cache entry of everything that floor and chance of a metric read."""
    entries = []
    if reads_files_of_one_run(metric):
        return entries
    sides = [stand_ins.floor, *([stand_ins.chance] if has_chance(metric, stand_ins, {}) else [])]
    for need in metric.needs().values():
        for clip_id, *origins in zip(stand_ins.clip_ids, *sides, strict=True):
            for origin in origins:
                entry = inputs.cached_input(need, clip_id, origin)
                owner = clip_id if need.source != "sample" else origin.stand_in(need.what)
                if entry is not None:
                    entries.append((owner, entry))
    return entries


def load_floor_and_chance(
    metric: Metric, inputs: Inputs, stand_ins: StandIns, record: Mapping[str, Any]
) -> FloorAndChance | None:
    """Floor and chance of a metric under a protocol, if the cache holds them or the scores they are means of."""
    arrays = inputs.cache.get(floor_and_chance_key(record))
    if arrays is None:
        return floor_and_chance_of_scores(metric, inputs, stand_ins, record)
    floor, chance = (float(value[0]) if value.size else None for value in (arrays["floor"], arrays["chance"]))
    return FloorAndChance(floor, chance, json.loads(str(arrays["notes"])))


def floor_and_chance_of_scores(
    metric: Metric, inputs: Inputs, stand_ins: StandIns, record: Mapping[str, Any]
) -> FloorAndChance | None:
    """Floor and chance of a clip metric from its scores on all references, if the cache holds those
    (`stand_in_scores.py`)."""
    found = None if is_set_metric(metric) else means_of_kept_scores(metric, inputs, stand_ins, record)
    return None if found is None else FloorAndChance(*found)


def keep_floor_and_chance(
    metric: Metric, inputs: Inputs, stand_ins: StandIns, record: Mapping[str, Any]
) -> FloorAndChance:
    """Measures floor and chance. What rests on all clips is kept in the cache.

    Raises:
        StorageError: the disk refused.
    """
    bounds = measure_floor_and_chance(metric, inputs, stand_ins)
    if not reads_files_of_one_run(metric) and not any(key.endswith("_clips_missing") for key in bounds.notes):
        arrays = {"floor": _optional(bounds.floor), "chance": _optional(bounds.chance)}
        notes = np.array(json.dumps(bounds.notes, sort_keys=True))
        inputs.cache.put(floor_and_chance_key(record), {**arrays, "notes": notes})
    return bounds


def measure_floor_and_chance(metric: Metric, inputs: Inputs, stand_ins: StandIns) -> FloorAndChance:
    """Scores the references from what the cache holds of them."""
    files = reads_files_of_one_run(metric)
    if files:
        text = f"{', '.join(files)} reads files of this run's videos, which say nothing of the references'"
        return FloorAndChance(None, None, {"floor": text, "chance": text})
    scored: Any = metric
    sides = (_set_floor, _set_chance) if is_set_metric(metric) else (_clip_floor, _clip_chance)
    notes: dict[str, Any] = {}
    floor, chance = (side(scored, inputs, stand_ins, notes) for side in sides)
    return FloorAndChance(floor, chance, notes)


def reads_files_of_one_run(metric: Metric) -> list[str]:
    """Estimators behind a metric that read what was found in this run's own videos."""
    return [name for name in estimators_of(metric) if resolve_estimator(name).of_one_run]


def _is_distance(metric: Metric) -> bool:
    """Whether a score of sets compares samples with references by the same thing; between equal sets it is 0."""
    things = {
        source: {(need.what, need.extractor) for need in metric.needs().values() if need.source == source}
        for source in ("sample", "reference")
    }
    return bool(things["reference"]) and things["sample"] == things["reference"]


def _clip_floor(metric: ClipMetric, inputs: Inputs, stand_ins: StandIns, notes: dict[str, Any]) -> float | None:
    return _clip_mean(metric, inputs, stand_ins, stand_ins.floor, "floor", notes)


def _clip_chance(metric: ClipMetric, inputs: Inputs, stand_ins: StandIns, notes: dict[str, Any]) -> float | None:
    if not has_chance(metric, stand_ins, notes):
        return None
    return _clip_mean(metric, inputs, stand_ins, stand_ins.chance, "chance", notes)


def _clip_mean(
    metric: ClipMetric, inputs: Inputs, stand_ins: StandIns, origins: Sequence[Origin], name: str, notes: dict[str, Any]
) -> float | None:
    scores = score_stand_ins(metric, inputs, stand_ins.clip_ids, origins)
    return mean_of_scores(scores, stand_ins.seeds, name, notes)


def _set_floor(metric: SetMetric, inputs: Inputs, stand_ins: StandIns, notes: dict[str, Any]) -> float | None:
    """As many other real clips for a distance between sets; else the references as samples."""
    if not _is_distance(metric):
        return _set_value(metric, inputs, stand_ins, stand_ins.floor, "floor", notes)
    rows = _references(metric, inputs, stand_ins, stand_ins.floor, "floor", notes)
    every = list(range(len(rows.clips)))
    whole = _between(metric, rows, every, every)
    if whole.score is None:
        notes["floor"] = whole.reason
        return None
    if whole.score.detail.get("n_below_d"):
        notes["floor"] = "there are fewer items than features: the distance is mostly bias, between real clips too"
        return None

    def between(first: list[int], second: list[int]) -> float:
        outcome = _between(metric, rows, first, second)
        if outcome.score is None:
            raise BadInputError(outcome.reason, code="floor-score")
        return float(outcome.score.value)

    try:
        return floor_at_full_size(between, [inputs.infos[clip_id].sequence for clip_id in rows.clips], SHUFFLE_SEED)
    except BadInputError as error:
        notes["floor"] = str(error)
        return None


def _between(metric: SetMetric, rows: SetRows | LargeRows, first: list[int], second: list[int]) -> SetOutcome:
    """Between some rows as samples and others as references, as many."""
    if isinstance(rows, LargeRows):
        if rows.error is None:
            rows = rows.between(first, second)
        return rows.score(np.arange(len(first)), draws=0)
    sides = {key: second if need.source == "reference" else first for key, need in metric.needs().items()}
    chosen = {key: [rows.inputs[key][i] for i in side] for key, side in sides.items()}
    return try_set(metric, SetRows(chosen, [rows.clips[i] for i in first]), np.arange(len(first)), draws=0)


def _set_chance(metric: SetMetric, inputs: Inputs, stand_ins: StandIns, notes: dict[str, Any]) -> float | None:
    if not has_chance(metric, stand_ins, notes):
        return None
    return _set_value(metric, inputs, stand_ins, stand_ins.chance, "chance", notes)


def _set_value(
    metric: SetMetric, inputs: Inputs, stand_ins: StandIns, origins: Sequence[Origin], name: str, notes: dict[str, Any]
) -> float | None:
    rows = _references(metric, inputs, stand_ins, origins, name, notes)
    if isinstance(rows, LargeRows):
        rows = rows.chosen(np.repeat(np.arange(len(rows.clips)), stand_ins.seeds)) if rows.error is None else rows
    else:
        rows = rows.repeated(stand_ins.seeds)
    groups = group_numbers([inputs.infos[clip_id].sequence for clip_id in rows.clips])
    return _value(metric, rows, groups, name, notes)


def _references(
    metric: SetMetric, inputs: Inputs, stand_ins: StandIns, origins: Sequence[Origin], name: str, notes: dict[str, Any]
) -> SetRows | LargeRows:
    pairs = list(zip(stand_ins.clip_ids, origins, strict=True))
    large = is_large(metric, len(pairs) * stand_ins.seeds)
    found = LargeRows.collect(metric, inputs, pairs) if large else collect(metric, inputs, pairs)
    if len(found.clips) < len(stand_ins.clip_ids):
        notes[f"{name}_clips_missing"] = len(stand_ins.clip_ids) - len(found.clips)
    return found


def _value(
    metric: SetMetric, rows: SetRows | LargeRows, groups: np.ndarray, name: str, notes: dict[str, Any]
) -> float | None:
    is_read = isinstance(rows, LargeRows)
    outcome = rows.score(groups, draws=0) if is_read else try_set(metric, rows, groups, draws=0)
    if outcome.score is None:
        notes[name] = outcome.reason
        return None
    return float(outcome.score.value)


def versions_of(protocols: Iterable[str]) -> dict[str, int]:
    """What a manifest states: digest of each protocol → by which rules floor and chance of its metric were made."""
    return dict.fromkeys(sorted(protocols), VERSION)


def _optional(value: float | None) -> np.ndarray:
    return np.array([] if value is None else [value], dtype=np.float64)


def floor_and_chance_key(record: Mapping[str, Any]) -> str:
    """Cache key of floor and chance under a protocol."""
    return cache_key(yardstick=VERSION, protocol=digest_json(record), pairing=SHUFFLE_SEED)
