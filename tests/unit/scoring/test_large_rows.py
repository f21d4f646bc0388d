"""A metric that raises on a row of a large set has no score, and its reason is kept; a full disk ends the run."""

from types import SimpleNamespace

import numpy as np
import pytest

from egobench.errors import BadInputError, StorageError
from egobench.metrics.i_fid import IFID
from egobench.scoring import large
from egobench.scoring.inputs import Origin
from egobench.scoring.large import LargeRows
from egobench.store.cache import Cache


class Raising(IFID):
    """Raises what it is told when it is given a row."""

    error: Exception

    def kept(self, row):
        raise self.error


def collected(tmp_path, monkeypatch, error):
    monkeypatch.setattr(large, "rows_read", lambda *_: iter([(0, "a", {"sample": np.zeros((9, 2))})]))
    monkeypatch.setattr(Raising, "error", error, raising=False)
    return LargeRows.collect(Raising(), SimpleNamespace(cache=Cache(tmp_path)), [("a", Origin())])


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ValueError("no joint 24"), "metric-raised: ValueError: no joint 24"),
        (BadInputError("too short", code="features-frames"), "features-frames: too short"),
    ],
)
def test_a_metric_that_raises_on_a_row_fails_with_its_reason(tmp_path, monkeypatch, error, reason):
    outcome = collected(tmp_path, monkeypatch, error).score(np.zeros(1, dtype=np.int64), draws=0)
    assert (outcome.score, outcome.status) == (None, "failed")
    assert outcome.reason.startswith(reason)


def test_a_full_disk_is_no_fault_of_the_metric(tmp_path, monkeypatch):
    with pytest.raises(StorageError, match="full"):
        collected(tmp_path, monkeypatch, StorageError("the disk is full"))
