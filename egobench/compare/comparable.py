"""Whether two sides may be compared: the same protocols, then the same clips. A refusal names what differs."""

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


def joint_metrics(first: Side, second: Side, requested: Sequence[str] = ()) -> list[str]:
    """Metrics that both sides have, in the first side's order.

    Args:
        requested: only these; empty for all.

    Raises:
        UnknownNameError: a requested metric that neither side has.
        NotComparableError: a requested metric that only one side has, or no metric in common.
    """
    joint = [name for name in first.results if name in second.results]
    for name in requested:
        if name not in first.results and name not in second.results:
            raise UnknownNameError(unknown("metrics of these runs", name, [*first.results, *second.results]))
        if name not in joint:
            scored, unscored = (first, second) if name in first.results else (second, first)
            raise NotComparableError(f"{name} was scored in {scored.name} and not in {unscored.name}")
    if not joint:
        raise NotComparableError(
            f"{first.name} and {second.name} have no metric in common: {_listed(list(first.results))} against "
            f"{_listed(list(second.results))}"
        )
    return [name for name in joint if not requested or name in requested]


def protocol_differences(first: Side, second: Side, metric: str) -> list[FieldDifference]:
    """Fields in which the two protocols of a metric differ; empty if the metric may be compared."""
    if first.results[metric]["protocol"] == second.results[metric]["protocol"]:
        return []
    first_record, second_record = first.protocols[metric], second.protocols[metric]
    names = differing_fields(first_record, second_record) or ["digest"]
    return [FieldDifference(name, _leaf(first_record, name), _leaf(second_record, name)) for name in names]


def refuse_unlike(first: Side, second: Side, metrics: Sequence[str]) -> None:
    """Refuses metrics whose protocols differ.

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
    """Refuses two sides whose rows are not of the same clips.

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
    for larger, smaller in ((first, second), (second, first)):
        alone = sorted(larger.items.keys() - smaller.items.keys())
        if alone and not allow_partial:
            rows = _listed([f"{key.clip} seed {key.seed}" for key in alone])
            raise NotComparableError(
                f"{smaller.name} has no row of {rows}, which {larger.name} has; `--allow-partial` compares the rest"
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
