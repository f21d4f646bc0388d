"""Figures as pages print them: tables, sentences, and when a printed figure is a value."""

import math
import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = ["README.md", *sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").glob("*.md"))]
NUMBER = r"[-−+]?\d+(?:,\d{3})*(?:\.\d+)?"


@dataclass(frozen=True)
class Table:
    """A table of a page; cells are stripped, of bold and italics too."""

    page: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    @property
    def key(self) -> str:
        """Page and the first words of the head."""
        return f"{self.page}: {' | '.join(self.head[:3])}".strip()

    def column(self, name: str) -> list[str]:
        """Cells below a head that begins with `name`."""
        (place,) = [k for k, head in enumerate(self.head) if head.startswith(name)]
        return [row[place] for row in self.rows]


def text_of(page: str) -> str:
    """A page of the checkout."""
    return (ROOT / page).read_text(encoding="utf-8")


def tables_of(page: str) -> list[Table]:
    """All Markdown tables of a page, in its order."""
    found: list[list[tuple[str, ...]]] = []
    inside = False
    for line in text_of(page).splitlines():
        if line.startswith("|"):
            if not inside:
                found.append([])
            found[-1].append(tuple(cell.strip(" *") for cell in line.strip().strip("|").split("|")))
        inside = line.startswith("|")
    return [Table(page, rows[0], tuple(rows[2:])) for rows in found]


def table_of(page: str, *head: str) -> Table:
    """The one table of a page whose head begins so."""
    (table,) = [table for table in tables_of(page) if table.head[: len(head)] == head]
    return table


def numbers_in(text: str) -> list[str]:
    """Printed figures in their order, signs with them."""
    return re.findall(rf"(?<![\w.]){NUMBER}", text)


def to_float(figure: str) -> float:
    """5,930 is 5930.0; the minus may be the typographer's."""
    return float(figure.replace(",", "").replace("−", "-"))


def agrees(figure: str, value: float) -> bool:
    """Whether a value, rounded to the digits that are printed, is this figure."""
    digits = len(figure.partition(".")[2])
    return math.isclose(to_float(figure), value, rel_tol=0, abs_tol=0.5 * 10**-digits * (1 + 1e-6))


def differing(figures: list[str], values: list[float]) -> list[tuple[str, float]]:
    """Printed figures that are not their values; (“missing”, …) where there are more or fewer of them."""
    if len(figures) != len(values):
        return [(f"{len(figures)} figures: {figures}", float(len(values)))]
    return [(figure, value) for figure, value in zip(figures, values, strict=True) if not agrees(figure, value)]


def sentence(page: str, template: str) -> re.Match[str]:
    """Where a page says this; each `{}` stands for a figure, and any white space for any other.

    Raises:
        AssertionError: the page says it nowhere, or twice.
    """
    pattern = r"\s+".join(re.escape(word).replace(r"\{\}", f"({NUMBER})") for word in template.split())
    found = list(re.finditer(pattern, text_of(page)))
    assert len(found) == 1, f"{page} says {len(found)} times: {template}"
    return found[0]
