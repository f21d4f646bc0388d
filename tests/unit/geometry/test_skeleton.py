"""Skeletons: trees in order, one name for one part of the body, the order of their sources."""

import numpy as np
import pytest

from egobench.errors import UnknownNameError
from egobench.geometry.contact import FOOT_JOINTS
from egobench.geometry.skeleton import HUMANML3D22, SKELETONS, SMPL22, SMPL24, SMPLX22, get_skeleton

SMPL_WORDS = {
    **{"hip": "upper_leg", "knee": "lower_leg", "ankle": "foot", "foot": "toe", "collar": "shoulder"},
    **{"shoulder": "upper_arm", "elbow": "forearm", "wrist": "hand"},
}


@pytest.mark.parametrize("skeleton", SKELETONS.values(), ids=list(SKELETONS))
def test_parents_come_before_children_and_both_sides_are_there(skeleton):
    assert get_skeleton(skeleton.name) is skeleton
    assert skeleton.parents[0] == -1
    assert all(0 <= parent < joint for joint, parent in enumerate(skeleton.parents[1:], start=1))
    assert len(skeleton.parents) == len(set(skeleton.joints)) == len(skeleton)
    for joint, parent in zip(skeleton.joints, skeleton.parents, strict=True):
        if joint.startswith("left_"):
            mirror = skeleton.parents[skeleton.index(joint.replace("left_", "right_"))]
            assert skeleton.joints[mirror] == skeleton.joints[parent].replace("left_", "right_")


@pytest.mark.parametrize("skeleton", SKELETONS.values(), ids=list(SKELETONS))
def test_what_metrics_ask_for_by_name_is_in_all(skeleton):
    hands = ("left_hand", "right_hand")
    for joint in ("pelvis", "neck", "head", *hands, *FOOT_JOINTS):
        assert skeleton.index(joint) >= 0
    for hand in hands:
        assert np.linalg.norm(skeleton.palm_direction[hand]) == 1
        before = skeleton.joints[skeleton.parents[skeleton.index(hand)]]
        assert before == hand.replace("hand", "forearm")


def test_the_body_joints_are_in_the_order_that_smplx_publishes():
    names = pytest.importorskip("smplx.joint_names").JOINT_NAMES[:22]
    for theirs, ours in zip(names, SMPL22.joints, strict=True):
        side, _, part = theirs.partition("_")
        assert ours == (f"{side}_{SMPL_WORDS[part]}" if part else theirs)
    assert SMPL24.joints[:22] == SMPLX22.joints == HUMANML3D22.joints == SMPL22.joints


def test_an_unknown_skeleton_is_met_with_a_suggestion():
    with pytest.raises(UnknownNameError, match="did you mean 'smplx22'"):
        get_skeleton("smplx23")
