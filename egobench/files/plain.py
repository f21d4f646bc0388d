"""Values made of numbers, texts, lists and mappings → JSON-ready values, and the fields in which two of them differ."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np


def plain(value: Any) -> Any:
    """JSON-ready: numpy numbers become Python's; NaN and infinity, which JSON does not have, become None."""
    if isinstance(value, Mapping):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    if isinstance(value, np.ndarray | np.generic):
        return plain(value.tolist())
    return None if isinstance(value, float) and not math.isfinite(value) else value


def differing_fields(ours: Any, theirs: Any, prefix: str = "") -> list[str]:
    """Dotted names of the leaves in which two readable protocols differ."""
    if isinstance(ours, Mapping) and isinstance(theirs, Mapping):
        names = sorted({*ours, *theirs})
        nested = [differing_fields(ours.get(name), theirs.get(name), f"{prefix}{name}.") for name in names]
        return [name for names in nested for name in names]
    return [] if ours == theirs else [prefix.rstrip(".")]
