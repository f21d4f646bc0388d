"""Tables larger than memory: written and read a row group at a time."""

import pyarrow.parquet as pq
import pytest

from egobench.store import tables
from egobench.store.tables import SET_CLIP, SET_SEED, ScoreRow, iter_scores, read_scores, write_sorted_scores

ROWS = [
    *(ScoreRow(f"c{number:02d}", 0, "a", 0.5 * number, "ok", "") for number in range(10)),
    *(ScoreRow(f"c{number:02d}", 0, "b", None, "failed", "x: y", "{}") for number in range(10)),
    ScoreRow(SET_CLIP, SET_SEED, "c", 1.0, "ok", ""),
]


@pytest.fixture(params=[(2**14, 2**10), (8, 4), (3, 1)])
def path(request, tmp_path, monkeypatch):
    monkeypatch.setattr(tables, "GROUP", request.param[0])
    monkeypatch.setattr(tables, "PART", request.param[1])
    write_sorted_scores(tmp_path / "s.parquet", iter(ROWS))
    assert pq.ParquetFile(tmp_path / "s.parquet").num_row_groups == -(-len(ROWS) // request.param[0])
    return tmp_path / "s.parquet"


def test_rows_come_back_in_order_whatever_the_groups(path):
    assert read_scores(path) == ROWS
    assert list(iter_scores(path)) == ROWS


def test_rows_of_one_metric_and_of_sets_are_read_alone(path):
    assert list(iter_scores(path, "b")) == ROWS[10:20]
    assert list(iter_scores(path, sets_only=True)) == ROWS[20:]
    assert list(iter_scores(path, "none")) == []


def test_a_small_table_has_the_bytes_of_one_that_pyarrow_writes_at_once(tmp_path):
    import pyarrow as pa

    write_sorted_scores(tmp_path / "s.parquet", ROWS)
    schema = pq.read_schema(tmp_path / "s.parquet")
    columns = {name: [getattr(row, name) for row in ROWS] for name in schema.names}
    pq.write_table(pa.table(columns, schema=schema), tmp_path / "whole.parquet")
    assert (tmp_path / "s.parquet").read_bytes() == (tmp_path / "whole.parquet").read_bytes()
