"""The shipped extractor: whose weights, what it separates, that batches cannot change it, what it refuses."""

import json

import numpy as np
import pytest
from safetensors.numpy import save_file

from egobench import Quiet, Video, open_split
from egobench.errors import BadInputError
from egobench.files.digest import digest_file
from egomini.evaluators.clip import WEIGHTS, EgominiClip
from egomini.evaluators.clip_fit import ClipFit

CARD = WEIGHTS / "egomini-clip.card.json"


@pytest.fixture(scope="module")
def loaded():
    pytest.importorskip("open_clip", reason="extra 'torch'")
    return EgominiClip().load("cpu")


@pytest.fixture(scope="module")
def clips():
    split = open_split("egomini-smoke")
    return [split.clip(row.clip_id) for row in split.infos()]


def test_the_card_describes_these_weights_and_their_parents():
    card = json.loads(CARD.read_text())
    weights = WEIGHTS / "egomini-clip.safetensors"
    assert card["sha256"] == digest_file(weights) == EgominiClip().weights_sha256
    assert card["bytes"] == weights.stat().st_size <= 6_000_000
    assert card["made_from"]["digest"] == open_split(card["made_from"]["split"]).digest
    assert card["made_from"]["split"] == "egomini-train"
    assert card["checks"]["digest"] == open_split(card["checks"]["split"]).digest
    assert card["checks"]["split"] == "egomini-val"


def test_the_card_says_that_captions_are_told_apart_intervals_apart():
    checks = json.loads(CARD.read_text())["checks"]
    own, other = checks["clip_sim_reference"], checks["clip_sim_shuffled_captions"]
    assert own["ci95"][0] > other["ci95"][1]
    assert checks["caption_top1_of_32"]["ci95"][0] > checks["caption_top1_of_32"]["chance"]


def test_recorded_frames_are_nearer_to_their_own_caption_than_to_another_s(loaded, clips):
    """100 · cos of eight clips, computed now; the card says 52 and 9 of egomini-val."""
    captions = [clip.condition.text for clip in clips]
    frames = np.stack([loaded.frames(Video(clip.reference.video.frames[1::8], 8.0)).mean(axis=0) for clip in clips])
    texts = np.stack([loaded.text(caption) for caption in captions])
    frames, texts = (rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in (frames, texts))
    similarity = 100 * frames @ texts.T
    others = similarity[[[own != other for other in captions] for own in captions]]
    assert np.diag(similarity).mean() - others.mean() > 30
    best = [captions[index] for index in similarity.argmax(axis=1)]
    assert sum(own == found for own, found in zip(captions, best, strict=True)) >= 5  # by chance one of eight


def test_a_split_with_fewer_clips_than_the_pool_is_checked_among_all_of_them(loaded):
    del loaded  # skips without the extra
    checks = ClipFit().check(EgominiClip().weights, open_split("egomini-smoke"), Quiet())
    assert checks["caption_top1_of_32"]["chance"] == 1 / 8
    assert checks["caption_top1_of_32"]["value"] > 1 / 2


def test_shapes_and_dtype(loaded, clips):
    features = loaded.frames(clips[0].reference.video)
    assert features.shape == (41, 128)
    assert features.dtype == np.float32
    assert loaded.text("turn left").shape == (128,)


def test_the_same_input_gives_the_same_bytes(loaded, clips):
    video = clips[0].reference.video
    assert np.array_equal(loaded.frames(video), loaded.frames(video))


def test_a_frame_s_feature_does_not_depend_on_its_neighbours(loaded, clips):
    frames = clips[0].reference.video.frames
    whole = loaded.frames(Video(frames, 8.0))[7]
    alone = loaded.frames(Video(frames[7:8], 8.0))[0]
    assert np.allclose(whole, alone, atol=1e-4)


def test_a_larger_picture_of_the_same_scene_gives_nearly_the_same_feature(loaded, clips):
    frames = clips[0].reference.video.frames[:4]
    larger = frames.repeat(4, axis=1).repeat(4, axis=2)
    small, large = loaded.frames(Video(frames, 8.0)), loaded.frames(Video(larger, 8.0))
    cosine = (small * large).sum(1) / np.linalg.norm(small, axis=1) / np.linalg.norm(large, axis=1)
    assert cosine.min() > 0.98


def test_long_text_is_truncated_and_any_text_has_tokens(loaded):
    assert np.isfinite(loaded.text("walk " * 500)).all()
    assert np.isfinite(loaded.text("")).all()
    assert np.isfinite(loaded.text("ñandú 走る 🙂")).all()


def test_float_frames_are_refused(loaded):
    with pytest.raises(BadInputError, match="expected uint8"):
        loaded.frames(Video(np.zeros((2, 64, 64, 3), np.float32), 8.0))  # pyright: ignore


def test_missing_damaged_and_foreign_weights_are_refused_by_code(tmp_path):
    pytest.importorskip("open_clip", reason="extra 'torch'")
    path = tmp_path / "egomini-clip.safetensors"
    codes = {}
    for case in ("missing", "truncated", "other"):
        if case == "truncated":
            path.write_bytes((WEIGHTS / "egomini-clip.safetensors").read_bytes()[:1000])
        if case == "other":
            save_file({"weight": np.zeros((2, 2), np.float32)}, path)
        with pytest.raises(BadInputError) as refusal:
            EgominiClip(path).load("cpu")
        codes[case] = refusal.value.code
        assert "\n" not in str(refusal.value)
    assert codes == {"missing": "weights-missing", "truncated": "weights-unreadable", "other": "weights-other"}


def test_the_protocol_names_the_weights_and_every_step():
    record = EgominiClip().protocol()
    assert record["weights_sha256"] == digest_file(WEIGHTS / "egomini-clip.safetensors")
    assert len(record["image"]) == 4
    assert "path" not in json.dumps(record)
