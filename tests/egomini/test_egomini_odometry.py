"""egomini-odometry: shipped weights follow a camera; still, mirrored and reversed videos; loss by hand; refusals."""

import json
from functools import partial

import numpy as np
import pytest
from fit_checks import CODES, codes_of_bad_weights, is_same_after_a_stop
from scipy.spatial.transform import Rotation

from egobench import Video, open_split
from egobench.errors import BadInputError
from egobench.files.digest import digest_file
from egobench.fit.video_faults import spoil_pictures
from egomini.camera.head_camera import make_camera
from egomini.evaluators.filmed import camera_poses
from egomini.evaluators.odometry import WEIGHTS, EgominiOdometry
from egomini.evaluators.odometry_fit import (
    ANGLE,
    SHIFT,
    SMALL,
    FilmedPaths,
    OdometryRecipe,
    fit_egomini_odometry,
    path_loss,
)
from egomini.evaluators.odometry_health import path_errors
from egomini.evaluators.twists import MIRROR, twists_of

torch = pytest.importorskip("torch", reason="extra 'torch'")
CAMERA = make_camera(64)


@pytest.fixture(scope="module")
def card():
    return json.loads((WEIGHTS / "egomini-odometry.card.json").read_text())


@pytest.fixture(scope="module")
def loaded():
    return EgominiOdometry().load("cpu")


@pytest.fixture(scope="module")
def clips():
    split = open_split("egomini-smoke")
    return [split.clip(row.clip_id) for row in split.infos()]


@pytest.fixture(scope="module")
def paths(loaded, clips):
    return [loaded.camera(clip.reference.video, clip.condition.camera) for clip in clips]


def mean_errors(clips, poses):
    """Mean over clips of the angle (degrees) and the distance (m)."""
    true = np.stack([camera_poses(clip) for clip in clips])
    return path_errors(true, np.stack(poses)).mean(axis=0)


def test_the_card_describes_these_weights_and_their_parents(card):
    weights = WEIGHTS / "egomini-odometry.safetensors"
    assert card["sha256"] == digest_file(weights) == EgominiOdometry().weights_sha256
    assert card["bytes"] == weights.stat().st_size <= 6_000_000
    assert card["made_from"]["split"] == "egomini-train"
    assert card["made_from"]["digest"] == open_split("egomini-train").digest
    assert card["checks"]["digest"] == open_split("egomini-val").digest
    assert card["further_checks"]["egomini-test"]["digest"] == open_split("egomini-test").digest


def test_the_card_says_that_own_and_strange_motion_are_far_apart(card):
    for checks in (card["checks"], card["further_checks"]["egomini-test"]):
        own, strange = checks["own_motion"], checks["strangers_motion"]
        assert own["rotation_deg"]["value"] < 0.25 * strange["rotation_deg"]["value"]
        assert own["translation_m"]["value"] < 0.25 * strange["translation_m"]["value"]
        for figure, found in own.items():
            assert found["value"] < 0.35 * checks["camera_said_to_stand"][figure]["value"]


def test_own_motion_is_far_nearer_than_a_strangers(clips, paths):
    poses = [path.T_world_camera for path in paths]
    own, strange = mean_errors(clips, poses), mean_errors(clips, poses[3:] + poses[:3])
    assert own[0] < 3.0
    assert own[1] < 0.12
    assert (own < 0.3 * strange).all()


def test_the_path_is_metric_whole_and_starts_at_the_first_camera(paths):
    for path in paths:
        assert (path.status, path.reason, path.is_metric, path.focal_ratio) == ("ok", "", True, None)
        assert path.T_world_camera.shape == (41, 4, 4)
        assert path.T_world_camera.dtype == np.float64
        assert path.registered.all()
        assert np.array_equal(path.T_world_camera[0], np.eye(4))


def test_a_still_video_has_no_motion_at_all(loaded, clips):
    frames = np.repeat(clips[0].reference.video.frames[:1], 41, axis=0)
    path = loaded.camera(Video(frames, 8.0), CAMERA)
    turned = Rotation.from_matrix(path.T_world_camera[:, :3, :3]).magnitude()
    assert np.rad2deg(turned).max() < 0.1
    assert np.abs(path.T_world_camera[:, :3, 3]).max() < 0.005


def test_backwards_and_in_a_mirror_the_camera_goes_backwards_and_in_a_mirror(loaded, clips, paths):
    of_clips = [twists_of(path.T_world_camera) for path in paths]
    most = int(np.argmax([np.abs(twists).max() for twists in of_clips]))
    frames, twists = clips[most].reference.video.frames, of_clips[most]
    assert np.abs(twists).max() > 0.01
    backwards = loaded.camera(Video(frames[::-1].copy(), 8.0), CAMERA)
    assert np.allclose(twists_of(backwards.T_world_camera), -twists[::-1], atol=1e-4)
    mirrored = loaded.camera(Video(frames[:, :, ::-1].copy(), 8.0), CAMERA)
    assert np.allclose(twists_of(mirrored.T_world_camera), twists * MIRROR, atol=1e-4)


def test_strong_blur_and_drifting_colours_cost_little(loaded, clips):
    rng = np.random.default_rng(0)
    moving = clips[1:7:2]
    for kind in ("blur", "drift"):
        spoilt = [spoil_pictures(clip.reference.video.frames, kind, 1.0, rng) for clip in moving]
        found = [loaded.camera(Video(frames, 8.0), CAMERA).T_world_camera for frames in spoilt]
        angle, distance = mean_errors(moving, found)
        assert angle < 4.0
        assert distance < 0.15


def test_the_same_bytes_again_whatever_was_seen_between(loaded, clips, paths):
    loaded.camera(clips[1].reference.video, CAMERA)
    again = loaded.camera(clips[0].reference.video, CAMERA, clip_id="any")
    assert np.array_equal(again.T_world_camera, paths[0].T_world_camera)


@pytest.mark.parametrize("count", [2, 3, 5, 60])
def test_any_length_from_two_frames_up_has_a_path(loaded, clips, count):
    frames = np.concatenate([clips[0].reference.video.frames, clips[0].reference.video.frames[::-1]])[:count]
    path = loaded.camera(Video(frames, 8.0), CAMERA)
    assert path.T_world_camera.shape == (count, 4, 4)
    assert np.isfinite(path.T_world_camera).all()


@pytest.mark.parametrize(
    ("frames", "reason"),
    [
        (np.zeros((41, 64, 64, 3), np.uint8), "no texture"),
        (np.full((41, 64, 64, 3), 90, np.uint8) + np.arange(41, dtype=np.uint8)[:, None, None, None], "no texture"),
        (np.random.default_rng(0).integers(0, 256, (1, 64, 64, 3), dtype=np.uint8), "1 frame has no motion"),
    ],
)
def test_black_plain_and_single_frames_fail_with_a_reason(loaded, frames, reason):
    path = loaded.camera(Video(frames, 8.0), CAMERA)
    assert path.status == "failed"
    assert path.reason.startswith(reason)
    assert not path.registered.any()
    assert path.T_world_camera.shape == (len(frames), 4, 4)


@pytest.mark.parametrize(
    ("frames", "camera", "code"),
    [
        (np.zeros((5, 64, 64, 3), np.float32), CAMERA, "video-dtype"),
        (np.zeros((5, 128, 128, 3), np.uint8), make_camera(128), "camera-form"),
        (np.zeros((5, 128, 128, 3), np.uint8), CAMERA, "camera-form"),
    ],
)
def test_floats_and_other_sizes_are_refused(loaded, frames, camera, code):
    with pytest.raises(BadInputError) as refusal:
        loaded.camera(Video(frames, 8.0), camera)
    assert refusal.value.code == code


def test_another_field_of_view_is_refused(loaded):
    from dataclasses import replace

    narrow = replace(CAMERA, intrinsics=np.array([[50.0, 0, 32], [0, 50, 32], [0, 0, 1]]))
    with pytest.raises(BadInputError, match="focal length 50, 50 px") as refusal:
        loaded.camera(Video(np.zeros((5, 64, 64, 3), np.uint8), 8.0), narrow)
    assert refusal.value.code == "camera-form"


def test_splits_of_another_size_or_view_are_refused_before_anything_is_sampled():
    estimator = EgominiOdometry()
    estimator.check(open_split("egomini-smoke").facts)
    for change in ({"width": 256, "height": 256}, {"intrinsics": [[50.0, 0, 32], [0, 50, 32], [0, 0, 1]]}):
        with pytest.raises(BadInputError) as refusal:
            estimator.check({**open_split("egomini-smoke").facts, **change})
        assert refusal.value.code == "split-form"


def test_missing_damaged_and_foreign_weights_are_refused_by_code(tmp_path):
    assert codes_of_bad_weights(EgominiOdometry, tmp_path / "egomini-odometry.safetensors") == CODES


def test_the_loss_of_one_wrong_step_by_hand():
    # Two steps, the second 3 cm too long: an error of 3 cm in one step of two, and over both (weight 1 / √2).
    true = torch.zeros(1, 2, 6)
    wrong = true.clone()
    wrong[0, 1, 5] = 0.03
    cost = (1 + SMALL**2) ** 0.5 - SMALL
    assert SHIFT == 0.03
    assert float(path_loss(wrong, true)) == pytest.approx(cost / 2 + cost / 2**0.5, rel=1e-5)
    assert float(path_loss(true, true)) == pytest.approx(0, abs=1e-6)


def test_the_loss_of_a_turn_is_the_sine_of_its_angle_on_its_own_axis():
    true = torch.zeros(1, 1, 6)
    for axis in range(3):
        wrong = true.clone()
        wrong[0, 0, axis] = 10 * ANGLE
        error = np.sin(10 * ANGLE) / ANGLE
        assert float(path_loss(wrong, true)) == pytest.approx((error**2 + SMALL**2) ** 0.5 - SMALL, rel=1e-4)


def test_a_fit_that_is_stopped_and_goes_on_gives_the_same_bytes(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    camera = np.tile(np.eye(4), (4, 9, 1, 1))
    camera[..., 2, 3] = np.cumsum(rng.random((4, 9)) * 0.1, axis=1)
    paths = FilmedPaths(rng.integers(0, 256, (4, 9, 64, 64, 3), dtype=np.uint8), camera)
    recipe = OdometryRecipe(steps=4, batch=2, warmup=1, faulty_time=0.9, faulty_picture=0.9)
    assert is_same_after_a_stop(partial(fit_egomini_odometry, paths, recipe), tmp_path, monkeypatch)
