"""Binary classification scores: F1, MCC and others from pooled counts, and an interval by sequence."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Int

from egobench.stats.bootstrap import weight_parts


class Counts(NamedTuple):
    """How often both answers are yes, only the first, only the second, neither; the second is the truth."""

    true_positive: int
    false_positive: int
    false_negative: int
    true_negative: int

    @property
    def positives(self) -> int:
        """How often the truth is yes."""
        return self.true_positive + self.false_negative

    @property
    def total(self) -> int:
        """Number of comparisons."""
        return sum(self)


def f1(counts: Counts) -> float:
    """2 TP / (2 TP + FP + FN); the truth must say yes at least once."""
    return 2 * counts.true_positive / (counts.true_positive + counts.false_positive + counts.positives)


def agreement(counts: Counts) -> dict[str, float | int | None]:
    """F1, precision, recall, MCC (Matthews 1975), prevalence and the counts; None where one has no meaning."""
    hit, false, missed, rest = counts
    margins = float(hit + false) * (hit + missed) * (rest + false) * (rest + missed)
    return {
        "f1": f1(counts) if counts.positives else None,
        "precision": _ratio(hit, hit + false),
        "recall": _ratio(hit, hit + missed),
        "mcc": _ratio(hit * rest - false * missed, margins**0.5),
        "prevalence": _ratio(hit + missed, counts.total),
        **counts._asdict(),
    }


def f1_interval(
    counts: Int[np.ndarray, "row 4"], groups: Int[np.ndarray, " row"], draws: int, seed: int
) -> tuple[float, float] | None:
    """95 % percentile interval of the F1 of pooled counts, resampling whole sequences.

    Args:
        counts: per row, in the order of `Counts`.
        groups: number of each row's sequence.
        draws: number of bootstrap draws; draws without any yes have no F1 and are left out.
        seed: seed of the draws.

    Returns:
        Low and high end, or None for fewer than two sequences.
    """
    names, owner = np.unique(groups, return_inverse=True)
    if len(names) < 2:
        return None
    by_group = np.zeros((len(names), 4), dtype=np.int64)
    np.add.at(by_group, owner, counts)
    drawn = [weights @ by_group for weights in weight_parts(len(names), draws, seed)]
    hit, false, missed, _ = np.concatenate(drawn).T
    below = 2 * hit + false + missed
    low, high = np.quantile(2 * hit[below > 0] / below[below > 0], [0.025, 0.975])
    return float(low), float(high)


def _ratio(above: float | int, below: float | int) -> float | None:
    return above / below if below else None
