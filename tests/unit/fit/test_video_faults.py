"""Faults of videos: by hand on numbered frames, then stronger is further, and nothing changes what was given."""

import numpy as np
import pytest

from egobench.fit.video_faults import (
    PICTURE_FAULTS,
    TIME_FAULTS,
    frame_order,
    spoil_by_codec,
    spoil_pictures,
    spoil_somehow,
)


@pytest.mark.parametrize(
    ("kind", "strength", "order"),
    [
        ("none", 1.0, [0, 1, 2, 3, 4, 5, 6, 7, 8]),
        ("freeze", 0.5, [0, 1, 2, 3, 4, 4, 4, 4, 4]),
        ("freeze", 1.0, [0] * 9),
        ("stutter", 0.0, [0, 0, 2, 2, 4, 4, 6, 6, 8]),
        ("reverse", 0.3, [8, 7, 6, 5, 4, 3, 2, 1, 0]),
        ("fast", 1.0, [0, 2, 4, 6, 8, 6, 4, 2, 0]),
        ("slow", 1.0, [0, 0, 0, 1, 1, 1, 2, 2, 2]),
    ],
)
def test_nine_frames_in_the_order_worked_out_by_hand(kind, strength, order):
    assert frame_order(kind, strength, 9, np.random.default_rng(0)).tolist() == order


def test_a_shuffle_is_a_permutation_that_stays_within_its_windows():
    order = frame_order("shuffle", 0.0, 40, np.random.default_rng(0))  # windows of two
    assert sorted(order.tolist()) == list(range(40))
    assert np.array_equal(order // 2, np.arange(40) // 2)
    assert not np.array_equal(order, np.arange(40))


@pytest.mark.parametrize("kind", TIME_FAULTS)
def test_every_order_stays_within_the_clip(kind):
    for strength in np.linspace(0, 1, 7):
        order = frame_order(kind, strength, 41, np.random.default_rng(1))
        assert order.shape == (41,)
        assert 0 <= order.min() <= order.max() <= 40


@pytest.mark.parametrize("kind", PICTURE_FAULTS)
def test_a_stronger_fault_is_further_from_the_picture_and_the_input_stays(kind):
    frames = np.random.default_rng(0).integers(60, 190, (3, 48, 48, 3), dtype=np.uint8)
    kept = frames.copy()
    gaps = []
    for strength in (0.3, 0.7):
        spoilt = spoil_pictures(frames, kind, strength, np.random.default_rng(2))
        assert spoilt.shape == frames.shape
        assert spoilt.dtype == np.uint8
        gaps.append(np.abs(spoilt.astype(float) - frames).mean())
    assert np.array_equal(frames, kept)
    assert gaps == [0, 0] if kind == "none" else 0 < gaps[0] < gaps[1]


def test_a_codec_keeps_even_blocks_to_half_a_step_and_loses_faint_patterns():
    # Steps of 4 grey levels in an orthonormal 8 × 8 transform: the mean of a block moves by at most 4 / 8 / 2 levels.
    even = np.full((2, 16, 16, 3), 101, np.uint8)
    assert np.array_equal(spoil_by_codec(even, 0.0), even)
    faint = even.copy()
    faint[:, ::2, ::2] += 2
    assert np.array_equal(np.unique(spoil_by_codec(faint, 1.0).std(axis=(1, 2))), [0.0])


def test_a_stronger_codec_leaves_less_of_the_picture():
    frames = np.random.default_rng(0).integers(0, 256, (2, 16, 16, 3), dtype=np.uint8)
    gaps = [np.abs(spoil_by_codec(frames, step).astype(int) - frames).mean() for step in (0.0, 0.3, 1.0)]
    assert 0 < gaps[0] < gaps[1] < gaps[2]


def test_somehow_spoilt_frames_keep_their_form_and_depend_on_the_seed_only():
    frames = np.random.default_rng(0).integers(0, 256, (5, 16, 16, 3), dtype=np.uint8)
    first, again, other = (spoil_somehow(frames, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert (first.shape, first.dtype) == (frames.shape, frames.dtype)
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
