"""Conventions that arrays cannot state are seen in the body: by hand, then every mistake on every skeleton."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from motion_bodies import dancing, standing
from scipy.spatial.transform import Rotation

from egobench import open_split
from egobench.errors import BadInputError
from egobench.geometry.skeleton import HUMANML3D22, KIT21, SMPL22, SMPL24, SMPLX22, XSENS23, Skeleton, get_skeleton
from egobench.motions.conventions import (
    check_byte_order,
    check_conventions,
    check_steps,
    fit_warning,
    look_over,
    misfit,
)
from egobench.types import Motion

SKELETONS = [XSENS23, SMPL22, SMPL24, SMPLX22, HUMANML3D22, KIT21]
MIRROR = np.diag([1.0, -1.0, 1.0])
Arrays = tuple[np.ndarray, np.ndarray]


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


def read_in_order(rotations, shift):
    """Rotations of which the four numbers were taken in the wrong order."""
    xyzw = Rotation.from_matrix(rotations.reshape(-1, 3, 3)).as_quat()
    return Rotation.from_quat(np.roll(xyzw, shift, axis=-1)).as_matrix().reshape(rotations.shape)


def other_side(skeleton, positions):
    swap = {"left": "right", "right": "left"}
    names = ["_".join(swap.get(word, word) for word in joint.split("_")) for joint in skeleton.joints]
    return positions[:, [skeleton.index(name) for name in names]]


def axes(*order):
    return np.eye(3)[list(order)]


def yaw(degrees):
    return Rotation.from_euler("z", degrees, degrees=True).as_matrix()


def places(A) -> Callable[[Skeleton, np.ndarray, np.ndarray], Arrays]:
    """Positions alone in another world."""
    return lambda _, p, r: (p @ A.T, r)


def world(A) -> Callable[[Skeleton, np.ndarray, np.ndarray], Arrays]:
    """All of it in another world, whose coordinates rotations are told in as well."""
    return lambda _, p, r: (p @ A.T, A @ r @ A.T)


MISTAKES: dict[str, tuple[str, Callable[[Skeleton, np.ndarray, np.ndarray], Arrays]]] = {
    "rotations transposed": ("motion-rotation-inverse", lambda _, p, r: (p, r.swapaxes(-1, -2))),
    "rotations of the parent": ("motion-rotation-local", lambda skeleton, p, r: (p, local(skeleton, r))),
    "x, y, z, w read as w, x, y, z": ("motion-quaternion-order", lambda _, p, r: (p, read_in_order(r, -1))),
    "w, x, y, z read as x, y, z, w": ("motion-quaternion-order", lambda _, p, r: (p, read_in_order(r, 1))),
    "a left-handed world": ("motion-handedness", world(MIRROR)),
    "y negated in positions": ("motion-handedness", places(MIRROR)),
    "x negated in positions": ("motion-handedness", places(np.diag([-1.0, 1.0, 1.0]))),
    "y negated in rotations": ("motion-handedness", lambda _, p, r: (p, MIRROR @ r @ MIRROR)),
    "left and right joints exchanged": ("motion-handedness", lambda skeleton, p, r: (other_side(skeleton, p), r)),
    "x and y exchanged in positions": ("motion-axes", places(axes(1, 0, 2))),
    "x and y exchanged in rotations": ("motion-axes", lambda _, p, r: (p, axes(1, 0, 2) @ r @ axes(1, 0, 2))),
    "rotations of a world with y up": ("motion-axes", lambda _, p, r: (p, axes(1, 2, 0) @ r)),
    "a yaw of 90°": ("motion-yaw", places(yaw(90))),
    "a yaw of 180°": ("motion-yaw", places(yaw(180))),
    "a yaw of 30° in rotations": ("motion-yaw", lambda _, p, r: (p, yaw(30) @ r)),
    "an identity pose that faces +y": ("motion-rest", lambda _, p, r: (p, r @ yaw(90))),
    "an identity pose with y up": ("motion-rest", lambda _, p, r: (p, r @ axes(1, 2, 0))),
    "positions x, z, y": ("motion-up", places(axes(0, 2, 1))),
    "all with y up": ("motion-up", lambda _, p, r: (p @ axes(1, 2, 0).T, axes(1, 2, 0) @ r)),
}


@pytest.fixture(scope="module")
def recorded():
    """Motions of the embedded world: hanging arms, all headings."""
    split = open_split("egomini-smoke")
    return [split.clip(info.clip_id).reference.motion for info in split.infos()]


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
@pytest.mark.parametrize("name", list(MISTAKES))
def test_every_mistake_is_told_by_its_name(skeleton, name):
    code, spoil = MISTAKES[name]
    motion = dancing(skeleton, frames=24, seed=1, turns=0.4)
    broken = Motion(*spoil(skeleton, motion.positions, motion.rotations), motion.fps, motion.skeleton)
    assert code_of(look_over, broken) == code


def test_recorded_motions_are_let_through(recorded):
    assert [look_over(motion) for motion in recorded] == [[]] * 8


@pytest.mark.parametrize("name", list(MISTAKES))
def test_every_mistake_is_told_of_recorded_motions_with_hanging_arms(recorded, name):
    code, spoil = MISTAKES[name]
    spoilt = [Motion(*spoil(XSENS23, each.positions, each.rotations), each.fps) for each in recorded[::4]]
    assert [code_of(look_over, each) for each in spoilt] == [code] * 2


def test_a_refusal_says_what_the_mistake_is(recorded):
    def text(A):
        with pytest.raises(BadInputError) as caught:
            look_over(replace(recorded[0], positions=recorded[0].positions @ A.T))
        return str(caught.value)

    assert text(yaw(-90)).startswith("motion: positions are turned by -90° about z against their rotations (misfit 0.0")
    assert text(axes(1, 0, 2)).startswith("motion: positions are in other axes (y, x, z for x, y, z) against")
    assert text(np.diag([-1.0, 1.0, 1.0])).startswith("motion: positions are mirrored (x negated) against")


def test_a_small_turn_and_rotations_that_say_nothing_are_warnings(recorded):
    for motion in recorded:
        ((code, text),) = look_over(replace(motion, positions=motion.positions @ yaw(15).T))
        assert code == "motion-rotation-fit"
        assert text.startswith("positions are turned by 15° against the rotations")
    unturned = replace(dancing(XSENS23), rotations=np.tile(np.eye(3), (60, 23, 1, 1)))
    assert [code for code, _ in look_over(unturned)] == ["motion-rotation-fit"]


def test_a_long_motion_is_judged_by_frames_spread_over_it(recorded):
    long = np.tile(recorded[0].positions, (50, 1, 1)), np.tile(recorded[0].rotations, (50, 1, 1, 1))
    check_conventions(Motion(*long, 16.0))
    assert code_of(check_conventions, Motion(long[0] @ yaw(90).T, long[1], 16.0)) == "motion-yaw"


@pytest.mark.parametrize("kind", ["float16", "bfloat16"])
def test_positions_in_half_precision_are_told_with_their_step_in_whatever_type_they_come(recorded, kind):
    exact = np.float32(recorded[0].positions)
    halved = exact.astype(np.float16) if kind == "float16" else (exact.view(np.uint32) & 0xFFFF0000).view(np.float32)
    largest = np.abs(exact).max()
    step = 2.0 ** np.floor(np.log2(largest)) / (1024 if kind == "float16" else 128)
    ((code, text),) = look_over(replace(recorded[0], positions=halved.astype(np.float64)))
    assert (code, text.startswith(f"positions are {kind} in steps of {step * 1000:.2g} mm")) == (
        "motion-precision",
        True,
    )
    moved = {"float16": "0.002", "bfloat16": "0.01"}[kind]
    assert text.endswith(f"jerk and foot-skate are undefined, on egomini-test that moves m-fid by up to {moved}")
    assert look_over(replace(recorded[0], positions=exact.astype(np.float64))) == []


def test_noise_on_a_motion_is_no_mistake_of_convention():
    rng = np.random.default_rng(0)
    for strength in (0.01, 0.1, 0.3, 1.0):
        motion = dancing(XSENS23)
        noise = Rotation.from_rotvec(strength * rng.normal(size=(60 * 23, 3))).as_matrix().reshape(60, 23, 3, 3)
        check_conventions(Motion(motion.positions, motion.rotations @ noise, motion.fps))


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
