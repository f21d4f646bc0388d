"""Results → grids: one run with its metrics as rows, or many models as rows with the metrics as columns.

Reads the documents that runs write as `metrics.json`. A newer schema is refused.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from egobench.catalog import METRICS
from egobench.errors import BadInputError
from egobench.files.atomic import read_json
from egobench.store.folder import why_no_run
from egobench.tables.card_text import calibration_lines, calibration_lines_of_rows
from egobench.tables.given import NOT_APPLICABLE, absence, given_mark
from egobench.tables.grid import Grid, GridRow
from egobench.tables.measured import failed_text, mark_notes, marked, measured_status
from egobench.tables.numbers import ARROWS, MISSING, head_text, plain_text, reasons_text, share_text, value_text

SCHEMA = 1
SHORT_DIGEST = 8
KEPT = ("value", "unit", "better", "n", "n_undefined", "coverage", "version", "protocol")
"""Fields that a record for programs takes from a result unchanged."""
CUT = "; others ("
"""Marks a note that does not list all reasons."""
ALL_REASONS = "every reason, row by row: the run's items.parquet and scores.parquet, or `egobench report RUN`"
Kind = Literal["model", "control"]
PLURAL = {"has": "have", "is": "are", "does": "do", "was": "were"}


@dataclass(frozen=True)
class ModelRow:
    """One model of a table."""

    label: str
    """As printed."""
    metrics: Mapping[str, Mapping[str, Any]]
    """Metric name to its record of `metrics.json`; a metric that was not run is absent."""
    kind: Kind = "model"
    """Controls are context: faint, unranked."""
    rank: int | None = None
    """1 is best; None is printed as nothing."""
    run: str = ""
    """Run id."""
    notes: tuple[str, ...] = ()
    """Why it has no rank, and the like."""
    given: str = ""
    """The row's task, if it was given more than the other rows; its name then has a mark."""
    absent: Mapping[str, str] = field(default_factory=dict)
    """Columns that do not apply to the row, and why."""

    @property
    def name(self) -> str:
        """The label with its marks: `CameraCtrl, motion given (tm2v)`."""
        label = self.label if self.kind == "model" else f"{self.label} ({self.kind})"
        return f"{label}, {given_mark(self.given)}" if self.given else label

    def why_absent(self, metric: str) -> str:
        """Why a column does not apply to the row; empty if it applies."""
        return self.absent.get(metric) or absence(self.metrics.get(metric))


def read_metrics(path: Path) -> dict[str, Any]:
    """The `metrics.json` of a run folder, or that file itself.

    Raises:
        BadInputError: absent, damaged, or of a newer schema.
    """
    file = path / "metrics.json" if path.is_dir() else path
    if not file.is_file():
        is_run = not path.is_dir() or (path / "manifest.json").is_file()
        why = "" if is_run else f": {why_no_run(path)}"
        raise BadInputError(f"no {file}: not a finished run{why}", code="run-missing")
    return check_metrics(read_json(file), str(file))


def check_metrics(document: Any, where: str) -> dict[str, Any]:
    """Checks that a document has the form of `metrics.json`, and returns it.

    Raises:
        BadInputError: a key is missing, the schema is newer, or a metric's record is incomplete.
    """
    if not isinstance(document, dict) or not isinstance(document.get("schema"), int):
        raise BadInputError(f"{where} is not a metrics.json: it has no `schema`", code="metrics-schema")
    if document["schema"] > SCHEMA:
        raise BadInputError(
            f"{where} has schema {document['schema']}, this version reads up to {SCHEMA}; update egobench",
            code="metrics-schema",
        )
    missing = [key for key in ("run", "model", "split", "task", "metrics") if key not in document]
    if missing or not isinstance(document["metrics"], dict):
        raise BadInputError(f"{where} lacks {', '.join(missing) or 'a table of metrics'}", code="metrics-damaged")
    for name, result in document["metrics"].items():
        absent = {"value", "ci95", "unit", "better", "n", "n_undefined", "coverage", "version", "protocol"} - set(
            result
        )
        if absent or result["better"] not in ARROWS:
            what = f"lacks {', '.join(sorted(absent))}" if absent else f"has better = {result['better']!r}"
            raise BadInputError(f"{where}: the record of {name} {what}", code="metrics-damaged")
    return document


def in_order(labels: Iterable[str]) -> list[str]:
    """Metrics in the catalogue's order, a metric's presets by name, unknown metrics last."""
    places = {name: place for place, name in enumerate(METRICS.builtin)}
    return sorted(labels, key=lambda label: (places.get(label.partition(":")[0], len(places)), label))


def run_grid(document: Mapping[str, Any], name: str = "") -> Grid:
    """One run: a row per metric, with interval, n, coverage, floor and chance. `name` is the run's name, if it has
    one."""
    metrics = {name: document["metrics"][name] for name in in_order(document["metrics"])}
    rows = [
        (
            head_text(name, result),
            marked(_value(result), result),
            str(result["n"]),
            str(result["n_undefined"]),
            share_text(result["coverage"]),
            plain_text(result.get("floor")),
            plain_text(result.get("chance")),
        )
        for name, result in metrics.items()
    ]
    row = ModelRow(document["model"], metrics, run=document["run"])
    notes = list(_notes(row, list(metrics), named=False))
    if any(CUT in note for note in notes):
        notes.append(ALL_REASONS)
    protocols = [f"{name} v{result['version']} {result['protocol'][:SHORT_DIGEST]}" for name, result in metrics.items()]
    return Grid(
        title=f"{f'{name}: ' if name else ''}{document['model']} on {document['split']} ({document['task']})",
        header=("metric", "value ± 95 %", "n", "undef.", "cover.", "floor", "chance"),
        rows=tuple(GridRow(cells) for cells in rows),
        notes=(
            *notes,
            *calibration_lines(metrics),
            f"Protocols: {', '.join(protocols)}.",
        ),
        records=tuple(_records(row, list(metrics), status="measured")),
    )


def models_grid(title: str, metrics: Sequence[str], rows: Sequence[ModelRow], *, notes: Sequence[str] = ()) -> Grid:
    """Models as rows, in the order given; floor and chance stand between header and models.

    Args:
        metrics: the columns, in order; a metric that no row has is an empty column.
        rows: measured under one protocol per metric, which the caller has checked.
    """
    header = ["#", "model"]
    for name in metrics:
        result = next((row.metrics[name] for row in rows if name in row.metrics), None)
        header.append(head_text(name, result) if result else name)
    grid_rows = [
        GridRow(("", label, *(_shared(rows, name, label) for name in metrics)), faint=True)
        for label in ("floor", "chance")
    ]
    best = {name: _best(rows, name) for name in metrics}
    for row in rows:
        values = [_cell(row, name) for name in metrics]
        strong = frozenset(k for k, name in enumerate(metrics, start=2) if row.label in best[name])
        cells = (str(row.rank or ""), row.name, *values)
        grid_rows.append(GridRow(cells, strong=strong, faint=row.kind != "model"))
    every_note = [*notes, *(note for row in rows for note in _notes(row, metrics, named=True))]
    every_note += calibration_lines_of_rows([row.metrics for row in rows], metrics)
    return Grid(
        title=title,
        header=tuple(header),
        rows=tuple(grid_rows),
        rule_after=2 if rows else 0,
        left=2,
        notes=tuple(every_note),
        records=tuple(record for row in rows for record in _records(row, metrics, status="measured")),
    )


def _cell(row: ModelRow, name: str) -> str:
    result = row.metrics.get(name)
    if result is None:
        return NOT_APPLICABLE if row.why_absent(name) else MISSING
    return marked(_value(result), result)


def _value(result: Mapping[str, Any]) -> str:
    return NOT_APPLICABLE if absence(result) else value_text(result["value"], result["ci95"])


def _shared(rows: Sequence[ModelRow], name: str, key: str) -> str:
    """Floor or chance of a column: one number, or the range if runs differ."""
    numbers = {row.metrics[name].get(key) for row in rows if name in row.metrics}
    texts = [plain_text(number) for number in sorted(number for number in numbers if number is not None)]
    if not texts:
        return MISSING
    return texts[0] if texts[0] == texts[-1] else f"{texts[0]} … {texts[-1]}"


def _best(rows: Sequence[ModelRow], name: str) -> set[str]:
    """Labels of the best ranked rows of a column; empty if fewer than two rows have a value."""
    ranked = [row for row in rows if row.rank is not None and name in row.metrics]
    values = {row.label: row.metrics[name]["value"] for row in ranked if row.metrics[name]["value"] is not None}
    if len(values) < 2:
        return set()
    better = min if ranked[0].metrics[name]["better"] == "lower" else max
    top = better(values.values())
    return {label for label, value in values.items() if value == top}


def _notes(row: ModelRow, metrics: Sequence[str], *, named: bool) -> Iterator[str]:
    """Notes on a row: lost rows, undefined rows, why it has no rank."""
    who = f"{row.label}: " if named else ""
    yield from (f"{who}{note}" for note in row.notes)
    metrics_by_note: dict[str, list[str]] = {}  # several metrics often share a reason
    for name in metrics:
        for note in _metric_notes(row.metrics.get(name), row.why_absent(name)):
            metrics_by_note.setdefault(note, []).append(name)
    yield from (
        f"{who}{', '.join(names)} {_of_several(note) if names[1:] else note}" for note, names in metrics_by_note.items()
    )
    shares = [result["coverage"] for name, result in row.metrics.items() if name in metrics and not absence(result)]
    if shares and min(shares) < 1:
        yield f"{who}{share_text(min(shares))} of the rows were sampled, seen and scored; the others were not"


def _of_several(note: str) -> str:
    """The note in the plural, for more than one metric."""
    verb, _, rest = note.partition(" ")
    return f"{PLURAL.get(verb, verb)} {rest}"


def _metric_notes(result: Mapping[str, Any] | None, absent: str) -> Iterator[str]:
    """Notes on a metric; each continues after the metric's name."""
    if absent:
        yield f"does not apply: {absent}"
    elif result is None:
        yield "was not scored"
    if result is None:
        return
    detail = result.get("detail", {})
    if result["n_undefined"]:
        reason = reasons_text(result, "undefined")
        because = f": {reason}" if reason else ""
        total = result["n"] + result["n_undefined"]
        yield f"is undefined on {result['n_undefined']} of {total} rows{because}"
    yield from mark_notes(result)
    if "alarm" in detail:
        yield detail["alarm"]
    if detail.get("failed"):
        where = "on some rows" if result["value"] is not None else "and has no value"
        yield f"failed {where}: {reasons_text(result, 'failed')}"
    for key in ("floor", "chance"):
        if result.get(key) is None and key in detail.get("yardstick", {}):
            yield f"has no {key}: {detail['yardstick'][key]}"


def _records(row: ModelRow, metrics: Sequence[str], *, status: str) -> Iterator[dict[str, Any]]:
    mark = {"task": row.given} if row.given else {}
    for name in metrics:
        result, why = row.metrics.get(name), row.why_absent(name)
        if result is None and not why:
            continue
        result = result or dict.fromkeys(KEPT)
        low, high = result.get("ci95") or (None, None)
        notes = [given_mark(row.given), f"{NOT_APPLICABLE}: {why}" if why else "", reasons_text(result, "undefined")]
        notes += mark_notes(result)
        notes.append(failed_text(result))
        measured = measured_status(result) if status == "measured" else status
        yield {
            **{"status": "not-applicable" if why else measured, "rank": row.rank, "model": row.label, "kind": row.kind},
            **{"metric": name, **mark, **{key: result[key] for key in KEPT}},
            **{"ci95_low": low, "ci95_high": high, "floor": result.get("floor"), "chance": result.get("chance")},
            **{"run": row.run, "note": "; ".join(text for text in notes if text)},
        }
