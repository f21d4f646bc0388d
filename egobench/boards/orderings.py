"""The claims of the paper's tables: in each column, the order of the paper's own model and every other row.

In `published.toml` a table makes claims if it names its `subject`, the row that is compared with every other row.
`metric` of a column is our name of what the paper's column measures. Only the direction of a difference is used, since
the paper has other data and other evaluators.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from egobench.boards.board import read_toml
from egobench.compare.lead import Lead
from egobench.compare.verdict import harm_of
from egobench.errors import BadInputError
from egobench.metrics.base import Better
from egobench.tables.numbers import ARROWS


@dataclass(frozen=True)
class Ordering:
    """One pair of numbers of the paper, in the paper's unit."""

    table: str
    """Title."""
    row: str
    """The row that is compared with the subject."""
    column: str
    """As the paper calls it."""
    metric: str
    """As we call it."""
    better: Better
    subject_value: float
    row_value: float
    decimals: int
    """As the paper prints them."""

    @property
    def difference(self) -> float:
        """Row minus subject."""
        return round(self.row_value - self.subject_value, self.decimals)

    @property
    def lead(self) -> Lead:
        """`first` if the subject is ahead in the paper, `second` if the row is ahead."""
        return "first" if harm_of(self.difference, self.better) > 0 else "second"


@dataclass(frozen=True)
class PaperClaims:
    """All orderings of a `published.toml`."""

    subject: str
    orderings: tuple[Ordering, ...]
    """In the order of tables, rows and columns."""
    columns: Mapping[str, Better]
    """Metric → better, in the order of the columns."""

    @property
    def rows(self) -> list[str]:
        """Rows that are compared with the subject, in the paper's order."""
        return list(dict.fromkeys(ordering.row for ordering in self.orderings))


def read_orderings(path: Path) -> PaperClaims:
    """The orderings in a `published.toml`; two equal numbers are no ordering.

    Raises:
        BadInputError: absent, not TOML, a key is missing, two subjects, none, or one pair twice.
    """
    tables = [table for table in read_toml(path).get("table", []) if "subject" in table]
    subjects = list(dict.fromkeys(table["subject"] for table in tables))
    if len(subjects) != 1:
        count = f"{len(subjects)} subjects ({', '.join(subjects)})" if subjects else "no subject"
        raise _damaged(path, f'its tables name {count}; one is needed, such as subject = "EgoTwin"')
    try:
        orderings = [ordering for table in tables for ordering in _of_table(path, table)]
    except KeyError as error:
        raise _damaged(path, f"a table lacks {error}") from None
    columns: dict[str, Better] = {}
    seen = set()
    for ordering in orderings:
        if (ordering.row, ordering.metric) in seen:
            raise _damaged(path, f"{ordering.row} stands twice against {subjects[0]} on {ordering.metric}")
        if columns.setdefault(ordering.metric, ordering.better) != ordering.better:
            raise _damaged(path, f"{ordering.metric} is better lower in one table and better higher in another")
        seen.add((ordering.row, ordering.metric))
    return PaperClaims(subjects[0], tuple(orderings), columns)


def _of_table(path: Path, table: Mapping[str, Any]) -> Iterator[Ordering]:
    title, subject = table["title"], table["subject"]
    subject_rows = [row for row in table["rows"] if row["model"] == subject]
    if len(subject_rows) != 1:
        raise _damaged(path, f"{title!r} has {len(subject_rows)} rows of its subject {subject!r}; one is needed")
    for column in table["columns"]:
        if column["better"] not in ARROWS:
            raise _damaged(path, f"{title!r}: {column['name']} has better = {column['better']!r}; lower or higher")
        if "metric" not in column:
            raise _damaged(path, f'{title!r}: {column["name"]} lacks our name of it, such as metric = "i-fid"')
    for row in table["rows"]:
        for column in table["columns"]:
            name = column["name"]
            numbers = subject_rows[0]["values"].get(name), row["values"].get(name)
            if row is subject_rows[0] or None in numbers or numbers[0] == numbers[1]:
                continue
            yield Ordering(
                table=title,
                row=row["model"],
                column=name,
                metric=column["metric"],
                better=column["better"],
                subject_value=float(numbers[0]),
                row_value=float(numbers[1]),
                decimals=int(column["decimals"]),
            )


def _damaged(path: Path, text: str) -> BadInputError:
    return BadInputError(f"{path}: {text}", code="published-damaged")
