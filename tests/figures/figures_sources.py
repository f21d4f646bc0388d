"""Where figures come from: entries and table of the board, claims, guidance, cards, reports of the validation."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from figures_text import ROOT, Table

BOARD = ROOT / "leaderboards" / "egomini"
VALIDATION = ROOT / "docs" / "validation"


def _json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


@cache
def entries() -> dict[str, dict[str, Any]]:
    """Label of a row → its metrics."""
    read = map(_json, sorted((BOARD / "entries").glob("*.json")))
    return {entry["provenance"]["model"]: entry["metrics"] for entry in read}


@cache
def board_table() -> Table:
    """The first table of the board's page; a test holds it to the entries."""
    lines = [line for line in (BOARD / "table.md").read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    rows = [tuple(cell.strip(" *") for cell in line.strip().strip("|").split("|")) for line in lines]
    width = len(rows[0])
    first = next((k for k, row in enumerate(rows) if k and row[:2] == rows[0][:2]), len(rows))
    return Table("table.md", rows[0], tuple(row for row in rows[2:first] if len(row) == width))


def way(metric: str, value: float) -> float:
    """0 at the board's floor, 1 at chance."""
    reference = entries()["reference"][metric]
    return (value - reference["floor"]) / (reference["chance"] - reference["floor"])


@cache
def guidance(row: str) -> dict[str, Any]:
    """What was tried for a row, and what was chosen."""
    return _json(BOARD / "guidance" / f"{row}.json")


@cache
def claim(row: str, metric: str) -> dict[str, Any]:
    """What was measured of one ordering of the paper, the row minus EgoTwin."""
    claims = _json(BOARD / "claims.json")
    (found,) = [c for c in claims["claims"] + claims["beyond"] if (c["row"], c["metric"]) == (row, metric)]
    return found


@cache
def noise(metric: str) -> float:
    """Training noise that the claims have, in the metric's unit."""
    return _json(BOARD / "claims.json")["noise"][metric]["value"]


@cache
def card(estimator: str, split: str) -> dict[str, Any]:
    """A shipped calibration card."""
    (path,) = (ROOT / "egobench").rglob(f"{estimator}@{split}.json")
    return _json(path)


@cache
def report(name: str) -> dict[str, Any]:
    """A report of `egobench validate-metrics` that is kept in docs/validation."""
    return _json(VALIDATION / name / "report.json")


def ladder(name: str, metric: str, fault: str) -> dict[float, float]:
    """Strength → value."""
    found = report(name)["metrics"][metric]["ladders"][fault]
    return dict(zip(found["strengths"], (point["value"] for point in found["points"]), strict=True))


def verdicts(name: str, expected: str) -> list[str]:
    """Verdicts on all ladders of which this was declared."""
    metrics = report(name)["metrics"].values()
    return [rungs["verdict"] for m in metrics for rungs in m["ladders"].values() if rungs["expected"] == expected]
