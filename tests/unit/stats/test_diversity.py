"""Diversity and multimodality: by hand, which pairs are drawn, laws, refusals."""

import numpy as np
import pytest
from sklearn.metrics import pairwise_distances

from egobench.errors import BadInputError
from egobench.stats.diversity import diversity, draw_pairs, multimodality


def names(number, seeds=1):
    return [f"clip-{k:03d}" for k in range(number) for _ in range(seeds)]


def test_two_clips_by_hand():
    # a 3-4-5 triangle; the other side is twice as large
    rows = np.array([[0.0, 0], [3, 4]])
    assert diversity([rows, 2 * rows], names(2)) == [5.0, 10.0]


def test_multimodality_by_hand():
    # clip 0: points 0, 1, 3 on a line, pairs 1, 3, 2; clip 1: two points 4 apart; clip 2: one sample, left out
    rows = np.array([[0.0], [1], [3], [10], [14], [99]])
    assert multimodality(rows, ["a", "a", "a", "b", "b", "c"]) == (2 + 4) / 2


def test_one_sample_per_clip_has_no_multimodality():
    assert multimodality(np.eye(3), names(3)) is None


@pytest.mark.parametrize("seeds", [1, 3])
def test_no_clip_is_ever_paired_with_itself_and_all_pairs_are_equally_likely(seeds):
    clips = np.asarray(names(5, seeds))
    first, second = draw_pairs(list(clips), 20_000, seed=0)
    assert (clips[first] != clips[second]).all()
    owner = np.unique(clips, return_inverse=True)[1]
    counts = np.bincount(owner[first] * 5 + owner[second], minlength=25).reshape(5, 5)
    assert (np.diag(counts) == 0).all()
    assert np.abs(counts[~np.eye(5, dtype=bool)] / 1000 - 1).max() < 0.15
    assert set(first.tolist()) == set(range(5 * seeds))


def test_pairs_approach_the_mean_over_all_of_them():
    rows = np.random.default_rng(0).normal(size=(60, 8))
    everything = pairwise_distances(rows)[np.triu_indices(60, k=1)].mean()
    assert diversity([rows], names(60))[0] == pytest.approx(everything, rel=0.01)


def test_both_sides_are_asked_about_the_same_pairs_whatever_the_order_of_rows():
    rows = np.random.default_rng(1).normal(size=(40, 8))
    order = np.random.default_rng(2).permutation(40)
    value, same = diversity([rows, rows], names(40), pairs=50, seed=3)
    assert value == same
    assert diversity([rows[order]], [names(40)[k] for k in order], pairs=50, seed=3) == [pytest.approx(value)]
    assert diversity([rows], names(40), pairs=50, seed=4) != [value]
    assert diversity([2 * rows], names(40), pairs=50, seed=3)[0] == pytest.approx(2 * value)


def test_collapsed_samples_have_none():
    assert diversity([np.ones((20, 4))], names(20)) == [0.0]
    assert multimodality(np.ones((20, 4)), names(10, seeds=2)) == 0.0


@pytest.mark.parametrize(
    ("rows", "clips", "code"),
    [
        (np.ones((1, 3)), names(1), "features-clips"),
        (np.ones((4, 3)), ["a"] * 4, "features-clips"),
        (np.ones((4, 3)), names(3), "features-clips"),
        (np.full((4, 3), np.nan), names(4), "features-nonfinite"),
    ],
)
def test_rubbish_is_refused_with_a_code(rows, clips, code):
    with pytest.raises(BadInputError) as caught:
        diversity([rows], clips)
    assert caught.value.code == code
