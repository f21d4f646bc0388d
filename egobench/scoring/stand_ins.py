"""Which references stand in for which samples, to measure floor and chance, and which metrics have a chance."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from egobench.errors import BadInputError
from egobench.plan.protocol import is_set_metric
from egobench.plan.resolve import Metric
from egobench.scoring.inputs import Inputs, Origin, part_of
from egobench.stats.pairing import SHUFFLE_SEED, shuffled_partners

VERSION = 4
"""2: only splits whose content was checked. 4: sets against as many other clips; never a run's own files."""
UNPAIRED = "what belongs together does not enter the metric, so strangers score what the reference does"


@dataclass(frozen=True)
class StandIns:
    """Which references stand in for which samples."""

    clip_ids: tuple[str, ...]
    seeds: int
    floor: tuple[Origin, ...]
    """Per clip: itself."""
    chance: tuple[Origin, ...]
    """Per clip: two other clips; empty where the split is too small for the pairing."""
    reason: str = ""
    """Why `chance` is empty."""


def plan_stand_ins(inputs: Inputs, clip_ids: Sequence[str], seeds: int) -> StandIns:
    """Pairs over the whole split, whatever part of it is run, as the `shuffled` control does."""
    rows = inputs.split.infos()
    place = {row.clip_id: index for index, row in enumerate(rows)}
    floor = tuple(Origin(video_of=clip_id, motion_of=clip_id) for clip_id in clip_ids)
    try:
        video, motion = shuffled_partners([row.sequence for row in rows], SHUFFLE_SEED)
    except BadInputError as error:
        return StandIns(tuple(clip_ids), seeds, floor, (), str(error))
    chance = tuple(
        Origin(video_of=rows[video[place[clip_id]]].clip_id, motion_of=rows[motion[place[clip_id]]].clip_id)
        for clip_id in clip_ids
    )
    return StandIns(tuple(clip_ids), seeds, floor, chance)


def has_chance(metric: Metric, stand_ins: StandIns, notes: dict[str, Any]) -> bool:
    """Whether a metric has a chance; if not, the notes get the reason."""
    if stand_ins.chance and is_paired(metric):
        return True
    notes["chance"] = UNPAIRED if stand_ins.chance else stand_ins.reason
    return False


def is_paired(metric: Metric) -> bool:
    """Whether the score depends on what belongs together: video with motion, either with the text, or, clip by clip,
    with the reference. A distance between sets sees no pairs."""
    needs = list(metric.needs().values())
    parts = {part_of(need.what) for need in needs if need.source == "sample"}
    others = any(need.what == "text" or (need.source == "reference" and not is_set_metric(metric)) for need in needs)
    return len(parts) > 1 or others
