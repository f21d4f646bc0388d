"""Counts reasons. Reasons that differ only in numbers count as one, with the range of each number."""

import re
from collections import Counter
from collections.abc import Iterable

NUMBER = re.compile(r"(?<![\w.:+/-])\d+(?:\.\d+)?(?:e[+-]?\d+)?(?![\w-])")
"""A number that stands alone: not part of a name (`test-0012-3`), not a line number after a colon."""
OTHERS = "other reasons"


def count_reasons(reasons: Iterable[str], most: int) -> dict[str, int]:
    """Reason → how often, the commonest first, equal ones by name.

    `moved 3 mm; 20 are needed` and `moved 7 mm; 20 are needed` are `moved 3 … 7 mm; 20 are needed`, twice.

    Args:
        most: so many are kept; all beyond are counted as `other reasons`.
    """
    groups: dict[str, Counter[str]] = {}
    for reason in reasons:
        groups.setdefault(NUMBER.sub("#", reason), Counter())[reason] += 1
    counts = Counter({_together(list(group)): group.total() for group in groups.values()})
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    rest = sum(count for _, count in ordered[most:])
    return {**dict(ordered[:most]), **({OTHERS: rest} if rest else {})}


def _together(alike: list[str]) -> str:
    """One text for reasons that differ in their numbers only."""
    columns = zip(*(NUMBER.findall(reason) for reason in alike), strict=True)
    ranges = iter([_range(list(column)) for column in columns])
    return NUMBER.sub(lambda _: next(ranges), alike[0])


def _range(numbers: list[str]) -> str:
    least, most = min(numbers, key=float), max(numbers, key=float)
    return least if float(least) == float(most) else f"{least} … {most}"
