"""Two-bone inverse kinematics against triangles done by hand, and limb frames against forward kinematics."""

import numpy as np
import pytest

from egobench.types import Side
from egomini.wearer.ik import arm_frame, leg_frame, two_bone


def test_a_right_angle_of_two_equal_bones_is_found():
    # Bones of 1 m to a target √2 m below: the knee is half way down and 1/√2 m ahead.
    limb = two_bone(np.zeros(3), np.array([0.0, 0.0, -np.sqrt(2)]), (1.0, 1.0), np.array([1.0, 0.0, 0.0]))
    np.testing.assert_allclose(limb.upper, [np.sqrt(0.5), 0.0, -np.sqrt(0.5)], atol=1e-12)
    np.testing.assert_allclose(limb.lower, [-np.sqrt(0.5), 0.0, -np.sqrt(0.5)], atol=1e-12)


def test_a_reachable_target_is_met_and_bones_keep_their_length():
    rng = np.random.default_rng(0)
    target = rng.normal(size=(500, 3))
    target *= rng.uniform(0.15, 0.52, (500, 1)) / np.linalg.norm(target, axis=-1, keepdims=True)
    limb = two_bone(np.zeros((500, 3)), target, (0.3, 0.25), rng.normal(size=(500, 3)))
    np.testing.assert_allclose(0.3 * limb.upper + 0.25 * limb.lower, target, atol=1e-9)
    np.testing.assert_allclose(np.linalg.norm(limb.lower, axis=-1), 1.0, atol=1e-12)


def test_a_target_out_of_reach_is_pointed_at_and_not_stretched_to():
    limb = two_bone(np.zeros(3), np.array([5.0, 0.0, 0.0]), (0.3, 0.3), np.array([0.0, 0.0, -1.0]))
    end = 0.3 * limb.upper + 0.3 * limb.lower
    assert 0.599 < end[0] <= 0.6
    np.testing.assert_allclose(end[1:], 0.0, atol=1e-9)


@pytest.mark.parametrize("side", ["left", "right"])
def test_arm_frames_are_rotations_that_carry_the_t_pose_bone_and_bend_forward(side: Side):
    sign = 1.0 if side == "left" else -1.0
    limb = two_bone(np.zeros(3), np.array([0.35, 0.0, -0.2]), (0.3, 0.25), np.array([-0.5, sign * 0.3, -0.85]))
    upper, lower = arm_frame(limb.upper, limb, side), arm_frame(limb.lower, limb, side)
    for frame, bone in ((upper, limb.upper), (lower, limb.lower)):
        np.testing.assert_allclose(frame @ frame.T, np.eye(3), atol=1e-12)
        assert np.linalg.det(frame) == pytest.approx(1.0)
        np.testing.assert_allclose(frame @ [0.0, sign, 0.0], bone, atol=1e-12)
    flexion = upper.T @ lower @ [0.0, sign, 0.0]
    assert flexion[0] > 0.1, "an elbow bends towards +x of the T-pose, never backward"


def test_a_knee_bends_backward_and_its_frame_carries_the_bone():
    limb = two_bone(np.array([0.0, 0.0, 0.9]), np.array([0.1, 0.0, 0.2]), (0.43, 0.43), np.array([1.0, 0.0, 0.0]))
    thigh, shank = leg_frame(limb.upper, limb), leg_frame(limb.lower, limb)
    np.testing.assert_allclose(thigh @ [0.0, 0.0, -1.0], limb.upper, atol=1e-12)
    assert np.linalg.det(shank) == pytest.approx(1.0)
    assert (thigh.T @ shank @ [0.0, 0.0, -1.0])[0] < -0.1
