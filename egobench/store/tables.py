"""The two tables of a run, as parquet with fixed columns: items (clip × seed) and scores (clip × seed × metric).

Rows are sorted before they are written, so the number of workers does not change the table. A set metric has one row,
with clip "" and seed -1.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from egobench.errors import BadInputError
from egobench.files.atomic import atomic_path

if TYPE_CHECKING:
    import pyarrow as pa

ScoreStatus = Literal["ok", "undefined", "failed", "not-applicable"]
SET_CLIP, SET_SEED = "", -1
"""Clip and seed of the one row of a set metric."""
GROUP, PART = 2**14, 2**10
"""Rows of a row group, which is what a writer or a reader holds as columns; rows that it holds as objects."""


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
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
    write_sorted_scores(path, sorted(rows, key=lambda row: (row.metric, row.clip, row.seed)))


def write_sorted_scores(path: Path, rows: Iterable[ScoreRow]) -> None:
    """Writes scores that come sorted by metric, clip and seed; no more than a row group is in memory.

    Raises:
        StorageError: the disk refused.
    """
    _write(path, rows, ScoreRow)


def read_items(path: Path) -> list[ItemRow]:
    """All items. Raises BadInputError `table-unreadable` if absent, damaged or of other columns."""
    return [ItemRow(**row) for row in _read(path, ItemRow)]


def read_scores(path: Path) -> list[ScoreRow]:
    """All scores. Raises BadInputError `table-unreadable` if absent, damaged or of other columns."""
    return [ScoreRow(**row) for row in _read(path, ScoreRow)]


def iter_scores(path: Path, metric: str | None = None, *, sets_only: bool = False) -> Iterator[ScoreRow]:
    """Scores one by one, in order, a row group in memory at a time.

    Args:
        metric: only rows of this one.
        sets_only: only rows of set metrics.

    Raises:
        BadInputError: as `read_scores`.
    """
    for table in _groups(path, ScoreRow):
        if metric is not None:
            table = _where(table, "metric", metric)
        if sets_only:
            table = _where(table, "clip", SET_CLIP)
        for batch in table.to_batches(max_chunksize=PART):
            yield from (ScoreRow(**row) for row in batch.to_pylist())


def items_table(path: Path) -> "pa.Table":
    """All items, as a table with the columns of `ItemRow`. Raises as `read_items`."""
    return _table(path, ItemRow)


def scores_table(path: Path) -> "pa.Table":
    """All scores, as a table with the columns of `ScoreRow`. Raises as `read_scores`."""
    return _table(path, ScoreRow)


def _write(path: Path, rows: Iterable[ItemRow] | Iterable[ScoreRow], kind: type) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = _schema(kind)
    stream = iter(rows)
    with atomic_path(path) as temporary, temporary.open("wb") as file, pq.ParquetWriter(file, schema) as writer:
        is_first = True
        while True:
            parts = [_part(list(islice(stream, PART)), schema) for _ in range(GROUP // PART)]
            table = pa.concat_tables([part for part in parts if len(part)] or parts[:1]).combine_chunks()
            if not len(table) and not is_first:
                return
            writer.write_table(table, row_group_size=GROUP)
            is_first = False
            if len(table) < GROUP:
                return


def _part(rows: Sequence[ItemRow | ScoreRow], schema: "pa.Schema") -> "pa.Table":
    import pyarrow as pa

    columns = [pa.array([getattr(row, name) for row in rows], schema.field(name).type) for name in schema.names]
    return pa.Table.from_arrays(columns, schema=schema)


def _read(path: Path, kind: type) -> list[dict]:
    return _table(path, kind).to_pylist()


def _table(path: Path, kind: type) -> "pa.Table":
    import pyarrow as pa

    return pa.concat_tables(_groups(path, kind))


def _groups(path: Path, kind: type) -> "Iterator[pa.Table]":
    """The table, a row group at a time; at least one table."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = _schema(kind)
    try:
        with path.open("rb") as file:  # in a path, pyarrow takes `a:b` for a URI and a folder `seed=0` for a column
            whole = pq.ParquetFile(file)
            if not whole.num_row_groups:
                yield _cast(whole.read(use_threads=False), schema)
            for number in range(whole.num_row_groups):
                # With threads, one that still runs when Python ends aborts the process.
                yield _cast(whole.read_row_group(number, use_threads=False), schema)
    except (OSError, pa.ArrowException, ValueError, KeyError) as error:
        raise BadInputError(f"{path}: not a readable table of this run: {error}", code="table-unreadable") from error


def _cast(table: "pa.Table", schema: "pa.Schema") -> "pa.Table":
    import pyarrow as pa

    if "detail" in schema.names and "detail" not in table.column_names:  # older runs have no such column
        table = table.append_column("detail", pa.array([""] * len(table), pa.string()))
    return table.select(schema.names).cast(schema)


def _where(table: "pa.Table", name: str, value: str) -> "pa.Table":
    import pyarrow as pa

    return table.filter(pa.array([each == value for each in table.column(name).to_pylist()], pa.bool_()))


def _schema(kind: type) -> "pa.Schema":
    import pyarrow as pa

    types = {str: pa.string(), int: pa.int64(), float: pa.float64(), float | None: pa.float64()}
    return pa.schema([(name, types.get(hint, pa.string())) for name, hint in kind.__annotations__.items()])
