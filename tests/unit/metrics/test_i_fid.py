"""I-FID: which frames enter, which value comes out, what stands beside it, what is refused."""

import numpy as np
import pytest

from egobench.errors import BadInputError
from egobench.metrics.base import frame_indices
from egobench.metrics.i_fid import IFID
from egobench.stats.frechet import frechet_distance


def clips(seed=0, number=24, frames=17, d=6, shift=0.0):
    rng = np.random.default_rng(seed)
    return [shift + rng.normal(size=(frames, d)).astype("f4") for _ in range(number)]


GROUPS = np.arange(24) // 3
IDS = [f"clip-{number:02d}" for number in range(24)]


def score_of(sample, reference, groups=GROUPS, *, draws=0):
    inputs = {"sample": sample, "reference": reference}
    return IFID().score(inputs, IDS[: len(sample)], groups, draws=draws, seed=0)


def test_frames_by_hand():
    assert frame_indices(41).tolist() == [1, 7, 12, 18, 23, 29, 34, 40]  # steps of 39/7 = 5.57 from 1
    assert frame_indices(9).tolist() == [1, 2, 3, 4, 5, 6, 7, 8]
    assert frame_indices(6, 2).tolist() == [1, 5]
    assert frame_indices(5, 3).tolist() == [1, 3, 4]  # 2.5 is rounded up


@pytest.mark.parametrize("total", [9, 10, 16, 41, 81, 500])
def test_frames_are_distinct_ordered_and_leave_out_the_first(total):
    indices = frame_indices(total)
    assert len(set(indices.tolist())) == 8
    assert (np.diff(indices) > 0).all()
    assert (indices[0], indices[-1]) == (1, total - 1)


def test_the_value_is_the_distance_of_the_chosen_frames():
    sample, reference = clips(1, shift=0.3), clips(2)
    chosen = frame_indices(17)
    expected = frechet_distance(*(np.concatenate([clip[chosen] for clip in side]) for side in (reference, sample)))
    score = score_of(sample, reference, draws=50)
    assert score.value == expected
    assert score.ci95[0] < expected < score.ci95[1]
    assert score.detail["n_frames"] == 24 * 8
    assert score.detail["d"] == 6
    assert score.detail["n_below_d"] is False
    assert score.detail["kid"] > 0
    assert 0 < score.detail["fd_inf"] < expected


def test_the_conditioning_frame_does_not_enter():
    sample, reference = clips(1), clips(2)
    value = score_of(sample, reference).value
    for clip in sample:
        clip[0] = 1e6
    assert score_of(sample, reference).value == value


def test_the_reference_itself_and_the_reference_shuffled_score_exactly_zero():
    reference = clips(3)
    assert score_of(reference, reference, draws=20).ci95 == (0.0, 0.0)
    assert score_of(reference[::-1], reference).value == 0.0


def test_fewer_frames_than_features_are_flagged_and_have_no_limit():
    score = score_of(clips(1, d=200), clips(2, d=200), draws=20)
    assert score.detail["n_below_d"] is True
    assert score.detail["fd_inf"] is None
    assert score.value > 0


def test_the_clips_that_raise_the_value_most_are_named_with_what_it_would_be_without_them():
    sample, reference = clips(6), clips(7)
    sample[9] += 2.0
    score = score_of(sample, reference, draws=20)
    first, *rest = score.detail["influence"]
    assert first["clip"] == "clip-09"
    assert len(rest) <= 9
    kept = [i for i in range(24) if i != 9]
    without = score_of([sample[i] for i in kept], [reference[i] for i in kept], GROUPS[kept])
    assert first["change"] == pytest.approx(score.value - without.value, rel=1e-9)
    assert "influence" not in score_of(sample, reference).detail


def test_a_split_whose_videos_are_too_short_is_refused_before_anything_is_sampled():
    IFID().check({"num_video_frames": 9})
    with pytest.raises(BadInputError, match="8 video frames; i-fid needs 8 besides the conditioning frame"):
        IFID().check({"num_video_frames": 8})


def test_more_noise_scores_worse():
    reference = clips(4)
    rng = np.random.default_rng(5)
    values = [
        score_of([clip + s * rng.normal(size=clip.shape) for clip in reference], reference)
        for s in (0.0, 0.3, 0.6, 1.2)
    ]
    assert np.all(np.diff([score.value for score in values]) > 0)


def test_halves_of_unequal_length_have_a_value_and_no_interval():
    score = score_of(clips(1, number=5), clips(2, number=3), np.arange(0))
    assert score.value > 0
    assert score.ci95 is None
    with pytest.raises(BadInputError) as caught:
        score_of(clips(1, number=5), clips(2, number=3), np.arange(5), draws=10)
    assert caught.value.code == "features-clips"


@pytest.mark.parametrize(
    ("sample", "reference", "groups", "code"),
    [
        (clips(number=1), clips(number=1), GROUPS[:1], "features-clips"),
        (clips(frames=8), clips(frames=8), GROUPS, "features-frames"),
        (clips(frames=16), clips(), GROUPS, "features-frames"),
        (clips(d=5), clips(), GROUPS, "features-dimension"),
        ([*clips(number=23), clips(d=5)[0]], clips(), GROUPS, "features-dimension"),
        ([clip * np.nan for clip in clips()], clips(), GROUPS, "features-nonfinite"),
    ],
)
def test_rubbish_is_refused_with_a_code(sample, reference, groups, code):
    with pytest.raises(BadInputError) as caught:
        score_of(sample, reference, groups)
    assert caught.value.code == code
