"""Fixture results in the schema of `metrics.json`, and boards made of them."""

import json
from pathlib import Path
from typing import Any

PROTOCOL_A, PROTOCOL_B = "a" * 64, "b" * 64


def result(value: float | None, **changed: Any) -> dict[str, Any]:
    """One metric's record; lower is better, 256 rows, all defined."""
    return {
        **{"value": value, "ci95": None, "unit": "", "better": "lower", "n": 256, "n_undefined": 0, "coverage": 1.0},
        **{"version": 1, "protocol": PROTOCOL_A, "floor": 2.5, "chance": 40.0, "detail": {}},
        **changed,
    }


def document(model: str = "walker", **metrics: dict[str, Any]) -> dict[str, Any]:
    """A `metrics.json`; `i_fid=…` stands for `i-fid`."""
    named = {name.replace("_", "-"): record for name, record in metrics.items()}
    return {
        **{"schema": 1, "run": f"20260101-000000_{model}", "model": model, "split": "egomini-test", "task": "t2vm"},
        "metrics": named,
    }


def entry(
    model: str, *, kind: str = "model", split_digest: str = "5" * 64, **metrics: dict[str, Any]
) -> dict[str, Any]:
    """An entry of a board."""
    provenance = {
        **{"model": model, "kind": kind, "run": f"20260101-000000_{model}", "manifest_digest": "0" * 64},
        **{"split_digest": split_digest, "date": "2026-01-01T00:00:00Z", "commit": "c0ffee", "protocols": {}},
    }
    return {**document(model, **metrics), "provenance": provenance}


RECIPE = """
schema = 1
title = "Test board"
split = "egomini-test"
metrics = ["i-fid", "clip-sim"]
order = "i-fid"
[gates]
min_n = 100
min_coverage = 0.9
"""


def make_board(folder: Path, *entries: dict[str, Any], recipe: str = RECIPE) -> Path:
    """A board folder with entries."""
    board = folder / "board"
    (board / "entries").mkdir(parents=True)
    (board / "board.toml").write_text(recipe, encoding="utf-8")
    for number, content in enumerate(entries):
        (board / "entries" / f"{number}.json").write_text(json.dumps(content), encoding="utf-8")
    return board
