"""Shuffled partners are strangers to the clip and to each other, and every clip is used once; halves share nothing."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from egobench.errors import BadInputError
from egobench.stats.pairing import SHUFFLE_SEED, disjoint_halves, shuffled_partners


def assert_strangers(sequences, video, motion):
    names = np.array(sequences)
    for partner in (video, motion):
        np.testing.assert_array_equal(np.sort(partner), np.arange(len(names)))
        assert (names[partner] != names).all()
    assert (names[video] != names[motion]).all()


def test_three_clips_of_three_sequences_go_round():
    video, motion = shuffled_partners(["a", "b", "c"], seed=0)
    assert_strangers(["a", "b", "c"], video, motion)
    assert sorted([tuple(video), tuple(motion)]) == [(1, 2, 0), (2, 0, 1)]  # the only two derangements of three


def test_a_sequence_may_hold_exactly_a_third():
    sequences = ["a", "b", "a", "c", "d", "b"]
    for seed in range(50):
        assert_strangers(sequences, *shuffled_partners(sequences, seed))


@pytest.mark.parametrize("sequences", [[], ["a"], ["a", "b"], ["a", "a", "b", "b"], ["a", "a", "b", "c", "d"]])
def test_what_cannot_be_paired_is_refused_by_name_and_count(sequences):
    with pytest.raises(BadInputError, match=f"of {len(sequences)} clips") as caught:
        shuffled_partners(sequences, 0)
    assert caught.value.code == "pairing-impossible"


@given(st.lists(st.integers(1, 6), min_size=3, max_size=12), st.integers(0, 10**6))
def test_any_possible_split_is_paired(sizes, seed):
    rng = np.random.default_rng(seed)
    sequences = [f"s{name}" for name in rng.permutation(np.repeat(np.arange(len(sizes)), sizes))]
    if 3 * max(sizes) > len(sequences):
        with pytest.raises(BadInputError):
            shuffled_partners(sequences, seed)
        return
    video, motion = shuffled_partners(sequences, seed)
    assert_strangers(sequences, video, motion)
    again = shuffled_partners(sequences, seed)
    np.testing.assert_array_equal(again, (video, motion))


def test_seeds_differ_and_partners_of_one_sequence_are_not_always_one_sequence():
    sequences = [f"s{clip // 4}" for clip in range(256)]
    first, other = (shuffled_partners(sequences, seed)[0] for seed in (SHUFFLE_SEED, SHUFFLE_SEED + 1))
    assert (first != other).mean() > 0.9
    names = np.array(sequences)[first].reshape(64, 4)
    assert len({tuple(row) for row in names}) == 64


def test_halves_share_no_sequence_cover_all_and_are_even():
    sequences = [f"s{clip // 4}" for clip in range(256)]
    a, b = disjoint_halves(sequences, seed=0)
    assert (a ^ b).all()
    assert a.sum() == b.sum() == 128
    assert not set(np.array(sequences)[a]) & set(np.array(sequences)[b])
    other, _ = disjoint_halves(sequences, seed=1)
    assert (other != a).any()


def test_unequal_sequences_are_balanced():
    # sizes 5, 3, 1, 1: 5 on one side, 3 + 1 + 1 on the other
    a, b = disjoint_halves(["a"] * 5 + ["b"] * 3 + ["c", "d"], seed=3)
    assert a.sum() == b.sum() == 5


def test_halves_of_one_sequence_are_refused():
    with pytest.raises(BadInputError) as caught:
        disjoint_halves(["a", "a"], 0)
    assert caught.value.code == "pairing-impossible"
