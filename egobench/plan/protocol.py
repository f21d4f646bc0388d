"""The readable record that makes two results comparable, and its digest.

It holds everything, besides the model, that can change a number: the metric's definition and settings, the extractors
with the SHA-256 of their weights, the code of a user's classes, the split's content, the number of clips and seeds,
lengths, rates, task.
"""

from collections.abc import Sequence
from typing import Any

from egobench.files.digest import digest_json
from egobench.files.plain import plain
from egobench.metrics.base import ESTIMATED, SetMetric
from egobench.plan.calibration import calibration_digests
from egobench.plan.class_code import class_code, maker_record
from egobench.plan.own_weights import shown_name, shown_record
from egobench.plan.resolve import (
    CAMERA_FACTS,
    REQUIRED_FACTS,
    Metric,
    own_skeleton,
    resolve_estimator,
    resolve_extractor,
)
from egobench.types import Split, Task


def is_set_metric(metric: Metric) -> bool:
    """Whether a metric scores all clips at once."""
    return isinstance(metric, SetMetric)


def protocol_record(metric: Metric, split: Split, clip_ids: Sequence[str], seeds: int, task: Task) -> dict[str, Any]:
    """The record of one metric in one run; JSON-ready."""
    needs = [need for need in metric.needs().values() if need.extractor]
    extractors = sorted({str(need.extractor) for need in needs if need.what not in ESTIMATED})
    estimators = sorted({str(need.extractor) for need in needs if need.what in ESTIMATED})
    estimated = {shown_name(name): plain(maker_record(resolve_estimator(name))) for name in estimators}
    shown = {name: shown_name(name) for name in (*extractors, *estimators)}
    cards = calibration_digests(estimated, split.digest)
    is_whole = len(clip_ids) == len(split.infos())
    return {
        "metric": plain({**shown_record(metric.record(), shown), "unit": metric.unit, **class_code(metric)}),
        "extractors": {shown[name]: plain(maker_record(resolve_extractor(name))) for name in extractors},
        **({"estimators": estimated, "calibration": cards, "camera": _camera(split)} if estimated else {}),
        "split": {"name": split.name, "digest": split.digest},
        "clips": len(clip_ids),
        "clip_ids": "all" if is_whole else digest_json(list(clip_ids)),
        "seeds": seeds,
        "items": len(clip_ids) * seeds,
        "form": {**{fact: plain(split.facts[fact]) for fact in REQUIRED_FACTS}, **own_skeleton(split)},
        "task": task,
    }


def protocol_records(
    metrics: Sequence[Metric], split: Split, clip_ids: Sequence[str], seeds: int, task: Task
) -> dict[str, dict[str, Any]]:
    """Digest → record for every metric."""
    records = [protocol_record(metric, split, clip_ids, seeds, task) for metric in metrics]
    return {digest_json(record): record for record in records}


def _camera(split: Split) -> dict[str, Any]:
    """Intrinsics and `T_head_camera`, since another camera is another protocol."""
    return {name: plain(split.facts[name]) for name in CAMERA_FACTS}
