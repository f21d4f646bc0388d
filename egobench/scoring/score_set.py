"""A set metric on a run: from lists, or from what it keeps of each row where the plan is large."""

from collections.abc import Sequence
from dataclasses import replace

from egobench.metrics.base import SetMetric
from egobench.scoring.inputs import Inputs, Origin, has_part, part_of
from egobench.scoring.large import LargeRows, is_large
from egobench.scoring.score import SetOutcome, collect, group_numbers, try_set
from egobench.store.tables import ItemRow


def score_set(metric: SetMetric, inputs: Inputs, items: Sequence[ItemRow], *, draws: int) -> SetOutcome:
    """Scores the set. Entry i of every list is row i of the run (clip × seed); a row that lacks one of the things the
    metric needs is left out of all.

    Raises:
        StorageError: the disk refused.
    """
    chosen = [item for item in items if item.status == "ok"]
    origins = [(item.clip, Origin(item)) for item in chosen]
    for need in metric.needs().values():
        if origins and not any(has_part(need, origin) for _, origin in origins):
            return SetOutcome(None, "not-applicable", f"the model makes no {part_of(need.what)}", 0)
    large = is_large(metric, len(items))
    rows = LargeRows.collect(metric, inputs, origins) if large else collect(metric, inputs, origins)
    groups = group_numbers([inputs.infos[clip_id].sequence for clip_id in rows.clips])
    lost = tuple((chosen[place].clip, chosen[place].seed, reason) for place, reason in rows.lost)
    if isinstance(rows, LargeRows):
        return replace(rows.score(groups, draws=draws), lost=lost)
    return replace(try_set(metric, rows, groups, draws=draws), lost=lost)
