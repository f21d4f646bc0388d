"""Stage 3: arrays → scores, in one process and one thread, so that the number of workers cannot change a bit.

Rows are in order of clip and seed. A metric without meaning on a clip is *undefined*. A metric of a part that the model
does not make is *not applicable*. Anything that went wrong is *failed*, with its code. Only *ok* rows have a number.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, is_dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from egobench.engines.worker import one_line, printable
from egobench.errors import BadInputError, StorageError, Undefined
from egobench.metrics.base import ClipMetric, ClipScore, Need, SetMetric, SetScore
from egobench.scoring.column import ScoreColumn
from egobench.scoring.inputs import Inputs, MissingPartError, Origin
from egobench.store.tables import ItemRow, ScoreStatus

BOOTSTRAP_SEED = 0


@dataclass(frozen=True)
class Score:
    """One metric on one clip, or why there is no number."""

    status: ScoreStatus
    value: float | None = None
    reason: str = ""
    detail: ClipScore | None = None
    """What the metric returned besides the number."""


def score_clip(metric: ClipMetric, inputs: Inputs, clip_id: str, origin: Origin) -> Score:
    """Scores one clip. It raises nothing that a sample, a reference or a metric causes."""
    try:
        arrays = {name: inputs.fetch(need, clip_id, origin) for name, need in metric.needs().items()}
        given = metric(**arrays)
        detail = given if isinstance(given, ClipScore) else None
        value = float(given.value if isinstance(given, ClipScore) else given)
    except Undefined as reason:
        return Score("undefined", reason=printable(str(reason)))
    except MissingPartError as reason:
        return Score("not-applicable", reason=printable(str(reason)))
    except BadInputError as error:
        return Score("failed", reason=f"{error.code}: {one_line(error)}")
    except Exception as error:
        return Score("failed", reason=f"metric-raised: {one_line(error)}")
    if not math.isfinite(value):
        return Score("failed", reason=f"score-nonfinite: the metric returned {value}")
    return Score("ok", value, detail=detail)


def score_items(
    metrics: Mapping[str, ClipMetric], inputs: Inputs, items: Sequence[ItemRow], folder: Path
) -> dict[str, ScoreColumn]:
    """Scores all clip metrics.

    Args:
        folder: where rows go that are too many for the memory.

    Returns:
        Label → rows in the order of `items`; a failed item is a failed row.
    """
    columns = {label: ScoreColumn(label, folder) for label in metrics}
    for item in items:
        held = _ReadOnce(inputs)
        for label, metric in metrics.items():
            if item.status == "failed":
                score = Score("failed", reason=f"{item.code}: {item.reason}")
            else:
                score = score_clip(metric, held, item.clip, Origin(item))  # pyright: ignore[reportArgumentType]
            columns[label].add(item.clip, item.seed, score.status, score.value, score.reason, score.detail)
    return columns


@dataclass(frozen=True)
class SetOutcome:
    """A set metric on the run."""

    score: SetScore | None
    """None where it has no value."""
    status: ScoreStatus
    reason: str
    entered: int
    """Clip × seed rows that entered."""
    lost: tuple[tuple[str, int, str], ...] = ()
    """Clip, seed and reason of the samples that are there and could not be read for this metric."""


@dataclass(frozen=True)
class SetRows:
    """What a set metric is given: equally long lists, one entry per row."""

    inputs: Mapping[str, Sequence[Any]]
    clips: Sequence[str]
    lost: tuple[tuple[int, str], ...] = ()
    """Places in `origins` that lack something, and why."""

    def repeated(self, times: int) -> "SetRows":
        """The rows, each repeated so many times, as in a run with so many seeds."""
        inputs = {key: [value for value in values for _ in range(times)] for key, values in self.inputs.items()}
        return SetRows(inputs, [clip_id for clip_id in self.clips for _ in range(times)])


def try_set(metric: SetMetric, rows: SetRows, groups: np.ndarray, *, draws: int) -> SetOutcome:
    """Scores rows. It raises nothing that their content or the metric causes."""
    seed = BOOTSTRAP_SEED
    return attempt(
        lambda: metric.score(rows.inputs, rows.clips, groups, draws=draws, seed=seed),
        len(rows.clips),
    )


def attempt(score: Callable[[], SetScore], entered: int) -> SetOutcome:
    """What a call that scores so many rows comes to.

    Raises:
        StorageError: the disk refused.
    """
    try:
        if not entered:
            raise BadInputError("no row has all that the metric needs in a form that can be read", code="set-empty")
        found = score()
    except StorageError:
        raise
    except Undefined as reason:
        return SetOutcome(None, "undefined", printable(str(reason)), entered)
    except BadInputError as error:
        return SetOutcome(None, "failed", f"{error.code}: {one_line(error)}", entered)
    except Exception as error:
        return SetOutcome(None, "failed", f"metric-raised: {one_line(error)}", entered)
    if not math.isfinite(found.value):
        return SetOutcome(None, "failed", f"score-nonfinite: the metric returned {found.value}", entered)
    return SetOutcome(found, "ok", "", entered)


def collect(metric: SetMetric, inputs: Inputs, origins: Sequence[tuple[str, Origin]]) -> SetRows:
    """What the metric needs of each clip and sample, as lists; entries that lack anything are left out."""
    found: dict[str, list[Any]] = {key: [] for key in metric.needs()}
    clips: list[str] = []
    lost: list[tuple[int, str]] = []
    for place, clip_id, row in rows_read(metric, inputs, origins):
        if isinstance(row, str):
            lost.append((place, row))
            continue
        clips.append(clip_id)
        for key, value in row.items():
            found[key].append(value)
    return SetRows(found, clips, tuple(lost))


def rows_read(
    metric: SetMetric, inputs: Inputs, origins: Sequence[tuple[str, Origin]]
) -> Iterator[tuple[int, str, dict[str, Any] | str]]:
    """Place, clip, and what the metric needs of it; or, in place of that, why something cannot be read."""
    needs = metric.needs()
    held: dict[Need, Any] = {}
    held_clip = ""
    for place, (clip_id, origin) in enumerate(origins):
        if clip_id != held_clip:
            held, held_clip = {}, clip_id
        row = {}
        for key, need in needs.items():
            if need.source == "sample":
                row[key] = _try_fetch(inputs, need, clip_id, origin)
            else:  # the seeds of one clip share its reference and its caption
                if need not in held:
                    held[need] = _try_fetch(inputs, need, clip_id, Origin())
                row[key] = held[need]
        reason = next((value.reason for value in row.values() if isinstance(value, _Unread)), "")
        yield place, clip_id, reason or row


def group_numbers(sequences: Sequence[str]) -> np.ndarray:
    """Sequences as numbers 0, 1, … in order of their names."""
    return np.unique(np.asarray(sequences, dtype=str), return_inverse=True)[1].astype(np.int64)


@dataclass(frozen=True)
class _Unread:
    """Takes the place of an input that could not be read."""

    reason: str


def _try_fetch(inputs: Inputs, need: Need, clip_id: str, origin: Origin) -> Any:
    try:
        return _read_only(inputs.fetch(need, clip_id, origin))
    except BadInputError as error:
        return _Unread(f"{error.code}: {one_line(error)}")
    except MissingPartError as error:
        return _Unread(str(error))


def _read_only(value: Any) -> Any:
    """The value, whose arrays refuse to be changed in place: the rows of a set are scored many times over."""
    parts = vars(value).values() if is_dataclass(value) else (value,)
    for part in parts:
        if isinstance(part, np.ndarray):
            part.flags.writeable = False
    return value


class _ReadOnce:
    """Inputs of one item. Each is read once for all metrics; every metric gets a copy, since a user's metric may change
    its arrays in place."""

    def __init__(self, inputs: Inputs) -> None:
        self._inputs = inputs
        self._held: dict[Any, Any] = {}

    def fetch(self, need: Any, clip_id: str, origin: Origin) -> Any:
        """As `Inputs.fetch`."""
        if need not in self._held:
            self._held[need] = self._inputs.fetch(need, clip_id, origin)
        return _copied(self._held[need])


def _copied(value: Any) -> Any:
    """A copy whose arrays are copies."""
    if isinstance(value, str):
        return value
    if isinstance(value, np.ndarray):
        return value.copy()
    if is_dataclass(value) and not isinstance(value, type):
        arrays = {name: part.copy() for name, part in vars(value).items() if isinstance(part, np.ndarray)}
        if all(isinstance(part, np.ndarray | str | int | float | None) for part in vars(value).values()):
            return replace(value, **arrays)
    return deepcopy(value)
