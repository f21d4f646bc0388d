"""colmap: a known walk, what the cross-check and the parallax refuse, and native code that dies or never ends."""

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("cv2", reason="extra 'slam'")
pytest.importorskip("pycolmap", reason="extra 'slam'")

from scenes import camera, turning, video, walking

from egobench.errors import BadInputError
from egobench.estimators.child import Child
from egobench.estimators.colmap import Colmap, LoadedColmap, rotations_apart
from egobench.geometry.alignment import place, rotation_gauge
from egobench.geometry.path_errors import position_errors
from egobench.types import Camera, Video

COLMAP = Colmap(hands="")


@pytest.fixture(scope="module")
def walked():
    return video(walking())


@pytest.fixture(scope="module")
def loaded():
    made = COLMAP.load("cpu")
    yield made
    made.mapper.close()


@pytest.fixture(scope="module")
def path(loaded, walked):
    return loaded.camera(walked, camera())


def with_mapper(name, **settings):
    settings = replace(COLMAP, **settings)
    return LoadedColmap(settings, None, Child(f"bad_mappers:{name}", settings.seconds))


def test_a_walk_through_a_room_is_found(path):
    # The true path is 1.0 m long; millimetres and tenths of a degree are what 160 pixels allow.
    assert (path.status, path.reason) == ("ok", "")
    assert path.registered.all()
    assert not path.is_metric
    true, R, x = walking(), path.T_world_camera[:, :3, :3], path.T_world_camera[:, :3, 3]
    assert rotations_apart(R, true[:, :3, :3], path.registered) < 0.3
    gauge = rotation_gauge(true[:, :3, :3], R, path.registered).R
    placement = place(gauge, true[:, :3, 3], x, path.registered, with_scale=True)
    assert position_errors(gauge, placement, true[:, :3, 3], x, path.registered).max() < 0.02
    np.testing.assert_allclose(path.T_world_camera[:, 3], np.tile([0, 0, 0, 1.0], (12, 1)))


def test_the_declared_focal_length_is_nearly_found_again(path):
    assert path.focal_ratio == pytest.approx(1.0, abs=0.05)  # 12 frames of 160 pixels tell no more


def test_a_focal_length_declared_five_percent_too_long_lowers_the_ratio_by_as_much(loaded, walked, path):
    K = np.array([[84.0, 0, 80], [0, 84, 80], [0, 0, 1]])
    found = loaded.camera(walked, Camera(K, 160, 160, np.eye(4)))
    assert found.status == "ok"
    assert found.focal_ratio / path.focal_ratio == pytest.approx(80 / 84, abs=0.015)


def test_without_enough_parallax_there_is_no_focal_length(walked):
    assert with_mapper("few_frames").camera(walked, camera()).focal_ratio == 1.0
    assert with_mapper("few_frames", min_focal_parallax=20.0).camera(walked, camera()).focal_ratio is None


def test_two_processes_give_the_same_bytes(path, walked):
    other = COLMAP.load("cpu")
    again = other.camera(walked, camera())
    other.mapper.close()
    assert again.T_world_camera.tobytes() == path.T_world_camera.tobytes()
    assert again.focal_ratio == path.focal_ratio


def test_a_head_that_only_turns_has_rotations_and_no_positions(loaded):
    found = loaded.camera(video(turning(8, 3.0)), camera())
    assert found.status == "rotation_only"
    assert "parallax" in found.reason
    assert rotations_apart(found.T_world_camera[:, :3, :3], turning(8, 3.0)[:, :3, :3], found.registered) < 0.1


def test_a_still_video_has_rotations_only(loaded, walked):
    found = loaded.camera(Video(walked.frames[:1].repeat(4, axis=0), 8.0), camera())
    assert found.status == "rotation_only"
    np.testing.assert_allclose(found.T_world_camera, np.tile(np.eye(4), (4, 1, 1)), atol=1e-6)


@pytest.mark.parametrize("frames", [np.zeros((4, 160, 160, 3), np.uint8), np.full((1, 160, 160, 3), 9, np.uint8)])
def test_black_and_single_frames_have_failed(loaded, frames):
    found = loaded.camera(Video(frames, 8.0), camera())
    assert found.status == "failed"
    assert found.reason
    assert not found.registered.any()


def test_a_map_that_the_chain_of_turns_contradicts_is_not_believed(walked):
    # The map turns by 5° a frame about z, the chain by 1° about y: 12 frames differ by more than 3° on average.
    found = with_mapper("turned_away").camera(walked, camera())
    assert found.status == "failed"
    assert "disagree by" in found.reason
    assert not found.registered.any()
    believed = with_mapper("turned_away", max_disagreement=90.0).camera(walked, camera())
    assert believed.status == "ok"


def test_few_registered_frames_are_a_partial_path(walked):
    found = with_mapper("few_frames").camera(walked, camera())
    assert (found.status, found.reason) == ("partial", "4 of 12 frames registered")
    assert found.registered.sum() == 4


@pytest.mark.parametrize(
    ("mapper", "seconds", "status", "reason"),
    [
        ("aborts", 30.0, "crashed", "SIGABRT"),
        ("sleeps", 0.1, "timeout", "no map within 0.1 s"),
        ("raises", 30.0, "failed", "ValueError: no such thing"),
    ],
)
def test_what_becomes_of_native_code_is_a_status(walked, mapper, seconds, status, reason):
    found = with_mapper(mapper, seconds=seconds).camera(walked, camera())
    assert found.status == status
    assert reason in found.reason
    assert "\n" not in found.reason
    assert not found.registered.any()


@pytest.mark.parametrize(
    "K",
    [
        np.diag([0.0, 80.0, 1.0]),
        np.array([[-80.0, 0, 80], [0, 80, 80], [0, 0, 1]]),
        np.array([[80.0, 0, 200], [0, 80, 80], [0, 0, 1]]),
        np.full((3, 3), np.nan),
    ],
)
def test_absurd_intrinsics_are_refused(loaded, walked, K):
    with pytest.raises(BadInputError) as refusal:
        loaded.camera(walked, Camera(K, 160, 160, np.eye(4)))
    assert refusal.value.code == "camera-form"


def test_a_video_of_another_size_is_refused(loaded, walked):
    with pytest.raises(BadInputError, match="160x160") as refusal:
        loaded.camera(walked, camera(64))
    assert refusal.value.code == "camera-form"


def test_the_protocol_tells_versions_and_settings(monkeypatch):
    record = COLMAP.protocol()
    assert record["pycolmap"]
    assert record["chain"]["opencv"]
    assert record["hands"] is None
    assert replace(COLMAP, seed=1).protocol() != record
    monkeypatch.setattr("egobench.estimators.optional.PYCOLMAP", ("pycolmap-not-there",))
    with pytest.raises(BadInputError, match=r"pip install 'egobench\[slam\]'") as refusal:
        COLMAP.protocol()
    assert refusal.value.code == "extra-missing"


def test_masked_pixels_hold_no_features(walked):
    # A sheet that hangs in front of the camera and moves with it covers a quarter of every frame.
    frames = walked.frames.copy()
    frames[:, 80:, 80:] = np.random.default_rng(0).integers(0, 256, (80, 80, 3), dtype=np.uint8)
    mask = np.zeros(frames.shape[:3], bool)
    mask[:, 78:, 78:] = True
    mapper = Child("egobench.estimators.colmap_mapping:map_video", 60.0)
    made = mapper.call(frames, mask, (80.0, 80.0, 80.0, 80.0), 0)
    mapper.close()
    assert made["registered"].all()
    assert rotations_apart(made["T_world_camera"][:, :3, :3], walking()[:, :3, :3], made["registered"]) < 0.5
