"""How many rows of a metric can be paired, and why the others cannot. Every row is counted."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from egobench.compare.side import Key, Lost, Side

KEPT_REASONS = 5


@dataclass(frozen=True)
class Pairs:
    """How many rows of a metric could be paired."""

    planned: int
    """Rows that both runs have."""
    paired: int
    """Rows with a number on both sides."""
    only_first: int = 0
    """A number in the first run only."""
    only_second: int = 0
    neither: int = 0
    failed: int = 0
    """Unpaired rows that failed on some side; undefined rows do not count."""
    reasons: Mapping[str, int] = field(default_factory=dict)
    """Reason → rows, the commonest first; a reason starts with `first: ` or `second: `."""


def count_pairs(
    first: Side, second: Side, metric: str, planned: Sequence[Key], with_number: Sequence[set[Key]] | None
) -> Pairs:
    """Counts the rows of a metric by what each side has.

    Args:
        planned: rows that both sides have.
        with_number: rows with a number, per side; None if a side has no terms at all.
    """
    lost = [side.source.lost(metric) for side in (first, second)]
    if with_number is None:  # a set metric without a value, or a side without terms
        failed = sum(any(key in side and side[key].status == "failed" for side in lost) for key in planned)
        return Pairs(len(planned), 0, neither=len(planned), failed=failed, reasons=_reasons(lost, planned))
    counts = Counter((key in with_number[0], key in with_number[1]) for key in planned)
    missing = [key for key in planned if not (key in with_number[0] and key in with_number[1])]
    failed = sum(any(_is_failed(key, *side) for side in zip(with_number, lost, strict=True)) for key in missing)
    return Pairs(
        planned=len(planned),
        paired=counts[True, True],
        only_first=counts[True, False],
        only_second=counts[False, True],
        neither=counts[False, False],
        failed=failed,
        reasons=_reasons(lost, missing),
    )


def _is_failed(key: Key, with_number: set[Key], lost: Mapping[Key, Lost]) -> bool:
    """Whether a row without a number failed. A row that did not enter a set metric could not be read, so it failed."""
    return key not in with_number and (key not in lost or lost[key].status == "failed")


def _reasons(lost: Sequence[Mapping[Key, Lost]], keys: Sequence[Key]) -> dict[str, int]:
    counts = Counter(
        f"{name}: {side[key].status}: {side[key].reason}"
        for name, side in zip(("first", "second"), lost, strict=True)
        for key in keys
        if key in side
    )
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    kept = dict(ordered[:KEPT_REASONS])
    if len(ordered) > KEPT_REASONS:
        kept["other reasons"] = sum(count for _, count in ordered[KEPT_REASONS:])
    return kept
