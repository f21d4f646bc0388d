"""Feet and floor: who carries the body, how fast, how deep, how high, each with its arithmetic."""

import numpy as np
import pytest

from egobench.geometry.contact import (
    FOOT_JOINTS,
    float_heights,
    foot_positions,
    near_ground,
    penetration_depths,
    support_speeds,
)
from egobench.geometry.skeleton import XSENS23


@pytest.fixture
def feet(standing):
    return foot_positions(XSENS23, standing(21).positions).copy()


def column(joint):
    return FOOT_JOINTS.index(joint)


def test_columns_are_ankle_and_ball_of_left_and_right(feet):
    assert FOOT_JOINTS == ("left_foot", "left_toe", "right_foot", "right_toe")
    np.testing.assert_allclose(feet[0, :, 2], [0.08, 0.025, 0.08, 0.025])
    assert (feet[0, :2, 1] > 0).all()


def test_standing_feet_carry_and_do_not_slide(feet):
    assert near_ground(feet).all()
    np.testing.assert_array_equal(support_speeds(feet, 16), np.zeros(20))
    np.testing.assert_array_equal(penetration_depths(feet), 0)
    np.testing.assert_array_equal(float_heights(feet), 0)


def test_a_raised_leg_does_not_carry_even_if_it_is_never_put_down(feet):
    feet[:, 2:, 2] += 0.2
    np.testing.assert_array_equal(near_ground(feet), np.tile([True, True, False, False], (21, 1)))


def test_one_bad_frame_does_not_lower_the_ground(feet):
    feet[7, :, 2] -= 1.0
    assert near_ground(feet).all()


def test_speed_is_that_of_the_slowest_carrying_joint(feet):
    # left slides 0.05 m a frame, right ball 0.01 m a frame, right ankle is off the ground: 0.01 × 16 = 0.16 m/s
    steps = np.arange(21)
    feet[:, :2, 0] += 0.05 * steps[:, None]
    feet[:, column("right_toe"), 1] += 0.01 * steps
    feet[:, column("right_foot"), 2] += 0.3
    np.testing.assert_allclose(support_speeds(feet, 16), 0.16)


def test_steps_with_nobody_on_the_ground_are_left_out(feet):
    feet[10:12, :, 2] += 0.5  # a hop: steps 9→10, 10→11, 11→12 have no support
    assert len(support_speeds(feet, 16)) == 17


def test_depth_is_that_of_the_deepest_joint_under_its_least_height(feet):
    feet[..., 2] -= 0.06  # ankle 0.02 (0.01 under 0.03), ball -0.035 (0.045 under 0.01)
    np.testing.assert_allclose(penetration_depths(feet), 0.045)


def test_height_is_that_of_the_joint_nearest_to_touching(feet):
    feet[..., 2] += 0.1  # ankle 0.18 (0.05 over 0.13), ball 0.125 (0.075 over 0.05)
    np.testing.assert_allclose(float_heights(feet), 0.05)
    feet[:, :2, 2] -= 0.1
    np.testing.assert_array_equal(float_heights(feet), 0)
