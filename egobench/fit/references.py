"""The references of a split as floors, chances and packs see them: their cache entries, filled and listed."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import numpy as np
from threadpoolctl import threadpool_limits

from egobench.data.check_split import check_split
from egobench.engines.local import Engine
from egobench.errors import BadInputError
from egobench.metrics.base import ESTIMATED, ClipMetric
from egobench.plan.availability import check_task, usable_metrics
from egobench.plan.protocol import is_set_metric, protocol_record
from egobench.plan.resolve import Metric, resolve_metrics, resolve_split
from egobench.progress import Progress
from egobench.run.extract import ExtractJob, MissingInputs, makers_of
from egobench.scoring.floor_and_chance import (
    floor_and_chance_inputs,
    floor_and_chance_key,
    keep_floor_and_chance,
    reads_files_of_one_run,
)
from egobench.scoring.inputs import CachedInput, Inputs, Origin
from egobench.scoring.stand_in_scores import keep_stand_in_scores, stand_in_key
from egobench.scoring.stand_ins import plan_stand_ins
from egobench.store.cache import Cache
from egobench.store.folder import RunFolder
from egobench.types import Split, Task

GROUPS = ("scores", "motion-features", "clip", "frames", "text", "hands", "camera-path")
"""Kinds of entries, those first that save most time a byte."""
Arrays = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class References:
    """The references of one split, and the metrics that can be had on it."""

    split: Split
    metrics: tuple[Metric, ...]
    inputs: Inputs

    @property
    def clip_ids(self) -> list[str]:
        """All clips."""
        return [info.clip_id for info in self.split.infos()]

    def record(self, metric: Metric, task: Task = "t2vm") -> dict[str, Any]:
        """Protocol record of a run of the whole split with one seed."""
        return protocol_record(metric, self.split, self.clip_ids, 1, task)

    def inputs_of_bounds(self, clip_ids: Sequence[str]) -> Iterator[tuple[Metric, str, CachedInput]]:
        """Metric, owner clip and cache entry of everything that floors and chances of some clips read."""
        stand_ins = plan_stand_ins(self.inputs, clip_ids, 1)
        for metric in self.metrics:
            for owner, entry in floor_and_chance_inputs(metric, self.inputs, stand_ins):
                yield metric, owner, entry

    def packed_entries(self, clip_ids: Sequence[str]) -> Iterator[tuple[str, CachedInput]]:
        """Owner clip and cache entry of what a pack may hold of some clips: what a run reads of references and
        captions, what set metrics read in place of samples, and estimates; no motions."""
        for metric in self.metrics:
            for need in metric.needs().values():
                for clip_id in clip_ids if need.source != "sample" and need.what in GROUPS else ():
                    entry = self.inputs.cached_input(need, clip_id, Origin())
                    if entry is not None:
                        yield clip_id, entry
        for metric, owner, entry in self.inputs_of_bounds(clip_ids):
            if entry.what in ESTIMATED or (is_set_metric(metric) and entry.what in GROUPS):
                yield owner, entry

    def extract(self, clip_ids: Sequence[str], engine: Engine, progress: Progress) -> None:
        """Fills the cache with these entries.

        Raises:
            BadInputError: `reference-unreadable`: a reference cannot be extracted.
        """
        missing = MissingInputs(self.inputs)
        for _, owner, entry in self.inputs_of_bounds(clip_ids):
            missing.add(entry, owner)
        items = missing.items()
        if not items:
            return
        makers, cache = makers_of(items), self.inputs.cache.root.absolute()
        job = ExtractJob(self.split.name, makers, "cpu", Path().absolute(), cache, split_digest=self.split.digest)
        progress.stage(f"references of {self.split.name}", len(items))
        with closing(engine.run(job, items)) as outcomes:
            for outcome in outcomes:
                if outcome.answer.code:
                    text = f"{outcome.item.clip_id}: {outcome.answer.code}: {outcome.answer.reason}"
                    raise BadInputError(text, code="reference-unreadable")
                progress.advance()
        progress.done()

    def kept_bounds(self, metric: Metric) -> dict[str, Arrays]:
        """Scores of a clip metric on all references, or floors and chances of a set metric for every task, by key. What
        the cache does not hold is computed and kept there."""
        stand_ins, cache = plan_stand_ins(self.inputs, self.clip_ids, 1), self.inputs.cache
        is_clip = isinstance(metric, ClipMetric)
        found: dict[str, Arrays] = {}
        tasks = tasks_of(metric)[:1] if is_clip else tasks_of(metric)  # a clip's own score does not depend on the task
        for record in [self.record(metric, task) for task in tasks]:
            key = stand_in_key(record) if is_clip else floor_and_chance_key(record)
            if cache.get(key) is None:
                with threadpool_limits(1):
                    if isinstance(metric, ClipMetric):
                        keep_stand_in_scores(metric, self.inputs, stand_ins, record)
                    else:
                        keep_floor_and_chance(metric, self.inputs, stand_ins, record)
            kept = cache.get(key)
            if kept is not None:
                found[key] = kept
        return found


def open_references(name: str, metrics: str, cache: Cache, *, trust: bool = False) -> References:
    """A split by name, its content compared with its digests, and those of some metrics that can be had on it.

    Args:
        trust: as of `check_split`.

    Raises:
        UnknownNameError, BadInputError: as `resolve_split`, `check_split` and `resolve_metrics`.
    """
    split, named = check_split(resolve_split(name), trust=trust), resolve_metrics(metrics)
    usable, _ = usable_metrics(named, split, leave_out={metric.name for metric in named})
    own = tuple(metric for metric in usable if not reads_files_of_one_run(metric))
    return References(split, own, Inputs(split, RunFolder(Path()), cache, {}))


def tasks_of(metric: Metric) -> list[Task]:
    """Tasks to which a metric is applicable."""
    found = []
    for task in get_args(Task):
        try:
            check_task(metric, task)
        except BadInputError:
            continue
        found.append(task)
    return found


def packed_key(entry: CachedInput) -> str:
    """The key under which a pack holds an entry."""
    return entry.key if entry.frames is None else entry.chosen_key
