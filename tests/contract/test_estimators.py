"""Every listed estimator keeps its protocol: an identity, and a status with a reason for whatever is in a video."""

import json
from importlib.util import find_spec

import numpy as np
import pytest

from egobench import open_split
from egobench.catalog import ESTIMATORS
from egobench.errors import BadInputError
from egobench.plan.estimates import pack_estimate
from egobench.types import LOST, Camera, Video

RNG = np.random.default_rng(0)


def estimator_or_skip(name, monkeypatch, folder):
    """With its optional packages; those that read another program's files get an empty folder."""
    for variable in ("EGOBENCH_PATHS", "EGOBENCH_HANDS"):
        monkeypatch.setenv(variable, str(folder))
    found = ESTIMATORS.load(name)()
    try:
        found.protocol()
    except BadInputError as error:
        if error.code != "extra-missing":
            raise
        pytest.skip(str(error))
    return found


def camera(size=64):
    return Camera(np.array([[size / 2, 0, size / 2], [0, size / 2, size / 2], [0, 0, 1.0]]), size, size, np.eye(4))


def videos():
    black, noise = np.zeros((5, 64, 64, 3), np.uint8), RNG.integers(0, 256, (1, 64, 64, 3), dtype=np.uint8)
    # A picture that glides by two pixels a frame, as the far world does where the head only turns.
    wide = RNG.integers(0, 256, (64, 76, 3), dtype=np.uint8).repeat(2, axis=0).repeat(2, axis=1)[:64]
    turning = np.stack([wide[:, 2 * k : 2 * k + 64] for k in range(5)])
    return {"black": black, "one frame": noise, "still": np.repeat(noise, 5, axis=0), "turning": turning}


@pytest.mark.parametrize("name", ESTIMATORS.names())
def test_a_listed_estimator_has_a_readable_identity(name, monkeypatch, tmp_path):
    found = estimator_or_skip(name, monkeypatch, tmp_path)
    assert found.name == name
    assert set(found.provides) <= {"camera", "hands"}
    assert found.provides
    record = found.protocol()
    assert json.loads(json.dumps(record)) == record
    assert found.__doc__


@pytest.mark.parametrize("kind", videos())
@pytest.mark.parametrize("name", ESTIMATORS.names())
def test_what_is_in_a_video_is_a_status_and_never_an_error(name, kind, monkeypatch, tmp_path):
    found = estimator_or_skip(name, monkeypatch, tmp_path)
    if name.endswith("-file"):
        pytest.skip("it does not look at the video")
    loaded, frames = found.load("cpu"), videos()[kind]
    if "camera" in found.provides:
        path = loaded.camera(Video(frames, 8.0), camera())
        pack_estimate("camera-path", path, len(frames))
        assert path.reason or path.status == "ok"
        if kind == "black":
            assert path.status in LOST
        if kind == "one frame":
            assert path.status != "ok"
        if kind == "still" and path.status not in LOST:
            R, positions = path.T_world_camera[:, :3, :3], path.T_world_camera[:, :3, 3]
            assert np.abs(R - R[0]).max() < 0.002  # about a tenth of a degree
            assert path.status == "rotation_only" or np.abs(positions - positions[0]).max() < 0.005
        if kind == "turning" and not path.is_metric:  # without a scale, where it went means nothing
            assert path.status in (*LOST, "rotation_only")
    if "hands" in found.provides:
        hands = loaded.hands(Video(frames, 8.0), camera())
        pack_estimate("hands", hands, len(frames))
        if kind == "black":
            assert not (hands.scores >= hands.threshold).any()


def intrinsics(focal=32.0, centre=32.0, skew=0.0, last=1.0):
    return np.array([[focal, skew, centre], [0, focal, 32], [0, 0, last]])


ABSURD = {
    "missing": None,
    "holes": np.array([[None, 0, 32], [0, None, 32], [0, 0, 1]]),
    "words": "90 degrees",
    "of another shape": np.eye(4),
    "not finite": intrinsics(np.nan),
    "infinite": intrinsics(np.inf),
    "without focal length": intrinsics(0.0),
    "behind the lens": intrinsics(-32.0),
    "a thousand pixels long": intrinsics(6400.0),
    "centred outside": intrinsics(centre=200.0),
    "skewed": intrinsics(skew=5.0),
    "without a last row": intrinsics(last=0.0),
}


@pytest.mark.parametrize("name", ESTIMATORS.names())
def test_missing_and_absurd_intrinsics_and_those_of_another_size_are_refused(name, monkeypatch, tmp_path):
    found = estimator_or_skip(name, monkeypatch, tmp_path)
    loaded, video = found.load("cpu"), Video(videos()["still"], 8.0)
    for wrong in (camera(32), *(Camera(K, 64, 64, np.eye(4)) for K in ABSURD.values())):
        for method in found.provides:
            with pytest.raises(BadInputError) as refusal:
                getattr(loaded, method)(video, wrong)
            assert refusal.value.code == "camera-form"


@pytest.mark.parametrize("name", ESTIMATORS.names())
def test_frames_that_are_no_video_are_refused(name, monkeypatch, tmp_path):
    found = estimator_or_skip(name, monkeypatch, tmp_path)
    loaded, still = found.load("cpu"), videos()["still"]
    unequal = [*still, np.zeros((32, 32, 3), np.uint8)]
    cases = [(unequal, "shape"), (still[..., 0], "shape"), (still[:0], "shape"), (still / 255.0, "dtype")]
    for frames, part in cases:
        for method in found.provides:
            with pytest.raises(BadInputError) as refusal:
                getattr(loaded, method)(Video(frames, 8.0), camera())
            assert refusal.value.code == f"video-{part}"


def test_the_paths_of_two_loads_are_equal_to_the_bit(monkeypatch, tmp_path):
    clip = open_split("egomini-smoke").clip(open_split("egomini-smoke").infos()[0].clip_id)
    for name in ESTIMATORS.names():
        if find_spec("pycolmap") is None and name == "colmap":
            continue
        found = ESTIMATORS.load(name)()
        if "camera" not in found.provides or name.endswith("-file"):
            continue
        try:
            found.protocol()
        except BadInputError:
            continue
        paths = [found.load("cpu").camera(clip.reference.video, clip.condition.camera) for _ in range(2)]
        np.testing.assert_array_equal(paths[0].T_world_camera, paths[1].T_world_camera)
