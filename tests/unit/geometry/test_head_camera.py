"""The camera on the head: lever arm by hand, times of video frames, motions that cannot carry a camera."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from egobench.errors import BadInputError
from egobench.geometry.border import motion_arrays
from egobench.geometry.head_camera import head_camera_path, motion_frames_per_video_frame
from egobench.geometry.palms import motion_frames_of
from egobench.geometry.rotation import angle_between
from egobench.geometry.skeleton import XSENS23
from egobench.types import Camera

HEAD = XSENS23.index("head")
FORWARD = np.array([[0.0, 0, 1, 0.1], [-1, 0, 0, 0], [0, -1, 0, 0.05], [0, 0, 0, 1]])
"""Camera → head: 10 cm ahead, 5 cm up, looking ahead."""
CAMERA = Camera(np.array([[32.0, 0, 32], [0, 32, 32], [0, 0, 1]]), 64, 64, FORWARD)


def turned(motion, yaw):
    """The whole body turned about the vertical through the origin, by `yaw` radians per frame."""
    R = Rotation.from_euler("z", yaw[:, None]).as_matrix()
    positions = np.einsum("tab,tjb->tja", R, motion.positions)
    return replace(motion, positions=positions, rotations=R[:, None] @ motion.rotations)


def test_the_lens_is_ahead_of_the_head_wherever_it_faces(standing):
    motion = turned(standing(), np.linspace(0, np.pi / 2, 81))
    path = head_camera_path(motion_arrays(motion), CAMERA, 41)
    height = motion.positions[0, HEAD, 2] + 0.05
    np.testing.assert_allclose(path.positions[0], [0.1, 0, height], atol=1e-12)
    np.testing.assert_allclose(path.positions[-1], [0, 0.1, height], atol=1e-12)
    np.testing.assert_allclose(path.R[0] @ [0, 0, 1], [1, 0, 0], atol=1e-12)
    np.testing.assert_allclose(path.R[-1] @ [0, 0, 1], [0, 1, 0], atol=1e-12)
    assert path.fps == 8.0


@pytest.mark.parametrize(
    ("video", "motion", "ratio"), [(41, 81, 2.0), (41, 82, 2.0), (41, 41, 1.0), (21, 81, 4.0), (41, 61, 1.5)]
)
def test_the_rate_follows_from_the_lengths(video, motion, ratio):
    assert motion_frames_per_video_frame(video, motion) == ratio


@pytest.mark.parametrize(("video", "motion"), [(41, 81), (41, 82), (41, 41), (21, 81), (1, 81)])
def test_whole_rates_take_the_same_frames_as_the_hands_do(video, motion):
    at = np.arange(video) * motion_frames_per_video_frame(video, motion)
    np.testing.assert_array_equal(at, motion_frames_of(video, motion))


def test_between_motion_frames_the_camera_moves_and_turns_evenly(standing):
    motion = turned(standing(61), np.linspace(0, 1.2, 61))
    path = head_camera_path(motion_arrays(motion), CAMERA, 41)
    np.testing.assert_allclose(angle_between(path.R[:-1], path.R[1:]), np.full(40, 0.03), atol=1e-12)
    assert path.fps == pytest.approx(16 / 1.5)


def test_matrices_from_a_float32_file_become_exact_rotations(swaying):
    motion = swaying()
    rough = replace(motion, rotations=motion.rotations.astype(np.float32))
    path = head_camera_path(motion_arrays(rough), CAMERA, 41)
    np.testing.assert_allclose(np.swapaxes(path.R, 1, 2) @ path.R, np.tile(np.eye(3), (41, 1, 1)), atol=1e-14)


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lambda T: T * np.nan, "camera-nonfinite"),
        (lambda T: T[:3], "camera-shape"),
        (lambda T: T * 2, "camera-form"),
        (lambda T: T @ np.diag([1.0, 1, -1, 1]), "camera-form"),
    ],
)
def test_a_camera_that_is_no_place_is_refused(standing, spoil, code):
    with pytest.raises(BadInputError) as refusal:
        head_camera_path(motion_arrays(standing()), replace(CAMERA, T_head_camera=spoil(FORWARD)), 41)
    assert refusal.value.code == code


def test_a_head_that_is_sheared_or_mirrored_is_refused(standing):
    motion = standing()
    for entry in (np.diag([1.0, 1, 1.01]), np.diag([1.0, 1, -1]), np.full((3, 3), 1e200)):
        rotations = motion.rotations.copy()
        rotations[5, HEAD] = entry
        with pytest.raises(BadInputError) as refusal:
            head_camera_path(motion_arrays(replace(motion, rotations=rotations)), CAMERA, 41)
        assert refusal.value.code == "motion-rotation"


def test_a_path_that_is_kept_belongs_to_its_motion_camera_and_length_and_cannot_be_changed(standing):
    motion, camera = motion_arrays(standing(9)), CAMERA
    first = head_camera_path(motion, camera, 5)
    assert np.array_equal(head_camera_path(motion_arrays(standing(9)), camera, 5).R, first.R)
    moved = motion._replace(positions=motion.positions + 1.0)
    assert head_camera_path(moved, camera, 5).positions == pytest.approx(first.positions + 1.0)
    lever = np.array(camera.T_head_camera)
    lever[:3, 3] += 0.5
    assert not np.allclose(head_camera_path(motion, replace(camera, T_head_camera=lever), 5).positions, first.positions)
    assert len(head_camera_path(motion, camera, 9).R) == 9
    assert head_camera_path(motion._replace(fps=2 * motion.fps), camera, 5).fps == 2 * first.fps
    with pytest.raises(ValueError, match="read-only"):
        first.positions[0] = 0.0
