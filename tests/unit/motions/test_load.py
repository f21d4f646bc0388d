"""The one door: every kind by its file alone, units and axes caught, options that mean nothing refused, the verb."""

import contextlib
import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from motion_bodies import dancing, standing
from scipy.spatial.transform import Rotation
from smpl_bodies import body_arrays, poses
from test_bvh import write_bvh
from test_xsens import recording

from egobench.cli.main import dispatch
from egobench.cli.quiet import take_quiet
from egobench.errors import BadInputError
from egobench.files.motion import read_motion, write_motion
from egobench.geometry.body import stature
from egobench.geometry.skeleton import HUMANML3D22, SMPL22, XSENS23, get_skeleton
from egobench.motions.axes import Y_UP, find_up
from egobench.motions.humanml3d import encode
from egobench.motions.load import find_kind, load_motion
from egobench.types import Motion


@pytest.fixture
def files(tmp_path):
    """One file of each kind, and what load_motion needs besides."""
    motion = dancing(XSENS23, frames=48, turns=0.2)
    write_motion(tmp_path / "own.npz", motion)
    np.savez(tmp_path / "xdata.npz", **recording(dancing(XSENS23, frames=480, fps=240)))
    np.save(tmp_path / "vectors.npy", encode(dancing(HUMANML3D22)).astype(np.float32))
    write_bvh(tmp_path / "take.bvh", motion=motion)
    np.savez(tmp_path / "body.npz", **body_arrays())
    np.savez(tmp_path / "amass.npz", poses=poses(frames=30), trans=np.zeros((30, 3)), mocap_framerate=60.0)
    return {
        "egobench": (tmp_path / "own.npz", {"fps": 20}),
        "xsens": (tmp_path / "xdata.npz", {}),
        "humanml3d": (tmp_path / "vectors.npy", {}),
        "bvh": (tmp_path / "take.bvh", {"unit": "cm"}),
        "smpl": (tmp_path / "amass.npz", {"body_model": tmp_path / "body.npz"}),
    }


def refusal(call, *args, **options):
    with pytest.raises(BadInputError) as caught:
        call(*args, **options)
    assert "\n" not in str(caught.value)
    return caught.value.code, str(caught.value)


@pytest.mark.parametrize("kind", ["egobench", "xsens", "humanml3d", "bvh", "smpl"])
def test_every_kind_is_known_by_its_file_and_comes_at_the_rate_asked_for(files, kind):
    path, options = files[kind]
    assert find_kind(path) == kind
    motion = load_motion(path, to_fps=16, **options)
    assert motion.fps == 16
    assert motion.positions.dtype == motion.rotations.dtype == np.float64
    assert 1.5 < stature(get_skeleton(motion.skeleton), motion.positions) < 1.9
    native = load_motion(path, kind=kind, **options)
    assert len(motion.positions) == int((len(native.positions) - 1) / native.fps * 16 + 1e-5) + 1


@pytest.mark.parametrize(("unit", "scale"), [("cm", 100.0), ("mm", 1000.0), ("in", 1 / 0.0254)])
def test_units_are_caught_or_converted(tmp_path, unit, scale):
    motion = standing(XSENS23)
    write_motion(tmp_path / "a.npz", Motion(motion.positions * scale, motion.rotations, 20.0))
    code, message = refusal(load_motion, tmp_path / "a.npz", fps=20)
    assert (code, "looks like" in message) == ("motion-units", True)
    back = load_motion(tmp_path / "a.npz", fps=20, unit=unit)
    np.testing.assert_allclose(back.positions, motion.positions, atol=1e-12)


def test_y_up_is_caught_or_turned(tmp_path):
    motion = dancing(XSENS23)
    write_motion(tmp_path / "a.npz", Motion(motion.positions @ Y_UP, Y_UP.T @ motion.rotations, 20.0))
    code, message = refusal(load_motion, tmp_path / "a.npz", fps=20)
    assert (code, message.endswith("up='y' would be right")) == ("motion-up", True)
    back = load_motion(tmp_path / "a.npz", fps=20, up="y")
    np.testing.assert_allclose(back.positions, motion.positions, atol=1e-12)
    np.testing.assert_allclose(back.rotations, motion.rotations, atol=1e-12)


def test_the_axis_that_is_up_is_seen_or_asked_for():
    positions = dancing(SMPL22).positions
    assert find_up(SMPL22, positions, "auto") == find_up(SMPL22, positions, "z") == "z"
    assert find_up(SMPL22, positions @ Y_UP, "auto") == "y"
    camera = positions @ np.array([[0.0, 0.0, 1.0], [-1.0, 0.0, 0.0], [0.0, -1.0, 0.0]])  # x right, y down, z ahead
    with pytest.raises(BadInputError, match="-y in 100% of the frames; turn it so that y or z is up"):
        find_up(SMPL22, camera, "auto")
    with pytest.raises(BadInputError, match="turn it, since -y is up in it"):
        find_up(SMPL22, camera, "z")
    tilted = positions @ np.array([[1.0, 0.0, 0.0], [0.0, 0.5**0.5, -(0.5**0.5)], [0.0, 0.5**0.5, 0.5**0.5]])
    with pytest.raises(BadInputError, match="say up='y' or up='z'"):
        find_up(SMPL22, tilted, "auto")
    assert find_up(SMPL22, tilted, "z") == "z"


def test_normalised_vectors_are_refused_with_a_hint(tmp_path):
    vectors = encode(dancing(HUMANML3D22))
    np.save(tmp_path / "a.npy", (vectors - vectors.mean(axis=0)) / 0.02)
    code, message = refusal(load_motion, tmp_path / "a.npy")
    assert (code, "× Std + Mean" in message) == ("motion-units", True)


@pytest.mark.parametrize(
    ("kind", "options", "code"),
    [
        ("xsens", {"fps": 240}, "motion-option"),
        ("xsens", {"unit": "cm"}, "motion-option"),
        ("xsens", {"up": "y"}, "motion-up"),
        ("humanml3d", {"up": "z"}, "motion-option"),
        ("bvh", {"body_model": "x.npz"}, "motion-option"),
        ("bvh", {"skeleton": "xsens23"}, "motion-option"),
        ("bvh", {"unit": "m"}, "motion-units"),
        ("smpl", {"body_model": None}, "body-model-missing"),
        ("smpl", {"kind": "smplx"}, "body-model-joints"),
        ("egobench", {"fps": None}, "motion-rate"),
        ("egobench", {"fps": 0}, "motion-rate"),
        ("egobench", {"skeleton": "smpl22"}, "motion-skeleton"),
        ("egobench", {"to_fps": -1}, "motion-rate"),
        ("egobench", {"kind": "xsens", "fps": None}, "xsens-keys"),
    ],
)
def test_what_does_not_fit_is_refused(files, kind, options, code):
    path, needed = files[kind]
    assert refusal(load_motion, path, **{**needed, **options})[0] == code


def test_suffixes_in_capitals_are_suffixes(files, tmp_path):
    for kind, capitals in (("xsens", "XDATA.NPZ"), ("humanml3d", "VECTORS.NPY"), ("smpl", "AMASS.NPZ")):
        path, options = files[kind]
        other = path.rename(tmp_path / f"as-{capitals}")
        assert find_kind(other) == kind
        assert len(load_motion(other, **options).positions) > 1


def test_joints_of_humanml3d_are_known_by_their_shape(tmp_path):
    motion = dancing(HUMANML3D22)
    np.save(tmp_path / "012345.npy", (motion.positions @ Y_UP).astype(np.float32))
    np.testing.assert_allclose(load_motion(tmp_path / "012345.npy").positions, motion.positions, atol=1e-6)


def test_the_verb_says_what_is_odd(files, tmp_path, capsys):
    np.savez(tmp_path / "no-shift.npz", poses=poses(frames=30), mocap_framerate=60.0)
    command = ["convert", str(tmp_path / "no-shift.npz"), str(tmp_path / "out.npz")]
    command += ["--body-model", str(files["smpl"][1]["body_model"]), "--json"]
    assert dispatch("data", command) == 0
    said = capsys.readouterr()
    assert "no 'trans' and no 'transl'" in said.err
    assert "no 'trans'" in json.loads(said.out)["warnings"][0]


def test_files_of_no_kind_are_refused(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.zeros(3))
    (tmp_path / "a.fbx").write_bytes(b"Kaydara")
    assert refusal(load_motion, tmp_path / "a.npz")[0] == "motion-kind"
    assert refusal(load_motion, tmp_path / "a.fbx")[0] == "motion-kind"
    assert refusal(load_motion, tmp_path / "none.npz")[0] == "npz-missing"
    assert refusal(load_motion, tmp_path / "none.npy")[0] == "npy-missing"


ARRAYS = {
    "egobench": ("positions", "rotations"),
    "xsens": ("timestamps_us", "segment_tXYZ", "segment_qWXYZ"),
    "smpl": ("poses", "trans", "betas", "mocap_framerate"),
}
ANY_ARRAY = hnp.arrays(
    st.one_of(hnp.floating_dtypes(), hnp.integer_dtypes(), hnp.boolean_dtypes(), hnp.unicode_string_dtypes(max_len=3)),
    st.one_of(
        hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4),
        st.sampled_from([(3,), (3, 66), (3, 72), (3, 3), (3, 69), (3, 92), (3, 23, 3), (3, 23, 3, 3), (3, 23, 4)]),
    ),
)


@pytest.mark.parametrize("kind", list(ARRAYS))
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_arrays_of_any_shape_and_content_end_in_a_motion_or_a_refusal(files, kind, data):
    path, options = files[kind]
    with np.load(path) as archive:
        arrays = {name: archive[name] for name in archive.files}
    spoilt = data.draw(st.sets(st.sampled_from(ARRAYS[kind]), min_size=1))
    arrays.update({name: data.draw(ANY_ARRAY) for name in spoilt})
    np.savez(path.with_name("spoilt.npz"), **arrays)
    with contextlib.suppress(BadInputError):
        load_motion(path.with_name("spoilt.npz"), kind=kind, **options)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(vectors=hnp.arrays(hnp.floating_dtypes(), st.tuples(st.integers(0, 4), st.sampled_from([251, 262, 263]))))
def test_vectors_of_any_numbers_end_in_a_motion_or_a_refusal(tmp_path, vectors):
    np.save(tmp_path / "a.npy", vectors)
    with contextlib.suppress(BadInputError):
        load_motion(tmp_path / "a.npy")


@pytest.mark.parametrize("kind", ["egobench", "xsens", "humanml3d", "smpl"])
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_damaged_bytes_end_in_a_refusal_or_do_not_matter(files, kind, data):
    path, options = files[kind]
    raw = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    damaged = path.with_name(f"damaged{path.suffix}")
    damaged.write_bytes(bytes(raw[: data.draw(st.integers(0, len(raw)))] if data.draw(st.booleans()) else raw))
    with contextlib.suppress(BadInputError):
        load_motion(damaged, **options)


def test_the_verb_writes_a_motion_and_says_stature_rate_and_frames(files, tmp_path, capsys):
    path, _ = files["xsens"]
    assert dispatch("data", ["convert", str(path), str(tmp_path / "out.npz"), "--to-fps", "16"]) == 0
    said = capsys.readouterr().out
    assert "xsens23, 32 frames at 16 per second, a body of 1.87 m" in said
    back = read_motion(tmp_path / "out.npz", fps=16, skeleton="xsens23")
    np.testing.assert_array_equal(back.positions, load_motion(path, to_fps=16).positions)
    assert dispatch("data", ["convert", str(path), str(tmp_path / "out.npz"), "--to-fps", "16", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["frames"], facts["fps"], facts["skeleton"]) == (32, 16.0, "xsens23")


def spoilt(motion, way):
    """A file's arrays with a mistake of convention."""
    p, r = motion.positions, motion.rotations
    jump = np.where(np.arange(len(p)) > 20, 30.0, 0.0)[:, None, None]
    xyzw = Rotation.from_matrix(r.reshape(-1, 3, 3)).as_quat().reshape(*r.shape[:2], 4)
    ways = {
        "motion-quaternion-order": (p, xyzw),
        "motion-rotation-inverse": (p, r.swapaxes(-1, -2)),
        "motion-handedness": (p * [1, -1, 1], r),
        "motion-axes": (p[..., [1, 0, 2]], r),
        "motion-yaw": (p * [-1, -1, 1], r),
        "motion-teleport": (p + jump, r),
        "motion-up": (p[..., [0, 2, 1]], r),
    }
    return dict(zip(("positions", "rotations"), ways[way], strict=True))


@pytest.mark.parametrize(
    "code",
    [
        *("motion-quaternion-order", "motion-rotation-inverse", "motion-handedness", "motion-axes", "motion-yaw"),
        *("motion-teleport", "motion-up"),
    ],
)
def test_what_check_refuses_is_not_converted(tmp_path, code):
    np.savez(tmp_path / "a.npz", **spoilt(dancing(XSENS23, turns=0.2), code))
    for more in ([], ["--to-fps", "16"]):
        words = ["convert", str(tmp_path / "a.npz"), str(tmp_path / "out.npz"), "--fps", "20", *more]
        assert refusal(dispatch, "data", words)[0] == code
    assert not (tmp_path / "out.npz").exists()


def test_xsens_with_y_up_is_refused_and_turned_where_that_is_said(tmp_path):
    motion = dancing(XSENS23, frames=480, fps=240)
    turned = Motion(motion.positions @ Y_UP, Y_UP.T @ motion.rotations, 240.0)
    np.savez(tmp_path / "y.npz", **recording(turned))
    np.savez(tmp_path / "z.npz", **recording(motion))
    code, message = refusal(load_motion, tmp_path / "y.npz", to_fps=16)
    assert (code, message.endswith("up='y' would be right")) == ("motion-up", True)
    back, right = load_motion(tmp_path / "y.npz", to_fps=16, up="y"), load_motion(tmp_path / "z.npz", to_fps=16)
    np.testing.assert_allclose(back.positions, right.positions, atol=1e-5)
    np.testing.assert_allclose(back.rotations, right.rotations, atol=1e-5)


def test_positions_in_half_precision_are_converted_with_a_warning(tmp_path, capsys):
    take_quiet([])  # an earlier test may have said --quiet
    motion = dancing(XSENS23)
    np.savez(tmp_path / "a.npz", positions=motion.positions.astype(np.float16), rotations=motion.rotations)
    words = ["convert", str(tmp_path / "a.npz"), str(tmp_path / "out.npz"), "--fps", "20"]
    for more in ([], ["--to-fps", "16"]):  # resampling hides the steps and does not undo them
        assert dispatch("data", [*words, *more]) == 0
        assert "motion-precision: positions are float16 in steps of " in capsys.readouterr().err
    assert dispatch("data", [*words, "--json"]) == 0
    (warning,) = json.loads(capsys.readouterr().out)["warnings"]
    assert "motion-precision: positions are float16 in steps of " in warning


def test_the_verb_writes_nothing_where_it_refuses(files, tmp_path):
    with pytest.raises(BadInputError, match="looks like centimetres"):
        dispatch("data", ["convert", str(files["bvh"][0]), str(tmp_path / "out.npz")])
    with pytest.raises(BadInputError, match=r"\.npz is needed"):
        dispatch("data", ["convert", str(files["bvh"][0]), str(tmp_path / "out.bvh")])
    assert not list(tmp_path.glob("out*"))
