"""R-Precision and MM-Dist: values by hand, chance, both policies for identical captions, what is refused."""

import numpy as np
import pytest

from egobench.errors import BadInputError, Undefined
from egobench.metrics.mm_dist import MmDist
from egobench.metrics.r_precision import RPrecision

NUMBER = 96
IDS = [f"clip-{k:03d}" for k in range(NUMBER)]
GROUPS = np.arange(NUMBER) // 3


def pairs(noise, seed=0, d=12):
    rng = np.random.default_rng(seed)
    text = rng.normal(size=(NUMBER, d))
    return text, text + noise * rng.normal(size=(NUMBER, d))


def score_of(text, motion, captions=IDS, clips=IDS, groups=GROUPS, draws=0, **options):
    inputs = {"text": list(text), "motion": list(motion), "caption": list(captions)}
    return RPrecision(**options).score(inputs, clips, groups, draws=draws, seed=0)


def test_a_motion_on_its_caption_is_found_and_its_interval_is_a_point():
    text, _ = pairs(0)
    score = score_of(text, text, draws=50)
    assert (score.value, score.ci95) == (1.0, (1.0, 1.0))
    assert score.detail["collapse"]["top"] == {"1": 1.0, "2": 1.0, "3": 1.0}
    assert score.detail["spread"] == 0.0
    assert (score.detail["pool"], score.detail["replications"]) == (32, 20)


def test_value_interval_and_chance_by_count():
    text, motion = pairs(2.0)
    score = score_of(text, motion, draws=200)
    top = score.detail["collapse"]["top"]
    assert 3 / 32 < top["1"] < top["2"] < top["3"] == score.value < 1
    assert score.ci95[0] < score.value < score.ci95[1]
    assert score.detail["collapse"]["chance"] == pytest.approx({"1": 1 / 32, "2": 2 / 32, "3": 3 / 32})
    assert 0 < score.detail["spread"] < 0.1


def test_strangers_motions_are_at_chance():
    text, motion = pairs(0.1)
    score = score_of(text, np.roll(motion, 5, axis=0), draws=300)
    assert score.ci95[0] < 3 / 32 < score.ci95[1]


def test_identical_captions_move_value_and_chance_and_the_other_policy_stands_beside():
    text, motion = pairs(2.0)
    captions = IDS[: NUMBER // 2] * 2
    text[NUMBER // 2 :] = text[: NUMBER // 2]
    score = score_of(text, motion, captions)
    collapse, strict = score.detail["collapse"], score.detail["strict"]
    assert score.value == collapse["top"]["3"] > strict["top"]["3"]
    assert collapse["chance"]["3"] > strict["chance"]["3"] == pytest.approx(3 / 32)
    assert score.detail["identical_captions"] > 0.1
    assert score_of(text, motion, captions, identical="strict").value == strict["top"]["3"]
    assert RPrecision(identical="strict").record() != RPrecision().record()


def test_the_seed_of_the_interval_does_not_move_the_pools():
    text, motion = pairs(2.0)
    inputs = {"text": list(text), "motion": list(motion), "caption": IDS}
    found = {RPrecision().score(inputs, IDS, GROUPS, draws=20, seed=seed).value for seed in (0, 1, 2)}
    assert len(found) == 1


def test_fewer_clips_than_a_pool_are_undefined_and_not_wrong():
    text, motion = pairs(1.0)
    with pytest.raises(Undefined, match="31 clips; a pool needs 32"):
        score_of(text[:31], motion[:31], IDS[:31], IDS[:31], GROUPS[:31])


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lambda text, motion: (text[:1], motion[:1]), "features-clips"),
        (lambda text, motion: (text, motion[:, :3]), "features-dimension"),
        (lambda text, motion: (text, [*motion[1:], motion[0, :3]]), "features-dimension"),
        (lambda text, motion: (text * np.nan, motion), "features-nonfinite"),
        (lambda text, motion: (text, motion * np.inf), "features-nonfinite"),
        (lambda text, motion: (np.ones_like(text), motion), "features-constant"),
    ],
)
def test_rubbish_is_refused_with_a_code_in_one_line(spoil, code):
    text, motion = spoil(*pairs(1.0))
    rows = len(text)
    with pytest.raises(BadInputError) as caught:
        score_of(text, motion, IDS[:rows], IDS[:rows], GROUPS[:rows])
    assert caught.value.code == code
    assert "\n" not in str(caught.value)


def test_mm_dist_by_hand():
    assert MmDist()(motion=np.array([3.0, 0.0]), text=np.array([0.0, -4.0])) == 5.0


def test_mm_dist_of_a_motion_on_its_caption_is_exactly_zero_in_any_precision():
    text = np.random.default_rng(0).normal(size=512).astype("f4")
    assert MmDist()(motion=text, text=text.astype("f8")) == 0.0


def test_mm_dist_is_blind_to_a_common_turn_and_scales_with_the_features():
    rng = np.random.default_rng(1)
    turn, _ = np.linalg.qr(rng.normal(size=(8, 8)))
    motion, text = rng.normal(size=(2, 8))
    value = MmDist()(motion=motion, text=text)
    assert MmDist()(motion=turn @ motion, text=turn @ text) == pytest.approx(value)
    assert MmDist()(motion=3 * motion, text=3 * text) == pytest.approx(3 * value)


def test_mm_dist_refuses_other_lengths():
    with pytest.raises(BadInputError) as caught:
        MmDist()(motion=np.ones(3), text=np.ones(4))
    assert caught.value.code == "features-dimension"
