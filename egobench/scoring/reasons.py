"""Counts reasons. Reasons that differ only in numbers count as one, with the range of each number."""

import re
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
    groups: dict[str, _Alike] = {}
    for reason in reasons:
        pattern = NUMBER.sub("#", reason)
        if pattern in groups:
            groups[pattern].add(reason)
        else:
            groups[pattern] = _Alike(reason)
    counts = {group.text: group.count for group in groups.values()}
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    rest = sum(count for _, count in ordered[most:])
    return {**dict(ordered[:most]), **({OTHERS: rest} if rest else {})}


class _Alike:
    """Reasons that differ in their numbers only: how many, and the range of each number."""

    def __init__(self, reason: str) -> None:
        self._first, self.count = reason, 1
        self._least = NUMBER.findall(reason)
        self._most = list(self._least)

    def add(self, reason: str) -> None:
        """Counts another one."""
        self.count += 1
        if reason == self._first:
            return
        for place, number in enumerate(NUMBER.findall(reason)):
            if float(number) < float(self._least[place]):
                self._least[place] = number
            if float(number) > float(self._most[place]):
                self._most[place] = number

    @property
    def text(self) -> str:
        """One text for all of them."""
        ranges = iter(
            self._least[k] if float(self._least[k]) == float(most) else f"{self._least[k]} … {most}"
            for k, most in enumerate(self._most)
        )
        return NUMBER.sub(lambda _: next(ranges), self._first)
