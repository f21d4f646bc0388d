"""Third part of `verify`: computes floor and chance of a finished run again, from the cache.

Floor and chance belong to the split and the protocol, so they come from the references. Features that the cache does
not hold are not extracted for this; a data set may ship a metric's scores on its references in their place. The report
names the numbers that were not computed again.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from threadpoolctl import threadpool_limits

from egobench.audit.rederive import is_close
from egobench.audit.verify_records import Records
from egobench.plan.plan import RunPlan
from egobench.plan.resolve import Metric
from egobench.progress import Progress
from egobench.scoring.floor_and_chance import (
    FloorAndChance,
    floor_and_chance_inputs,
    floor_and_chance_of_scores,
    measure_floor_and_chance,
)
from egobench.scoring.inputs import Inputs
from egobench.scoring.stand_ins import VERSION, StandIns, plan_stand_ins
from egobench.store.seal import Flaw

SIDES = ("floor", "chance")


@dataclass
class FloorCheck:
    """The outcome."""

    flaws: list[Flaw] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    """Metrics whose floor and chance were not computed again, and why."""
    compared: int = 0
    """Number of metrics whose floor and chance were compared."""


def check_floors(run_plan: RunPlan, inputs: Inputs, records: Records, progress: Progress) -> FloorCheck:
    """Floor and chance of every metric that was measured as it is measured here, against `metrics.json`."""
    found = FloorCheck()
    stand_ins = plan_stand_ins(inputs, [info.clip_id for info in run_plan.infos], run_plan.request.seeds)
    stated = records.manifest.get("yardsticks", {})
    progress.stage("floor and chance", len(run_plan.labelled))
    for label, metric in run_plan.labelled.items():
        digest, protocol = run_plan.protocol_of(metric)
        record = records.metrics.get(label, {})
        if record.get("protocol") == digest:  # another protocol is a flaw already
            why = _lacks(metric, inputs, stand_ins)
            with threadpool_limits(1):
                if why:
                    ours = floor_and_chance_of_scores(metric, inputs, stand_ins, protocol)
                else:
                    ours = measure_floor_and_chance(metric, inputs, stand_ins)
            if ours is None:
                found.skipped.append(f"{label}: {why}; floor and chance were not computed again")
            else:
                _compare(found, label, ours, record, is_same_rule=stated.get(digest) == VERSION)
        progress.advance()
    progress.done()
    return found


def _lacks(metric: Metric, inputs: Inputs, stand_ins: StandIns) -> str:
    entries = {entry for _, entry in floor_and_chance_inputs(metric, inputs, stand_ins)}
    missing = sum(inputs.state(entry) != "whole" for entry in entries)
    return f"{missing} of {len(entries)} features of the references are not in the cache" if missing else ""


def _compare(
    found: FloorCheck, label: str, ours: FloorAndChance, record: Mapping[str, Any], *, is_same_rule: bool
) -> None:
    differing = list(_differing(label, ours, record))
    if differing and not is_same_rule:
        ours_now = ", ".join(f"{side} {getattr(ours, side)}" for side in SIDES)
        text = f"by the rules of this version: {ours_now}; the run does not state that it has floors of these rules"
        found.skipped.append(f"{label}: {text}")
        return
    found.flaws += differing
    found.compared += 1


def _differing(label: str, ours: FloorAndChance, record: Mapping[str, Any]) -> Iterator[Flaw]:
    for side in SIDES:
        theirs, right = record.get(side), getattr(ours, side)
        if not is_close(right, theirs):
            what = f"metrics.json {label} {side}"
            yield Flaw("derived-yardstick", what, str(theirs), f"{right}, of the references,")
