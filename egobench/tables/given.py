"""Rows that were given more than the board's task gives: their mark, and the metrics that do not apply to them.

A model that makes only the video, for a given motion, may stand on a board of models that make both: it is measured by
the same metrics on the same clips. But its task is easier, so it is listed with a mark and never ranked.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from egobench.errors import BadInputError, EgoBenchError
from egobench.files.digest import digest_json
from egobench.plan.availability import GIVEN, check_task
from egobench.plan.resolve import resolve_metrics

NOT_APPLICABLE = "not applicable"
"""Printed in place of a number that a row cannot have."""


def given_mark(task: str) -> str:
    """The mark beside a row's name: `motion given (tm2v)`; empty for a task that gives no whole modality."""
    part = GIVEN.get(task)  # pyright: ignore[reportArgumentType, reportCallIssue]
    return f"{part} given ({task})" if part else ""


def not_applicable_metrics(task: str, metrics: Sequence[str]) -> dict[str, str]:
    """Metrics that would measure only what a task gave, and why.

    Args:
        metrics: names as in `metrics.json`; unknown ones are left out.
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
        except EgoBenchError:  # a metric of another package, which is not installed here
            continue
    return reasons


def protocol_but_for_task(digest: str, record: Mapping[str, Any] | None, task: str) -> str:
    """Digest of a protocol with its task replaced. Rows with equal digests differ in nothing but the task.

    Args:
        digest: digest of the protocol, 64 hex digits.
        record: the readable protocol. If it is None, or does not have this digest, `digest` is returned.
        task: the board's task.
    """
    if record is None or digest_json(record) != digest:
        return digest
    return digest_json({**record, "task": task})


def absence(result: Mapping[str, Any] | None) -> str:
    """Why a metric does not apply: the model does not make what it measures. Empty if it applies."""
    return "" if result is None else str(result.get("detail", {}).get("not_applicable", ""))
