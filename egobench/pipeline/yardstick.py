"""Floor and chance of a metric: what the reference itself scores, and what it scores when nothing belongs together.

Floor: sample := reference; where a set metric compares the two, disjoint halves of the reference, by sequence.
Chance: clip i gets one stranger's video and another's motion, by the pairing of the `shuffled` control, whose
measured value it therefore equals. Both belong to split and protocol, not to the run, and are kept in the cache.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from egobench.errors import BadInputError
from egobench.files.digest import digest_json
from egobench.metrics.base import ClipMetric, SetMetric
from egobench.pipeline.inputs import Inputs, Origin, Want
from egobench.pipeline.protocol import is_set_metric
from egobench.pipeline.resolve import Metric
from egobench.pipeline.score import SetRows, collect, group_numbers, score_clip, try_set
from egobench.stats.pairing import SHUFFLE_SEED, disjoint_halves, shuffled_partners
from egobench.store.cache import Cache, cache_key

VERSION = 2
"""2: only from splits whose content was checked."""


@dataclass(frozen=True)
class Yardstick:
    """Two numbers to read a result by."""

    floor: float | None
    chance: float | None
    notes: Mapping[str, Any]
    """Why one is None, and how many clips it rests on if not all."""


@dataclass(frozen=True)
class Plan:
    """Which references stand in for which samples."""

    clip_ids: tuple[str, ...]
    seeds: int
    floor: tuple[Origin, ...]
    """Per clip: itself."""
    chance: tuple[Origin, ...]
    """Per clip: its strangers; empty where the split is too small for the pairing."""
    reason: str = ""
    """Why `chance` is empty."""


def plan_yardsticks(inputs: Inputs, clip_ids: Sequence[str], seeds: int) -> Plan:
    """Pairs over the whole split, whatever part of it is run, as the `shuffled` control does."""
    rows = inputs.split.infos()
    place = {row.clip_id: index for index, row in enumerate(rows)}
    floor = tuple(Origin(video_of=clip_id, motion_of=clip_id) for clip_id in clip_ids)
    try:
        video, motion = shuffled_partners([row.sequence for row in rows], SHUFFLE_SEED)
    except BadInputError as error:
        return Plan(tuple(clip_ids), seeds, floor, (), str(error))
    chance = tuple(
        Origin(video_of=rows[video[place[clip_id]]].clip_id, motion_of=rows[motion[place[clip_id]]].clip_id)
        for clip_id in clip_ids
    )
    return Plan(tuple(clip_ids), seeds, floor, chance)


def yardstick_wants(metric: Metric, inputs: Inputs, plan: Plan) -> list[tuple[str, Want]]:
    """Owner clip and cache entry of everything that floor and chance of a metric read."""
    found = []
    for need in metric.needs().values():
        for clip_id, *origins in zip(plan.clip_ids, plan.floor, *([plan.chance] if plan.chance else []), strict=True):
            for origin in origins:
                want = inputs.want(need, clip_id, origin)
                owner = clip_id if need.source != "sample" else origin.stand_in(need.what)
                if want is not None:
                    found.append((owner, want))
    return found


def load_yardstick(cache: Cache, record: Mapping[str, Any]) -> Yardstick | None:
    """The yardstick of a protocol record, if it was computed before."""
    arrays = cache.get(_key(record))
    if arrays is None:
        return None
    floor, chance = (float(value[0]) if value.size else None for value in (arrays["floor"], arrays["chance"]))
    return Yardstick(floor, chance, json.loads(str(arrays["notes"])))


def compute_yardstick(metric: Metric, inputs: Inputs, plan: Plan, record: Mapping[str, Any]) -> Yardstick:
    """Scores the references; what rests on all clips is kept in the cache.

    Raises:
        StorageError: the disk refused.
    """
    scored: Any = metric
    sides = (_set_floor, _set_chance) if is_set_metric(metric) else (_clip_floor, _clip_chance)
    notes: dict[str, Any] = {}
    floor, chance = (side(scored, inputs, plan, notes) for side in sides)
    yardstick = Yardstick(floor, chance, notes)
    if not any(key.endswith("_clips_missing") for key in notes):
        arrays = {"floor": _optional(floor), "chance": _optional(chance)}
        inputs.cache.put(_key(record), {**arrays, "notes": np.array(json.dumps(notes, sort_keys=True))})
    return yardstick


def _clip_floor(metric: ClipMetric, inputs: Inputs, plan: Plan, notes: dict[str, Any]) -> float | None:
    return _clip_mean(metric, inputs, plan, plan.floor, "floor", notes)


def _clip_chance(metric: ClipMetric, inputs: Inputs, plan: Plan, notes: dict[str, Any]) -> float | None:
    if not plan.chance:
        notes["chance"] = plan.reason
        return None
    return _clip_mean(metric, inputs, plan, plan.chance, "chance", notes)


def _clip_mean(
    metric: ClipMetric, inputs: Inputs, plan: Plan, origins: Sequence[Origin], name: str, notes: dict[str, Any]
) -> float | None:
    scores = [score_clip(metric, inputs, *pair) for pair in zip(plan.clip_ids, origins, strict=True)]
    lost = [score for score in scores if score.status == "failed"]
    if lost:
        notes[f"{name}_clips_missing"] = len(lost)
    values = np.array([score.value for score in scores if score.status == "ok"], dtype=np.float64)
    if not values.size:
        notes[name] = next((score.reason for score in scores), "no clips")
        return None
    return float(np.mean(np.repeat(values, plan.seeds)))  # summed like the rows of a run with so many seeds


def _set_floor(metric: SetMetric, inputs: Inputs, plan: Plan, notes: dict[str, Any]) -> float | None:
    """Between halves where samples are compared with references; else of the references as samples."""
    needs = metric.needs()
    if all(need.source != "reference" for need in needs.values()):
        return _set_value(metric, inputs, plan, plan.floor, "floor", notes)
    rows = _references(metric, inputs, plan, plan.floor, "floor", notes)
    try:
        halves = disjoint_halves([inputs.infos[clip_id].sequence for clip_id in rows.clips], SHUFFLE_SEED)
    except BadInputError as error:
        notes["floor"] = str(error)
        return None
    size = min(int(half.sum()) for half in halves)
    first, second = (np.flatnonzero(half)[:size] for half in halves)
    sides = {key: second if need.source == "reference" else first for key, need in needs.items()}
    halved = {key: [rows.inputs[key][i] for i in side.tolist()] for key, side in sides.items()}
    chosen: list[int] = first.tolist()
    clips = [rows.clips[i] for i in chosen]
    return _value(metric, SetRows(halved, clips), np.arange(size), "floor", notes)


def _set_chance(metric: SetMetric, inputs: Inputs, plan: Plan, notes: dict[str, Any]) -> float | None:
    if not plan.chance:
        notes["chance"] = plan.reason
        return None
    return _set_value(metric, inputs, plan, plan.chance, "chance", notes)


def _set_value(
    metric: SetMetric, inputs: Inputs, plan: Plan, origins: Sequence[Origin], name: str, notes: dict[str, Any]
) -> float | None:
    rows = _references(metric, inputs, plan, origins, name, notes).repeated(plan.seeds)
    groups = group_numbers([inputs.infos[clip_id].sequence for clip_id in rows.clips])
    return _value(metric, rows, groups, name, notes)


def _references(
    metric: SetMetric, inputs: Inputs, plan: Plan, origins: Sequence[Origin], name: str, notes: dict[str, Any]
) -> SetRows:
    found = collect(metric, inputs, list(zip(plan.clip_ids, origins, strict=True)))
    if len(found.clips) < len(plan.clip_ids):
        notes[f"{name}_clips_missing"] = len(plan.clip_ids) - len(found.clips)
    return found


def _value(metric: SetMetric, rows: SetRows, groups: np.ndarray, name: str, notes: dict[str, Any]) -> float | None:
    outcome = try_set(metric, rows, groups, draws=0)
    if outcome.score is None:
        notes[name] = outcome.reason
        return None
    return float(outcome.score.value)


def _optional(value: float | None) -> np.ndarray:
    return np.array([] if value is None else [value], dtype=np.float64)


def _key(record: Mapping[str, Any]) -> str:
    return cache_key(yardstick=VERSION, protocol=digest_json(record), pairing=SHUFFLE_SEED)
