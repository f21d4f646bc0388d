"""Sets that do not fit into memory: what a metric keeps of each row goes to an unnamed file, row by row.

A metric that can (`SetMetric.streams`) is scored this way where a plan has more than 512 rows (clip × seed). Up to
that, it is given lists, as every other metric is. The number of planned rows decides, and nothing else: neither the
memory, nor the number of workers, nor what can be read. Both ways agree to 1e-9 of the value.
"""

import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from egobench.errors import StorageError
from egobench.files.array_file import ArrayFile, Entries
from egobench.files.spill import Chosen, SpilledList
from egobench.metrics.base import SetMetric
from egobench.scoring.inputs import Inputs, Origin
from egobench.scoring.score import BOOTSTRAP_SEED, SetOutcome, attempt, rows_read

IN_MEMORY = 512
"""Planned rows up to which a set metric is given lists."""


def is_large(metric: SetMetric, planned: int) -> bool:
    """Whether a metric is scored from what it keeps of so many planned rows."""
    return metric.streams and planned > IN_MEMORY


@dataclass(frozen=True)
class LargeRows:
    """What a metric keeps of its rows."""

    metric: SetMetric
    kept: Mapping[str, Entries | SpilledList[Any] | Chosen[Any]]
    clips: Sequence[str]
    places: Sequence[int]
    """Places in `origins` of the rows that entered."""
    lost: tuple[tuple[int, str], ...] = ()
    """Places in `origins` that lack something, and why."""
    error: Exception | None = None
    """What the metric raised on a row; there is no score then."""

    @classmethod
    def collect(cls, metric: SetMetric, inputs: Inputs, origins: Sequence[tuple[str, Origin]]) -> "LargeRows":
        """Reads what the metric needs of each clip and sample; entries that lack anything are left out.

        Raises:
            StorageError: the disk refused.
        """
        folder, found = _folder(inputs), {}
        clips: list[str] = []
        places: list[int] = []
        lost: list[tuple[int, str]] = []
        for place, clip_id, row in rows_read(metric, inputs, origins):
            if isinstance(row, str):
                lost.append((place, row))
                continue
            try:
                kept = metric.kept(row)
                for key, value in kept.items():
                    is_array = isinstance(value, np.ndarray) and value.ndim == 2
                    if key not in found:
                        found[key] = ArrayFile(folder) if is_array else SpilledList(folder)
                    found[key].append(value)
            except StorageError:
                raise
            except Exception as error:
                return cls(metric, {}, clips, places, tuple(lost), error)
            clips.append(clip_id)
            places.append(place)
        whole = {key: each.entries() if isinstance(each, ArrayFile) else each for key, each in found.items()}
        return cls(metric, whole, clips, places, tuple(lost))

    def chosen(self, places: Sequence[int] | np.ndarray) -> "LargeRows":
        """Some of the rows, each once or more often."""
        at = np.asarray(places, dtype=np.int64)
        kept = {key: column.chosen(at) for key, column in self.kept.items()}
        rows: list[int] = at.tolist()
        return LargeRows(self.metric, kept, [self.clips[row] for row in rows], [self.places[row] for row in rows])

    def between(self, first: Sequence[int], second: Sequence[int]) -> "LargeRows":
        """Of a distance between sets: some rows as samples, others as references."""
        needs, samples = self.metric.needs(), self.chosen(first)
        references = {key: self.kept[key].chosen(second) for key in self.kept if needs[key].source == "reference"}
        return LargeRows(self.metric, {**samples.kept, **references}, samples.clips, samples.places)

    def score(self, groups: np.ndarray, *, draws: int) -> SetOutcome:
        """As `try_set`."""
        if self.error is not None:
            return attempt(self._raise, len(self.clips) + 1)  # the row on which it raised has entered too
        seed = BOOTSTRAP_SEED
        return attempt(
            lambda: self.metric.score_large(self.kept, self.clips, groups, draws=draws, seed=seed), len(self.clips)
        )

    def _raise(self) -> Any:
        assert self.error is not None
        raise self.error


def _folder(inputs: Inputs) -> Path:
    """Where the files lie: beside the cache, which has room, or where temporary files do."""
    root = inputs.cache.root
    return root if root.is_dir() and os.access(root, os.W_OK) else Path(tempfile.gettempdir())
