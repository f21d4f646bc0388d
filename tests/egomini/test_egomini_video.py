"""egomini-video: the shipped weights and their card; a tiny fit that is stopped and goes on; refusals."""

import json
from functools import partial

import numpy as np
import pytest
from fit_checks import CODES, codes_of_bad_weights, is_same_after_a_stop

from egobench import Video, open_split
from egobench.errors import BadInputError
from egobench.files.digest import digest_file
from egobench.files.network_weights import save_state
from egomini.evaluators.video import WEIGHTS, EgominiVideo
from egomini.evaluators.video_fit import LabelledClips, VideoRecipe, fit_egomini_video

torch = pytest.importorskip("torch", reason="extra 'torch'")
CARD = WEIGHTS / "egomini-video.card.json"
RECIPE = VideoRecipe(steps=4, batch=3, warmup=1, faulty_time=0.9, faulty_picture=0.9)


@pytest.fixture(scope="module")
def card():
    return json.loads(CARD.read_text())


@pytest.fixture(scope="module")
def clips():
    rng = np.random.default_rng(0)
    camera = np.tile(np.eye(4), (4, 12, 1, 1))
    camera[..., 0, 3] = rng.random((4, 12))
    frames = rng.integers(0, 256, (4, 12, 64, 64, 3), dtype=np.uint8)
    words = np.array([[1, 0], [0, 1], [1, 1], [0, 0]], np.uint8)
    return LabelledClips(frames, camera, rng.random((4, 12, 2)), words, np.array([0, 1, 2, 1]))


@pytest.fixture(scope="module")
def tiny(clips, tmp_path_factory):
    """A network of four steps, loaded from its file."""
    folder = tmp_path_factory.mktemp("tiny")
    state = fit_egomini_video(clips, RECIPE, folder / "checkpoint", lambda step, loss: None)
    save_state(folder / "tiny.safetensors", state)
    return EgominiVideo(folder / "tiny.safetensors").load("cpu")


def test_the_card_describes_these_weights_and_their_parents(card):
    weights = WEIGHTS / "egomini-video.safetensors"
    assert card["sha256"] == digest_file(weights) == EgominiVideo().weights_sha256
    assert card["bytes"] == weights.stat().st_size <= 6_000_000
    assert card["made_from"]["split"] == "egomini-train"
    assert card["made_from"]["digest"] == open_split("egomini-train").digest
    assert card["checks"]["split"] == "egomini-val"
    assert card["checks"]["digest"] == open_split("egomini-val").digest


def test_the_card_says_that_faults_of_time_and_of_pictures_are_seen(card):
    for checks in (card["checks"], card["further_checks"]["egomini-test"]):
        rises = checks["rises"]
        assert all(rises[kind] for kind in ("blur", "noise", "freeze", "shuffle", "reverse"))
        ladders = checks["ladders"]
        for kind in ("freeze", "shuffle", "reverse"):  # no single frame shows these
            assert ladders[kind][-1]["fvd"] > 0.1 * checks["spread"]


def test_shape_dtype_and_the_same_bytes_again(tiny, clips):
    video = Video(clips.frames[0], 8.0)
    assert tiny.clip(video).shape == (1, 128)
    assert tiny.clip(video).dtype == np.float32
    assert np.array_equal(tiny.clip(video), tiny.clip(video))


def test_the_order_of_frames_matters(tiny, clips):
    frames = clips.frames[0]
    assert np.abs(tiny.clip(Video(frames, 8.0)) - tiny.clip(Video(frames[::-1].copy(), 8.0))).max() > 1e-3


def test_a_larger_picture_of_the_same_scene_gives_nearly_the_same_features(tiny):
    smooth = np.linspace(0, 255, 64, dtype=np.uint8)
    frames = np.broadcast_to(smooth[:, None, None], (12, 64, 64, 3)).copy()
    larger = frames.repeat(4, axis=1).repeat(4, axis=2)
    small, large = tiny.clip(Video(frames, 8.0)), tiny.clip(Video(larger, 8.0))
    assert np.abs(small - large).max() < 0.05 * np.abs(small).max()


def test_any_length_from_ten_frames_up_has_features(tiny, clips):
    assert np.isfinite(tiny.clip(Video(clips.frames[0, :10], 8.0))).all()
    assert np.isfinite(tiny.clip(Video(clips.frames[0].repeat(5, axis=0), 8.0))).all()


def test_a_fit_that_is_stopped_and_goes_on_gives_the_same_bytes(clips, tmp_path, monkeypatch):
    assert is_same_after_a_stop(partial(fit_egomini_video, clips, RECIPE), tmp_path, monkeypatch)


@pytest.mark.parametrize(
    ("frames", "code"),
    [
        (np.zeros((12, 64, 64, 3), np.float32), "video-dtype"),
        (np.zeros((9, 64, 64, 3), np.uint8), "video-frames"),
    ],
)
def test_floats_and_short_videos_are_refused(tiny, frames, code):
    with pytest.raises(BadInputError) as refusal:
        tiny.clip(Video(frames, 8.0))
    assert refusal.value.code == code


def test_a_split_of_short_videos_is_refused_before_anything_is_sampled():
    with pytest.raises(BadInputError, match="9 video frames; egomini-video needs 10"):
        EgominiVideo().check({"num_video_frames": 9})


def test_missing_damaged_and_foreign_weights_are_refused_by_code(tmp_path):
    assert codes_of_bad_weights(EgominiVideo, tmp_path / "egomini-video.safetensors") == CODES
