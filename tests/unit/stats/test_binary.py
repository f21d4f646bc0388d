"""Counts by hand, where a number has no meaning, intervals by sequence."""

import numpy as np
import pytest

from egobench.stats.binary import Counts, agreement, f1_interval


def test_counts_by_hand():
    found = agreement(Counts(6, 2, 1, 3))
    assert found["f1"] == pytest.approx(12 / 15)
    assert (found["precision"], found["recall"]) == pytest.approx((6 / 8, 6 / 7))
    assert found["mcc"] == pytest.approx((6 * 3 - 2 * 1) / np.sqrt(8 * 7 * 5 * 4))
    assert found["prevalence"] == pytest.approx(7 / 12)
    assert found["true_negative"] == 3


def test_what_divides_by_nothing_is_none_and_not_zero():
    nothing = agreement(Counts(0, 0, 0, 0))
    assert {name: nothing[name] for name in ("f1", "precision", "recall", "mcc", "prevalence")} == dict.fromkeys(
        ("f1", "precision", "recall", "mcc", "prevalence")
    )
    always = agreement(Counts(4, 6, 0, 0))
    assert (always["f1"], always["mcc"]) == (pytest.approx(8 / 14), None)
    false_alarms = agreement(Counts(0, 5, 0, 5))
    assert (false_alarms["f1"], false_alarms["precision"], false_alarms["recall"]) == (None, 0.0, None)


def test_the_interval_holds_the_value_and_shrinks_with_the_number_of_sequences():
    def width(sequences):
        rng = np.random.default_rng(0)
        counts = rng.poisson((8, 2, 2, 8), size=(sequences * 4, 4))
        pooled = Counts(*counts.sum(axis=0).tolist())
        low, high = f1_interval(counts, np.repeat(np.arange(sequences), 4), draws=500, seed=1)
        assert low < agreement(pooled)["f1"] < high
        return high - low

    assert width(64) == pytest.approx(width(16) / 2, rel=0.5)


def test_rows_of_one_sequence_stay_together():
    counts = np.array([[5, 0, 0, 0], [0, 5, 5, 0]] * 4)
    together = f1_interval(counts, np.repeat(np.arange(4), 2), draws=200, seed=0)
    apart = f1_interval(counts, np.arange(8), draws=200, seed=0)
    assert together == (pytest.approx(1 / 2), pytest.approx(1 / 2))  # each sequence: 5 hits, 5 false, 5 missed
    assert apart[0] < 0.5 < apart[1]
    assert f1_interval(counts, np.zeros(8, dtype=int), draws=200, seed=0) is None
