"""The clips where the second run lost most: the ones to look at first."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from egobench.compare.comparison import Comparison
from egobench.compare.side import Terms
from egobench.compare.verdict import ROUNDING, harm_of

TOP = 20


@dataclass(frozen=True)
class Loss:
    """One clip; numbers are means over its seeds."""

    clip: str
    sequence: str
    stratum: str
    loss: float
    """Mean over metrics of the harm, each in units of its root mean square over clips."""
    metric: str
    """The metric in which it lost most."""
    first: float
    """Value of that metric on this clip in the first run."""
    second: float


def worst_clips(comparison: Comparison, top: int = TOP, metrics: Sequence[str] | None = None) -> list[Loss]:
    """The clips that lost, the worst first, by all metrics that have a value per clip (Fréchet distances do not).

    Args:
        metrics: only these.
    """
    harms: dict[str, dict[str, tuple[float, float, float]]] = defaultdict(dict)  # clip → metric → harm, first, second
    for row in comparison.rows:
        pair = comparison.terms.get(row.metric)
        if metrics is not None and row.metric not in metrics:
            continue
        if pair is None or any(side.above is None or side.below is None for side in pair):
            continue
        by_clip = _by_clip(pair)
        scale = np.sqrt(np.mean([(second - first) ** 2 for first, second in by_clip.values()])) if by_clip else 0.0
        if scale > ROUNDING:
            for clip, (first, second) in by_clip.items():
                harms[clip][row.metric] = harm_of(second - first, row.better) / float(scale), first, second
    facts = {key.clip: item for key, item in comparison.first.items.items()}
    losses = []
    for clip, by_metric in harms.items():
        loss = float(np.mean([harm for harm, _, _ in by_metric.values()]))
        metric = max(sorted(by_metric), key=lambda name: by_metric[name][0])
        _, first, second = by_metric[metric]
        losses.append(Loss(clip, facts[clip].sequence, facts[clip].stratum, loss, metric, first, second))
    positive = [each for each in losses if each.loss > 0]
    return sorted(positive, key=lambda each: (-each.loss, each.clip))[:top]


def _by_clip(pair: tuple[Terms, Terms]) -> dict[str, tuple[float, float]]:
    """Value of each clip in both runs, pooled over its seeds; clips without a denominator have none."""
    sums: dict[str, np.ndarray] = defaultdict(lambda: np.zeros((2, 2)))
    for number, side in enumerate(pair):
        columns = np.asarray(side.above), np.asarray(side.below)
        for key, above, below in zip(side.keys, *columns, strict=True):
            sums[key.clip][number] += above, below
    return {
        clip: (float(both[0, 0] / both[0, 1]), float(both[1, 0] / both[1, 1]))
        for clip, both in sums.items()
        if (both[:, 1] > 0).all()
    }
