"""The scores of one metric as they are made: numbers in arrays, rows in a file once there are many.

A run of a million clips has too many rows for a list of objects. Aggregation needs 17 bytes of a row: its number, its
status, and how much of it was measured. The rest is read again when the table is written.
"""

import json
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import copy
from pathlib import Path
from typing import Any, get_args, overload

import numpy as np
from jaxtyping import Bool, Float, UInt8

from egobench.files.plain import plain
from egobench.files.spill import BLOCK, SpilledList
from egobench.metrics.base import ClipScore
from egobench.scoring.measured import failed_sets, is_null, left_out_of, seen_of, why_null
from egobench.store.tables import SET_CLIP, ItemRow, ScoreRow, ScoreStatus

STATUSES: tuple[ScoreStatus, ...] = get_args(ScoreStatus)
NULL, DETAILED = 0x80, 0x40
"""Flags of a row that was given the cost of seeing nothing, and of one that has more than its number."""


class ScoreColumn:
    """Rows of one metric in order of clip and seed. Iterating gives them as `ScoreRow`.

    Args:
        metric: what the rows are called.
        folder: where rows go beyond 1,024.
    """

    def __init__(self, metric: str, folder: Path) -> None:
        self.metric = metric
        self._rows: SpilledList[tuple[str, int, float | None, ScoreStatus, str, str]] = SpilledList(folder)
        self._values, self._seen, self._flags = array("d"), array("d"), bytearray()
        self._scores: list[ClipScore] = []

    @classmethod
    def of(cls, metric: str, rows: Iterable[ScoreRow], folder: Path) -> "ScoreColumn":
        """The column of rows that are there already."""
        column = cls(metric, folder)
        for row in rows:
            column._add(row, json.loads(row.detail) if row.detail else {})
        return column

    def add(
        self,
        clip: str,
        seed: int,
        status: ScoreStatus,
        value: float | None = None,
        reason: str = "",
        score: ClipScore | None = None,
    ) -> None:
        """Adds the row of one item.

        Args:
            score: what the metric returned besides the number.

        Raises:
            StorageError: the disk refused.
        """
        detail = {} if score is None else plain(score.detail)
        text = "" if score is None else json.dumps(detail, sort_keys=True)
        self._add(ScoreRow(clip, seed, self.metric, value, status, reason, text), detail)
        if score is not None and len(self) <= BLOCK:
            self._scores.append(score)

    def _add(self, row: ScoreRow, detail: Mapping[str, Any]) -> None:
        self._rows.append((row.clip, row.seed, row.value, row.status, row.reason, row.detail))
        self._values.append(np.nan if row.value is None else row.value)
        self._seen.append(seen_of(row.status, detail))
        flags = (NULL if is_null(row.status, detail) else 0) | (DETAILED if row.detail else 0)
        self._flags.append(STATUSES.index(row.status) | flags)

    def named(self, metric: str) -> "ScoreColumn":
        """The same rows under another name."""
        other = copy(self)
        other.metric = metric
        return other

    def __len__(self) -> int:
        return len(self._values)

    def __iter__(self) -> Iterator[ScoreRow]:
        for clip, seed, value, status, reason, detail in self._rows:
            yield ScoreRow(clip, seed, self.metric, value, status, reason, detail)

    @property
    def numbers(self) -> Float[np.ndarray, " row"]:
        """The number of every row; NaN where it has none."""
        return np.array(self._values, dtype=np.float64)

    def has(self, status: ScoreStatus) -> Bool[np.ndarray, " row"]:
        """Rows of that status."""
        return (self._bytes & (DETAILED - 1)) == STATUSES.index(status)

    @property
    def is_null(self) -> Bool[np.ndarray, " row"]:
        """Rows that were given the cost of seeing nothing."""
        return (self._bytes & NULL) > 0

    @property
    def _bytes(self) -> UInt8[np.ndarray, " row"]:
        return np.frombuffer(bytes(self._flags), dtype=np.uint8)

    @property
    def coverage(self) -> float:
        """As `coverage_of` of the rows."""
        return sum(self._seen) / len(self) if len(self) else 0.0

    def reasons(self, status: ScoreStatus) -> Iterator[str]:
        """Reason of every row of that status."""
        if self.has(status).any():
            yield from (row[4] for row in self._rows if row[3] == status)

    def why_unmeasured(self) -> Iterator[str]:
        """A reason for each row that was given the cost of seeing nothing."""
        if self.is_null.any():
            for row, null in zip(self._rows, self.is_null, strict=True):
                if null:
                    yield why_null(json.loads(row[5]))

    def scores(self) -> Sequence[ClipScore]:
        """What the metric returned besides the number, for the rows that are ok; empty if it returned numbers only.

        Of up to 1,024 rows the very objects, of more what the table says of them, read from the file as asked.
        """
        if len(self) <= BLOCK:
            return self._scores
        return _StoredScores(self._rows, np.flatnonzero(self.has("ok") & ((self._bytes & DETAILED) > 0)))

    @property
    def is_set(self) -> bool:
        """Whether this is the one row of a set metric."""
        return len(self) == 1 and self._rows[0][0] == SET_CLIP


def rows_of(columns: Iterable[ScoreColumn]) -> Iterator[ScoreRow]:
    """Rows of all metrics, sorted by metric, clip and seed."""
    for column in sorted(columns, key=lambda each: each.metric):
        yield from column


def count_items(items: Sequence[ItemRow], columns: Sequence[ScoreColumn]) -> dict[str, int]:
    """Counts items: `planned`; `failed` (no sample, or a metric failed on it); and, if there are any, `unmeasured`
    (others on which some metric saw nothing).

    Args:
        columns: of all metrics, with a row per item, or the one row of a set metric.
    """
    sets, by_clip = ([each for each in columns if each.is_set is kind] for kind in (True, False))
    has_sample = np.array([item.status == "ok" for item in items], dtype=bool)
    failed, unmeasured = ~has_sample, np.zeros(len(items), dtype=bool)
    for column in by_clip:
        failed = failed | column.has("failed")
        unmeasured |= column.is_null
    set_rows = [row for column in sets for row in column]
    lost = {place for row in set_rows for place in left_out_of(row)}
    if failed_sets((item.clip for item in items), set_rows):
        unmeasured[:] = True
    elif lost:
        unmeasured |= np.array([(item.clip, item.seed) in lost for item in items], dtype=bool)
    count = int((unmeasured & has_sample & ~failed).sum())
    counts = {"planned": len(items), "failed": int(failed.sum())}
    return {**counts, **({"unmeasured": count} if count else {})}


class _StoredScores(Sequence[ClipScore]):
    """Scores that are read from the rows one at a time."""

    def __init__(self, rows: SpilledList[Any], places: np.ndarray) -> None:
        self._rows, self._places = rows, places

    def __len__(self) -> int:
        return len(self._places)

    @overload
    def __getitem__(self, index: int) -> ClipScore: ...
    @overload
    def __getitem__(self, index: slice) -> list[ClipScore]: ...
    def __getitem__(self, index: int | slice) -> ClipScore | list[ClipScore]:
        if isinstance(index, slice):
            return [self[place] for place in range(*index.indices(len(self)))]
        row = self._rows[int(self._places[index])]
        return ClipScore(row[2], json.loads(row[5]))
