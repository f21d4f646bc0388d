"""Chains, bones, stature and rest offsets of known bodies."""

import numpy as np
import pytest

from egobench.errors import UnknownNameError
from egobench.geometry.body import bone_lengths, chain, rest_offsets, stature
from egobench.geometry.skeleton import XSENS23


def test_the_chain_to_the_head_runs_up_the_spine():
    names = [XSENS23.joints[index] for index in chain(XSENS23, "head")]
    assert names == ["pelvis", "l5", "l3", "t12", "t8", "neck", "head"]
    assert chain(XSENS23, "pelvis") == (0,)
    with pytest.raises(UnknownNameError):
        chain(XSENS23, "tail")


def test_bones_of_the_standing_body_by_hand(standing):
    lengths = bone_lengths(XSENS23, standing(2).positions)
    assert lengths.shape == (2, 22)
    np.testing.assert_allclose(lengths[:, XSENS23.index("left_lower_leg") - 1], 0.42)
    np.testing.assert_allclose(lengths[:, XSENS23.index("right_toe") - 1], np.hypot(0.14, 0.055))


def test_stature_by_hand_and_whatever_the_pose(standing, swaying):
    # 1.1 × (0.64 spine + 0.09 hip + 0.84 leg)
    assert stature(XSENS23, standing(3).positions) == pytest.approx(1.1 * 1.57)
    assert stature(XSENS23, swaying().positions) == pytest.approx(1.1 * 1.57)


def test_rest_offsets_undo_forward_kinematics_in_any_heading(standing, swaying, moved):
    upright = standing(1).positions[0]
    expected = upright[1:] - upright[list(XSENS23.parents[1:])]
    motion = moved(swaying(), yaw=1.0, shift=(3, 4, 5))
    found = rest_offsets(XSENS23, motion.positions, motion.rotations)
    np.testing.assert_allclose(found[1:], expected, atol=1e-12)
    assert not found[0].any()
