"""egomini-hands: the shipped weights see the hands the renderer drew; larger, mirrored, empty pictures; refusals."""

import json
from functools import partial

import numpy as np
import pytest
from fit_checks import CODES, codes_of_bad_weights, is_same_after_a_stop

from egobench import Video, open_split
from egobench.errors import BadInputError
from egobench.files.digest import digest_file
from egomini.camera.head_camera import make_camera
from egomini.evaluators.hands import THRESHOLD, WEIGHTS, EgominiHands
from egomini.evaluators.hands_fit import (
    MIRRORED,
    HandsRecipe,
    LabelledFrames,
    fit_egomini_hands,
    shift_threshold,
)
from egomini.evaluators.hands_health import hands_seen
from egomini.splits.truth_ids import draw_ids
from egomini.world.pixels import PixelId

torch = pytest.importorskip("torch", reason="extra 'torch'")
CAMERA = make_camera(64)


@pytest.fixture(scope="module")
def card():
    return json.loads((WEIGHTS / "egomini-hands.card.json").read_text())


@pytest.fixture(scope="module")
def loaded():
    return EgominiHands().load("cpu")


@pytest.fixture(scope="module")
def split():
    return open_split("egomini-smoke")


@pytest.fixture(scope="module")
def clips(split):
    return [split.clip(row.clip_id) for row in split.infos()]


@pytest.fixture(scope="module")
def ids(clips):
    """What each pixel shows, (clip, 41, 64, 64)."""
    return draw_ids("egomini-smoke", [clip.info.clip_id for clip in clips])


@pytest.fixture(scope="module")
def found(loaded, clips):
    return [loaded.hands(clip.reference.video, CAMERA) for clip in clips]


def test_pixels_drawn_again_have_the_shares_that_are_stored(clips, ids):
    for clip, drawn in zip(clips, ids, strict=True):
        shares = [(drawn == side).mean(axis=(1, 2)) for side in (PixelId.LEFT_HAND, PixelId.RIGHT_HAND)]
        assert np.array_equal(np.stack(shares, axis=-1), clip.reference.hand_pixels)


def test_the_card_describes_these_weights_and_their_parents(card):
    weights = WEIGHTS / "egomini-hands.safetensors"
    assert card["sha256"] == digest_file(weights) == EgominiHands().weights_sha256
    assert card["bytes"] == weights.stat().st_size <= 6_000_000
    assert card["made_from"]["split"] == "egomini-train"
    assert card["made_from"]["digest"] == open_split("egomini-train").digest
    assert card["checks"]["digest"] == open_split("egomini-val").digest
    assert card["further_checks"]["egomini-test"]["digest"] == open_split("egomini-test").digest


def test_the_card_says_that_both_hands_are_seen(card):
    for checks in (card["checks"], card["further_checks"]["egomini-test"]):
        for side in ("left", "right"):
            assert checks["sides"][side]["f1"] >= 0.95
            assert checks["sides"][side]["mcc"] >= 0.9


def test_hands_are_seen_where_they_are_drawn_and_not_elsewhere(clips, found):
    visible, decided = hands_seen(np.stack([clip.reference.hand_pixels for clip in clips]))
    said = np.stack([hands.scores for hands in found]) >= THRESHOLD
    assert visible.any()
    assert (said == visible)[decided].mean() > 0.95
    assert found[0].scores.shape == (41, 2)


def test_palms_lie_on_the_hands(found, ids):
    gaps = []
    for hands, drawn in zip(found, ids, strict=True):
        for side, pixel in enumerate((PixelId.LEFT_HAND, PixelId.RIGHT_HAND)):
            for frame in np.flatnonzero((drawn == pixel).sum(axis=(1, 2)) >= 12):
                y, x = np.nonzero(drawn[frame] == pixel)
                gaps.append(np.hypot(*(hands.palms[frame, side] - [x.mean() + 0.5, y.mean() + 0.5])))
    assert len(gaps) > 20
    assert np.nanmedian(gaps) < 2.0


def test_what_is_not_seen_has_no_palm(found):
    for hands in found:
        assert np.array_equal(np.isnan(hands.palms).any(axis=-1), hands.scores < hands.threshold)


def test_the_mask_covers_hands_and_sleeves_and_little_else(found, ids):
    arms = [PixelId.LEFT_HAND, PixelId.RIGHT_HAND, PixelId.LEFT_ARM, PixelId.RIGHT_ARM]
    true, masked = np.isin(ids, arms), np.stack([hands.mask for hands in found])
    assert masked.dtype == np.bool_
    assert masked[true].mean() > 0.9
    assert masked[~true].mean() < 0.05


def test_four_times_as_large_a_picture_gives_the_same_hands_in_its_own_pixels(loaded, clips, found):
    frames = clips[0].reference.video.frames
    large = loaded.hands(Video(frames.repeat(4, axis=1).repeat(4, axis=2), 8.0), make_camera(256))
    assert np.allclose(large.scores, found[0].scores, atol=1e-4)
    assert np.allclose(large.palms, 4 * found[0].palms, atol=0.05, equal_nan=True)
    assert np.array_equal(large.mask, found[0].mask.repeat(4, axis=1).repeat(4, axis=2))


def test_in_a_mirror_left_and_right_change_places(loaded, clips, found):
    mirrored = [loaded.hands(Video(clip.reference.video.frames[:, :, ::-1].copy(), 8.0), CAMERA) for clip in clips]
    said = np.stack([hands.scores for hands in mirrored])[..., ::-1] >= THRESHOLD
    assert (said == (np.stack([hands.scores for hands in found]) >= THRESHOLD)).mean() > 0.97


def test_black_still_and_single_frames_have_an_answer(loaded):
    for frames in (np.zeros((41, 64, 64, 3), np.uint8), np.full((1, 64, 64, 3), 200, np.uint8)):
        hands = loaded.hands(Video(frames, 8.0), CAMERA)
        assert hands.scores.shape == (len(frames), 2)
        assert ((hands.scores >= 0) & (hands.scores < THRESHOLD)).all()
        assert np.isnan(hands.palms).all()


def test_the_same_bytes_again_whatever_was_seen_between(loaded, clips, found):
    loaded.hands(clips[1].reference.video, CAMERA)
    again = loaded.hands(clips[0].reference.video, CAMERA, clip_id="any")
    assert np.array_equal(again.scores, found[0].scores)
    assert np.array_equal(again.mask, found[0].mask)


@pytest.mark.parametrize(
    ("frames", "camera", "code"),
    [
        (np.zeros((5, 64, 64, 3), np.float32), CAMERA, "video-dtype"),
        (np.zeros((5, 32, 32, 3), np.uint8), make_camera(32), "camera-form"),
        (np.zeros((5, 128, 128, 3), np.uint8), CAMERA, "camera-form"),
    ],
)
def test_floats_small_and_other_pictures_are_refused(loaded, frames, camera, code):
    with pytest.raises(BadInputError) as refusal:
        loaded.hands(Video(frames, 8.0), camera)
    assert refusal.value.code == code


def test_splits_that_are_small_oblong_or_narrow_are_refused(split):
    estimator = EgominiHands()
    estimator.check(split.facts)
    estimator.check({**split.facts, "width": 256, "height": 256, "intrinsics": make_camera(256).intrinsics.tolist()})
    narrow = [[50.0, 0, 32], [0, 50, 32], [0, 0, 1]]
    for change in ({"width": 128}, {"width": 32, "height": 32}, {"intrinsics": narrow}):
        with pytest.raises(BadInputError) as refusal:
            estimator.check({**split.facts, **change})
        assert refusal.value.code == "split-form"


def test_missing_damaged_and_foreign_weights_are_refused_by_code(tmp_path):
    assert codes_of_bad_weights(EgominiHands, tmp_path / "egomini-hands.safetensors") == CODES


def test_a_hand_is_seen_from_four_pixels_and_undecided_below():
    visible, decided = hands_seen(np.array([[0, 1], [3, 4]]) / 4096)
    assert visible.tolist() == [[False, False], [False, True]]
    assert decided.tolist() == [[True, False], [False, True]]


def test_a_mirror_swaps_the_names_of_hands_and_arms_and_back():
    assert MIRRORED.tolist() == [0, 2, 1, 4, 3]
    assert MIRRORED[MIRRORED].tolist() == list(range(5))


def test_scores_are_moved_so_that_the_best_cut_is_the_threshold():
    # 0.1 and 0.2 show no hand, 0.4 and 0.7 do: any cut between 0.2 and 0.4 is best; 0.3 becomes the threshold.
    scores, visible = np.array([[0.1, 0.4], [0.2, 0.7]]), np.array([[False, True], [False, True]])
    state = shift_threshold({"presence.bias": torch.zeros(2)}, scores, visible, 0.5)
    moved = 1 / (1 + np.exp(-(np.log(0.3 / 0.7) + float(state["presence.bias"][0]))))
    assert moved == pytest.approx(0.5, abs=1e-6)


def test_a_fit_that_is_stopped_and_goes_on_gives_the_same_bytes(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 5, (4, 9, 64, 64), dtype=np.uint8)
    clips = LabelledFrames(rng.integers(0, 256, (4, 9, 64, 64, 3), dtype=np.uint8), pixels)
    recipe = HandsRecipe(steps=4, batch=2, warmup=1, faulty=0.9)
    assert is_same_after_a_stop(partial(fit_egomini_hands, clips, recipe), tmp_path, monkeypatch)
