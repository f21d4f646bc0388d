"""The two tables of a run, as parquet with fixed columns: items (clip × seed) and scores (clip × seed × metric).

Rows are sorted before they are written, so the number of workers does not change the table. A set metric has one row,
with clip "" and seed -1.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from egobench.errors import BadInputError
from egobench.files.atomic import atomic_path

if TYPE_CHECKING:
    import pyarrow as pa

ScoreStatus = Literal["ok", "undefined", "failed", "not-applicable"]
SET_CLIP, SET_SEED = "", -1
"""Clip and seed of the one row of a set metric."""


@dataclass(frozen=True)
class ItemRow:
    """One clip × seed, and the outcome of sampling it."""

    clip: str
    seed: int
    status: Literal["ok", "failed"]
    code: str
    """Stable error code; for an ok sample the codes of its warnings, separated by spaces."""
    reason: str
    """One line; for an ok sample the text of its warnings."""
    attempts: int
    seconds: float
    """Of the model's last attempt."""
    video: str
    """SHA-256 of `video.mp4`; empty if the sample has none."""
    motion: str
    """SHA-256 of `motion.npz`; empty if the sample has none."""
    clip_digest: str
    sequence: str
    participant: str
    stratum: str


@dataclass(frozen=True)
class ScoreRow:
    """One metric on one clip × seed."""

    clip: str
    seed: int
    metric: str
    value: float | None
    """None unless status is ok."""
    status: ScoreStatus
    reason: str
    detail: str = ""
    """Further facts from the metric, as JSON; empty if there are none."""


def write_items(path: Path, rows: Sequence[ItemRow]) -> None:
    """Writes items, sorted by clip and seed.

    Raises:
        StorageError: the disk refused.
    """
    _write(path, sorted(rows, key=lambda row: (row.clip, row.seed)), ItemRow)


def write_scores(path: Path, rows: Sequence[ScoreRow]) -> None:
    """Writes scores, sorted by metric, clip and seed.

    Raises:
        StorageError: the disk refused.
    """
    ordered: list[ScoreRow] = sorted(rows, key=lambda row: (row.metric, row.clip, row.seed))
    _write(path, ordered, ScoreRow)


def read_items(path: Path) -> list[ItemRow]:
    """All items. Raises BadInputError `table-unreadable` if absent, damaged or of other columns."""
    return [ItemRow(**row) for row in _read(path, ItemRow)]


def read_scores(path: Path) -> list[ScoreRow]:
    """All scores. Raises BadInputError `table-unreadable` if absent, damaged or of other columns."""
    return [ScoreRow(**row) for row in _read(path, ScoreRow)]


def items_table(path: Path) -> "pa.Table":
    """All items, as a table with the columns of `ItemRow`. Raises as `read_items`."""
    return _table(path, ItemRow)


def scores_table(path: Path) -> "pa.Table":
    """All scores, as a table with the columns of `ScoreRow`. Raises as `read_scores`."""
    return _table(path, ScoreRow)


def _write(path: Path, rows: Sequence[ItemRow] | Sequence[ScoreRow], kind: type) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.Table.from_pylist([asdict(row) for row in rows], schema=_schema(kind))
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        pq.write_table(table, file)


def _read(path: Path, kind: type) -> list[dict]:
    return _table(path, kind).to_pylist()


def _table(path: Path, kind: type) -> "pa.Table":
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = _schema(kind)
    try:
        with path.open("rb") as file:  # in a path, pyarrow takes `a:b` for a URI and a folder `seed=0` for a column
            # `read_table` starts threads, and one that still runs when Python ends aborts the process.
            table = pq.ParquetFile(file).read(use_threads=False)
        if "detail" in schema.names and "detail" not in table.column_names:  # older runs have no such column
            table = table.append_column("detail", pa.array([""] * len(table), pa.string()))
        return table.select(schema.names).cast(schema)
    except (OSError, pa.ArrowException, ValueError, KeyError) as error:
        raise BadInputError(f"{path}: not a readable table of this run: {error}", code="table-unreadable") from error


def _schema(kind: type) -> "pa.Schema":
    import pyarrow as pa

    types = {str: pa.string(), int: pa.int64(), float: pa.float64(), float | None: pa.float64()}
    return pa.schema([(name, types.get(hint, pa.string())) for name, hint in kind.__annotations__.items()])
