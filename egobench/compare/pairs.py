"""How many rows of a metric can be paired, and why the others cannot: nothing is dropped without being counted."""

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
    """Of all without a number: those where a row failed on some side, as opposed to being undefined."""
    reasons: Mapping[str, int] = field(default_factory=dict)
    """Why, the commonest first; `first: …` or `second: …`."""


def count_pairs(
    first: Side, second: Side, metric: str, planned: Sequence[Key], held: Sequence[set[Key]] | None
) -> Pairs:
    """Counts the rows of a metric by what each side has.

    Args:
        planned: rows that both sides have.
        held: rows with a number, per side; None where nothing can be had.
    """
    lost = [side.source.lost(metric) for side in (first, second)]
    if held is None:  # a set metric without any value, or a side of which nothing can be had
        failed = sum(any(key in side and side[key].status == "failed" for side in lost) for key in planned)
        return Pairs(len(planned), 0, neither=len(planned), failed=failed, reasons=_reasons(lost, planned))
    has = Counter((key in held[0], key in held[1]) for key in planned)
    missing = [key for key in planned if not (key in held[0] and key in held[1])]
    failed = sum(any(_is_failed(key, *side) for side in zip(held, lost, strict=True)) for key in missing)
    return Pairs(
        planned=len(planned),
        paired=has[True, True],
        only_first=has[True, False],
        only_second=has[False, True],
        neither=has[False, False],
        failed=failed,
        reasons=_reasons(lost, missing),
    )


def _is_failed(key: Key, held: set[Key], lost: Mapping[Key, Lost]) -> bool:
    """Whether a row that has no number failed; one of a set metric that did not enter could not be read."""
    return key not in held and (key not in lost or lost[key].status == "failed")


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
