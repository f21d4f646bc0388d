"""Rows that were given more than the board's task gives: how they are marked, and what cannot be asked of them.

A model that makes video alone, along a given motion, has a place on a board of models that make both: its numbers are
of the same metrics on the same clips. It was spared half of the work, so it is listed with a mark and never ranked.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from egobench.errors import BadInputError, EgoBenchError
from egobench.files.digest import digest_json
from egobench.plan.availability import GIVEN, check_task
from egobench.plan.resolve import resolve_metrics

NOT_APPLICABLE = "not applicable"
"""What stands in the place of a number that a row cannot have."""


def given_mark(task: str) -> str:
    """What is said beside a row's name: `motion given (tm2v)`; empty where a task gives nothing whole."""
    part = GIVEN.get(task)  # pyright: ignore[reportArgumentType, reportCallIssue]
    return f"{part} given ({task})" if part else ""


def judged_nothing(task: str, metrics: Sequence[str]) -> dict[str, str]:
    """Of these metrics, those that would judge only what a task gave, and why.

    Args:
        metrics: names as in `metrics.json`. One that is not known here is left out.
    """
    reasons = {}
    for name in metrics:
        try:
            (metric,) = resolve_metrics(name)
            check_task(metric, task)  # pyright: ignore[reportArgumentType]
        except BadInputError as error:
            if error.code == "metric-task":
                part = GIVEN[task]  # pyright: ignore[reportArgumentType]
                reasons[name] = f"the {part} was given, and nothing else is looked at"
        except EgoBenchError:  # a metric of somebody else's package: nobody here knows what it looks at
            continue
    return reasons


def protocol_but_for_task(digest: str, record: Mapping[str, Any] | None, task: str) -> str:
    """Digest of a protocol with another task in place of its own; all else has to be equal to be compared.

    Args:
        digest: of the protocol, 64 hex digits.
        record: the readable protocol. Without it, or where it is not the one that was digested, `digest` comes back.
        task: the board's.
    """
    if record is None or digest_json(record) != digest:
        return digest
    return digest_json({**record, "task": task})


def absence(result: Mapping[str, Any] | None) -> str:
    """Why a result has no number, where the model does not make what the metric looks at; else empty."""
    return "" if result is None else str(result.get("detail", {}).get("not_applicable", ""))
