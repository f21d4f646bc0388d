"""Warnings about samples that were scored nevertheless: a line for each kind."""

from collections import defaultdict
from collections.abc import Sequence

from egobench.run.reasons import count_reasons
from egobench.store.tables import ItemRow


def sample_warnings(items: Sequence[ItemRow]) -> list[str]:
    """One line for each set of codes: how many samples, and what was found most often; empty if all is well."""
    reasons = defaultdict(list)
    for item in items:
        if item.status == "ok" and item.code:
            reasons[item.code].append(item.reason)
    return [
        f"warning {code}: {len(found)} of {len(items)} samples: {next(iter(count_reasons(found, 1)))}"
        for code, found in sorted(reasons.items())
    ]
