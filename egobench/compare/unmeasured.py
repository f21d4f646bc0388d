"""How much of a side a metric did not measure. A metric with more than a tenth of unmeasured clips is not compared."""

from typing import Any

from egobench.compare.side import Side
from egobench.errors import NotComparableError

UNMEASURED_SHARE = 0.1
"""Largest share of unmeasured rows with which a metric is compared without `allow_partial`. An unmeasured row has the
error of a camera that never moves."""


def unmeasured_share(side: Side, metric: str) -> float:
    """Share of a side's rows that have a number but were not measured, 0 … 1; failed rows do not count."""
    record: Any = side.results[metric]
    counted = (record.get("detail") or {}).get("counted") or {}
    if counted:
        return counted.get("null", 0) / sum(counted.values())
    if record["value"] is None or not record["n"] or not side.items:
        return 0.0
    failed = sum(lost.status == "failed" for lost in side.source.lost(metric).values())
    if not failed and record["n"] + record["n_undefined"] < len(side.items):
        return 0.0  # a set metric: `count_pairs` counts the rows that did not enter
    return max(0.0, 1.0 - float(record["coverage"]) - failed / len(side.items))


def unmeasured_text(first: Side, second: Side, metric: str) -> str:
    """A note on a metric that did not measure all of both sides; empty if it did."""
    shares = [(side.name, unmeasured_share(side, metric)) for side in (first, second)]
    return " and ".join(f"{share:.1%} of {name} was not measured" for name, share in shares if share > 0)


def too_few_measured(first: Side, second: Side, metric: str) -> str:
    """Why a metric may not be compared without `allow_partial`; empty if it may."""
    worst = max(unmeasured_share(side, metric) for side in (first, second))
    if worst <= UNMEASURED_SHARE:
        return ""
    text = unmeasured_text(first, second, metric)
    allowed = f"{100 * UNMEASURED_SHARE:g} % is allowed"
    return f"{text} (nothing was seen in it, and it costs what a camera that never moves would); {allowed}"


def refuse_unmeasured(first: Side, second: Side, metric: str, *, allow_partial: bool) -> None:
    """Refuses a metric that did not measure enough of a side.

    Raises:
        NotComparableError: more than a tenth of a side was not measured.
    """
    text = too_few_measured(first, second, metric)
    if text and not allow_partial:
        raise NotComparableError(f"{metric}: {text}; `--allow-partial` compares it all the same, `--metrics` others")
