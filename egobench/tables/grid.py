"""The common form of all tables: a titled grid of plain text, and the same facts as records for programs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class GridRow:
    """One line of a grid."""

    cells: tuple[str, ...]
    """Plain Unicode text, one per column; renderers escape it."""
    strong: frozenset[int] = frozenset()
    """Columns to print in bold (the best of the block)."""
    faint: bool = False
    """Print it faint: floor, chance and controls are context, and do not compete."""


@dataclass(frozen=True)
class Grid:
    """A block of a table."""

    title: str
    header: tuple[str, ...]
    rows: tuple[GridRow, ...]
    rule_after: int = 0
    """A line is drawn below this many rows (floor and chance stand above it); 0 for none."""
    left: int = 1
    """Leading columns set flush left; the rest hold numbers and are set flush right."""
    notes: tuple[str, ...] = ()
    """Lines below the block."""
    records: tuple[Mapping[str, Any], ...] = ()
    """One flat mapping per number, for CSV and JSON."""

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row.cells) != len(self.header):
                raise ValueError(f"{self.title}: row {row.cells} has {len(row.cells)} cells of {len(self.header)}")
