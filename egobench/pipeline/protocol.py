"""The readable record that makes two results comparable, and its digest.

Everything that can move a number without the model having changed stands in it: the metric's definition and
settings, the extractors with their weights' SHA-256, the split's content, how many clips and seeds, lengths,
rates, task.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from egobench.files.digest import digest_json
from egobench.pipeline.resolve import REQUIRED_FACTS, Metric, resolve_extractor
from egobench.types import Split, Task


def is_set_metric(metric: Metric) -> bool:
    """Whether a metric scores all clips at once."""
    return hasattr(metric, "score")


def protocol_record(metric: Metric, split: Split, clip_ids: Sequence[str], seeds: int, task: Task) -> dict[str, Any]:
    """The record of one metric in one run; JSON-ready."""
    extractors = sorted({need.extractor for need in metric.needs().values() if need.extractor})
    is_whole = len(clip_ids) == len(split.infos())
    return {
        "metric": _plain({**metric.record(), "unit": metric.unit}),
        "extractors": {name: _plain(resolve_extractor(name).protocol()) for name in extractors},
        "split": {"name": split.name, "digest": split.digest},
        "clips": len(clip_ids),
        "clip_ids": "all" if is_whole else digest_json(list(clip_ids)),
        "seeds": seeds,
        "items": len(clip_ids) * seeds,
        "form": {fact: _plain(split.facts[fact]) for fact in REQUIRED_FACTS},
        "task": task,
    }


def protocol_records(
    metrics: Sequence[Metric], split: Split, clip_ids: Sequence[str], seeds: int, task: Task
) -> dict[str, dict[str, Any]]:
    """Digest → record for every metric."""
    records = [protocol_record(metric, split, clip_ids, seeds, task) for metric in metrics]
    return {digest_json(record): record for record in records}


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(part) for key, part in value.items()}
    return [_plain(part) for part in value] if isinstance(value, list | tuple) else value
