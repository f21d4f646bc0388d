"""Grids → Markdown, LaTeX (booktabs), CSV, JSON and the terminal. Each renderer escapes for its medium and computes
nothing."""

import csv
import io
import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from egobench.tables.grid import Grid

if TYPE_CHECKING:
    from rich.console import Console

LATEX_SPECIAL: Mapping[str, str] = {
    "\\": r"\textbackslash{}",
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': "''",
    "↓": r"$\downarrow$",
    "↑": r"$\uparrow$",
    "±": r"$\pm$",
    "≈": r"$\approx$",
    "×": r"$\times$",
    "·": r"$\cdot$",
    "≥": r"$\geq$",
    "≤": r"$\leq$",
    "→": r"$\rightarrow$",
    "≠": r"$\neq$",
    "†": r"$^\dagger$",
    "‡": r"$^\ddagger$",
    "°": r"$^\circ$",
    "²": r"$^2$",
    "³": r"$^3$",
    "−": r"$-$",
    "–": "--",
    "—": "---",
    "…": r"\ldots{}",
}
NARROW = 60
"""Width of a terminal, in characters, below which a table that does not fit is printed as blocks."""
CSV_FIELDS = (
    *("block", "status", "rank", "model", "kind", "metric", "value", "ci95_low", "ci95_high", "unit", "better"),
    *("n", "n_undefined", "coverage", "floor", "chance", "version", "protocol", "run", "note"),
)


def escape_markdown(text: str) -> str:
    """Escapes any text for a cell of a Markdown table."""
    text = re.sub(r"([\\`*_|~])", r"\\\1", _one_line(text).replace("&", "&amp;"))
    return text.replace("<", "&lt;").replace(">", "&gt;").replace("](", "]\\(")


def escape_latex(text: str) -> str:
    """Escapes any text for LaTeX text mode; the signs that tables use become math."""
    return "".join(LATEX_SPECIAL.get(sign, sign) for sign in _one_line(text))


def markdown(grids: Sequence[Grid]) -> str:
    """GitHub-flavoured Markdown, one headed table per grid."""
    return "\n\n".join(_markdown_grid(grid) for grid in grids) + "\n"


def latex(grids: Sequence[Grid]) -> str:
    r"""Booktabs tables; needs `\usepackage{booktabs}`."""
    return "\n\n".join(_latex_grid(grid) for grid in grids) + "\n"


def csv_text(grids: Sequence[Grid]) -> str:
    """Long form: one line per model and metric, unrounded numbers; empty where there is none."""
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, CSV_FIELDS, restval="", extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    for grid in grids:
        writer.writerows({"block": grid.title, **record} for record in grid.records)
    return buffer.getvalue()


def json_text(grids: Sequence[Grid]) -> str:
    """Blocks with their records and notes; sorted keys, so that equal tables are equal bytes."""
    blocks = [
        {"title": grid.title, "notes": list(grid.notes), "rows": [dict(record) for record in grid.records]}
        for grid in grids
    ]
    content = {"schema": 1, "blocks": blocks}
    return json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"


def terminal(grids: Sequence[Grid], console: "Console") -> None:
    """Prints to a rich console; readable in a pipe, with NO_COLOR, and at any width (long cells wrap)."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    for grid in grids:
        if console.width < NARROW and _width(grid) > console.width:
            _blocks(grid, console)
            continue
        table = Table(title=Text(grid.title), title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
        for number, head in enumerate(grid.header):
            table.add_column(Text(head), justify="left" if number < grid.left else "right", overflow="fold")
        for number, row in enumerate(grid.rows, start=1):
            cells = [Text(cell, style="bold" if k in row.strong else "") for k, cell in enumerate(row.cells)]
            table.add_row(*cells, style="dim" if row.faint else None, end_section=number == grid.rule_after)
        console.print(table)
        for note in grid.notes:
            console.print(Text(note), soft_wrap=True)


def _width(grid: Grid) -> int:
    columns = zip(grid.header, *(row.cells for row in grid.rows), strict=True)
    return sum(max(map(len, column)) + 1 for column in columns)


def _blocks(grid: Grid, console: "Console") -> None:
    """A block of `head  cell` lines for each row, for a narrow terminal."""
    from rich.text import Text

    console.print(Text(grid.title))
    width = max(len(head) for head in grid.header[1:])
    for row in grid.rows:
        console.print(Text(f"\n{row.cells[0]}".rstrip()), soft_wrap=True)
        for head, cell in zip(grid.header[1:], row.cells[1:], strict=True):
            if cell:
                console.print(Text(f"  {head:<{width}}  {cell}"), soft_wrap=True)
    for note in grid.notes:
        console.print(Text(note))


RENDERERS: Mapping[str, Callable[[Sequence[Grid]], str]] = {
    "md": markdown,
    "tex": latex,
    "csv": csv_text,
    "json": json_text,
}
"""File suffix → renderer."""


def _markdown_grid(grid: Grid) -> str:
    rule = [":--" if number < grid.left else "--:" for number in range(len(grid.header))]
    lines = [_pipes([escape_markdown(head) for head in grid.header]), _pipes(rule)]
    for row in grid.rows:
        cells = [escape_markdown(cell) for cell in row.cells]
        if row.faint:
            cells = [f"*{cell}*" if cell else "" for cell in cells]
        lines.append(_pipes([f"**{cell}**" if k in row.strong else cell for k, cell in enumerate(cells)]))
    notes = [f"- {escape_markdown(note)}" for note in grid.notes]
    return "\n".join([f"### {escape_markdown(grid.title)}", "", *lines, *(["", *notes] if notes else [])])


def _latex_grid(grid: Grid) -> str:
    columns = "l" * grid.left + "r" * (len(grid.header) - grid.left)
    lines = [
        r"\begin{table}",
        r"\centering",
        rf"\caption{{{escape_latex(grid.title)}}}",
        rf"\begin{{tabular}}{{{columns}}}",
        r"\toprule",
        _ampersands([escape_latex(head) for head in grid.header]),
        r"\midrule",
    ]
    for number, row in enumerate(grid.rows, start=1):
        cells = [escape_latex(cell) for cell in row.cells]
        lines.append(_ampersands([rf"\textbf{{{cell}}}" if k in row.strong else cell for k, cell in enumerate(cells)]))
        if number == grid.rule_after:
            lines.append(r"\midrule")
    lines += [r"\bottomrule", r"\end{tabular}"]
    lines += [rf"\par\footnotesize {escape_latex(note)}" for note in grid.notes]
    return "\n".join([*lines, r"\end{table}"])


def _pipes(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _ampersands(cells: Sequence[str]) -> str:
    # A cell that opens with a bracket would be read as the optional argument of the line break before it.
    first = "{}" + cells[0] if cells[0].startswith(("[", "*")) else cells[0]
    return " & ".join([first, *cells[1:]]) + r" \\"


def _one_line(text: str) -> str:
    """The text without line breaks and control characters, which would end a row."""
    return "".join(sign if sign.isprintable() else " " for sign in text)
