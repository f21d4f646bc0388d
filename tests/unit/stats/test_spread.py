"""Mean, median and 90 % quantile with intervals by sequence."""

import numpy as np
import pytest

from egobench.errors import BadInputError
from egobench.stats.bootstrap import cluster_mean_interval
from egobench.stats.spread import spread


def test_worked_by_hand():
    # 0, 10, …, 100: mean and median 50, and nine tenths of the way 90.
    found = spread(np.arange(11) * 10.0, np.arange(11))
    assert (found.n, found.mean, found.median, found.p90) == (11, 50.0, 50.0, 90.0)


def test_the_interval_of_the_mean_is_the_one_all_other_results_have():
    rng = np.random.default_rng(0)
    values, groups = rng.normal(size=40), np.repeat(np.arange(10), 4)
    assert spread(values, groups, 500, 3).mean_ci95 == cluster_mean_interval(values, groups, 500, 3)


def test_equal_values_have_no_width_and_shifted_ones_shift_everything():
    assert spread(np.ones(6), np.arange(6), 50)[1:] == (1.0, (1.0, 1.0)) * 3
    values, groups = np.random.default_rng(1).normal(size=30), np.repeat(np.arange(6), 5)
    plain, shifted = (spread(values + shift, groups, 200) for shift in (0.0, 5.0))
    assert shifted.median_ci95 == pytest.approx([end + 5 for end in plain.median_ci95])
    assert shifted.p90_ci95 == pytest.approx([end + 5 for end in plain.p90_ci95])


def test_whole_sequences_are_drawn_so_that_copies_of_a_clip_add_no_certainty():
    values, groups = np.random.default_rng(2).normal(size=12), np.arange(12)
    once, often = spread(values, groups, 300), spread(np.repeat(values, 5), np.repeat(groups, 5), 300)
    assert often.mean_ci95 == pytest.approx(once.mean_ci95)


def test_the_intervals_cover_the_truth_about_as_often_as_they_say():
    rng = np.random.default_rng(3)
    hits = 0
    for _ in range(120):
        low, high = spread(rng.exponential(size=60), np.arange(60), 150).median_ci95
        hits += low <= np.log(2) <= high
    assert 0.86 <= hits / 120 <= 0.99


def test_one_sequence_has_no_interval_and_what_is_not_finite_is_refused():
    assert spread(np.arange(3.0), np.zeros(3)).p90_ci95 is None
    with pytest.raises(BadInputError):
        spread(np.array([1.0, np.nan]), np.arange(2))
