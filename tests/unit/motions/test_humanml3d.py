"""HumanML3D vectors: by hand, back and forth, against a plain transcription of the published layout, and refusals."""

from dataclasses import replace

import numpy as np
import pytest
from motion_bodies import dancing, standing
from scipy.spatial.transform import Rotation

from egobench.errors import BadInputError
from egobench.geometry.border import check_motion
from egobench.geometry.skeleton import HUMANML3D22, KIT21, SMPL22, XSENS23
from egobench.motions.axes import Y_UP
from egobench.motions.humanml3d import decode, decode_any, encode
from egobench.motions.humanml3d_turns import HUMANML3D, bone_turns


def canonical(motion):
    """Turned and shifted as vectors begin: heading of the first frame along +x, root over the origin."""
    # The heading is what `encode` itself finds, so take it from the first place of the hips in the vectors.
    vectors = encode(motion)
    hip = HUMANML3D22.index("left_upper_leg") if motion.skeleton != "kit21" else KIT21.index("left_upper_leg")
    local = vectors[0, 4 + 3 * (hip - 1) :][:3]  # x left, y up, z forward
    seen = motion.positions[0, hip] - motion.positions[0, 0]
    yaw = np.arctan2(local[0], local[2]) - np.arctan2(seen[1], seen[0])
    turn = Rotation.from_euler("z", yaw).as_matrix()
    moved = motion.positions - motion.positions[0, 0] * [1, 1, 0]
    return moved @ turn.T, turn


def test_the_first_channel_is_half_the_yaw_step():
    vectors = encode(standing(HUMANML3D22))
    vectors[:, 0] = -np.deg2rad(45)  # r turns by -90° a frame, so the body by +90°, to its left
    facing = decode(vectors).rotations[:, 0, :, 0]  # the pelvis' forward
    np.testing.assert_allclose(facing, [[1, 0, 0], [0, 1, 0], [-1, 0, 0], [0, -1, 0]], atol=1e-12)


@pytest.mark.parametrize("skeleton", [HUMANML3D22, KIT21])
def test_joints_are_read_in_their_place_and_turned_as_vectors_are(skeleton):
    motion = dancing(skeleton, frames=40)
    joints = motion.positions @ Y_UP  # as `new_joints` has them
    back = decode_any(joints.astype(np.float32))
    np.testing.assert_allclose(back.positions, motion.positions, atol=1e-6)
    assert (back.skeleton, back.fps) == (skeleton.name, {22: 20.0, 21: 12.5}[len(skeleton)])
    vectors = decode(encode(motion))
    relative = np.swapaxes(back.rotations[:-1, :1], -1, -2) @ back.rotations[:-1]
    theirs = np.swapaxes(vectors.rotations[:, :1], -1, -2) @ vectors.rotations
    np.testing.assert_allclose(relative, theirs, atol=1e-5)


def test_joints_of_no_layout_are_refused():
    for shape in ((5, 24, 3), (5, 22, 4), (22, 3, 5), (0, 22, 3)):
        with pytest.raises(BadInputError) as caught:
            decode_any(np.zeros(shape))
        assert caught.value.code == ("motion-frames" if shape[0] == 0 else "humanml3d-shape")
    bad = standing(HUMANML3D22).positions @ Y_UP
    bad[2, 3, 1] = np.nan
    with pytest.raises(BadInputError) as caught:
        decode_any(bad)
    assert caught.value.code == "humanml3d-nonfinite"
    with pytest.raises(BadInputError) as caught:
        decode_any(standing(HUMANML3D22).positions)  # z up
    assert caught.value.code == "motion-up"


def test_velocity_is_read_in_the_heading_of_its_end():
    vectors = encode(standing(HUMANML3D22))
    vectors[:, 0] = -np.deg2rad(45)
    vectors[:, 2] = 0.1  # metres ahead (their z) in each frame
    root = decode(vectors).positions[:, 0]
    # Frame 1 faces +y, so the step into it is along +y; the step into frame 2 is along -x.
    np.testing.assert_allclose(root[:, :2], [[0, 0], [0, 0.1], [-0.1, 0.1], [-0.1, 0]], atol=1e-12)


def test_a_person_in_the_t_pose_has_the_published_numbers_and_comes_back_with_identity_rotations():
    motion = standing(HUMANML3D22)
    vectors = encode(motion)
    assert vectors.shape == (4, 263)
    np.testing.assert_allclose(vectors[:, :4], np.tile([0, 0, 0, 0.95], (4, 1)), atol=1e-12)
    np.testing.assert_allclose(vectors[0, 4:7], [0.09, 0.90, 0.0], atol=1e-12)  # left hip: x left, y up, z forward
    np.testing.assert_allclose(vectors[:, 193:259], 0, atol=1e-12)
    np.testing.assert_array_equal(vectors[:, 259:], 1)
    back = decode(vectors)
    legs = [HUMANML3D22.index(f"left_{part}") for part in ("upper_leg", "lower_leg")]
    np.testing.assert_allclose(back.rotations[:, legs], np.tile(np.eye(3), (4, 2, 1, 1)), atol=1e-12)
    assert (back.fps, back.skeleton) == (20.0, "humanml3d22")


@pytest.mark.parametrize("skeleton", [HUMANML3D22, SMPL22, KIT21], ids=lambda s: s.name)
@pytest.mark.parametrize("seed", [0, 1])
def test_positions_come_back_to_a_hundredth_of_a_millimetre(skeleton, seed):
    motion = dancing(skeleton, seed=seed, turns=0.7)
    vectors = encode(motion)
    assert vectors.shape == (59, 12 * len(skeleton) - 1)
    back = decode(vectors, fps=20)
    wanted, _ = canonical(motion)
    np.testing.assert_allclose(back.positions, wanted[:-1], atol=1e-9)
    single = decode(vectors.astype(np.float32))
    np.testing.assert_allclose(single.positions, wanted[:-1], atol=1e-5)


def test_vectors_of_vectors_are_the_same_but_for_the_smoothed_heading():
    vectors = encode(standing(HUMANML3D22, frames=8))
    again = encode(decode(vectors))
    np.testing.assert_allclose(again, vectors[:-1], atol=1e-12)


def test_a_heading_that_passes_180_degrees_turns_on():
    back = decode(encode(dancing(HUMANML3D22, frames=200, turns=2.0)))
    forward = back.rotations[:, 0, :2, 0]
    yaw = np.unwrap(np.arctan2(forward[:, 1], forward[:, 0]))
    assert yaw[-1] - yaw[0] == pytest.approx(2 * np.pi * 2.0, rel=0.1)  # smoothing holds the ends back
    assert (np.abs(np.diff(yaw)) < 0.2).all()


@pytest.mark.parametrize("bones_from", ["places", "turns"])
def test_bones_lie_along_the_rotations(bones_from):
    """In a joint's own frame the bone towards the head, or the only one, points as it does in the T pose."""
    motion = decode(encode(dancing(HUMANML3D22)), bones_from=bones_from)
    skeleton = HUMANML3D22
    for start, end, rest in (
        ("pelvis", "spine1", [0, 0, 1]),
        ("spine3", "neck", [0, 0, 1]),
        ("left_lower_leg", "left_foot", [0, 0, -1]),
        ("right_foot", "right_toe", [1, 0, 0]),
        ("right_forearm", "right_hand", [0, -1, 0]),
    ):
        a, b = skeleton.index(start), skeleton.index(end)
        bone = motion.positions[:, b] - motion.positions[:, a]
        bone /= np.linalg.norm(bone, axis=-1, keepdims=True)
        own = np.einsum("tba,tb->ta", motion.rotations[:, a], bone)
        np.testing.assert_allclose(own, np.tile(rest, (59, 1)), atol=1e-9)
    check_motion(motion)


def test_rotations_turn_with_the_body_although_the_six_numbers_do_not():
    """The shortest turn of a vertical bone is the identity whatever the heading; the heading is put back."""
    motion = dancing(HUMANML3D22, turns=0.5)
    _, turn = canonical(motion)
    head = decode(encode(motion)).rotations[:, HUMANML3D22.index("head")]
    forward, wanted = head[:, :, 0], (turn @ motion.rotations[:-1, 0])[:, :, 0]
    assert np.einsum("ta,ta->t", forward, wanted).min() > 0.8


def test_against_a_slow_transcription_of_the_published_recovery():
    """Frame by frame, with quaternions (cos a, 0, sin a, 0) as the layout is usually written down."""
    vectors = encode(dancing(HUMANML3D22, turns=0.3, seed=3))
    angle, place, poses = 0.0, np.zeros(3), []
    for t, row in enumerate(vectors):
        if t:
            angle += vectors[t - 1, 0]
        back = Rotation.from_quat([0, np.sin(angle), 0, np.cos(angle)]).inv()
        if t:
            place = place + back.apply([vectors[t - 1, 1], 0, vectors[t - 1, 2]])
        root = np.array([place[0], row[3], place[2]])
        poses.append(np.vstack([root, back.apply(row[4:67].reshape(21, 3)) + root * [1, 0, 1]]))
    x_left, y_up, z_ahead = np.moveaxis(np.array(poses), -1, 0)
    np.testing.assert_allclose(decode(vectors).positions, np.stack([z_ahead, x_left, y_up], axis=-1), atol=1e-12)


def test_published_turns_are_off_where_a_clip_starts_with_a_turn():
    """Why bones are not read from them: their first heading is zero before smoothing, but not after it."""
    still = standing(HUMANML3D22, frames=80)
    yaw = np.minimum(4.5 * np.arange(80), 90)[:, None]
    turned = Rotation.from_euler("z", yaw, degrees=True).as_matrix()[:, None] @ still.positions[..., None]
    motion = replace(still, positions=turned[..., 0])
    vectors = encode(motion)
    y_up = motion.positions @ Y_UP
    # As they were published: the turns of bones seen from the smoothed heading, which at the start is 26°.
    smoothed = np.deg2rad(26.316) + np.concatenate([[0], np.cumsum(-2 * vectors[:, 0])])
    published = vectors.copy()
    published[:, 67:193] = bone_turns(HUMANML3D, smoothed, y_up)[:-1].reshape(79, -1)
    collar = HUMANML3D22.index("left_shoulder")
    ours, theirs = (
        decode(values, bones_from=source).rotations[:, collar]
        for values, source in ((vectors, "places"), (published, "turns"))
    )
    apart = Rotation.from_matrix(np.swapaxes(ours, -1, -2) @ theirs).magnitude()
    np.testing.assert_allclose(np.rad2deg(apart), 52.6, atol=0.1)


def test_chains_of_arms_begin_at_the_root():
    before = {
        joint: HUMANML3D.skeleton.joints[k] for joint, k in zip(HUMANML3D22.joints, HUMANML3D.before, strict=True)
    }
    assert before["left_shoulder"] == before["right_shoulder"] == "pelvis"
    assert (before["neck"], before["left_upper_arm"]) == ("spine3", "left_shoulder")


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lambda v: v[:, :262], "humanml3d-shape"),
        (lambda v: v[None], "humanml3d-shape"),
        (lambda v: v.astype(int), "humanml3d-shape"),
        (lambda v: v[:0], "motion-frames"),
        (lambda v: np.where(np.arange(263) == 5, np.nan, v), "humanml3d-nonfinite"),
    ],
)
def test_what_is_no_such_vector_is_refused(spoil, code):
    with pytest.raises(BadInputError) as caught:
        decode(spoil(encode(standing(HUMANML3D22))))
    assert caught.value.code == code


def test_six_zeros_are_no_rotation_but_matter_only_where_turns_are_asked_for():
    vectors = encode(dancing(HUMANML3D22))
    vectors[7, 67:73] = 0.0
    check_motion(decode(vectors))
    with pytest.raises(BadInputError, match="vector 7, joint left_upper_leg"):
        decode(vectors, bones_from="turns")


def test_other_trees_and_single_poses_cannot_be_encoded():
    with pytest.raises(BadInputError, match="xsens23"):
        encode(standing(XSENS23))
    with pytest.raises(BadInputError, match="two at least"):
        encode(standing(SMPL22, frames=1))
