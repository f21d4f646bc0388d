"""Numbers from papers, which were not measured here: blocks of their own, marked *published*, never ranked.

They come from other data, other splits and undisclosed settings. They have a header of their own and no rank, bold or
interval, so that nobody compares them with measured rows.
"""

from pathlib import Path

from egobench.boards.board import read_toml
from egobench.errors import BadInputError
from egobench.tables.grid import Grid, GridRow
from egobench.tables.numbers import ARROWS, MISSING

FILE = "published.toml"


def published_grids(path: Path) -> list[Grid]:
    """One grid per `[[table]]` of a `published.toml`.

    Raises:
        BadInputError: absent, not TOML, a key is missing, or a row's numbers do not fit the columns.
    """
    tables = read_toml(path).get("table", [])
    try:
        return [_grid(table) for table in tables]
    except KeyError as error:
        raise BadInputError(f"{path}: a table lacks {error}", code="published-damaged") from None


def _grid(table: dict) -> Grid:
    if table["status"] != "published":
        raise BadInputError(
            f"{FILE}: {table['title']}: status is {table['status']!r}; only published numbers stand here",
            code="published-damaged",
        )
    columns = table["columns"]
    rows, records = [], []
    for row in table["rows"]:
        stray = set(row["values"]) - {column["name"] for column in columns}
        if stray:
            raise BadInputError(
                f"{FILE}: {row['model']} has values for {', '.join(sorted(stray))}, no such column",
                code="published-damaged",
            )
        # Decimals as the paper prints them (41.80): TOML drops the zero, so the column states their number.
        texts = [
            MISSING if (value := row["values"].get(column["name"])) is None else f"{value:.{column['decimals']}f}"
            for column in columns
        ]
        rows.append(GridRow((row["model"], *texts)))
        records += [
            {
                **{"status": "published", "rank": None, "model": row["model"], "kind": "published"},
                **{"metric": column["name"], "value": row["values"][column["name"]], "better": column["better"]},
                **{"unit": column.get("unit", ""), "note": table["source"]},
            }
            for column in columns
            if column["name"] in row["values"]
        ]
    return Grid(
        title=f"Published, not re-run: {table['title']}",
        header=("model", *(f"{column['name']} {ARROWS[column['better']]}" for column in columns)),
        rows=tuple(rows),
        notes=(f"Source: {table['source']}. Data: {table['data']}.", *table.get("notes", [])),
        records=tuple(records),
    )
