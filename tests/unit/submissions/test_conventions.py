"""Conventions that a file cannot state are seen in the body: by hand, then every mistake on every skeleton."""

import numpy as np
import pytest
from broken import MIRROR, wxyz, xyzw
from motion_bodies import dancing, standing
from scipy.spatial.transform import Rotation

from egobench.errors import BadInputError
from egobench.geometry.skeleton import HUMANML3D22, KIT21, SMPL22, SMPL24, SMPLX22, XSENS23, get_skeleton
from egobench.submissions.conventions import check_byte_order, check_conventions, check_steps, fit_warning, misfit
from egobench.types import Motion

SKELETONS = [XSENS23, SMPL22, SMPL24, SMPLX22, HUMANML3D22, KIT21]


def code_of(call, *arguments):
    with pytest.raises(BadInputError) as caught:
        call(*arguments)
    return caught.value.code


def fit(motion):
    return misfit(get_skeleton(motion.skeleton), motion.positions, motion.rotations)


def local(skeleton, rotations):
    parents = np.maximum(skeleton.parents, 0)
    own = rotations[:, parents].swapaxes(-1, -2) @ rotations
    own[:, 0] = rotations[:, 0]
    return own


def mistakes(skeleton, motion):
    """Code → the motion with that mistake, and its quaternions where it was read from some."""
    p, r = motion.positions, motion.rotations
    read = wxyz_as_matrices(xyzw(r))
    return {
        "motion-rotation-inverse": (p, r.swapaxes(-1, -2), None),
        "motion-rotation-local": (p, local(skeleton, r), None),
        "motion-quaternion-order": (p, read, xyzw(r)),
        "motion-handedness": (p @ MIRROR, MIRROR @ r @ MIRROR, None),
    }


def wxyz_as_matrices(quaternions):
    turned = np.roll(quaternions.reshape(-1, 4), -1, axis=-1)
    return Rotation.from_quat(turned).as_matrix().reshape(*quaternions.shape[:2], 3, 3)


def test_a_rigid_body_fits_itself_and_the_t_pose_upside_down_is_as_wrong_as_can_be():
    body = standing(XSENS23)
    assert fit(body) == pytest.approx(0, abs=0.01)
    # Turned by 180° about x, with rotations that do not say so: head down, feet up, left on the right.
    turned = Motion(body.positions @ np.diag([1.0, -1.0, -1.0]), body.rotations, body.fps, body.skeleton)
    assert fit(turned) == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("skeleton", SKELETONS, ids=lambda each: each.name)
def test_a_body_in_our_convention_is_let_through_wherever_it_goes(skeleton):
    for seed in range(5):
        motion = dancing(skeleton, seed=seed, turns=seed)
        assert fit(motion) < 0.05
        check_conventions(motion)
        assert fit_warning(motion) == []


@pytest.mark.parametrize("skeleton", SKELETONS, ids=lambda each: each.name)
@pytest.mark.parametrize("code", list(mistakes(XSENS23, standing(XSENS23))))
def test_every_mistake_is_told_by_its_name(skeleton, code):
    for seed in range(3):
        motion = dancing(skeleton, seed=seed, turns=0.4)
        positions, rotations, quaternions = mistakes(skeleton, motion)[code]
        broken = Motion(positions, rotations, motion.fps, motion.skeleton)
        assert code_of(check_conventions, broken, quaternions) == code


def test_noise_on_a_motion_is_no_mistake_of_convention():
    rng = np.random.default_rng(0)
    for strength in (0.01, 0.1, 0.3, 1.0):
        motion = dancing(XSENS23)
        noise = Rotation.from_rotvec(strength * rng.normal(size=(60 * 23, 3))).as_matrix().reshape(60, 23, 3, 3)
        check_conventions(Motion(motion.positions, motion.rotations @ noise, motion.fps))
    check_conventions(motion, wxyz(motion.rotations))


@pytest.mark.parametrize("kind", ["<f4", "<f8", ">f4", ">f8"])
def test_bytes_in_the_wrong_order_are_seen_and_declared_ones_are_not(kind):
    array = dancing(XSENS23).positions.astype(kind)
    check_byte_order(array, "positions")
    assert code_of(check_byte_order, array.byteswap(), "positions") == "motion-byte-order"


def test_a_jump_is_a_step_far_beyond_the_others_and_a_sprint_is_none():
    def walk(speeds):
        body = standing(XSENS23, frames=len(speeds) + 1, fps=16.0)
        x = np.concatenate([[0], np.cumsum(speeds)]) / 16
        return Motion(body.positions + x[:, None, None] * [1, 0, 0], body.rotations, 16.0)

    check_steps(walk([12.0] * 20))
    check_steps(walk(np.random.default_rng(0).uniform(0, 60, 40)))  # noise, which is a control
    check_steps(walk([]))
    assert code_of(check_steps, walk([1.0] * 9 + [25.0] + [1.0] * 9)) == "motion-teleport"
    assert code_of(check_steps, walk([150.0] * 20)) == "motion-teleport"
