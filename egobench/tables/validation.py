"""The report of `validate-metrics` for readers: lines for a terminal, and an HTML page with a small plot per ladder.

Only `report.json` is read. The page needs no other file and no network.

    python -m egobench.tables.validation REPORT.json …      # writes page.html beside each report again, without a run
"""

import io
import json
import re
import sys
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from egobench.files.atomic import write_bytes
from egobench.tables.grid import Grid, GridRow

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ARROWS = {"lower": "↓", "higher": "↑"}
LINE_COLOR, FLOOR_COLOR, CHANCE_COLOR, BAD_COLOR = "#1f4e79", "#2e8b57", "#b8860b", "#c00000"
GOOD = ("monotone", "unmoved")
ACROSS = 4
"""Number of plots in a line."""
STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; max-width: 68rem; margin: 2rem auto; padding: 0 1rem; color: #222 }
table { border-collapse: collapse } td, th { padding: .15rem .8rem .15rem 0; text-align: left }
svg { max-width: 100%; height: auto } .bad { color: #c00000 } .faint { color: #777 } h2 { margin-top: 2.2rem }
"""


def validation_grids(document: Mapping[str, Any]) -> list[Grid]:
    """A block of ladders and a block of controls."""
    ladders, controls = [], []
    for label, metric in document["metrics"].items():
        name = f"{label} ({metric['unit']}) {ARROWS[metric['better']]}"
        for fault, ladder in metric["ladders"].items():
            values = "  ".join(_number(point["value"]) for point in ladder["points"])
            steps = "  ".join(f"{strength:g}" for strength in ladder["strengths"])
            cells = (name, f"{fault} ({ladder['unit']})", ladder["expected"], ladder["verdict"], steps, values)
            ladders.append(GridRow(cells, faint=ladder["verdict"] in GOOD and ladder["expected"] == "unmoved"))
            name = ""
        order = ", ".join(f"{each['better']} < {each['worse']}: {each['verdict']}" for each in metric["order"])
        values_of_controls = "  ".join(f"{key} {_number(point['value'])}" for key, point in metric["controls"].items())
        controls.append(GridRow((label, metric["pairing"], _overall(metric), order or "-", values_of_controls)))
    header = ("metric", "fault", "must be", "is", "strengths", "values")
    title = f"{document['split']['name']}, {document['clips']} clips: ladders"
    notes = [f"left out: {reason}" for reason in document["left_out"].values()]
    notes += [f"not run: {place}: {reason}" for place, reason in document["not_run"].items()]
    return [
        Grid(title, header, tuple(ladders), left=6),
        Grid(
            "controls", ("metric", "pairs", "verdict", "order", "values"), tuple(controls), left=5, notes=tuple(notes)
        ),
    ]


def write_page(document: Mapping[str, Any], path: Path) -> Path:
    """Writes the HTML page.

    Raises:
        StorageError: the disk refused.
    """
    parts = [_head(document)]
    for label, metric in document["metrics"].items():
        parts.append(f"<h2 id='{escape(label)}'>{escape(label)} {ARROWS[metric['better']]}</h2>")
        parts.append(_facts(metric))
        if metric["ladders"]:
            parts.append(_figure(metric))
    body = "\n".join(parts)
    title = "What the metrics notice"
    page = f"<!doctype html><html lang='en'><meta charset='utf-8'><title>{title}</title><style>{STYLE}</style>{body}\n"
    write_bytes(path, (page + "</html>\n").encode())
    return path


def _head(document: Mapping[str, Any]) -> str:
    split, rows = document["split"], []
    for label, metric in document["metrics"].items():
        verdict = _overall(metric)
        color = "" if verdict in ("ok", "undefined here") else " class='bad'"
        link = f"<a href='#{escape(label)}'>{escape(label)}</a>"
        rows.append(f"<tr><td>{link}</td><td{color}>{verdict}</td><td>{escape(metric['pairing'])}</td></tr>")
    problems = "".join(f"<li class='bad'>{escape(line)}</li>" for line in document["problems"])
    return (
        f"<h1>What the metrics notice</h1><p>{escape(split['name'])}, {document['clips']} clips, digest "
        f"{escape(split['digest'][:12])}; faults: "
        f"{escape(', '.join(document['faults']))}. Each plot shows a metric against the strength of one "
        "fault in the recorded truth, with 95 % intervals: dashed green is the floor, dotted amber is chance. A "
        "metric is <em>uninformative</em> about pairs where the interval of shuffled pairs overlaps the true ones.</p>"
        f"<table><tr><th>metric</th><th>verdict</th><th>pairs</th></tr>{''.join(rows)}</table><ul>{problems}</ul>"
    )


def _facts(metric: Mapping[str, Any]) -> str:
    order = "; ".join(f"{each['better']} &lt; {each['worse']}: {each['verdict']}" for each in metric["order"])
    values = ", ".join(f"{key} {_number(point['value'])}" for key, point in metric["controls"].items())
    undefined = f"<p class='bad'>{escape(metric['undefined'])}</p>" if "undefined" in metric else ""
    problems = "".join(f"<p class='bad'>{escape(line)}</p>" for line in metric["problems"])
    facts = f"{escape(metric['unit'])}; floor {_number(metric['floor'])}, chance {_number(metric['chance'])}; {values}"
    return f"<p class='faint'>{facts}</p><p>{order}</p>{undefined}{problems}"


def _figure(metric: Mapping[str, Any]) -> str:
    """Inline SVG of all ladders of one metric; equal reports give equal bytes."""
    import matplotlib as mpl
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    ladders = list(metric["ladders"].items())
    rows = -(-len(ladders) // ACROSS)
    with mpl.rc_context({"svg.hashsalt": "egobench", "svg.fonttype": "none", "font.size": 8}):
        figure = Figure(figsize=(2.7 * ACROSS, 2.0 * rows), layout="constrained")
        axes = figure.subplots(rows, ACROSS, squeeze=False).ravel()
        for place, (fault, ladder) in zip(axes, ladders, strict=False):
            _draw(place, fault, ladder, metric)
        for place in axes[len(ladders) :]:
            place.set_axis_off()
        text = io.StringIO()
        FigureCanvasSVG(figure).print_svg(text, metadata={"Date": None})
    return re.sub(r"^.*?(?=<svg)", "", text.getvalue(), flags=re.DOTALL)


def _draw(axes: "Axes", fault: str, ladder: Mapping[str, Any], metric: Mapping[str, Any]) -> None:
    points = [
        (strength, point)
        for strength, point in zip(ladder["strengths"], ladder["points"], strict=True)
        if point["value"] is not None
    ]
    color = LINE_COLOR if ladder["verdict"] in GOOD else BAD_COLOR
    if points:
        values = [point["value"] for _, point in points]
        axes.errorbar(
            [strength for strength, _ in points], values, _errors(points), color=color, marker="o", markersize=3
        )
    for value, line, shade in ((metric["floor"], "--", FLOOR_COLOR), (metric["chance"], ":", CHANCE_COLOR)):
        if value is not None:
            axes.axhline(value, linestyle=line, color=shade, linewidth=1)
    axes.set_title(f"{fault}: {ladder['verdict']}", fontsize=8, color=color)
    axes.set_xlabel(ladder["unit"], fontsize=7)
    axes.tick_params(labelsize=7)


def _errors(points: Sequence[tuple[float, Mapping[str, Any]]]) -> list[list[float]]:
    below, above = [], []
    for _, point in points:
        low, high = point["ci95"] or (point["value"], point["value"])
        below.append(max(0.0, point["value"] - low))
        above.append(max(0.0, high - point["value"]))
    return [below, above]


def _overall(metric: Mapping[str, Any]) -> str:
    if not metric["declared"]:
        return "no ladders declared"
    if "undefined" in metric:
        return "undefined here"
    return "fails" if metric["problems"] else "ok"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"


if __name__ == "__main__":
    for report in map(Path, sys.argv[1:]):
        print(write_page(json.loads(report.read_text(encoding="utf-8")), report.with_name("page.html")))
