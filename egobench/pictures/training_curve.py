"""`training.png` and `training.csv`: metrics against training samples, with a line for each label and a panel for each
metric of the board.

Each point is a finished run of a checkpoint. All runs are of the board's split, with one protocol per metric.
"""

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from egobench.boards.board import Board
from egobench.errors import BadInputError
from egobench.pictures.drawing import REFERENCE_COLOR, say
from egobench.pictures.picture_rows import ROW_COLORS, PictureRow, open_row, refuse_mixture
from egobench.pictures.pixel_figure import LINE_PIXELS, PixelFigure, wrapped
from egobench.tables.numbers import head_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MARGIN, PANEL_WIDTH, PANEL_HEIGHT, GAP_ACROSS, GAP_DOWN = 20, 330, 220, 76, 74
COLUMNS = 3
LOG_FROM = 30.0
"""The axis of training samples is logarithmic if the most are more than the fewest by this factor."""
BAND_ALPHA = 0.16


@dataclass(frozen=True)
class Checkpoint:
    """One run of one state of a training."""

    label: str
    samples: int
    """Training samples up to this checkpoint."""
    row: PictureRow


def open_checkpoints(board: Board, named: Sequence[tuple[str, int, Path]]) -> list[Checkpoint]:
    """Opens runs of checkpoints, sorted by label (in the given order) and by samples.

    Args:
        named: label, training samples, run folder.

    Raises:
        BadInputError: as `open_row`; `checkpoint-samples`: a negative number; `checkpoint-twice`: two runs of one label
            at one number of samples.
        NotComparableError: another split or task than the board's, or two protocols of one metric.
    """
    labels = list(dict.fromkeys(label for label, _, _ in named))
    run_of_point: dict[tuple[str, int], Path] = {}
    for label, samples, path in named:
        if samples < 0:
            raise BadInputError(
                f"--checkpoint {label}@{samples}: training samples are 0 or more", code="checkpoint-samples"
            )
        if (label, samples) in run_of_point:
            runs = f"{run_of_point[label, samples]} and {path}"
            text = f"--checkpoint {label}@{samples} is given twice: {runs}; one is right"
            raise BadInputError(text, code="checkpoint-twice")
        run_of_point[label, samples] = path
    ordered = sorted(named, key=lambda each: (labels.index(each[0]), each[1]))
    checkpoints = [Checkpoint(label, samples, open_row(board, label, path)) for label, samples, path in ordered]
    for metric in board.metrics:
        refuse_mixture(board, [each.row for each in checkpoints], metric)
    return checkpoints


def training_csv(board: Board, checkpoints: Sequence[Checkpoint]) -> str:
    """A line for each checkpoint and each metric of the board that it has; numbers unrounded."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    head = ("label", "samples", "metric", "value", "ci95_low", "ci95_high", "unit", "better", "n", "coverage", "floor")
    writer.writerow((*head, "protocol", "run"))
    for each in checkpoints:
        for metric in board.metrics:
            result = each.row.results.get(metric)
            if result is None:
                continue
            low, high = result["ci95"] or (None, None)
            numbers = ["" if number is None else repr(number) for number in (result["value"], low, high)]
            facts = (result["unit"], result["better"], result["n"], repr(result["coverage"]))
            floor = "" if result.get("floor") is None else repr(result["floor"])
            names = (each.label, each.samples, metric)
            writer.writerow((*names, *numbers, *facts, floor, result["protocol"], each.row.folder.run_id))
    return text.getvalue()


def training_picture(board: Board, checkpoints: Sequence[Checkpoint], path: Path) -> Path:
    """Writes the picture as PNG. Raises StorageError if the disk refused."""
    metrics = [metric for metric in board.metrics if any(metric in each.row.results for each in checkpoints)]
    labels = list(dict.fromkeys(each.label for each in checkpoints))
    columns = min(COLUMNS, max(1, len(metrics)))
    width = max(2 * MARGIN + columns * (PANEL_WIDTH + GAP_ACROSS), 720)
    lines = wrapped(_reading(board, metrics), width - 2 * MARGIN)
    top = MARGIN + 3 * LINE_PIXELS + len(lines) * LINE_PIXELS + 26 + 2 * LINE_PIXELS
    down = -(-len(metrics) // columns)
    page = PixelFigure(width, top + down * (PANEL_HEIGHT + GAP_DOWN) + MARGIN)
    page.text(MARGIN, MARGIN - 4, f"{board.title}: metrics over training", 12, weight="bold")
    for number, line in enumerate(lines):
        page.text(MARGIN, MARGIN + 2 * LINE_PIXELS + number * LINE_PIXELS, line, 8, color="0.3")
    legend = MARGIN + 3 * LINE_PIXELS + len(lines) * LINE_PIXELS
    pitch = (width - 2 * MARGIN) / max(3, len(labels) + 1)
    names = [(label, line_color(number), "-") for number, label in enumerate(labels)]
    for number, (label, color, style) in enumerate([*names, ("floor", REFERENCE_COLOR, "--")]):
        axes = page.axes(MARGIN + number * pitch, legend, 30, 14)
        axes.axis("off")
        axes.plot([0, 1], [0, 0], color=color, linestyle=style, linewidth=1.8)
        page.text(MARGIN + number * pitch + 38, legend, label, 9, color=color, weight="bold")
    for number, metric in enumerate(metrics):
        line, column = divmod(number, columns)
        left = MARGIN + 52 + column * (PANEL_WIDTH + GAP_ACROSS)
        axes = page.axes(left, top + line * (PANEL_HEIGHT + GAP_DOWN), PANEL_WIDTH, PANEL_HEIGHT)
        draw_metric(axes, metric, checkpoints, labels)
    return page.save(path)


def draw_metric(axes: "Axes", metric: str, checkpoints: Sequence[Checkpoint], labels: Sequence[str]) -> None:
    """Draws one panel: values with their intervals as bands, the floor dashed."""
    results = [each.row.results[metric] for each in checkpoints if metric in each.row.results]
    axes.set_title(head_text(metric, results[0]), fontsize=9.5, loc="left")
    axes.tick_params(labelsize=7.5)
    points = {label: _points(metric, checkpoints, label) for label in labels}
    samples = [each[0] for curve in points.values() for each in curve]
    if not samples:
        say(axes, "undefined on every checkpoint")
        return
    for number, label in enumerate(labels):
        curve = points[label]
        if not curve:
            continue
        x = [each[0] for each in curve]
        color = line_color(number)
        banded = [(at, *ends) for at, _, ends in curve if ends is not None]
        if banded:
            at, low, high = zip(*banded, strict=True)
            axes.fill_between(at, low, high, color=color, alpha=BAND_ALPHA, linewidth=0)
            if len(banded) == 1:
                axes.vlines(at, low, high, color=color, alpha=0.5, linewidth=1.2)
        axes.plot(x, [each[1] for each in curve], color=color, marker="o", markersize=3.5, linewidth=1.6)
    floors = [result["floor"] for result in results if result.get("floor") is not None]
    if floors:
        axes.axhline(floors[0], color=REFERENCE_COLOR, linestyle="--", linewidth=1.2)
    positive = [number for number in samples if number > 0]
    if positive and len(positive) == len(samples) and max(positive) > LOG_FROM * min(positive):
        axes.set_xscale("log")
    axes.set_xlabel("training samples", fontsize=8)
    axes.xaxis.set_major_formatter(lambda value, _: short_number(value))
    axes.grid(color="0.92", linewidth=0.7)
    axes.spines[["top", "right"]].set_visible(False)


def line_color(number: int) -> str:
    """Colour of the label at that place."""
    return ROW_COLORS[number % len(ROW_COLORS)]


def short_number(value: float) -> str:
    """`0`, `800`, `12k`, `1.5M`."""
    for size, sign in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:g}{sign}"
    return f"{value:g}"


def _points(metric: str, checkpoints: Sequence[Checkpoint], label: str) -> list[tuple[int, float, Any]]:
    points = []
    for each in checkpoints:
        result = each.row.results.get(metric) if each.label == label else None
        if result is not None and result["value"] is not None and math.isfinite(result["value"]):
            points.append((each.samples, float(result["value"]), result["ci95"]))
    return points


def _reading(board: Board, metrics: Sequence[str]) -> list[str]:
    lines = [f"Each point is a run on {board.split} ({board.task}); bands: 95 %, resampling whole recordings."]
    absent = [metric for metric in board.metrics if metric not in metrics]
    return [*lines, f"In no run: {', '.join(absent)}."] if absent else lines
