"""How a table marks a number that was not measured on every clip, and the note below it.

If the estimator finds no path, a clip has the error of a camera that never moves. If a sample stands still where its
reference moves, its error is that movement. Both enter the mean, so the number alone does not show them.
"""

from collections.abc import Mapping
from typing import Any, Literal

from egobench.tables.numbers import reasons_text

MARK = "†"
"""Behind a value that was not measured on all clips."""
FEW = "‡"
"""Behind a Fréchet distance of fewer items than features."""
LEAST_MEASURED = 0.9
"""If fewer than this share of clips were measured, the note also counts samples that stand still. A clip without a path
always gives a note."""


def measured_text(result: Mapping[str, Any]) -> str:
    """`0 of 3 clips measured: …`, with the reasons; empty if all clips were measured.

    Args:
        result: record of `metrics.json`.
    """
    counted, lost = _counted(result), _left_out(result)
    if counted:
        total, null, still = sum(counted.values()), counted.get("null", 0), counted.get("still", 0)
        measured = counted.get("measured", 0)
        if not null and measured >= LEAST_MEASURED * total:
            return ""
        why = reasons_text(result, "not_measured") or _statuses(result)
        parts = []
        if null:
            parts.append(f"{null} without a path cost what a camera that never moves would: {why}")
        if still:
            parts.append(f"{still} stand still where the reference moves, and cost that movement")
        return f"{measured} of {total} clips measured: {'; '.join(parts)}"
    if lost:
        return f"{result['n']} of {result['n'] + lost} clips measured: {reasons_text(result, 'left_out')}"
    return ""


def measured_status(result: Mapping[str, Any]) -> Literal["measured", "partly measured", "not measured"]:
    """The mark for programs, in the column `status` of CSV and JSON."""
    if result.get("value") is None:
        return "not measured"
    if not measured_text(result):
        return "measured"
    counted = _counted(result)
    return "partly measured" if (counted.get("measured") if counted else result["n"]) else "not measured"


def failed_text(result: Mapping[str, Any]) -> str:
    """Why a metric has no value although it had rows (a set metric that raised); empty for others."""
    return reasons_text(result, "failed") if result.get("value") is None else ""


def few_text(result: Mapping[str, Any]) -> str:
    """`64 frames for 128 features: …` of a Fréchet distance; empty if there are enough items."""
    detail = _detail(result)
    if not detail.get("n_below_d"):
        return ""
    counts = [f"{value} {key[2:]}" for key, value in detail.items() if key.startswith("n_") and key != "n_below_d"]
    number = ", ".join(counts) or f"{result['n']} rows"
    return f"{number} for {detail['d']} features: mostly bias, which falls with N and differs between models"


def marks(result: Mapping[str, Any]) -> str:
    """The marks behind a value; empty for most."""
    signs = (MARK if measured_text(result) else "") + (FEW if few_text(result) else "")
    return f" {signs}" if signs else ""


def marked(text: str, result: Mapping[str, Any] | None) -> str:
    """A value as text, with its marks; a missing value has no marks."""
    return text if result is None or result.get("value") is None else text + marks(result)


def mark_notes(result: Mapping[str, Any]) -> list[str]:
    """Notes below a table for a marked value; each continues after the metric's name."""
    signs = ((MARK, measured_text(result)), (FEW, few_text(result)))
    return [f"{sign} {text}" for sign, text in signs if text]


def _counted(result: Mapping[str, Any]) -> Mapping[str, int]:
    return _detail(result).get("counted") or {}


def _left_out(result: Mapping[str, Any]) -> int:
    return sum((_detail(result).get("left_out") or {}).values())


def _statuses(result: Mapping[str, Any]) -> str:
    """For a record without reasons: the number of clips by status, without `ok`."""
    statuses = _detail(result).get("statuses") or {}
    return ", ".join(f"{name} ({each['n']})" for name, each in statuses.items() if name != "ok") or "no reason kept"


def _detail(result: Mapping[str, Any]) -> Mapping[str, Any]:
    return result.get("detail") or {}
