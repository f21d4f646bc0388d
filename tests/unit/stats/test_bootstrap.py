"""Cluster bootstrap: copies by hand, known standard errors, coverage, scipy as witness, refusals."""

import numpy as np
import pytest
import scipy.stats

from egobench.errors import BadInputError
from egobench.stats.bootstrap import cluster_mean_interval, cluster_means, draw_subsets, draw_weights

# by hand


def test_two_sequences_have_three_possible_means():
    # a: 1, 2, 3 and b: 10. Copies aa → 2, bb → 10, ab → 16 / 4 = 4, with probabilities 1/4, 1/4, 1/2
    means = cluster_means(np.array([1.0, 2, 3, 10]), np.array(["a", "a", "a", "b"]), draws=4000)
    found, counts = np.unique(np.round(means, 9), return_counts=True)
    np.testing.assert_array_equal(found, [2, 4, 10])
    np.testing.assert_allclose(counts / 4000, [0.25, 0.5, 0.25], atol=0.03)
    assert cluster_mean_interval(np.array([1.0, 2, 3, 10]), np.array([0, 0, 0, 1])) == pytest.approx((2.0, 10.0))


def test_equal_values_have_an_interval_of_no_width():
    assert cluster_mean_interval(np.full(6, 0.1), np.arange(6) // 2) == (0.1, 0.1)


def test_one_sequence_has_no_interval():
    assert cluster_mean_interval(np.arange(5.0), np.zeros(5)) is None


def test_weights_draw_as_many_sequences_as_there_are_and_subsets_leave_some_out():
    weights = draw_weights(7, 50, seed=0)
    assert weights.shape == (50, 7)
    assert set(weights.sum(axis=1)) == {7}
    subsets = draw_subsets(7, 5, 50, seed=0)
    assert set(subsets.sum(axis=1)) == {5}
    assert set(np.unique(subsets)) == {0, 1}
    assert len(np.unique(subsets, axis=0)) > 10


# theory


def test_the_spread_is_the_standard_error_of_cluster_means():
    rng = np.random.default_rng(1)
    values, groups = rng.normal(size=(200, 4)) + 2 * rng.normal(size=(200, 1)), np.repeat(np.arange(200), 4)
    spread = np.std(cluster_means(values.ravel(), groups, draws=4000))
    assert spread == pytest.approx(np.std(values.mean(axis=1)) / np.sqrt(200), rel=0.04)
    alone = np.std(cluster_means(values.ravel(), np.arange(800), draws=4000))
    assert alone < 0.65 * spread  # taking clips of one sequence for strangers claims too much


def test_it_moves_and_stretches_with_the_values_and_ignores_row_order_and_names():
    rng = np.random.default_rng(2)
    values, groups = rng.normal(size=60), rng.permutation(np.arange(60) % 9)
    low, high = cluster_mean_interval(values, groups, 500, 3)
    np.testing.assert_allclose(cluster_mean_interval(5 + 2 * values, groups, 500, 3), (5 + 2 * low, 5 + 2 * high))
    order = rng.permutation(60)
    names = np.array([f"s{number}" for number in groups])
    np.testing.assert_allclose(cluster_mean_interval(values[order], names[order], 500, 3), (low, high), rtol=1e-12)
    assert low < values.mean() < high


def test_coverage_is_near_the_nominal_95_percent():
    """400 seeded repetitions with 40 sequences of 1 to 4 clips; the percentile method is known to lose about 1.5 %."""
    rng = np.random.default_rng(4)
    hits = []
    for seed in range(400):
        groups = np.repeat(np.arange(40), rng.integers(1, 5, 40))
        values = rng.normal(size=40)[groups] + rng.normal(size=len(groups))
        low, high = cluster_mean_interval(values, groups, 400, seed)
        hits.append(low <= 0 <= high)
    assert 0.90 <= np.mean(hits) <= 0.975


# outside witness


def test_scipys_bootstrap_agrees_for_sequences_of_one_clip():
    values = np.random.default_rng(5).exponential(size=80)
    theirs = scipy.stats.bootstrap(
        (values,), np.mean, n_resamples=20_000, method="percentile", rng=np.random.default_rng(6)
    ).confidence_interval
    ours = cluster_mean_interval(values, np.arange(80), draws=20_000, seed=7)
    np.testing.assert_allclose(ours, theirs, atol=0.03 * (theirs.high - theirs.low))


# bad input


@pytest.mark.parametrize(
    ("values", "groups", "draws", "code"),
    [
        ([], [], 10, "bootstrap-shape"),
        ([1.0, 2.0], [0], 10, "bootstrap-shape"),
        ([[1.0]], [[0]], 10, "bootstrap-shape"),
        ([1.0, np.nan], [0, 1], 10, "bootstrap-nonfinite"),
        ([1.0, 2.0], [0, 1], 0, "bootstrap-draws"),
    ],
)
def test_rubbish_is_refused_with_a_code(values, groups, draws, code):
    with pytest.raises(BadInputError) as caught:
        cluster_mean_interval(np.array(values), np.array(groups), draws)
    assert caught.value.code == code


def test_draws_in_parts_are_the_draws_at_once(monkeypatch):
    values, groups = np.random.default_rng(0).normal(size=60), np.arange(60) // 3
    whole = cluster_mean_interval(values, groups, draws=500, seed=1)
    weights = draw_weights(20, 500, 1)
    monkeypatch.setattr("egobench.stats.bootstrap.MOST_WEIGHTS", 20 * 7)
    assert np.array_equal(draw_weights(20, 500, 1), weights)
    assert cluster_mean_interval(values, groups, draws=500, seed=1) == pytest.approx(whole, rel=1e-12)
