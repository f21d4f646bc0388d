"""Fills the cache with an estimator's results on the recorded videos of a split, and with the seconds they took.

The entries are those of runs: a run after a calibration need not estimate the references, and the other way round. An
interrupted calibration continues, since entries that are there are not estimated again.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, fields, is_dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from egobench.catalog import METHODS
from egobench.engines.local import Engine
from egobench.errors import BadInputError
from egobench.estimators.base import Estimator
from egobench.files.plain import plain
from egobench.metrics.base import ESTIMATED, Need, What
from egobench.plan.class_code import maker_record
from egobench.plan.estimates import pack_estimate, split_camera
from egobench.plan.resolve import resolve_estimator, resolve_split
from egobench.progress import Progress
from egobench.scoring.inputs import CachedInput, Inputs, Origin
from egobench.store.cache import cache_at, cache_key

TIMED = 8
"""Least number of timed clips; clips without a time are estimated again for it."""
Variant = tuple[int | None, int]
"""Seed (None: the estimator's own) and repetition (0 is the estimate that runs read)."""
OWN: Variant = (None, 0)


@dataclass(frozen=True)
class Estimates(Inputs):
    """Inputs of metrics in which each reference stands in for the sample, with the results of one estimator variant."""

    estimator: str
    variant: Variant = OWN

    def record(self, what: What, maker: str) -> Mapping[str, Any]:
        """As `Inputs.record`, with the variant's seed."""
        if what in ESTIMATED and maker == self.estimator:
            return self._variant_record
        return super().record(what, maker)

    @cached_property
    def _variant_record(self) -> Mapping[str, Any]:
        """Made once, since it reads the code of a user's estimator."""
        return variant_record(self.estimator, self.variant)

    def cached_input(self, need: Need, clip_id: str, origin: Origin) -> CachedInput | None:
        """As `Inputs.cached_input`. A video that stands in for another clip's has its own clip's entry."""
        is_borrowed = need.what in ESTIMATED and need.source == "sample"
        return super().cached_input(need, origin.video_of if is_borrowed else clip_id, origin)

    def entry(self, what: What, clip_id: str) -> str:
        """Cache key of the estimate of a reference's video."""
        entry = self.cached_input(Need("sample", what, self.estimator), clip_id, own(clip_id))
        assert entry is not None, "estimates are cached"
        return entry.key


def own(clip_id: str) -> Origin:
    """A clip's reference in the sample's place."""
    return Origin(video_of=clip_id, motion_of=clip_id)


def variant_record(name: str, variant: Variant) -> Mapping[str, Any]:
    """Protocol record of an estimator with a chosen seed. A repetition has a record that no run has.

    Raises:
        BadInputError: `estimator-seed`: its record does not say its seed, so two seeds could not be told apart.
    """
    seed, repetition = variant
    base = resolve_estimator(name)
    record = maker_record(with_seed(base, seed))
    if seed is not None and seed != getattr(base, "seed", None) and plain(record) == plain(maker_record(base)):
        raise BadInputError(f"{name} has a field `seed` that its protocol() leaves out", code="estimator-seed")
    return {**record, "repetition": repetition} if repetition else record


def has_seed(estimator: Estimator) -> bool:
    """Whether an estimator's result depends on a seed: it has a field `seed`."""
    return is_dataclass(estimator) and "seed" in {field.name for field in fields(estimator)}


def with_seed(estimator: Estimator, seed: int | None) -> Estimator:
    """The estimator with that seed; itself for None."""
    changed: Any = estimator
    return estimator if seed is None else replace(changed, seed=seed)


@dataclass(frozen=True)
class EstimateItem:
    """One reference video for one variant."""

    clip_id: str
    variant: Variant
    keys: tuple[tuple[What, str], ...]
    """What to estimate, and its cache key."""
    motion: str
    """Cache key of the reference's motion, which metrics read."""


@dataclass(frozen=True)
class EstimateJob:
    """Runs an estimator on one reference after another."""

    estimator: str
    split: str
    device: str
    cache: str
    """As `Cache.place`."""

    @property
    def error_code(self) -> str:
        """Of an estimator that raised."""
        return "estimator-raised"

    def prepare(self) -> Callable[[EstimateItem], None]:
        """Opens the split; the task puts estimates, motions and seconds into the cache."""
        split, cache = resolve_split(self.split), cache_at(self.cache)
        camera, loaded = split_camera(split), {}
        loaded[None] = resolve_estimator(self.estimator).load(self.device)

        def task(item: EstimateItem) -> None:
            reference = split.clip(item.clip_id).reference
            motion = {"positions": reference.motion.positions, "rotations": reference.motion.rotations}
            cache.put(item.motion, motion)
            seed = item.variant[0]
            if seed not in loaded:
                loaded[seed] = with_seed(resolve_estimator(self.estimator), seed).load(self.device)
            for what, key in item.keys:
                began = time.perf_counter()
                found = getattr(loaded[seed], METHODS[what])(reference.video, camera, clip_id=item.clip_id)
                seconds = time.perf_counter() - began
                cache.put(key, pack_estimate(what, found, len(reference.video.frames)))
                cache.put(seconds_key(key), {"seconds": np.array(seconds)})

        return task


def seconds_key(key: str) -> str:
    """Cache key of the seconds that an estimate took."""
    return cache_key(seconds_of=key)


def estimate_all(
    inputs: Estimates,
    whats: Sequence[What],
    clip_ids: Sequence[str],
    engine: Engine,
    job: EstimateJob,
    progress: Progress,
    *,
    timed: int = 0,
) -> None:
    """Fills the cache; a clip on which the estimator raised or died is noted in `inputs.unreadable`.

    Args:
        inputs: of the variant.
        timed: least number of clips with a time; clips without one are estimated again.
    """
    seed = inputs.variant[0]
    missing, without_seconds = [], []
    for clip_id in clip_ids:
        keys: tuple[tuple[What, str], ...] = tuple((what, inputs.entry(what, clip_id)) for what in whats)
        motion = inputs.cached_input(Need("sample", "motion"), clip_id, own(clip_id))
        assert motion is not None, "reference motions are cached"
        item = EstimateItem(clip_id, inputs.variant, keys, motion.key)
        if any(inputs.cache.get(key) is None for key in (motion.key, *(key for _, key in keys))):
            missing.append(item)
        elif any(inputs.cache.get(seconds_key(key)) is None for _, key in keys):
            without_seconds.append(item)
    have = len(clip_ids) - len(without_seconds)
    todo = [*missing, *without_seconds[: max(0, min(timed, len(clip_ids)) - have)]]
    if not todo:
        return
    name = "estimate" if inputs.variant == OWN else f"again ({'repeated' if seed is None else f'seed {seed}'})"
    progress.stage(name, len(todo))
    unreadable: Any = inputs.unreadable
    with closing(engine.run(job, todo)) as outcomes:
        for outcome in outcomes:
            if outcome.answer.code:
                unreadable[outcome.item.clip_id, -1] = outcome.answer.code, outcome.answer.reason
            progress.advance(1, bool(outcome.answer.code))
    progress.done()
