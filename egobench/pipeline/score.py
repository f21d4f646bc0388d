"""Stage 3: arrays → scores. One process, one thread, rows in order of clip and seed: no worker count can change a bit.

A metric without meaning on a clip is *undefined*, a part the model does not make is *not applicable*, anything
that went wrong is *failed* with its code; only *ok* rows carry a number.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from egobench.errors import BadInputError, Undefined
from egobench.metrics.base import ClipMetric, SetMetric, SetScore
from egobench.pipeline.inputs import Inputs, MissingPartError, Origin, has_part
from egobench.pipeline.worker import one_line
from egobench.store.tables import ItemRow, ScoreRow, ScoreStatus

BOOTSTRAP_SEED = 0


@dataclass(frozen=True)
class Score:
    """One metric on one clip, or why there is no number."""

    status: ScoreStatus
    value: float | None = None
    reason: str = ""


def score_clip(metric: ClipMetric, inputs: Inputs, clip_id: str, origin: Origin) -> Score:
    """Scores one clip; never raises for what a sample, a reference or a metric did."""
    try:
        arrays = {name: inputs.fetch(need, clip_id, origin) for name, need in metric.needs().items()}
        value = float(metric(**arrays))
    except Undefined as reason:
        return Score("undefined", reason=str(reason))
    except MissingPartError as reason:
        return Score("not-applicable", reason=str(reason))
    except BadInputError as error:
        return Score("failed", reason=f"{error.code}: {one_line(error)}")
    except Exception as error:
        return Score("failed", reason=f"metric-raised: {one_line(error)}")
    if not math.isfinite(value):
        return Score("failed", reason=f"score-nonfinite: the metric returned {value}")
    return Score("ok", value)


def score_items(metrics: Sequence[ClipMetric], inputs: Inputs, items: Sequence[ItemRow]) -> dict[str, list[ScoreRow]]:
    """Rows of every clip metric, in the order of `items`; failed items are failed rows."""
    rows: dict[str, list[ScoreRow]] = {metric.name: [] for metric in metrics}
    for item in items:
        held = _Held(inputs)
        for metric in metrics:
            if item.status == "failed":
                score = Score("failed", reason=f"{item.code}: {item.reason}")
            else:
                score = score_clip(metric, held, item.clip, Origin(item))  # pyright: ignore[reportArgumentType]
            rows[metric.name].append(
                ScoreRow(item.clip, item.seed, metric.name, score.value, score.status, score.reason)
            )
    return rows


@dataclass(frozen=True)
class SetOutcome:
    """A set metric on the run."""

    score: SetScore | None
    """None where it has no value."""
    status: ScoreStatus
    reason: str
    entered: int
    """Clip × seed rows that entered."""


def score_set(metric: SetMetric, inputs: Inputs, items: Sequence[ItemRow], *, draws: int) -> SetOutcome:
    """Scores the set. Entry i of both lists is row i of the run (clip × seed), its reference beside it; a row without
    a usable sample or reference is left out of both."""
    origins = [(item.clip, Origin(item)) for item in items if item.status == "ok"]
    need = metric.needs()["sample"]
    if origins and not any(has_part(need, origin) for _, origin in origins):
        return SetOutcome(None, "not-applicable", f"the model makes no {_part(need.what)}", 0)
    sample, reference, clips = collect(metric, inputs, origins)
    groups = group_numbers([inputs.infos[clip_id].sequence for clip_id in clips])
    return try_set(metric, sample, reference, groups, draws=draws)


def try_set(
    metric: SetMetric,
    sample: Sequence[np.ndarray],
    reference: Sequence[np.ndarray],
    groups: np.ndarray,
    *,
    draws: int,
) -> SetOutcome:
    """Scores two lists of features; never raises for what they hold."""
    entered = len(sample)
    try:
        if not entered:
            raise BadInputError("no row has both a sample and a reference that can be read", code="set-empty")
        score = metric.score(sample, reference, groups, draws=draws, seed=BOOTSTRAP_SEED)
    except Undefined as reason:
        return SetOutcome(None, "undefined", str(reason), entered)
    except BadInputError as error:
        return SetOutcome(None, "failed", f"{error.code}: {one_line(error)}", entered)
    except Exception as error:
        return SetOutcome(None, "failed", f"metric-raised: {one_line(error)}", entered)
    if not math.isfinite(score.value):
        return SetOutcome(None, "failed", f"score-nonfinite: the metric returned {score.value}", entered)
    return SetOutcome(score, "ok", "", entered)


def collect(
    metric: SetMetric, inputs: Inputs, origins: Sequence[tuple[str, Origin]]
) -> tuple[list[np.ndarray], list[np.ndarray], list[str]]:
    """Features of samples and references, and the clip of each entry; entries that lack either are left out."""
    needs = metric.needs()
    sample, reference, clips = [], [], []
    held: tuple[str, np.ndarray | None] = ("", None)
    for clip_id, origin in origins:
        made = _try_fetch(inputs, needs["sample"], clip_id, origin)
        if held[0] != clip_id:
            held = (clip_id, _try_fetch(inputs, needs["reference"], clip_id, Origin()))
        if made is None or held[1] is None:
            continue
        sample.append(made)
        reference.append(held[1])
        clips.append(clip_id)
    return sample, reference, clips


def group_numbers(sequences: Sequence[str]) -> np.ndarray:
    """Sequences as numbers 0, 1, … in order of their names."""
    return np.unique(np.asarray(sequences, dtype=str), return_inverse=True)[1].astype(np.int64)


def _try_fetch(inputs: Inputs, need: Any, clip_id: str, origin: Origin) -> np.ndarray | None:
    try:
        return inputs.fetch(need, clip_id, origin)
    except (BadInputError, MissingPartError):
        return None


def _part(what: str) -> str:
    return "motion" if what == "motion" else "video"


class _Held:
    """Inputs of one item, each read once however many metrics want it."""

    def __init__(self, inputs: Inputs) -> None:
        self._inputs = inputs
        self._held: dict[Any, Any] = {}

    def fetch(self, need: Any, clip_id: str, origin: Origin) -> Any:
        """As `Inputs.fetch`."""
        if need not in self._held:
            self._held[need] = self._inputs.fetch(need, clip_id, origin)
        return self._held[need]
