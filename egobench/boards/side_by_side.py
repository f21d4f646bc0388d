"""Finished runs → one grid with a row for each, without statistics. Runs whose protocols differ are refused."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from egobench.boards.entries import entry_content
from egobench.errors import NotComparableError, UnknownNameError
from egobench.files.atomic import read_json
from egobench.files.plain import differing_fields
from egobench.registry import unknown
from egobench.store.labels import Named, distinct_labels
from egobench.tables.grid import Grid
from egobench.tables.table import ModelRow, in_order, models_grid


def runs_grid(runs: Sequence[Path], columns: Sequence[str] = ()) -> Grid:
    """The runs in the given order, below floor and chance. Runs of one name get distinct labels (`store/labels.py`).

    Args:
        columns: metrics in this order; empty for all that any run has, in the catalogue's order.

    Raises:
        BadInputError: a run that is not finished, or damaged.
        NotComparableError: two runs measured a column under different protocols; the differing fields are named.
        UnknownNameError: a column that no run has.
    """
    contents = [entry_content(run) for run in runs]
    labels = distinct_labels([_named(run, content) for run, content in zip(runs, contents, strict=True)])
    first, measured = contents[0], in_order({name for content in contents for name in content["metrics"]})
    for name in columns:
        if name not in measured:
            raise UnknownNameError(unknown("metrics of these runs", name, measured))
    metrics = list(columns or measured)
    for content, run in zip(contents, runs, strict=True):
        _refuse_mixture(first, content, runs[0], run)
    rows = [
        ModelRow(
            label=label,
            metrics=content["metrics"],
            kind=content["provenance"]["kind"],
            run=content["provenance"]["run"],
        )
        for content, label in zip(contents, labels, strict=True)
    ]
    return models_grid(f"{first['split']} ({first['task']})", metrics, rows)


def _named(run: Path, content: Mapping[str, Any]) -> Named:
    settings = read_json(run / "manifest.json").get("model", {}).get("settings", {})
    return Named(content["provenance"]["run"], content["provenance"]["model"], settings)


def _refuse_mixture(first: dict, other: dict, first_run: Path, run: Path) -> None:
    for key in ("split", "task"):
        if first[key] != other[key]:
            raise NotComparableError(f"{first_run} has {key} {first[key]!r}, {run} has {other[key]!r}")
    for name in first["metrics"].keys() & other["metrics"].keys():
        if first["metrics"][name]["protocol"] == other["metrics"][name]["protocol"]:
            continue
        first_record, second_record = (content["provenance"]["protocols"][name] for content in (first, other))
        fields = ", ".join(differing_fields(first_record, second_record))
        raise NotComparableError(f"{name} of {first_run} and of {run} were measured differently: {fields} differ")
