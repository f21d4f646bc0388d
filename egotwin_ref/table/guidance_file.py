"""The JSON file of a choice of guidance: its settings, floor and chance, every pair, and the choice.

{"schema": 1, "asked": {…}, "floor": {column: mean}, "chance": {column: mean}, "tried": [{"text", "partner",
"columns": {column: mean}, "way", "standard_error"}], "chosen": {"text", "partner"} or null}

A mean is {"value", "standard_error", "unit", "unscored"}. The file is written after every pair, so that an interrupted
choice can continue. `chosen` is null until the whole grid is tried.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from egotwin_ref.model.sampling import Guidance

from .guidance_choice import UNITS, Mean, Scale, Tried, best


def content_of(settings: Mapping[str, Any], scale: Scale, tried: Sequence[Tried], *, is_done: bool) -> dict[str, Any]:
    """The content of the file.

    Args:
        settings: all that the numbers depend on, ready for JSON.
        is_done: whether `tried` is the whole grid.
    """
    pairs = [
        {**asdict(pair.guidance), "columns": _means(pair.columns), "way": pair.way.value}
        | {"standard_error": pair.way.error}
        for pair in tried
    ]
    chosen = asdict(best(tried).guidance) if is_done else None
    ends = {"floor": _means(scale.floor), "chance": _means(scale.chance)}
    return {"schema": 1, "asked": dict(settings), **ends, "tried": pairs, "chosen": chosen}


def read_tried(path: Path | None, settings: Mapping[str, Any]) -> dict[Guidance, Tried]:
    """The pairs in a file, finished or not; none if there is no file, or if its settings are others."""
    if path is None or not path.is_file():
        return {}
    content = json.loads(path.read_text(encoding="utf-8"))
    if content["asked"] != json.loads(json.dumps(settings)):
        return {}
    tried = {}
    for pair in content["tried"]:
        columns = {
            name: Mean(column["value"], column["standard_error"], column["unscored"])
            for name, column in pair["columns"].items()
        }
        guidance = Guidance(pair["text"], pair["partner"])
        tried[guidance] = Tried(guidance, columns, Mean(pair["way"], pair["standard_error"]))
    return tried


def _means(columns: Mapping[str, Mean]) -> dict[str, dict[str, Any]]:
    return {
        name: {"value": mean.value, "standard_error": mean.error, "unit": UNITS[name], "unscored": mean.unscored}
        for name, mean in columns.items()
    }
