"""What a clip metric gives on every clip of a split when references stand in for the sample: one cache entry a metric.

Floor and chance of any part of the split, with any number of seeds, for any task, are means over these scores. With
them a run needs no camera path and no hands of the references. `egobench.fit.reference_pack` makes the entries, for
data sets that ship them.
"""

import json
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from egobench.errors import BadInputError
from egobench.files.digest import digest_json
from egobench.metrics.base import ClipMetric
from egobench.plan.resolve import Metric
from egobench.scoring.inputs import Inputs, Origin
from egobench.scoring.score import Score, score_clip
from egobench.scoring.stand_ins import VERSION as RULES
from egobench.scoring.stand_ins import StandIns, has_chance
from egobench.stats.pairing import SHUFFLE_SEED
from egobench.store.cache import cache_key

VERSION = 1
OF_ONE_PLAN = ("clips", "clip_ids", "seeds", "items", "task")
"""Fields of a protocol record on which a clip's own score does not depend."""
SIDES = ("floor", "chance")


@dataclass(frozen=True)
class StandInScores:
    """Scores of all clips of a split, in the order of its rows."""

    floor: Sequence[Score]
    chance: Sequence[Score]
    """Empty where the metric has no chance."""


def stand_in_key(record: Mapping[str, Any]) -> str:
    """Cache key of a metric's scores, from the record of its protocol under any plan on the split."""
    lasting = {name: value for name, value in record.items() if name not in OF_ONE_PLAN}
    return cache_key(stand_ins=VERSION, yardstick=RULES, protocol=digest_json(lasting), pairing=SHUFFLE_SEED)


def score_stand_ins(
    metric: ClipMetric, inputs: Inputs, clip_ids: Sequence[str], origins: Sequence[Origin]
) -> Iterator[Score]:
    """Scores of clips, each from its origin, one after another."""
    return (score_clip(metric, inputs, *pair) for pair in zip(clip_ids, origins, strict=True))


def mean_of_scores(scores: Iterable[Score], seeds: int, side: str, notes: dict[str, Any]) -> float | None:
    """Mean of the scores that are ok, summed like the rows of a run with so many seeds; None where there are none.

    Args:
        side: `floor` or `chance`.
        notes: gets the number of failed clips, and why there is no mean.
    """
    values, lost, reason = array("d"), 0, ""
    for score in scores:
        reason = reason or score.reason
        lost += score.status == "failed"
        if score.status == "ok" and score.value is not None:
            values.append(score.value)
    if lost:
        notes[f"{side}_clips_missing"] = lost
    if not values:
        notes[side] = reason or "no clips"
        return None
    return float(np.mean(np.repeat(np.array(values, dtype=np.float64), seeds)))


def pack_scores(found: StandInScores) -> dict[str, np.ndarray]:
    """Scores → arrays for the cache: `floor` and `chance` float64 (clip,) with NaN where there is no score, and `why`.

    Raises:
        BadInputError: `stand-in-failed`: a score failed, which is no property of the metric.
    """
    arrays, why = {}, {}
    for side in SIDES:
        scores: Sequence[Score] = getattr(found, side)
        failed = next((score.reason for score in scores if score.status == "failed"), None)
        if failed is not None:
            raise BadInputError(f"a reference cannot be scored: {failed}", code="stand-in-failed")
        arrays[side] = np.array([np.nan if each.value is None else each.value for each in scores], dtype=np.float64)
        why[side] = {str(i): [each.status, each.reason] for i, each in enumerate(scores) if each.status != "ok"}
    return {**arrays, "why": np.array(json.dumps(why, sort_keys=True))}


def unpack_scores(arrays: Mapping[str, np.ndarray]) -> StandInScores:
    """The reverse of `pack_scores`."""
    why = json.loads(str(arrays["why"]))
    sides = {}
    for side in SIDES:
        others = {int(place): Score(status, reason=reason) for place, (status, reason) in why[side].items()}
        sides[side] = [others.get(i) or Score("ok", float(value)) for i, value in enumerate(arrays[side])]
    return StandInScores(**sides)


def means_of_kept_scores(
    metric: Metric, inputs: Inputs, stand_ins: StandIns, record: Mapping[str, Any]
) -> tuple[float | None, float | None, dict[str, Any]] | None:
    """Floor, chance and notes of a clip metric from scores in the cache; None if the cache does not hold them."""
    rows = inputs.split.infos()
    arrays = inputs.cache.get(stand_in_key(record))
    notes: dict[str, Any] = {}
    sides = ("floor", "chance") if has_chance(metric, stand_ins, notes) else ("floor",)
    if arrays is None or any(len(arrays[side]) != len(rows) for side in sides):
        return None
    scores, place = unpack_scores(arrays), {row.clip_id: index for index, row in enumerate(rows)}
    means: dict[str, float | None] = {"chance": None}
    for side in sides:
        chosen = [getattr(scores, side)[place[clip_id]] for clip_id in stand_ins.clip_ids]
        means[side] = mean_of_scores(chosen, stand_ins.seeds, side, notes)
    return means["floor"], means["chance"], notes


def keep_stand_in_scores(metric: ClipMetric, inputs: Inputs, stand_ins: StandIns, record: Mapping[str, Any]) -> str:
    """Scores a clip metric on all references, keeps the scores in the cache, and returns their key.

    Args:
        stand_ins: of all clips of the split.

    Raises:
        BadInputError: as `pack_scores`.
        StorageError: the disk refused.
    """
    floor = list(score_stand_ins(metric, inputs, stand_ins.clip_ids, stand_ins.floor))
    chance: list[Score] = []
    if has_chance(metric, stand_ins, {}):
        chance = list(score_stand_ins(metric, inputs, stand_ins.clip_ids, stand_ins.chance))
    key = stand_in_key(record)
    inputs.cache.put(key, pack_scores(StandInScores(floor, chance)))
    return key
