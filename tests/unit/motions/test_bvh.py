"""BVH: files written here by hand and by rule, read against own kinematics; cut, crooked and random ones refused."""

import contextlib
import re

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from motion_bodies import dancing, rest_offsets, standing
from scipy.spatial.transform import Rotation

from egobench.errors import BadInputError
from egobench.geometry.border import check_motion
from egobench.geometry.skeleton import SMPL22, XSENS23, forward_kinematics
from egobench.motions.axes import Y_UP, MotionFileWarning
from egobench.motions.bvh import SCHEMES, read_bvh
from egobench.motions.bvh_text import read_text

SCHEME = {name: (skeleton, theirs) for name, skeleton, theirs in SCHEMES}


def write_bvh(
    path,
    scheme="XSens",
    motion=None,
    order="ZXY",
    axes=Y_UP.T,
    prefix="",
    rename=None,
    scale=100.0,
    frames=None,
    places=None,
):
    """A motion as BVH in the file's axes (default y up, facing z), centimetres; returns the path.

    Args:
        frames: (J, 3, 3), each joint's own frame in the T pose, where the zero pose is to be another than that.
        places: (J, 3) or (T, J, 3), position channels of joints below the root, centimetres; "offsets" for those.
    """
    skeleton, theirs = SCHEME[scheme]
    motion = standing(skeleton) if motion is None else motion
    names = [prefix + (rename or {}).get(theirs[joint], theirs[joint]) for joint in skeleton.joints]
    offsets = rest_offsets(skeleton) @ axes.T * scale
    world = axes @ motion.rotations @ axes.T
    if frames is not None:
        before = [max(parent, 0) for parent in skeleton.parents]
        offsets = np.einsum("jba,jb->ja", frames[before], offsets)
        world = world @ frames
    if places is not None:
        places = np.broadcast_to(offsets if isinstance(places, str) else places, motion.positions.shape)
    lines, walk = ["HIERARCHY"], []

    def block(joint, depth):
        walk.append(joint)
        pad, root = "\t" * depth, depth == 0
        lines.append(f"{pad}{'ROOT' if root else 'JOINT'} {names[joint]}")
        lines.append(f"{pad}{{\n{pad}\tOFFSET {' '.join(f'{x:.9f}' for x in offsets[joint])}")
        rotations = " ".join(f"{axis}rotation" for axis in order)
        six = root or places is not None
        lines.append(f"{pad}\tCHANNELS {'6 Xposition Yposition Zposition ' if six else '3 '}{rotations}")
        children = [child for child, parent in enumerate(skeleton.parents) if parent == joint]
        for child in children:
            block(child, depth + 1)
        if not children:
            lines.append(f"{pad}\tEnd Site\n{pad}\t{{\n{pad}\t\tOFFSET 0.0 0.0 1.0\n{pad}\t}}")
        lines.append(f"{pad}}}")

    block(0, 0)
    root = motion.positions[:, 0] @ axes.T * scale
    columns = [root]
    for joint in walk:
        parent = skeleton.parents[joint]
        if parent >= 0 and places is not None:
            columns.append(places[:, joint])
        local = world[:, joint] if parent < 0 else np.swapaxes(world[:, parent], -1, -2) @ world[:, joint]
        columns.append(Rotation.from_matrix(local).as_euler(order, degrees=True))
    lines += ["MOTION", f"Frames: {len(root)}", f"Frame Time: {1 / motion.fps:.9f}"]
    lines += [" ".join(f"{number:.9f}" for number in row) for row in np.concatenate(columns, axis=1)]
    path.write_text("\n".join(lines) + "\n")
    return path


def refusal(call, *args, **options):
    with pytest.raises(BadInputError) as caught:
        call(*args, **options)
    assert "\n" not in str(caught.value)
    return caught.value.code


def test_a_right_knee_bent_by_90_degrees_lifts_the_ankle_by_hand(tmp_path):
    text = write_bvh(tmp_path / "a.bvh").read_text()
    head, _, rows = text.partition("Frame Time:")
    joints = [line.split()[1] for line in head.splitlines() if "ROOT" in line or "JOINT" in line]
    numbers = np.array([row.split() for row in rows.splitlines()[1:]], dtype=float)
    numbers[:, 3 + 3 * joints.index("RightKnee") + 1] = 90  # order ZXY: about x, which is left here; heels go back
    body = "\n".join(" ".join(map(str, row)) for row in numbers)
    (tmp_path / "a.bvh").write_text(f"{head}Frame Time: 0.05\n{body}\n")
    motion = read_bvh(tmp_path / "a.bvh", unit="cm")
    knee, ankle = (motion.positions[0, XSENS23.index(f"right_{part}")] for part in ("lower_leg", "foot"))
    np.testing.assert_allclose(ankle - knee, [-0.41, 0, 0], atol=1e-9)
    forward = motion.rotations[0, XSENS23.index("right_lower_leg"), :, 0]
    np.testing.assert_allclose(forward, [0, 0, -1], atol=1e-9)
    assert (motion.fps, motion.skeleton) == (20.0, "xsens23")


@pytest.mark.parametrize("scheme", list(SCHEME))
@pytest.mark.parametrize("order", ["ZXY", "XYZ", "ZYX"])
def test_motions_come_back_whatever_the_names_and_the_order_of_turns(tmp_path, scheme, order):
    motion = dancing(SCHEME[scheme][0], frames=12, turns=0.3)
    back = read_bvh(write_bvh(tmp_path / "a.bvh", scheme, motion, order), unit="cm", up="y")
    np.testing.assert_allclose(back.positions, motion.positions, atol=1e-8)
    np.testing.assert_allclose(back.rotations, motion.rotations, atol=1e-8)
    assert back.skeleton == motion.skeleton
    check_motion(back)


def test_prefixes_and_further_joints_do_not_matter(tmp_path):
    path = write_bvh(tmp_path / "a.bvh", "Mixamo", prefix="mixamorig:")
    finger = "JOINT mixamorig:LeftHandThumb1\n{\nOFFSET 1 0 0\nCHANNELS 3 Zrotation Xrotation Yrotation\n}\n"
    assert read_bvh(path, unit="cm").skeleton == "smpl22"
    text = path.read_text()
    hand = text.index("mixamorig:LeftHand\n")
    at = text.index("End Site", hand)
    head, rows = (text[:at] + finger + text[at:]).split("Frame Time:")
    joints = [line.split()[1] for line in head.splitlines() if "ROOT" in line or "JOINT" in line]
    column = 3 + 3 * joints.index("mixamorig:LeftHandThumb1")
    numbers = [row.split() for row in rows.splitlines()[1:]]
    wider = [" ".join([*row[:column], "5", "6", "7", *row[column:]]) for row in numbers]
    path.write_text(f"{head}Frame Time: 0.05\n" + "\n".join(wider) + "\n")
    np.testing.assert_allclose(read_bvh(path, unit="cm").positions, standing(SMPL22).positions, atol=1e-9)


def test_a_world_with_z_up_and_a_body_that_faces_minus_y(tmp_path):
    """As Blender writes it: x left, z up, so the body faces -y; only the body's axes differ, the world is ours."""
    axes = np.array([[0.0, 1.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    motion = dancing(XSENS23, frames=10, turns=0.2)
    back = read_bvh(write_bvh(tmp_path / "a.bvh", motion=motion, axes=axes), unit="cm")
    np.testing.assert_allclose(back.positions, motion.positions @ axes.T, atol=1e-8)
    np.testing.assert_allclose(back.rotations, axes @ motion.rotations, atol=1e-8)
    offsets = rest_offsets(XSENS23)
    again = forward_kinematics(XSENS23, offsets, back.positions[:, 0], back.rotations)
    np.testing.assert_allclose(back.positions, again, atol=1e-8)


def test_metres_for_centimetres_are_seen_by_the_stature(tmp_path):
    with pytest.raises(BadInputError, match="looks like centimetres"):
        check_motion(read_bvh(write_bvh(tmp_path / "a.bvh")))


def test_a_frame_rate_of_ones_own_wins(tmp_path):
    assert read_bvh(write_bvh(tmp_path / "a.bvh"), fps=120, unit="cm").fps == 120


def test_unknown_names_are_refused_with_what_is_lacking(tmp_path):
    path = write_bvh(tmp_path / "a.bvh", rename={"RightKnee": "Genou"})
    with pytest.raises(BadInputError, match="nearest is XSens, which lacks RightKnee; rename them") as caught:
        read_bvh(path, unit="cm")
    assert caught.value.code == "bvh-joints"


def test_a_zero_pose_with_hanging_arms_gives_arms_that_hang(tmp_path):
    text = write_bvh(tmp_path / "a.bvh").read_text()
    for bone in ("28.000000000", "25.000000000"):  # upper arm and forearm, now downwards
        text = text.replace(f"OFFSET {bone} 0.000000000", f"OFFSET 0.0 -{bone}")
        text = text.replace(f"OFFSET -{bone} 0.000000000", f"OFFSET 0.0 -{bone}")
    (tmp_path / "a.bvh").write_text(text)
    with pytest.warns(MotionFileWarning, match="its zero pose is no T pose: positions are exact"):
        motion = read_bvh(tmp_path / "a.bvh", unit="cm")
    down = Rotation.from_euler("x", -np.pi / 2).as_matrix()  # left of the T pose points down
    for side, turn in (("left", down), ("right", down.T)):
        arm, forearm, hand = (XSENS23.index(f"{side}_{part}") for part in ("upper_arm", "forearm", "hand"))
        np.testing.assert_allclose(motion.positions[0, hand] - motion.positions[0, arm], [0, 0, -0.53], atol=1e-9)
        np.testing.assert_allclose(motion.rotations[0, [arm, forearm, hand]], [turn] * 3, atol=1e-9)
    rest = [XSENS23.index(joint) for joint in ("pelvis", "t8", "head", "left_upper_leg", "right_shoulder")]
    np.testing.assert_allclose(motion.rotations[:, rest], np.tile(np.eye(3), (5, 5, 1, 1)), atol=1e-9)


def lafan_frames(skeleton):
    """LAFAN1's: in each joint's own frame x runs along its bone, in the file's axes."""
    frames = np.empty((len(skeleton), 3, 3))
    offsets = rest_offsets(skeleton) @ Y_UP
    for joint, parent in enumerate(skeleton.parents):
        children = [child for child, before in enumerate(skeleton.parents) if before == joint]
        up = [child for child in children if skeleton.joints[child] in ("spine1", "spine2", "spine3", "neck", "head")]
        if not children:
            frames[joint] = frames[parent]
            continue
        along = offsets[(up or children)[0]]
        along = along / np.linalg.norm(along)
        ahead = np.cross(along, [1.0, 0.0, 0.0] if abs(along[0]) < 0.9 else [0.0, 1.0, 0.0])
        ahead /= np.linalg.norm(ahead)
        frames[joint] = np.stack([along, ahead, np.cross(along, ahead)], axis=-1)
    return frames


def test_lafan1_with_limbs_along_x_in_its_zero_pose(tmp_path):
    motion = dancing(SMPL22, frames=200, turns=0.3)
    path = write_bvh(tmp_path / "a.bvh", "LAFAN", motion, "ZYX", frames=lafan_frames(SMPL22))
    with pytest.warns(MotionFileWarning, match="no T pose"):
        back = read_bvh(path, unit="cm")
    np.testing.assert_allclose(back.positions, motion.positions, atol=1e-8)
    off = np.swapaxes(motion.rotations, -1, -2) @ back.rotations
    degrees = np.rad2deg(Rotation.from_matrix(off.reshape(-1, 3, 3)).magnitude()).reshape(200, -1).max(axis=0)
    exact = [SMPL22.index(joint) for joint in ("pelvis", "spine1", "spine2", "spine3", "neck", "head")]
    np.testing.assert_allclose(degrees[exact], 0, atol=1e-4)  # what carries the camera
    turned = [place for place, joint in enumerate(SMPL22.joints) if "foot" not in joint and "toe" not in joint]
    assert degrees[turned].max() < 10  # the dance is still on the average, but for its phase
    assert degrees.max() < 30  # a toe's bone does not point straight ahead
    bones = [(parent, joint) for joint, parent in enumerate(SMPL22.parents) if "lower" in SMPL22.joints[joint]]
    for parent, joint in bones:  # legs point where they point
        step = back.positions[:, joint] - back.positions[:, parent]
        np.testing.assert_allclose(back.rotations[:, parent, :, 2], -step / 0.41, atol=1e-8)


def test_a_zero_pose_without_a_plane_is_refused(tmp_path):
    path = write_bvh(tmp_path / "a.bvh", "Mixamo")
    text = path.read_text()
    for sign in ("", "-"):
        text = text.replace(f"OFFSET {sign}9.000000000 -5.000000000", "OFFSET 0.0 -5.0")
    path.write_text(text)
    assert refusal(read_bvh, path, unit="cm") == "bvh-rest"


@pytest.mark.parametrize("scheme", list(SCHEME))
@pytest.mark.parametrize("order", ["ZXY", "YZX"])
def test_joints_lie_where_another_reader_puts_them(tmp_path, scheme, order):
    pybvh = pytest.importorskip("pybvh")
    path = write_bvh(tmp_path / "a.bvh", scheme, dancing(SCHEME[scheme][0], frames=7), order)
    path.write_text(path.read_text().replace("OFFSET 0.000000000 0.000000000", "OFFSET 3.0 -2.0", 1))  # of the root
    theirs = pybvh.read_bvh_file(path, world_up="+y")
    joints = [node for node, column in enumerate(theirs.fk_topology.joint_idx) if column >= 0]
    file = read_text(path)
    np.testing.assert_allclose(file.positions, theirs.node_positions()[:, joints], atol=1e-10)
    assert (file.names, file.fps) == ([theirs.nodes[node].name for node in joints], 1 / theirs.frame_time)


@pytest.mark.filterwarnings("error")
def test_six_channels_on_every_joint_are_the_same_motion(tmp_path):
    motion = dancing(SMPL22, frames=9)
    plain = read_bvh(write_bvh(tmp_path / "a.bvh", "Mixamo", motion), unit="cm")
    six = read_bvh(write_bvh(tmp_path / "b.bvh", "Mixamo", motion, places="offsets"), unit="cm")
    np.testing.assert_allclose(six.positions, plain.positions, atol=1e-12)
    np.testing.assert_allclose(six.rotations, plain.rotations, atol=1e-12)


def test_positions_that_are_not_the_offsets_are_taken_and_told(tmp_path):
    places = np.tile(rest_offsets(SMPL22) @ Y_UP * 100, (5, 1, 1))
    knee = SMPL22.index("left_lower_leg")
    places[3, knee] *= 1.5
    path = write_bvh(tmp_path / "a.bvh", "Mixamo", places=places)
    with pytest.warns(MotionFileWarning, match=r"1 of 21 joints are not their OFFSETs, by up to 20.5 .* at LeftLeg"):
        motion = read_bvh(path, unit="cm")
    thigh = np.linalg.norm(motion.positions[:, knee] - motion.positions[:, SMPL22.index("left_upper_leg")], axis=-1)
    np.testing.assert_allclose(thigh, [0.41, 0.41, 0.41, 0.615, 0.41], atol=1e-9)


def test_positions_of_zero_are_shifts_and_offsets_of_zero_no_bones(tmp_path):
    path = write_bvh(tmp_path / "a.bvh", "Mixamo", places=np.zeros((22, 3)))
    with pytest.warns(MotionFileWarning, match="all zero; they are taken as shifts"):
        np.testing.assert_allclose(read_bvh(path, unit="cm").positions, standing(SMPL22).positions, atol=1e-9)
    path = write_bvh(tmp_path / "b.bvh", "Mixamo", places="offsets")
    head, _, rows = path.read_text().partition("MOTION")
    path.write_text(re.sub(r"OFFSET .*", "OFFSET 0 0 0", head) + "MOTION" + rows)
    with pytest.warns(MotionFileWarning, match="OFFSETs are zero; bones are taken from the position channels"):
        motion = read_bvh(path, unit="cm")
    np.testing.assert_allclose(motion.positions, standing(SMPL22).positions, atol=1e-9)
    np.testing.assert_allclose(motion.rotations, standing(SMPL22).rotations, atol=1e-9)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Frames: 5", "Frames:5"),
        ("Frames: 5", "FRAMES :\t5"),
        ("Frame Time: 0.050000000", "Frame Time:0.05"),
        ("Frames: 5\nFrame Time: 0.050000000", "Frame Time: 0.05\nFrames: 5"),
        ("\n{", " {"),
        ("Xposition", "XPOSITION"),
        ("HIERARCHY\nROOT", "Hierarchy\nRoot"),
        ("\n", "\r\n"),
    ],
)
def test_blanks_and_capitals_do_not_matter(tmp_path, old, new):
    path = write_bvh(tmp_path / "a.bvh")
    whole = read_bvh(path, unit="cm")
    assert old in path.read_text()
    other = tmp_path / "walk.BVH"
    other.write_bytes(path.read_text().replace(old, new).encode())
    motion = read_bvh(other, unit="cm")
    np.testing.assert_array_equal(motion.positions, whole.positions)
    assert motion.fps == whole.fps == 20


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Frames: 5", "Frames: 500000000"),
        ("Frames: 5", "Frames: -1"),
        ("Frames: 5", "Frames: many"),
        ("Frame Time: 0.05", "Frame Time: 0.00"),
        ("MOTION", "NOTION"),
        ("OFFSET 0.0 0.0 1.0", "OFFSET 0.0"),
        ("3 ZXY", "3 ZXY"),
        ("CHANNELS 3 Zrotation Xrotation Yrotation", "CHANNELS 2 Zrotation Xrotation"),
        ("CHANNELS 3 Zrotation", "CHANNELS 3 Wrotation"),
        ("\nFrames", "\n}\n}\nFrames"),
    ],
)
def test_broken_files_are_one_line(tmp_path, old, new):
    path = write_bvh(tmp_path / "a.bvh")
    text = path.read_text()
    if old == "3 ZXY":  # a row of another width
        path.write_text(text.rstrip("\n") + " 1.0\n")
    else:
        assert old in text
        path.write_text(text.replace(old, new, 1))
    assert refusal(read_bvh, path, unit="cm") == "bvh-unreadable"


def test_files_that_are_none_are_refused(tmp_path):
    assert refusal(read_bvh, tmp_path / "none.bvh") == "bvh-missing"
    (tmp_path / "empty.bvh").write_bytes(b"")
    assert refusal(read_bvh, tmp_path / "empty.bvh") == "bvh-empty"
    (tmp_path / "deep.bvh").write_text("HIERARCHY\n" + "JOINT a\n{\n" * 3000 + "MOTION\n")
    assert refusal(read_bvh, tmp_path / "deep.bvh") == "bvh-unreadable"
    (tmp_path / "noise.bvh").write_bytes(np.random.default_rng(0).bytes(5000) + b"MOTION")
    assert refusal(read_bvh, tmp_path / "noise.bvh") == "bvh-unreadable"


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_damage_ends_in_a_crash_or_a_hang(tmp_path, data):
    raw = write_bvh(tmp_path / "a.bvh").read_bytes()
    start = data.draw(st.integers(0, len(raw)))
    end = min(len(raw), start + data.draw(st.integers(0, 200)))
    junk = data.draw(
        st.one_of(st.binary(max_size=20), st.sampled_from([b"}", b"{", b"JOINT x", b"nan", b"1e999", b"End"]))
    )
    cut = data.draw(st.booleans())
    (tmp_path / "b.bvh").write_bytes(raw[:start] + junk + (b"" if cut else raw[end:]))
    with contextlib.suppress(BadInputError):
        read_bvh(tmp_path / "b.bvh", unit="cm")
