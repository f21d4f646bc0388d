"""Labels of runs in tables: the given name, or else the model's. Equal labels get the settings that differ, or else the
run's folder.

`egobench run --name "step 40k"` gives a name. It is no part of a run's identity and changes no number.
"""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from egobench.errors import BadInputError

LABEL = re.compile(r"[\w][\w .:,+/()-]{0,79}")
"""Allowed names of runs and models in tables: they start with a letter, digit or underscore (so no spreadsheet takes
them for a formula) and have one line of at most 80 characters."""
SHOWN_DIGITS, SHOWN_SIGNS = 8, 32
"""Characters that a label shows of a digest, and of any other value of a setting."""


@dataclass(frozen=True)
class Named:
    """The facts by which a run gets its label."""

    run: str
    """Its folder's name."""
    name: str
    """As given by `--name`, else the model."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Of the model, as the manifest has them."""


def check_label(name: str) -> str:
    """Returns the name, if it can be printed in a table.

    Raises:
        BadInputError: `run-label`: it cannot.
    """
    if not LABEL.fullmatch(name):
        rule = "a letter or digit first, then letters, digits, spaces and .:,+/()-, at most 80 signs"
        raise BadInputError(f"the name {name!r} cannot be printed; {rule}", code="run-label")
    return name


def given_name(manifest: Mapping[str, Any]) -> str:
    """The given name of a run; empty if it has none."""
    request = manifest.get("request")
    name = request.get("name", "") if isinstance(request, Mapping) else ""
    return name if isinstance(name, str) and LABEL.fullmatch(name) else ""


def distinct_labels(runs: Sequence[Named], *, by_run: bool = True) -> list[str]:
    """A label for each run; labels of different runs differ.

    Args:
        by_run: add the run's folder if names and settings are the same; False leaves such labels equal.
    """
    labels = [run.name for run in runs]
    for places in _equal(labels):
        flat = [_flat(runs[place].settings) for place in places]
        keys = [key for key in dict.fromkeys(key for each in flat for key in each) if _differs(flat, key)]
        for place, settings in zip(places, flat, strict=True):
            differences = " ".join(f"{key}={_short(settings[key])}" for key in keys if key in settings)
            labels[place] = f"{runs[place].name} {differences}".rstrip()
    for places in _equal(labels) if by_run else []:
        for place in places:
            labels[place] += f" ({runs[place].run})"
    return labels


def _equal(labels: Sequence[str]) -> list[list[int]]:
    """For every label that occurs more than once, its indices."""
    places_of_label: dict[str, list[int]] = defaultdict(list)
    for place, label in enumerate(labels):
        places_of_label[label].append(place)
    return [places for places in places_of_label.values() if len(places) > 1]


def _flat(settings: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """Nested settings by dotted names; a file, which is stored as its digest or path, is one value."""
    flat: dict[str, Any] = {}
    for key, value in settings.items():
        if isinstance(value, Mapping) and set(value) in ({"sha256"}, {"path"}, {"sha256", "text"}):
            flat[f"{above}{key}"] = value.get("sha256", value.get("path"))
        elif isinstance(value, Mapping):
            flat |= _flat(value, f"{above}{key}.")
        else:
            flat[f"{above}{key}"] = value
    return flat


def _differs(settings: Sequence[Mapping[str, Any]], key: str) -> bool:
    return len({repr(each.get(key, ...)) for each in settings}) > 1


def _short(value: Any) -> str:
    text = " ".join(str(value).split())
    if re.fullmatch(r"[0-9a-f]{64}", text):
        return text[:SHOWN_DIGITS]
    return text if len(text) <= SHOWN_SIGNS else f"…{text[-SHOWN_SIGNS + 1 :]}"
