"""Compares a hand detector with the pixels of each hand that were drawn; these depend on occlusion and size."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from egobench.errors import BadInputError
from egobench.metrics.base import Need
from egobench.scoring.score import group_numbers
from egobench.stats.binary import Counts, agreement, f1_interval
from egobench.types import SIDES
from egobench.validate.calibrate_estimates import Estimates, own
from egobench.validate.calibrate_figures import DRAWS, Breakdown

VISIBLE_SHARE = 1 / 1024
"""Share of the picture's pixels (4 of 64 × 64) from which a hand counts as visible. A hand without a pixel counts as
not visible. Shares between are left out."""


def pixel_truth(inputs: Estimates, clip_ids: Sequence[str], breakdown: Breakdown) -> dict[str, Any]:
    """Recall, false alarms, precision and F1 of *seen* against *drawn*, per side and together, over all clips and by
    each breakdown; says so where the split does not know the pixels of hands."""
    counts: dict[str, np.ndarray] = {}
    slivers = []
    for clip_id in clip_ids:
        share = inputs.split.clip(clip_id).reference.hand_pixels
        if share is None:
            return {"unknown": "the split does not say which pixels show hands"}
        try:
            seen = inputs.fetch(Need("sample", "hands", inputs.estimator), clip_id, own(clip_id))
        except BadInputError:
            continue  # its reason stands among the statuses
        counts[clip_id], sliver = _count(seen.scores >= seen.threshold, share)
        slivers.append(sliver)
    return {
        "visible_from_share_of_pixels": VISIBLE_SHARE,
        "left_out": float(np.mean(slivers)) if slivers else None,
        "all": _figures(inputs, counts, clip_ids),
        "by": {
            kind: {value: _figures(inputs, counts, ids) for value, ids in values.items()}
            for kind, values in breakdown.items()
        },
    }


def _count(seen: np.ndarray, share: np.ndarray) -> tuple[np.ndarray, float]:
    """(side, TP FP FN TN), and the share of frames and sides that are left out."""
    visible, decided = share >= VISIBLE_SHARE, (share >= VISIBLE_SHARE) | (share == 0)
    kinds = (seen & visible, seen & ~visible, ~seen & visible, ~seen & ~visible)
    return np.stack([(kind & decided).sum(axis=0) for kind in kinds], axis=1), float(1 - decided.mean())


def _figures(inputs: Estimates, counts: dict[str, np.ndarray], clip_ids: Sequence[str]) -> dict[str, Any]:
    ids = [clip_id for clip_id in clip_ids if clip_id in counts]
    if not ids:
        return {"n": 0}
    rows = np.stack([counts[clip_id] for clip_id in ids])
    both = rows.sum(axis=1)
    groups = group_numbers([inputs.infos[clip_id].sequence for clip_id in ids])
    total = Counts(*both.sum(axis=0).tolist())
    interval = f1_interval(both, groups, DRAWS, 0) if total.positives else None
    sides = {side: _rates(Counts(*rows[:, at].sum(axis=0).tolist())) for at, side in enumerate(SIDES)}
    return {"n": len(ids), **_rates(total), "f1_ci95": interval, "sides": sides}


def _rates(counts: Counts) -> dict[str, Any]:
    empty = counts.false_positive + counts.true_negative
    return {**agreement(counts), "false_alarm_rate": counts.false_positive / empty if empty else None}
