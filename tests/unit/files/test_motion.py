"""Exact round trips, quaternions by hand, broken files."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from egobench.errors import BadInputError
from egobench.files.arrays import write_npz
from egobench.files.motion import read_motion, write_motion
from egobench.types import Motion


def random_motion(seed=0, frames=5, joints=23):
    rng = np.random.default_rng(seed)
    rotations = Rotation.random(frames * joints, rng=rng).as_matrix().reshape(frames, joints, 3, 3)
    return Motion(rng.normal(size=(frames, joints, 3)), rotations, 16.0)


def code_of(path):
    with pytest.raises(BadInputError) as caught:
        read_motion(path, fps=16, skeleton="xsens23")
    return caught.value.code


def test_float64_comes_back_bit_by_bit(tmp_path):
    motion = random_motion()
    write_motion(tmp_path / "m.npz", motion)
    back = read_motion(tmp_path / "m.npz", fps=16, skeleton="xsens23")
    np.testing.assert_array_equal(back.positions, motion.positions)
    np.testing.assert_array_equal(back.rotations, motion.rotations)
    assert (back.fps, back.skeleton) == (16, "xsens23")


def test_float32_is_read_as_float64_of_the_same_value(tmp_path):
    motion = random_motion()
    write_npz(tmp_path / "m.npz", positions=motion.positions.astype("f4"), rotations=motion.rotations.astype("f4"))
    back = read_motion(tmp_path / "m.npz", fps=16, skeleton="xsens23")
    np.testing.assert_array_equal(back.positions, motion.positions.astype("f4"))
    assert back.positions.dtype == back.rotations.dtype == np.float64


def test_quaternions_are_w_x_y_z(tmp_path):
    # cos 45°, 0, 0, sin 45° turns by 90° about z: x → y.
    quarter = np.broadcast_to([np.sqrt(0.5), 0, 0, np.sqrt(0.5)], (2, 1, 4))
    write_npz(tmp_path / "m.npz", positions=np.zeros((2, 1, 3)), rotations=quarter)
    back = read_motion(tmp_path / "m.npz", fps=16, skeleton="xsens23")
    np.testing.assert_allclose(back.rotations[1, 0] @ [1, 0, 0], [0, 1, 0], atol=1e-12)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"positions": None}, "motion-keys"),
        ({"rotations": None}, "motion-keys"),
        ({"positions": np.zeros((5, 23), "f8")}, "motion-shape"),
        ({"rotations": np.zeros((5, 23, 3))}, "motion-shape"),
        ({"rotations": np.zeros((4, 23, 3, 3))}, "motion-shape"),
        ({"positions": np.zeros((5, 23, 3), int)}, "motion-dtype"),
        ({"positions": np.zeros((5, 23, 3), complex)}, "motion-dtype"),
        ({"rotations": np.zeros((5, 23, 4))}, "motion-quaternion"),
        ({"rotations": np.full((5, 23, 4), np.nan)}, "motion-quaternion"),
    ],
)
def test_broken_motions_are_refused_by_code(tmp_path, change, code):
    motion = random_motion()
    arrays = {"positions": motion.positions, "rotations": motion.rotations, **change}
    write_npz(tmp_path / "m.npz", **{key: value for key, value in arrays.items() if value is not None})
    assert code_of(tmp_path / "m.npz") == code


def test_a_missing_file_is_refused(tmp_path):
    assert code_of(tmp_path / "m.npz") == "npz-missing"
