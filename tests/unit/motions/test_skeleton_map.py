"""Maps of joint names: BVH files and arrays by names of one's own, skeletons declared in full, and what is refused."""

import json

import numpy as np
import pytest
from motion_bodies import dancing, standing
from test_bvh import SCHEME, write_bvh

from egobench.cli.main import dispatch
from egobench.errors import BadInputError
from egobench.files.motion import read_motion, write_motion
from egobench.geometry.skeleton import SKELETONS, SMPL22, XSENS23, get_skeleton
from egobench.motions.load import load_motion
from egobench.motions.skeleton_map import read_skeleton_map
from egobench.types import Motion

BIPED = {theirs: f"Bip01 {theirs}" for theirs in SCHEME["Mixamo"][1].values()}
"""3ds Max's way to name joints, with blanks."""


def onto_smpl22(path, names=None, **changes):
    lines = [f"{key} = {json.dumps(value)}" for key, value in {"skeleton": "smpl22", **changes}.items()]
    lines += [] if names is None else [f"names = {json.dumps(names)}"]
    pairs = [f'"{BIPED[theirs]}" = "{ours}"' for ours, theirs in SCHEME["Mixamo"][1].items()]
    path.write_text("\n".join([*lines, "[joints]", *pairs]), encoding="utf-8")
    return path


@pytest.fixture
def forget():
    """Skeletons of one test are none of the next."""
    before = dict(SKELETONS)
    yield
    SKELETONS.clear()
    SKELETONS.update(before)


OWN = """
skeleton = "studio8"
names = ["Root", "Chest", "Skull", "Visor", "LHeel", "RHeel", "LWrist", "RWrist"]
parents = [-1, 0, 1, 2, 0, 0, 1, 1]
[joints]
"Skull" = "head"
"LHeel" = "left_foot"
"RHeel" = "right_foot"
"LWrist" = "left_hand"
"RWrist" = "right_hand"
"""


def test_a_bvh_file_with_other_names_is_read_by_a_map(tmp_path):
    motion = dancing(SMPL22, frames=9)
    path = write_bvh(tmp_path / "a.bvh", "Mixamo", motion, rename=BIPED)
    with pytest.raises(BadInputError, match="say which is which") as caught:
        load_motion(path, unit="cm")
    assert caught.value.code == "bvh-joints"
    back = load_motion(path, unit="cm", up="y", skeleton_map=onto_smpl22(tmp_path / "map.toml"))
    np.testing.assert_allclose(back.positions, motion.positions, atol=1e-8)
    np.testing.assert_allclose(back.rotations, motion.rotations, atol=1e-8)
    assert back.skeleton == "smpl22"


def test_arrays_come_into_our_order_and_further_joints_are_left_out(tmp_path):
    motion = dancing(SMPL22, frames=9)
    order = np.random.default_rng(0).permutation(22)
    names = [BIPED[SCHEME["Mixamo"][1][SMPL22.joints[place]]] for place in order]
    finger = np.zeros((9, 1, 3))
    positions = np.concatenate([finger, motion.positions[:, order]], axis=1)
    rotations = np.concatenate([np.tile(np.eye(3), (9, 1, 1, 1)), motion.rotations[:, order]], axis=1)
    write_motion(tmp_path / "a.npz", Motion(positions, rotations, 20.0))
    themap = onto_smpl22(tmp_path / "map.toml", ["Bip01 Finger0", *names])
    back = load_motion(tmp_path / "a.npz", fps=20, skeleton_map=themap)
    np.testing.assert_array_equal(back.positions, motion.positions)
    np.testing.assert_array_equal(back.rotations, motion.rotations)
    with pytest.raises(BadInputError, match="the skeleton map names 22 joints"):
        load_motion(tmp_path / "a.npz", fps=20, skeleton_map=onto_smpl22(tmp_path / "b.toml", names))
    with pytest.raises(BadInputError, match="needs them in order"):
        load_motion(tmp_path / "a.npz", fps=20, skeleton_map=onto_smpl22(tmp_path / "c.toml"))


@pytest.mark.usefixtures("forget")
def test_a_skeleton_of_ones_own_keeps_its_joints_and_gets_our_names(tmp_path):
    (tmp_path / "map.toml").write_text(OWN)
    found = read_skeleton_map(tmp_path / "map.toml")
    expected = ("Root", "Chest", "head", "Visor", "left_foot", "right_foot", "left_hand", "right_hand")
    assert get_skeleton("studio8").joints == found.skeleton.joints == expected
    assert found.skeleton.parents == (-1, 0, 1, 2, 0, 0, 1, 1)


@pytest.mark.usefixtures("forget")
def test_the_camera_sits_where_the_map_says(tmp_path):
    (tmp_path / "map.toml").write_text('camera = "Visor"\n' + OWN)
    joints = read_skeleton_map(tmp_path / "map.toml").skeleton.joints
    assert (joints.index("head"), joints[2]) == (3, "Skull")


@pytest.mark.usefixtures("forget")
@pytest.mark.parametrize("z_up", [False, True])
def test_a_bvh_file_of_a_skeleton_of_ones_own(tmp_path, z_up):
    """Mixamo's joints declared anew: the zero pose is the identity pose, so the motion is the same."""
    motion = dancing(SMPL22, frames=9)
    axes = {"axes": np.eye(3)} if z_up else {}
    path = write_bvh(tmp_path / "a.bvh", "Mixamo", motion, rename=BIPED, **axes)
    names = [BIPED[SCHEME["Mixamo"][1][joint]] for joint in SMPL22.joints]
    changes = {"skeleton": "studio22", "parents": list(SMPL22.parents)}
    back = load_motion(path, unit="cm", skeleton_map=onto_smpl22(tmp_path / "map.toml", names, **changes))
    assert back.skeleton == "studio22"
    np.testing.assert_allclose(back.positions, motion.positions, atol=1e-8)
    np.testing.assert_allclose(back.rotations, motion.rotations, atol=1e-8)


@pytest.mark.usefixtures("forget")
@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("studio8", "xsens23", "needs a name of its own"),
        ('"Skull" = "head"\n', "", "no joint 'head'"),
        ('"LHeel" =', '"LHel" =', "LHeel"),
        ('= "left_hand"', '= "left_hnad"', "left_hand"),
        ('= "left_hand"', '= "right_hand"', "two joints of theirs are 'right_hand'"),
        ("parents = [-1, 0, 1, 2, 0, 0, 1, 1]", "parents = [-1, 0]", "8 names and 2 parents"),
        ("parents = [-1, 0, 1, 2, 0, 0, 1, 1]", "parents = [-1, 0, 3, 2, 0, 0, 1, 1]", "parents before children"),
        ("parents = [-1, 0, 1, 2, 0, 0, 1, 1]", "parents = [-1, 0, 1, 2, 0, 0, 1, 1.5]", "parents is"),
        ("parents = [-1, 0, 1, 2, 0, 0, 1, 1]\n", "", "studio8"),
        ('"Chest"', '"Root"', "two joints are called 'Root'"),
        ("[joints]", "[joint]", "did you mean 'joints'"),
        ('skeleton = "studio8"', "", "no skeleton"),
        ('skeleton = "studio8"', 'skeleton = "studio8', "not TOML"),
        ('skeleton = "studio8"', 'skeleton = "studio8"\ncamera = "Glasses"', "Glasses"),
    ],
)
def test_maps_that_are_wrong_are_named(tmp_path, old, new, said):
    assert old in OWN
    (tmp_path / "map.toml").write_text(OWN.replace(old, new, 1))
    with pytest.raises(BadInputError, match=said) as caught:
        read_skeleton_map(tmp_path / "map.toml")
    assert caught.value.code in ("skeleton-map", "skeleton-name", "skeleton-tree")
    assert "\n" not in str(caught.value)


def test_maps_that_lack_a_joint_or_a_file_are_named(tmp_path):
    text = onto_smpl22(tmp_path / "map.toml").read_text()
    (tmp_path / "map.toml").write_text(text.replace('"Bip01 LeftFoot" = "left_foot"\n', ""))
    with pytest.raises(BadInputError, match="no joint of theirs is left_foot"):
        read_skeleton_map(tmp_path / "map.toml")
    with pytest.raises(BadInputError, match="no such skeleton map"):
        read_skeleton_map(tmp_path / "none.toml")
    (tmp_path / "large.toml").write_text("#" * 2**19)
    with pytest.raises(BadInputError, match="at most"):
        read_skeleton_map(tmp_path / "large.toml")
    path = write_bvh(tmp_path / "a.bvh", "Mixamo")
    with pytest.raises(BadInputError, match="the skeleton map needs Bip01 Hips"):
        load_motion(path, unit="cm", skeleton_map=onto_smpl22(tmp_path / "map.toml"))
    with pytest.raises(BadInputError, match="skeleton_map has no meaning for kind humanml3d"):
        load_motion(tmp_path / "a.npy", skeleton_map=tmp_path / "map.toml")


def test_the_verb_takes_a_map(tmp_path, capsys):
    path = write_bvh(tmp_path / "a.bvh", "Mixamo", rename=BIPED)
    words = ["convert", str(path), str(tmp_path / "out.npz"), "--unit", "cm"]
    assert dispatch("data", [*words, "--skeleton-map", str(onto_smpl22(tmp_path / "map.toml"))]) == 0
    assert "smpl22, 5 frames" in capsys.readouterr().out
    back = read_motion(tmp_path / "out.npz", fps=20, skeleton="smpl22")
    np.testing.assert_allclose(back.positions, standing(SMPL22).positions, atol=1e-9)
    assert len(XSENS23) != back.positions.shape[1]
