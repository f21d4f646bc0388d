"""FVD and M-FID: the distance of the clips' features, what stands beside it, what is refused."""

import numpy as np
import pytest
from sklearn.metrics import pairwise_distances

from egobench.errors import BadInputError
from egobench.metrics.fvd import Fvd
from egobench.metrics.m_fid import MFid
from egobench.stats.frechet import frechet_distance
from egobench.stats.kernel import kernel_distance

IDS = [f"clip-{number:02d}" for number in range(24)]
GROUPS = np.arange(24) // 3
KINDS = [Fvd, MFid]


def features(seed=0, number=24, d=6, shift=0.0):
    return shift + np.random.default_rng(seed).normal(size=(number, d)).astype("f4")


def entries(rows, metric):
    """As the pipeline hands them over: (item, feature) for fvd, (feature,) for m-fid."""
    return [row[None] for row in rows] if isinstance(metric, Fvd) else list(rows)


def score_of(metric, sample, reference, clips=IDS, groups=GROUPS, draws=0):
    inputs = {"sample": entries(sample, metric), "reference": entries(reference, metric)}
    return metric.score(inputs, clips, groups, draws=draws, seed=0)


@pytest.mark.parametrize("kind", KINDS)
def test_one_feature_by_hand(kind):
    # means 2 and 6; variances (ddof 1) 1 and 4: (6 - 2)² + (2 - 1)² = 17
    sample, reference = np.array([[4.0], [6], [8]]), np.array([[1.0], [2], [3]])
    assert score_of(kind(), sample, reference, IDS[:3], GROUPS[:3]).value == pytest.approx(17)


@pytest.mark.parametrize("kind", KINDS)
def test_the_value_its_interval_and_its_companions(kind):
    sample, reference = features(1, shift=0.5), features(2)
    score = score_of(kind(), sample, reference, draws=50)
    assert score.value == frechet_distance(reference, sample)
    assert score.ci95[0] < score.value < score.ci95[1]
    assert score.detail["kid"] == kernel_distance(reference, sample)
    assert score.detail["d"] == 6
    assert score.detail["n_below_d"] is False
    assert "fd_inf" in score.detail
    assert len(score.detail["influence"]) <= 10
    changes = [each["change"] for each in score.detail["influence"]]
    assert changes == sorted(changes, reverse=True)


@pytest.mark.parametrize("kind", KINDS)
def test_the_reference_itself_and_the_reference_shuffled_score_exactly_zero(kind):
    reference = features(3)
    same = score_of(kind(), reference, reference, draws=20)
    assert (same.value, same.ci95, same.detail["influence"]) == (0.0, (0.0, 0.0), [])
    assert score_of(kind(), reference[::-1], reference).value == 0.0


@pytest.mark.parametrize("kind", KINDS)
def test_the_order_of_clips_moves_nothing_but_rounding(kind):
    sample, reference = features(4, shift=0.3), features(5)
    order = np.random.default_rng(6).permutation(24)
    first = score_of(kind(), sample, reference, draws=20)
    other = score_of(kind(), sample[order], reference[order], [IDS[k] for k in order], GROUPS[order], draws=20)
    assert other.value == pytest.approx(first.value, rel=1e-9)
    assert other.ci95 == pytest.approx(first.ci95, rel=1e-9)
    assert [each["clip"] for each in other.detail["influence"]] == [each["clip"] for each in first.detail["influence"]]
    if kind is MFid:
        assert other.detail["diversity"]["sample"] == pytest.approx(first.detail["diversity"]["sample"])


@pytest.mark.parametrize("kind", KINDS)
def test_fewer_clips_than_features_are_flagged(kind):
    score = score_of(kind(), features(1, d=100), features(2, d=100), draws=20)
    assert score.detail["n_below_d"] is True
    assert score.detail["fd_inf"] is None


def test_several_items_of_a_clip_all_enter():
    rng = np.random.default_rng(7)
    sample, reference = rng.normal(size=(24, 3, 4)), rng.normal(size=(24, 3, 4))
    score = Fvd().score({"sample": list(sample), "reference": list(reference)}, IDS, GROUPS, draws=0, seed=0)
    assert score.value == frechet_distance(reference.reshape(-1, 4), sample.reshape(-1, 4))
    assert score.detail["n_items"] == 72


def test_m_fid_names_diversity_of_both_sides_and_says_why_one_seed_has_no_multimodality():
    sample, reference = features(1) / 2, features(2)
    detail = score_of(MFid(), sample, reference, draws=20).detail
    for side, rows in (("sample", sample), ("reference", reference)):
        everything = pairwise_distances(rows.astype("f8"))[np.triu_indices(24, k=1)].mean()
        assert detail["diversity"][side] == pytest.approx(everything, rel=0.02)
    assert detail["multimodality"] is None
    assert "--seeds 2" in detail["multimodality_reason"]


def test_m_fid_of_two_seeds_has_multimodality():
    sample, reference = features(1, number=48), np.repeat(features(2), 2, axis=0)
    clips, groups = [clip for clip in IDS for _ in range(2)], np.repeat(GROUPS, 2)
    detail = score_of(MFid(), sample, reference, clips, groups, draws=20).detail
    expected = np.mean(np.linalg.norm(sample[::2].astype("f8") - sample[1::2], axis=1))
    assert detail["multimodality"] == pytest.approx(expected)
    assert "multimodality_reason" not in detail


def test_ten_video_frames_are_needed_and_told_before_anything_is_sampled():
    Fvd().check({"num_video_frames": 10})
    with pytest.raises(BadInputError, match="9 video frames; fvd needs 10 or more") as caught:
        Fvd().check({"num_video_frames": 9})
    assert caught.value.code == "split-form"


def test_unequal_numbers_of_items_are_refused():
    sides = {"sample": [np.ones((2, 3))] * 4, "reference": [np.ones((3, 3))] * 4}
    with pytest.raises(BadInputError, match=r"samples have 2 frames or items, references 3") as caught:
        Fvd().score(sides, IDS[:4], GROUPS[:4], draws=0, seed=0)
    assert caught.value.code == "features-frames"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("sample", "reference", "code"),
    [
        (features(number=1), features(number=1), "features-clips"),
        (features(d=5), features(), "features-dimension"),
        (features() * np.nan, features(), "features-nonfinite"),
        (features(), np.where(features() > 2, np.inf, features()), "features-nonfinite"),
        (np.ones((24, 6)), np.ones((24, 6)), "features-constant"),
    ],
)
def test_rubbish_is_refused_with_a_code_in_one_line(kind, sample, reference, code):
    with pytest.raises(BadInputError) as caught:
        score_of(kind(), sample, reference, IDS[: len(sample)], GROUPS[: len(sample)])
    assert caught.value.code == code
    assert "\n" not in str(caught.value)
