"""SMPL parameters on a tiny body model of the real layout, made here: by hand, own kinematics, smplx's classes."""

import pickle
import sys

import numpy as np
import pytest
from motion_bodies import rest_offsets, standing
from scipy.spatial.transform import Rotation
from smpl_bodies import SHAPES, body_arrays, poses

from egobench.errors import BadInputError
from egobench.geometry.skeleton import SMPL22, SMPL24, SMPLX22, forward_kinematics
from egobench.motions.axes import Y_UP, MotionFileWarning
from egobench.motions.load import find_kind
from egobench.motions.smpl import pose, pose_with_numpy, read_body_model, read_smpl
from egobench.motions.smpl_parameters import read_parameters


@pytest.fixture
def model(tmp_path):
    def make(joints=24, **changes):
        path = tmp_path / f"model{joints}.npz"
        np.savez(path, **{**body_arrays(joints), **changes})
        return path

    return make


@pytest.fixture
def parameters(tmp_path):
    def make(**arrays):
        path = tmp_path / "parameters.npz"
        np.savez(path, **arrays)
        return path

    return make


def refusal(call, *args, **options):
    with pytest.raises(BadInputError) as caught:
        call(*args, **options)
    assert "\n" not in str(caught.value)
    return caught.value.code


@pytest.mark.parametrize("up", ["y", "auto"])
def test_the_zero_pose_is_our_identity_pose(model, parameters, up):
    path = parameters(poses=poses(), trans=np.zeros((3, 3)), betas=np.zeros(10), mocap_framerate=120.0)
    motion = read_smpl(path, body_model=model(), up=up)
    assert (motion.skeleton, motion.fps) == ("smpl24", 120.0)
    np.testing.assert_allclose(motion.rotations, np.tile(np.eye(3), (3, 24, 1, 1)), atol=1e-12)
    np.testing.assert_allclose(motion.positions, standing(SMPL24, 3).positions - [0, 0, 0.95], atol=1e-12)


def test_a_left_elbow_bent_by_90_degrees_moves_the_wrist_by_hand(model, parameters):
    # About the file's y (up) by -90°: the forearm, along x (left), turns to +z (ahead).
    turned = poses(left_forearm=[0, -np.pi / 2, 0])
    motion = read_smpl(parameters(poses=turned, mocap_framerate=30.0), body_model=model())
    at = {joint: motion.positions[0, SMPL24.index(joint)] for joint in ("left_forearm", "left_hand", "right_hand")}
    np.testing.assert_allclose(at["left_hand"] - at["left_forearm"], [0.25, 0, 0], atol=1e-12)
    np.testing.assert_allclose(at["right_hand"][1], -(0.06 + 0.13 + 0.28 + 0.25), atol=1e-12)
    forward, left, _ = motion.rotations[0, SMPL24.index("left_hand")].T
    np.testing.assert_allclose([forward, left], [[0, -1, 0], [1, 0, 0]], atol=1e-12)


def test_a_world_with_z_up_keeps_its_axes(model, parameters):
    """AMASS: the body, y up by itself, is stood up by the first turn: +90° about x, so it faces -y."""
    path = parameters(poses=poses(pelvis=[np.pi / 2, 0, 0]), trans=np.tile([1.0, 2.0, 0.9], (3, 1)), mocap_framerate=60)
    motion = read_smpl(path, body_model=model())
    head, pelvis = (motion.positions[0, SMPL24.index(joint)] for joint in ("head", "pelvis"))
    np.testing.assert_allclose(pelvis, [1.0, 2.0, 0.9], atol=1e-12)
    np.testing.assert_allclose(head - pelvis, [0, 0, 5 * 0.13], atol=1e-12)
    np.testing.assert_allclose(motion.rotations[0, 0].T, [[0, -1, 0], [1, 0, 0], [0, 0, 1]], atol=1e-12)


def test_betas_make_the_body_larger(model, parameters):
    grown = parameters(poses=poses(), betas=[1.0, *np.zeros(9)], mocap_framerate=60)
    motion = read_smpl(grown, body_model=model())
    np.testing.assert_allclose(motion.positions, 1.1 * (standing(SMPL24, 3).positions - [0, 0, 0.95]), atol=1e-12)


@pytest.mark.parametrize(("joints", "skeleton"), [(24, SMPL24), (52, SMPL22), (55, SMPLX22)])
def test_joints_agree_with_our_own_kinematics(model, parameters, joints, skeleton):
    rng = np.random.default_rng(joints)
    turns, shift = rng.normal(0, 0.3, (7, joints, 3)), rng.normal(0, 1, (7, 3))
    path = parameters(poses=turns.reshape(7, -1), trans=shift, mocap_framerate=30.0)
    motion = read_smpl(path, body_model=model(joints), up="y")
    local = Rotation.from_rotvec(turns.reshape(-1, 3)).as_matrix().reshape(7, joints, 3, 3)
    world = [local[:, 0]]
    for joint, parent in enumerate(skeleton.parents[1:], start=1):
        world.append(world[parent] @ local[:, joint])
    rotations = Y_UP @ np.stack(world, axis=1) @ Y_UP.T
    positions = forward_kinematics(skeleton, rest_offsets(skeleton), shift @ Y_UP.T, rotations)
    assert motion.skeleton == skeleton.name
    np.testing.assert_allclose(motion.rotations, rotations, atol=1e-12)
    np.testing.assert_allclose(motion.positions, positions, atol=1e-12)


def test_against_the_class_of_smplx(model, parameters):
    """The whole of `smplx.SMPL` on the same arrays, betas and all; it works in float64 here, too."""
    torch = pytest.importorskip("torch")
    smplx = pytest.importorskip("smplx")
    rng = np.random.default_rng(1)
    turns, betas, shift = rng.normal(0, 0.4, (5, 24, 3)), rng.normal(0, 1, SHAPES), rng.normal(0, 1, (5, 3))
    struct = smplx.utils.Struct(**body_arrays())
    names = [*smplx.vertex_ids.vertex_ids["smplh"]]
    body = smplx.SMPL("", data_struct=struct, dtype=torch.float64, vertex_ids=dict.fromkeys(names, 0), num_betas=SHAPES)
    expected = (
        body(
            betas=torch.from_numpy(np.tile(betas, (5, 1))),
            global_orient=torch.from_numpy(turns[:, 0]),
            body_pose=torch.from_numpy(turns[:, 1:].reshape(5, -1)),
            transl=torch.from_numpy(shift),
        )
        .joints.detach()
        .numpy()[:, :24]
    )
    own = {"global_orient": turns[:, 0], "body_pose": turns[:, 1:].reshape(5, -1), "transl": shift, "betas": betas}
    motion = read_smpl(parameters(**own), body_model=model(), fps=30, up="y")
    np.testing.assert_allclose(motion.positions, expected @ Y_UP.T, atol=1e-6)


def test_objects_in_a_body_model_are_never_opened(model, parameters):
    """The published SMPL-X file carries pickled dictionaries; they stay shut."""

    class Bomb:
        def __reduce__(self):
            return (pytest.fail, ("unpickled",))

    path = model(55, joint2num=np.array({"bomb": Bomb()}, dtype=object))
    motion = read_smpl(parameters(poses=poses(55), mocap_framerate=30), body_model=path)
    assert motion.skeleton == "smplx22"


def test_expressions_are_never_used_as_shapes(model, parameters):
    """SMPL-X's small file: 10 shapes and 10 expressions in one array, and AMASS writes 16 betas."""
    shapes = np.concatenate([body_arrays(55)["shapedirs"], np.ones((55, 3, 10))], axis=-1)
    small = model(55, shapedirs=shapes)
    path = parameters(poses=poses(55), trans=np.zeros((3, 3)), betas=np.ones(16), mocap_framerate=30)
    with pytest.raises(BadInputError, match="16 betas, the body model has 10 shapes; what follows them") as caught:
        read_smpl(path, body_model=small)
    assert caught.value.code == "smpl-betas"
    ten = parameters(poses=poses(55), trans=np.zeros((3, 3)), betas=np.ones(10), mocap_framerate=30)
    got = read_smpl(ten, body_model=small).positions
    np.testing.assert_allclose(got, read_smpl(ten, body_model=model(55)).positions, atol=1e-12)


def test_the_whole_file_of_smplx_has_300_shapes(model):
    whole = np.zeros((55, 3, 400))
    assert read_body_model(model(55, shapedirs=whole)).shapes.shape[-1] == 300
    assert read_body_model(model(52, shapedirs=whole[:52, :, :16])).shapes.shape[-1] == 16  # SMPL-H has no expressions


def test_amass_in_parts_is_amass_in_one_piece(model, parameters):
    turns = np.random.default_rng(2).normal(0, 0.3, (4, 55, 3)).reshape(4, -1)
    rest = {"trans": np.ones((4, 3)), "mocap_frame_rate": 60.0}
    whole = read_smpl(parameters(poses=turns, **rest), body_model=model(55), up="y")
    parts = parameters(root_orient=turns[:, :3], pose_body=turns[:, 3:66], pose_hand=turns[:, 75:], **rest)
    assert find_kind(parts) == "smpl"
    motion = read_smpl(parts, body_model=model(55), up="y")
    np.testing.assert_allclose(motion.positions, whole.positions, atol=1e-12)
    np.testing.assert_allclose(motion.rotations, whole.rotations, atol=1e-12)
    both = parameters(poses=turns, root_orient=turns[:, :3], pose_body=turns[:, 3:66] + 0.1, **rest)
    assert refusal(read_parameters, both) == "smpl-keys"
    shifts = parameters(poses=turns, trans=np.zeros((4, 3)), transl=np.ones((4, 3)))
    assert refusal(read_parameters, shifts) == "smpl-keys"


def test_degrees_are_named(parameters):
    turns = np.random.default_rng(3).normal(0, 0.4, (20, 72))
    read_parameters(parameters(poses=turns, trans=np.zeros((20, 3))))
    path = parameters(poses=np.rad2deg(turns), trans=np.zeros((20, 3)))
    with pytest.raises(BadInputError, match="looks like degrees: multiply by π / 180") as caught:
        read_parameters(path)
    assert caught.value.code == "smpl-degrees"
    turns[:, :3] += [0, 2 * np.pi, 0]  # a body that turned about itself, unwrapped: 1 of 24 turns
    read_parameters(parameters(poses=turns, trans=np.zeros((20, 3))))


def test_two_rates_that_differ_are_refused_unless_one_is_given(model, parameters):
    path = parameters(poses=poses(), trans=np.zeros((3, 3)), mocap_framerate=120.0, mocap_frame_rate=60.0)
    with pytest.raises(BadInputError, match="mocap_framerate is 120 and mocap_frame_rate is 60") as caught:
        read_smpl(path, body_model=model())
    assert caught.value.code == "smpl-rate"
    assert read_smpl(path, body_model=model(), fps=60).fps == 60
    alike = parameters(poses=poses(), trans=np.zeros((3, 3)), mocap_framerate=60.0, mocap_frame_rate=60)
    assert read_parameters(alike).fps == 60


def test_a_body_without_shift_is_told(model, parameters):
    path = parameters(poses=poses(), mocap_framerate=60.0)
    with pytest.warns(MotionFileWarning, match="no 'trans' and no 'transl'"):
        read_smpl(path, body_model=model())
    assert [code for code, _ in read_parameters(path).odd] == ["smpl-trans"]


@pytest.mark.parametrize("name", ["SMPL_NEUTRAL.pkl", "basicModel_f.npy"])
def test_a_pickled_body_model_is_refused_unread(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(pickle.dumps({"v_template": 1}))
    assert refusal(read_body_model, path) == "body-model-pickle"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"v_template": np.zeros((5, 3))}, "body-model-shape"),
        ({"shapedirs": np.full((24, 3, 10), np.nan)}, "body-model-shape"),
        ({"kintree_table": np.zeros((2, 24), int)}, "body-model-joints"),
        ({"kintree_table": np.zeros((2, 16), int), "J_regressor": np.zeros((16, 24))}, "body-model-joints"),
        ({"J_regressor": np.array({}, dtype=object)}, "npz-dtype"),
        ({"v_template": np.float64(1)}, "body-model-shape"),
        ({"v_template": np.full((24, 3), "a")}, "body-model-shape"),
        ({"v_template": np.full((24, 3), 1e300)}, "body-model-shape"),
        ({"shapedirs": np.zeros((24, 3))}, "body-model-shape"),
        ({"kintree_table": np.full((2, 24), np.nan)}, "body-model-shape"),
        ({"kintree_table": np.zeros((0, 24))}, "body-model-shape"),
    ],
)
def test_broken_body_models_are_refused(model, changes, code):
    assert refusal(read_body_model, model(**changes)) == code


def test_absent_parts_are_named(model, parameters, tmp_path):
    assert refusal(read_body_model, tmp_path / "none.npz") == "body-model-missing"
    np.savez(tmp_path / "empty.npz", x=np.zeros(1))
    assert refusal(read_body_model, tmp_path / "empty.npz") == "body-model-keys"
    assert refusal(read_parameters, tmp_path / "empty.npz") == "smpl-keys"
    assert refusal(read_smpl, parameters(poses=poses()), body_model=model()) == "motion-rate"


@pytest.mark.parametrize(
    ("arrays", "code"),
    [
        ({"poses": np.zeros((3, 65))}, "smpl-shape"),
        ({"poses": np.zeros((3, 63))}, "smpl-shape"),
        ({"poses": np.float64(1)}, "smpl-shape"),
        ({"poses": np.zeros((0, 72))}, "motion-frames"),
        ({"poses": np.full((3, 72), np.inf)}, "smpl-nonfinite"),
        ({"poses": np.zeros((3, 72)), "trans": np.zeros((2, 3))}, "smpl-shape"),
        ({"poses": np.zeros((3, 72)), "betas": np.arange(30.0).reshape(3, 10)}, "smpl-betas"),
        ({"poses": np.zeros((3, 72)), "betas": np.array(["a"])}, "smpl-nonfinite"),
        ({"global_orient": np.zeros((3, 3)), "body_pose": np.zeros((2, 69))}, "smpl-shape"),
        ({"global_orient": np.zeros((0, 3)), "body_pose": np.zeros((0, 69))}, "smpl-shape"),
    ],
)
def test_broken_parameters_are_refused(parameters, arrays, code):
    assert refusal(read_parameters, parameters(**arrays)) == code


def test_parameters_of_another_model_are_refused(model, parameters):
    path = parameters(poses=poses(52), mocap_framerate=30)
    assert refusal(read_smpl, path, body_model=model(55)) == "smpl-model"
    path = parameters(poses=poses(), betas=np.zeros(11), mocap_framerate=30)
    assert refusal(read_smpl, path, body_model=model()) == "smpl-betas"


def test_an_absent_library_is_named(model, parameters, monkeypatch):
    path = parameters(poses=poses(), mocap_framerate=30)
    monkeypatch.setitem(sys.modules, "smplx", None)
    assert refusal(read_smpl, path, body_model=model()) == "library-missing"


@pytest.mark.parametrize("joints", [24, 52, 55])
def test_posing_without_torch_is_posing_through_smplx(model, parameters, joints):
    rng = np.random.default_rng(joints)
    turns = rng.normal(0, 0.3, (7, 3 * joints))
    turns[:, :3] *= 0.1  # y stays up
    path = parameters(poses=turns, trans=rng.normal(size=(7, 3)), betas=rng.normal(size=6))
    body, given = read_body_model(model(joints)), read_parameters(path)
    through, without = (each(body, given, 20.0, "y") for each in (pose, pose_with_numpy))
    np.testing.assert_allclose(without.positions, through.positions, atol=1e-12)
    np.testing.assert_allclose(without.rotations, through.rotations, atol=1e-12)
    assert without.skeleton == through.skeleton
