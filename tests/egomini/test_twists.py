"""Twists of camera steps: by hand, there and back, and what mirrors and running backwards do to them."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from egomini.evaluators.twists import MIRROR, path_of, twists_of


@pytest.fixture
def path():
    """Twelve poses of a camera that turns and moves at random."""
    rng = np.random.default_rng(0)
    poses = np.tile(np.eye(4), (12, 1, 1))
    poses[:, :3, :3] = Rotation.from_rotvec(rng.normal(0, 0.4, (12, 3))).as_matrix()
    poses[:, :3, 3] = rng.normal(0, 0.5, (12, 3))
    return poses


def test_a_quarter_turn_to_the_right_on_a_circle_by_hand():
    # The camera (x right, z ahead) goes a quarter of a circle of radius 1 to the right: to (1, 0, 1), facing +x.
    # Half-way through the turn (45 degrees) the way lies straight ahead, √2 metres.
    poses = path_of(np.array([[0, np.pi / 2, 0, 0, 0, np.sqrt(2)]]))
    assert np.allclose(poses[1, :3, 3], [1, 0, 1])
    assert np.allclose(poses[1, :3, :3] @ [0, 0, 1], [1, 0, 0])


def test_a_path_comes_back_from_its_twists_in_the_world_of_its_first_camera(path):
    assert np.allclose(path_of(twists_of(path)), np.linalg.inv(path[0]) @ path)


def test_backwards_all_signs_turn(path):
    assert np.allclose(twists_of(path[::-1]), -twists_of(path)[::-1])


def test_a_mirror_keeps_pitch_and_the_way_ahead_and_turns_yaw_roll_and_the_way_aside(path):
    flip = np.diag([-1.0, 1.0, 1.0, 1.0])
    assert np.allclose(twists_of(flip @ path @ flip), twists_of(path) * MIRROR)


def test_where_the_world_stands_does_not_matter(path):
    assert np.allclose(twists_of(path[5] @ path), twists_of(path))


def test_a_long_path_stays_rigid():
    poses = path_of(np.tile([0.3, -0.2, 0.1, 0.01, 0.0, 0.02], (5000, 1)))
    R = poses[:, :3, :3]
    assert np.abs(np.swapaxes(R, 1, 2) @ R - np.eye(3)).max() < 1e-12
