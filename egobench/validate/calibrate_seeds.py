"""How much an estimate varies: the same clips with other seeds or, for an estimator without a seed, a second time."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from egobench.estimators.base import Estimator
from egobench.metrics.base import What
from egobench.plan.protocol import is_set_metric
from egobench.plan.resolve import Metric
from egobench.validate.calibrate_estimates import Estimates, Variant, has_seed
from egobench.validate.calibrate_figures import clip_values

SEED_CLIPS, REPEATED_CLIPS = 24, 4
Again = Callable[[Variant, Sequence[str]], Estimates]
"""Estimates some clips with a variant."""


def seed_spread(
    estimator: Estimator,
    inputs: Estimates,
    whats: Sequence[What],
    metrics: Sequence[Metric],
    clip_ids: Sequence[str],
    seeds: int,
    again: Again,
) -> dict[str, Any]:
    """What seeds change, on clips evenly spread over `clip_ids`.

    Returns:
        `seeds`, `clips`, and for each clip metric the mean with each seed, their range, and the median and 90 %
        quantile over clips of the range of a clip's values; or, without a seed, on how many clips of those that were
        seen twice both estimates are the same bytes.
    """
    if not has_seed(estimator):
        part = _spread_over(clip_ids, REPEATED_CLIPS)
        twice = again((None, 1), part)
        same = sum(_is_same(inputs, twice, whats, clip_id) for clip_id in part)
        return {"note": "deterministic, no seed", "seen_twice": len(part), "identical": same}
    first = int(getattr(estimator, "seed"))  # noqa: B009
    part = _spread_over(clip_ids, SEED_CLIPS)
    others = [seed for seed in range(seeds) if seed != first][: seeds - 1]
    variants = {first: inputs, **{seed: again((seed, 0), part) for seed in others}}
    found: dict[str, Any] = {"seeds": list(variants), "clips": len(part)}
    for metric in metrics:
        if not is_set_metric(metric):
            values = np.stack([clip_values(metric, variant, part) for variant in variants.values()])
            found[metric.name] = _range_over(values[:, np.isfinite(values).all(axis=0)], metric.unit)
    return found


def _range_over(values: np.ndarray, unit: str) -> dict[str, Any]:
    """(seed, clip) values that are all defined."""
    if not values.size:
        return {"clips": 0}
    means, ranges = values.mean(axis=1), np.ptp(values, axis=0)
    median, p90 = (float(value) for value in np.quantile(ranges, [0.5, 0.9]))
    spread = {"mean_by_seed": means.tolist(), "range_of_means": float(np.ptp(means))}
    return {**spread, "range_of_a_clip": {"median": median, "p90": p90}, "unit": unit, "clips": values.shape[1]}


def _spread_over(clip_ids: Sequence[str], most: int) -> list[str]:
    count = min(most, len(clip_ids))
    return [clip_ids[number * len(clip_ids) // count] for number in range(count)]


def _is_same(first: Estimates, second: Estimates, whats: Sequence[What], clip_id: str) -> bool:
    for what in whats:
        ours, theirs = (each.cache.get(each.entry(what, clip_id)) for each in (first, second))
        if ours is None or theirs is None or set(ours) != set(theirs):
            return False
        if any(ours[key].tobytes() != theirs[key].tobytes() for key in ours):
            return False
    return True
