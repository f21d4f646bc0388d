"""XSens recordings: by hand, resampling by timestamps against theory, gaps and missing rotations, refusals."""

import numpy as np
import pytest
from motion_bodies import dancing, standing
from scipy.spatial.transform import Rotation

from egobench.errors import BadInputError
from egobench.geometry.border import check_motion
from egobench.geometry.skeleton import XSENS23
from egobench.motions.resample import resample
from egobench.motions.xsens import read_xsens


def recording(motion, stamps=None, **changes):
    frames = len(motion.positions)
    xyzw = Rotation.from_matrix(motion.rotations.reshape(-1, 3, 3)).as_quat().reshape(frames, -1, 4)
    nominal = np.round(np.arange(frames) / motion.fps * 1e6).astype(np.int64) + 7_000_000_000
    return {
        "timestamps_us": nominal if stamps is None else stamps,
        "frameRate": np.float64(motion.fps),
        "segment_tXYZ": motion.positions.reshape(frames, -1),
        "segment_qWXYZ": np.roll(xyzw, 1, axis=-1).reshape(frames, -1),
        **changes,
    }


@pytest.fixture
def saved(tmp_path):
    def save(arrays):
        np.savez(tmp_path / "xdata.npz", **arrays)
        return tmp_path / "xdata.npz"

    return save


def test_w_comes_first_and_joints_keep_their_order(saved):
    arrays = recording(standing(XSENS23, frames=3, fps=240))
    quaternions = arrays["segment_qWXYZ"].reshape(3, 23, 4)
    quaternions[:, XSENS23.index("head")] = [np.sqrt(0.5), 0, 0, np.sqrt(0.5)]  # a quarter turn to the left
    motion = read_xsens(saved(arrays))
    np.testing.assert_allclose(motion.rotations[0, XSENS23.index("head"), :, 0], [0, 1, 0], atol=1e-12)
    np.testing.assert_allclose(motion.rotations[0, XSENS23.index("t8")], np.eye(3), atol=1e-12)
    np.testing.assert_allclose(motion.positions, standing(XSENS23, frames=3).positions, atol=1e-12)
    assert motion.fps == 240.0


def test_240_hz_becomes_16_by_every_fifteenth_pose(saved):
    motion = dancing(XSENS23, frames=241, fps=240)
    back = read_xsens(saved(recording(motion)), to_fps=16)
    assert (len(back.positions), back.fps) == (17, 16.0)
    np.testing.assert_allclose(back.positions, motion.positions[::15], atol=1e-5)  # stamps are whole microseconds
    np.testing.assert_allclose(back.rotations, motion.rotations[::15], atol=1e-4)
    check_motion(back)


def test_between_two_poses_a_turn_is_halved_and_a_step_too(saved):
    motion = standing(XSENS23, frames=2, fps=20)
    turned = np.stack([motion.rotations[0], np.tile(Rotation.from_euler("z", np.pi / 2).as_matrix(), (23, 1, 1))])
    arrays = recording(type(motion)(motion.positions + np.array([[[0, 0, 0]], [[0.2, 0, 0]]]), turned, 20.0, "xsens23"))
    back = read_xsens(saved(arrays), to_fps=40)
    np.testing.assert_allclose(back.positions[1, 0], [0.1, 0, 0.95], atol=1e-9)
    expected = Rotation.from_euler("z", np.pi / 4).as_matrix()
    np.testing.assert_allclose(back.rotations[1], np.tile(expected, (23, 1, 1)), atol=1e-9)


def test_uneven_stamps_do_not_shift_the_motion(saved):
    """A body at constant speed: wherever the stamps lie, the pose at k / fps is the speed times k / fps."""
    rng = np.random.default_rng(0)
    stamps = np.cumsum(rng.integers(2000, 7000, 400))
    times = (stamps - stamps[0]) * 1e-6
    still = standing(XSENS23, frames=400)
    walking = type(still)(still.positions + times[:, None, None] * [1.3, 0, 0], still.rotations, 240.0, "xsens23")
    back = read_xsens(saved(recording(walking, stamps)), to_fps=16)
    at = np.arange(len(back.positions)) / 16
    assert len(at) == int(times[-1] * 16) + 1
    np.testing.assert_allclose(back.positions[:, 0, 0], 1.3 * at, atol=1e-9)


def test_a_rotation_of_length_zero_comes_from_its_neighbours(saved):
    motion = dancing(XSENS23, frames=50, fps=240)
    arrays = recording(motion)
    arrays["segment_qWXYZ"].reshape(50, 23, 4)[20:22, 6] = 0
    arrays["segment_qWXYZ"].reshape(50, 23, 4)[-1, 9] = 0  # the last one keeps the one before
    back = read_xsens(saved(arrays))
    np.testing.assert_allclose(back.rotations[20, 6], motion.rotations[20, 6], atol=1e-3)
    np.testing.assert_allclose(back.rotations[-1, 9], motion.rotations[-2, 9], atol=1e-3)


def test_up_and_down_again_is_the_same_motion():
    motion = dancing(XSENS23, frames=33, fps=16)
    fine = resample(motion, 160)
    assert len(fine.positions) == 321
    again = resample(fine, 16)
    np.testing.assert_allclose(again.positions, motion.positions, atol=1e-12)
    np.testing.assert_allclose(again.rotations, motion.rotations, atol=1e-12)


def test_a_single_pose_stays_one():
    motion = standing(XSENS23, frames=1)
    assert resample(motion, 8).positions.shape == (1, 23, 3)


STILL = standing(XSENS23, frames=4, fps=20)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"timestamps_us": np.array([0, 50, 50, 150]) * 1000}, "xsens-time"),
        ({"timestamps_us": np.array([3, 2, 1, 0], dtype=np.uint64) * 1000}, "xsens-time"),
        ({"timestamps_us": np.array([0, 50, 300, 350]) * 1000}, "xsens-gap"),
        ({"timestamps_us": np.zeros((4, 2))}, "xsens-shape"),
        ({"timestamps_us": np.zeros(0)}, "motion-frames"),
        ({"segment_tXYZ": np.zeros((4, 66))}, "xsens-shape"),
        ({"segment_tXYZ": np.full((4, 69), np.nan)}, "xsens-nonfinite"),
        ({"segment_qWXYZ": np.full((4, 92), 1.0)}, "xsens-quaternion"),
        ({"segment_qWXYZ": np.zeros((4, 92))}, "xsens-quaternion"),
        ({"segment_qWXYZ": np.zeros((4, 92), int)}, "xsens-shape"),
    ],
)
def test_broken_recordings_are_refused(saved, changes, code):
    with pytest.raises(BadInputError) as caught:
        read_xsens(saved(recording(STILL, **changes)))
    assert caught.value.code == code


@pytest.mark.parametrize(("unit", "per_microsecond"), [("milliseconds", 1e-3), ("seconds", 1e-6), ("nanoseconds", 1e3)])
def test_stamps_of_another_unit_are_named(saved, unit, per_microsecond):
    motion = dancing(XSENS23, frames=48, fps=240)
    stamps = np.arange(48) / 240 * 1e6 * per_microsecond
    with pytest.raises(BadInputError, match=f"looks like {unit}: multiply by") as caught:
        read_xsens(saved(recording(motion, stamps)))
    assert caught.value.code == "xsens-time"
    assert str(caught.value).endswith(f"multiply by {1 / per_microsecond:g}")


@pytest.mark.parametrize("fps", [0, -1, np.nan, np.inf, 1e12])
def test_rates_that_are_none_or_endless_are_refused(saved, fps):
    with pytest.raises(BadInputError) as caught:
        read_xsens(saved(recording(STILL)), to_fps=fps)
    assert caught.value.code in ("motion-rate", "motion-frames")


def test_what_is_no_recording_is_said(saved):
    with pytest.raises(BadInputError, match="no array 'timestamps_us'"):
        read_xsens(saved({"x": np.zeros(1)}))
