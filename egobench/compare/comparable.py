"""May two sides be compared at all? Protocols first, then the very clips; what differs is named."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from egobench.compare.side import Side
from egobench.errors import NotComparableError, UnknownNameError
from egobench.files.plain import differing_fields
from egobench.registry import unknown

LISTED = 8
"""Fields or clips named in a message; the rest are counted."""


@dataclass(frozen=True)
class FieldDifference:
    """One leaf of a protocol that differs."""

    field: str
    """Dotted name."""
    first: Any
    second: Any


def joint_metrics(first: Side, second: Side, wanted: Sequence[str] = ()) -> list[str]:
    """Metrics that both sides have, in the first side's order; `wanted` restricts them.

    Raises:
        UnknownNameError: a wanted metric that neither has.
        NotComparableError: one that only one has, or no metric in common.
    """
    both = [name for name in first.results if name in second.results]
    for name in wanted:
        if name not in first.results and name not in second.results:
            raise UnknownNameError(unknown("metrics of these runs", name, [*first.results, *second.results]))
        if name not in both:
            has, lacks = (first, second) if name in first.results else (second, first)
            raise NotComparableError(f"{name} was scored in {has.name} and not in {lacks.name}")
    if not both:
        raise NotComparableError(
            f"{first.name} and {second.name} have no metric in common: {_listed(list(first.results))} against "
            f"{_listed(list(second.results))}"
        )
    return [name for name in both if not wanted or name in wanted]


def protocol_differences(first: Side, second: Side, metric: str) -> list[FieldDifference]:
    """Leaves in which the two protocols of a metric differ; empty where it may be compared."""
    if first.results[metric]["protocol"] == second.results[metric]["protocol"]:
        return []
    ours, theirs = first.protocols[metric], second.protocols[metric]
    names = differing_fields(ours, theirs) or ["digest"]
    return [FieldDifference(name, _leaf(ours, name), _leaf(theirs, name)) for name in names]


def refuse_unlike(first: Side, second: Side, metrics: Sequence[str]) -> None:
    """Refuses two protocols in one row.

    Raises:
        NotComparableError: names metrics and fields.
    """
    by_fields: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for metric in metrics:
        fields = tuple(each.field for each in protocol_differences(first, second, metric))
        if fields:
            by_fields[fields].append(metric)
    if not by_fields:
        return
    parts = [
        f"{_listed(names) if len(names) < len(metrics) else 'every metric'}: {_listed(fields)} differ"
        for fields, names in by_fields.items()
    ]
    raise NotComparableError(
        f"{first.name} and {second.name} were measured differently; {'; '.join(parts)}; `--explain` prints both values"
    )


def refuse_other_clips(first: Side, second: Side, *, allow_partial: bool = False) -> None:
    """Refuses rows that are not of the same clips.

    Raises:
        NotComparableError: a clip with another content, no row in common, or rows that only one side has.
    """
    joint = first.items.keys() & second.items.keys()
    changed = sorted({key.clip for key in joint if first.items[key].digest != second.items[key].digest})
    if changed:
        text = f"{_listed(changed)} {'has' if len(changed) == 1 else 'have'} another content (digest)"
        raise NotComparableError(f"{first.name} and {second.name}: {text} in each; they are not of one split")
    if not joint:
        raise NotComparableError(f"{first.name} and {second.name} have no clip × seed row in common")
    for has, lacks in ((first, second), (second, first)):
        alone = sorted(has.items.keys() - lacks.items.keys())
        if alone and not allow_partial:
            rows = _listed([f"{key.clip} seed {key.seed}" for key in alone])
            raise NotComparableError(
                f"{lacks.name} has no row of {rows}, which {has.name} has; `--allow-partial` compares the rest"
            )


def _leaf(record: Any, name: str) -> Any:
    for part in name.split("."):
        if not isinstance(record, dict):
            return None
        record = record.get(part)
    return record


def _listed(names: Sequence[str]) -> str:
    rest = len(names) - LISTED
    return ", ".join(names[:LISTED]) + (f" and {rest} more" if rest > 0 else "")
