"""What runs are called beside each other: the name that was given, else the model; and, where that is the same, the
settings that differ, or at last the run's folder.

`egobench run --name "step 40k"` gives a name. It is no part of a run's identity and moves no number.
"""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from egobench.errors import BadInputError

LABEL = re.compile(r"[\w][\w .:,+/()-]{0,79}")
"""What a run or a model may be called in a table: a word first (no formula of a spreadsheet), one line, at most 80
signs."""
SHOWN_DIGITS, SHOWN_SIGNS = 8, 32
"""Of a digest; of any other value of a setting."""


@dataclass(frozen=True)
class Named:
    """What tells a run apart."""

    run: str
    """Its folder's name."""
    name: str
    """As given by `--name`, else the model."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Of the model, as the manifest has them."""


def check_label(name: str) -> str:
    """The name itself.

    Raises:
        BadInputError: `run-label`: it cannot be printed in a table.
    """
    if not LABEL.fullmatch(name):
        rule = "a letter or digit first, then letters, digits, spaces and .:,+/()-, at most 80 signs"
        raise BadInputError(f"the name {name!r} cannot be printed; {rule}", code="run-label")
    return name


def given_name(manifest: Mapping[str, Any]) -> str:
    """The name that a run was given; empty without one, and in runs of before there were names."""
    request = manifest.get("request")
    name = request.get("name", "") if isinstance(request, Mapping) else ""
    return name if isinstance(name, str) and LABEL.fullmatch(name) else ""


def distinct_labels(runs: Sequence[Named], *, by_run: bool = True) -> list[str]:
    """A label for each run, different where the runs are.

    Args:
        by_run: add the run's folder where names and settings are the same; without, such labels stay equal.
    """
    labels = [run.name for run in runs]
    for places in _equal(labels):
        flat = [_flat(runs[place].settings) for place in places]
        keys = [key for key in dict.fromkeys(key for each in flat for key in each) if _differs(flat, key)]
        for place, settings in zip(places, flat, strict=True):
            told = " ".join(f"{key}={_short(settings[key])}" for key in keys if key in settings)
            labels[place] = f"{runs[place].name} {told}".rstrip()
    for places in _equal(labels) if by_run else []:
        for place in places:
            labels[place] += f" ({runs[place].run})"
    return labels


def _equal(labels: Sequence[str]) -> list[list[int]]:
    """Places of every label that stands there more than once."""
    found: dict[str, list[int]] = defaultdict(list)
    for place, label in enumerate(labels):
        found[label].append(place)
    return [places for places in found.values() if len(places) > 1]


def _flat(settings: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """Nested settings by dotted names; a file, which is kept as its digest or path, is one value."""
    found: dict[str, Any] = {}
    for key, value in settings.items():
        if isinstance(value, Mapping) and set(value) in ({"sha256"}, {"path"}, {"sha256", "text"}):
            found[f"{above}{key}"] = value.get("sha256", value.get("path"))
        elif isinstance(value, Mapping):
            found |= _flat(value, f"{above}{key}.")
        else:
            found[f"{above}{key}"] = value
    return found


def _differs(settings: Sequence[Mapping[str, Any]], key: str) -> bool:
    return len({repr(each.get(key, ...)) for each in settings}) > 1


def _short(value: Any) -> str:
    text = " ".join(str(value).split())
    if re.fullmatch(r"[0-9a-f]{64}", text):
        return text[:SHOWN_DIGITS]
    return text if len(text) <= SHOWN_SIGNS else f"…{text[-SHOWN_SIGNS + 1 :]}"
