"""Bodies of the embedded world: XSens skeletons that add up, differ, and come back from a name and a seed."""

import numpy as np

from egobench.geometry.skeleton import XSENS23, forward_kinematics
from egomini.wearer.wearers import leg_lengths, make_wearer, standing_hip

WEARERS = [make_wearer(f"w{number:02d}", number) for number in range(40)]


def test_the_same_name_and_seed_give_the_same_body_and_another_name_another():
    first, again, other = make_wearer("w03", 3), make_wearer("w03", 3), make_wearer("w04", 3)
    np.testing.assert_array_equal(first.offsets, again.offsets)
    assert first.sleeve == again.sleeve
    assert first.height != other.height


def test_the_identity_pose_is_a_t_pose_that_faces_x_with_left_on_y():
    for wearer in WEARERS:
        identity = np.broadcast_to(np.eye(3), (23, 3, 3))
        pose = forward_kinematics(XSENS23, wearer.offsets, np.array([0.0, 0.0, standing_hip(wearer)]), identity)
        at = {joint: pose[XSENS23.index(joint)] for joint in XSENS23.joints}
        for joint in ("upper_arm", "forearm", "hand", "upper_leg", "toe"):
            assert at[f"left_{joint}"][1] > 0.0 > at[f"right_{joint}"][1]
            np.testing.assert_allclose(at[f"left_{joint}"], at[f"right_{joint}"] * [1, -1, 1])
        assert at["left_toe"][0] > at["left_foot"][0]
        np.testing.assert_allclose(at["left_hand"][2], at["left_shoulder"][2])


def test_a_standing_body_is_as_high_as_it_says_and_stands_on_the_floor():
    for wearer in WEARERS:
        identity = np.broadcast_to(np.eye(3), (23, 3, 3))
        pose = forward_kinematics(XSENS23, wearer.offsets, np.array([0.0, 0.0, standing_hip(wearer)]), identity)
        crown = wearer.height - pose[XSENS23.index("head"), 2]
        assert 0.11 < crown < 0.19, "the head joint is the top of the neck"
        assert 0.06 < pose[XSENS23.index("left_foot"), 2] < 0.09
        assert 0.02 < pose[XSENS23.index("left_toe"), 2] < 0.03


def test_bodies_and_habits_vary():
    heights = [wearer.height for wearer in WEARERS]
    assert min(heights) > 1.5
    assert max(heights) < 1.95
    assert np.ptp(heights) > 0.3
    legs = [sum(leg_lengths(wearer)) / wearer.height for wearer in WEARERS]
    assert np.std(legs) > 0.003
    for habit in ("step_length", "cadence", "arm_swing", "head_bob", "skin", "sleeve"):
        assert len({getattr(wearer, habit) for wearer in WEARERS}) == len(WEARERS)
