"""Influence of clips on a Fréchet distance: against leaving each out in earnest, at every rank."""

import numpy as np
import pytest

from egobench.stats.frechet import frechet_distance
from egobench.stats.influence import frechet_influence, weight_derivative
from egobench.stats.weighted_frechet import SequenceFrechet


def two_sets(clips, items, d, seed=0):
    rng = np.random.default_rng(seed)
    mix = rng.normal(size=(d, d)) / np.sqrt(d)
    return list(rng.normal(size=(clips, items, d))), list(0.4 + rng.normal(size=(clips, items, d)) @ mix)


def by_brute_force(reference, sample, groups):
    def distance(kept):
        return frechet_distance(*(np.concatenate([side[k] for k in kept]) for side in (reference, sample)))

    everything = np.arange(len(groups))
    return np.array([distance(everything) - distance(everything[groups != g]) for g in range(groups.max() + 1)])


def test_one_dimension_by_hand():
    # reference 0, 2, 4 and sample 0, 2, 10, whose means are 2 and 4, variances 4 and 28: (4-2)² + (√28-2)² = 14.834.
    # Without the third: means 1 and 1, variances 2 and 2: 0. So the third clip is worth all of it.
    reference, sample = ([np.array([[value]]) for value in side] for side in ([0.0, 2.0, 4.0], [0.0, 2.0, 10.0]))
    first, *_ = frechet_influence(reference, sample, np.arange(3))
    assert first.group == 2
    assert first.change == pytest.approx(4 + (np.sqrt(28) - 2) ** 2, abs=1e-6)


@pytest.mark.parametrize(("clips", "items", "d"), [(30, 8, 5), (30, 1, 60), (12, 3, 36), (20, 2, 50)])
def test_the_changes_are_those_of_leaving_clips_out(clips, items, d):
    reference, sample = two_sets(clips, items, d)
    sample[4] = sample[4] * 3
    groups = np.arange(clips)
    expected = by_brute_force(reference, sample, groups)
    found = frechet_influence(reference, sample, groups)
    assert found[0].group == int(np.argmax(expected))
    assert [each.change for each in found] == pytest.approx([expected[each.group] for each in found], rel=1e-5)
    assert [each.change for each in found] == sorted((each.change for each in found), reverse=True)


def test_the_order_by_derivative_is_the_order_by_leaving_out_where_clips_are_many():
    reference, sample = two_sets(60, 6, 5, seed=1)
    slope = weight_derivative(SequenceFrechet.of(reference, sample, np.arange(60)))
    expected = by_brute_force(reference, sample, np.arange(60))
    assert np.corrcoef(slope, expected)[0, 1] > 0.99
    assert slope == pytest.approx(expected, abs=0.25 * np.abs(expected).max())


def test_the_derivative_is_that_of_the_reweighted_distance():
    reference, sample = two_sets(8, 20, 4, seed=2)
    distances = SequenceFrechet.of(reference, sample, np.arange(8))
    slope = weight_derivative(distances)
    many = 100_000  # all weights are so many, one of them one more: ddof no longer matters
    weights = np.full((9, 8), many) + np.concatenate([np.zeros((1, 8), int), np.eye(8, dtype=int)])
    base, *moved = distances(weights)
    assert (np.array(moved) - base) * many == pytest.approx(slope, abs=0.02 * np.abs(slope).max())


def test_seeds_of_one_clip_are_left_out_together():
    reference, sample = two_sets(20, 4, 6, seed=3)
    groups = np.repeat(np.arange(10), 2)
    expected = by_brute_force(reference, sample, groups)
    for each in frechet_influence(reference, sample, groups):
        assert each.change == pytest.approx(expected[each.group], rel=1e-6)


def test_where_nothing_can_be_left_out_there_is_no_influence():
    reference, sample = two_sets(2, 5, 3)
    assert frechet_influence(reference, sample, np.arange(2)) == []
    reference, sample = two_sets(3, 1, 3)
    assert all(each.change > 0 for each in frechet_influence(reference, sample, np.arange(3)))
    assert frechet_influence(reference, sample, np.array([0, 0, 1])) == []
