"""Grids → one HTML page that opens from disk. It has no script, needs no network, and can be printed."""

from collections.abc import Sequence
from html import escape

from egobench.tables.grid import Grid

STYLE = """
:root { color-scheme: light dark; --line: color-mix(in srgb, currentColor 22%, transparent); }
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 76rem; padding: 0 1rem; }
h1 { font-size: 1.35rem; } h2 { font-size: 1.05rem; margin: 2rem 0 .5rem; overflow-wrap: anywhere; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .7rem; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap; }
th { border-bottom-width: 2px; font-weight: 600; }
.text { text-align: left; } .faint { opacity: .65; }
.regressed { color: #b3261e; } .improved { color: #1b7f3b; } .equivalent { opacity: .8; }
@media (prefers-color-scheme: dark) { .regressed { color: #ff8a80; } .improved { color: #7ddc98; } }
ul { padding-left: 1.1rem; } li { margin: .15rem 0; overflow-wrap: anywhere; }
"""
WORDS = ("regressed", "improved", "equivalent")
"""Verdicts that are printed in a colour."""


def html_page(title: str, grids: Sequence[Grid]) -> str:
    """The page. Every text is escaped; equal grids give equal bytes."""
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escape(title)}</title>",
        f"<style>{STYLE}</style></head>",
        f"<body><h1>{escape(title)}</h1>",
        *(_grid(grid) for grid in grids),
        "</body></html>",
    ]
    return "\n".join(parts) + "\n"


def _grid(grid: Grid) -> str:
    head = "".join(_cell("th", text, number < grid.left) for number, text in enumerate(grid.header))
    rows = []
    for row in grid.rows:
        cells = "".join(
            _cell("td", text, number < grid.left, strong=number in row.strong) for number, text in enumerate(row.cells)
        )
        faint = ' class="faint"' if row.faint else ""
        rows.append(f"<tr{faint}>{cells}</tr>")
    notes = "".join(f"<li>{escape(note)}</li>" for note in grid.notes)
    body = "\n".join(rows)
    table = f"<table><thead><tr>{head}</tr></thead><tbody>\n{body}\n</tbody></table>"
    tail = f"\n<ul>{notes}</ul>" if notes else ""
    return f'<h2>{escape(grid.title)}</h2>\n<div class="wide">{table}</div>{tail}'


def _cell(tag: str, text: str, is_text: bool, *, strong: bool = False) -> str:
    word = text.partition(" ")[0]
    names = [name for name, holds in (("text", is_text or word in WORDS), (word, word in WORDS)) if holds]
    joined = " ".join(names)
    classes = f' class="{joined}"' if names else ""
    inner = f"<strong>{escape(text)}</strong>" if strong else escape(text)
    return f"<{tag}{classes}>{inner}</{tag}>"
