"""`trans-err` and `rot-err`: by hand, the lever arm, what failing, freezing and dropping frames cost, bad input."""

from dataclasses import replace

import numpy as np
import pytest
from path_toys import CAMERA, LENS, looking_about, nothing_seen, seen, standing_still, without
from scipy.spatial.transform import Rotation

from egobench.errors import BadInputError, Undefined
from egobench.geometry.skeleton import XSENS23
from egobench.metrics.rot_err import RotErr
from egobench.metrics.trans_err import TransErr

HEAD = XSENS23.index("head")
METRICS = [RotErr(), TransErr()]
both = pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)


def value(metric, path, motion, camera=CAMERA, reference=None):
    return metric(path=path, motion=motion, camera=camera, reference=reference).value


def detail(metric, path, motion, reference=None):
    return metric(path=path, motion=motion, camera=CAMERA, reference=reference).detail


@pytest.fixture(scope="module")
def walker(standing):
    return looking_about(standing)


# by hand


def test_a_camera_that_swings_where_the_head_does_not(standing):
    motion = standing()
    path = standing_still()
    poses = path.T_world_camera.copy()
    sides = Rotation.from_euler("y", (10.0 * (-1.0) ** np.arange(41))[:, None], degrees=True).as_matrix()
    poses[:40, :3, :3] = sides[:40]  # 20 frames to either side, the last straight ahead
    found = RotErr()(path=replace(path, T_world_camera=poses), motion=motion, camera=CAMERA)
    assert found.value == pytest.approx(10 * 40 / 41)
    assert found.detail["radians"] == pytest.approx(np.radians(10 * 40 / 41))
    assert found.detail["frobenius"] == pytest.approx(2 * np.sqrt(2) * np.sin(np.radians(5)) * 40 / 41)
    assert found.detail["relative_1_frame_deg"] == pytest.approx((39 * 20 + 10) / 40)
    assert found.detail["anchored_deg"] == pytest.approx((20 * 20 + 10) / 41)
    assert found.detail["turned_deg"] == 0


def test_a_camera_that_walks_ahead_where_the_head_does_not(standing):
    motion = standing()
    path = standing_still()
    poses = path.T_world_camera.copy()
    poses[:, 2, 3] = 0.1 * np.arange(41)  # 0.8 m/s
    path = replace(path, T_world_camera=poses)
    spread = 0.1 * np.sqrt((41**2 - 1) / 12)
    found = TransErr()(path=path, motion=motion, camera=CAMERA)
    assert found.value == pytest.approx(spread)
    assert found.detail["relative_1_frame_m"] == pytest.approx(0.1)
    assert found.detail["relative_1_s_m"] == pytest.approx(0.8)
    assert found.detail["error_by_frame_m"][0] == pytest.approx(2.0)
    assert found.detail["of_spread"] is None
    # a free scale lets it shrink to where the head is
    assert value(TransErr(), replace(path, is_metric=False), motion) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("scale", [None, 0.2])
@both
def test_the_true_path_in_another_world_costs_nothing(metric, scale, walker):
    found = metric(path=seen(walker, scale=scale), motion=walker, camera=CAMERA, reference=walker)
    assert found.value == pytest.approx(0, abs=1e-9)
    assert found.detail["counted"] == "measured"
    for name in ("sim3_m", "se3_m", "anchored_m", "relative_1_s_m", "anchored_deg", "relative_1_s_deg"):
        if name in found.detail and not (name == "se3_m" and scale):
            assert found.detail[name] == pytest.approx(0, abs=1e-9)


@both
def test_the_lens_is_not_the_head_joint(metric, walker):
    no_arm = replace(CAMERA, T_head_camera=np.eye(4))
    only_rotation = replace(CAMERA, T_head_camera=np.block([[LENS[:3, :3], np.zeros((3, 1))], [np.eye(4)[3:]]]))
    assert value(metric, seen(walker), walker, no_arm) > (10 if metric.unit == "deg" else 0.05)
    if metric.unit == "m":
        assert value(metric, seen(walker), walker, only_rotation) > 0.005


def test_a_scale_is_fitted_only_where_the_estimator_has_none(walker):
    half = seen(walker, scale=0.5)
    free = detail(TransErr(), half, walker)
    assert free["scale"] == pytest.approx(2)
    metric_path = replace(half, is_metric=True)
    assert value(TransErr(), metric_path, walker) == pytest.approx(0.5 * free["spread_m"], rel=0.01)
    assert detail(TransErr(), metric_path, walker)["scale"] is None


# theory


@both
def test_errors_grow_with_noise(metric, walker):
    ladder = [value(metric, seen(walker, degrees=k, metres=0.02 * k), walker) for k in (0.0, 0.5, 1, 2, 4)]
    assert ladder == sorted(ladder)
    assert ladder[-1] > 4 * ladder[1]


@both
def test_where_the_estimator_puts_its_world_does_not_enter(metric, walker):
    path = seen(walker, degrees=1.0, metres=0.03)
    other = np.eye(4)
    other[:3, :3], other[:3, 3] = Rotation.from_euler("xyz", [1, 2, 3]).as_matrix(), [9.0, 8, 7]
    moved = replace(path, T_world_camera=other @ path.T_world_camera)
    assert value(metric, moved, walker) == pytest.approx(value(metric, path, walker), abs=1e-9)


@both
def test_where_the_body_stands_and_faces_does_not_enter(metric, walker, moved):
    path = seen(walker, degrees=1.0, metres=0.03)
    elsewhere = moved(walker, yaw=1.2, shift=(4, -2, 0))
    assert value(metric, path, elsewhere) == pytest.approx(value(metric, path, walker), abs=1e-9)


def test_positions_would_have_given_a_ten_times_worse_rotation_standing(standing):
    """A look-around on the spot: the gauge from positions is free to turn, that from orientations is not."""
    from egobench.geometry.alignment import similarity
    from egobench.geometry.border import motion_arrays
    from egobench.geometry.head_camera import head_camera_path
    from egobench.geometry.path_errors import rotation_errors

    motion = looking_about(standing, walk=0.02)
    path = seen(motion, degrees=0.1, metres=0.03)
    head = head_camera_path(motion_arrays(motion), CAMERA, 41)
    t, R = path.T_world_camera[:, :3, 3], path.T_world_camera[:, :3, :3]
    fit = similarity(head.positions, t, path.registered, with_scale=True)
    by_positions = np.degrees(rotation_errors(fit.R, head.R, R, path.registered)).mean()
    assert by_positions > 10 * value(RotErr(), path, motion)


# failing, freezing, dropping


@pytest.mark.parametrize("status", ["failed", "crashed", "timeout"])
@both
def test_a_lost_clip_costs_its_null_error(metric, status, walker):
    found = metric(path=nothing_seen(status=status), motion=walker, camera=CAMERA)
    assert found.detail["counted"] == "null"
    assert found.detail["coverage"] == 0
    assert found.value == pytest.approx(value(metric, standing_still(), walker), rel=1e-9)
    assert found.value > 0.1


def test_positions_that_mean_nothing_cost_the_null_error_and_rotations_count(walker):
    path = seen(walker, metres=5.0, status="rotation_only")
    assert detail(TransErr(), path, walker)["counted"] == "null"
    assert value(TransErr(), path, walker) == pytest.approx(detail(TransErr(), path, walker)["null_m"])
    assert value(RotErr(), path, walker) == pytest.approx(0, abs=1e-9)


@both
def test_a_still_video_of_a_moving_head_costs_as_much_as_failing(metric, walker):
    assert value(metric, standing_still(), walker, reference=walker) == pytest.approx(
        value(metric, nothing_seen(), walker, reference=walker)
    )


@both
def test_freezing_both_or_freezing_one_and_failing_does_not_pay(metric, walker, standing):
    honest = value(metric, seen(walker, degrees=2.0, metres=0.05), walker, reference=walker)
    null = detail(metric, nothing_seen(), walker, reference=walker)
    for path in (standing_still(), nothing_seen()):
        found = metric(path=path, motion=standing(), camera=CAMERA, reference=walker)
        assert found.value == pytest.approx(null.get("null_deg", null.get("null_m")))
        assert found.value > honest
    assert detail(metric, standing_still(), standing(), reference=walker)["counted"] == "still"


@both
def test_standing_still_where_the_reference_does_is_right(metric, standing):
    found = metric(path=standing_still(), motion=standing(), camera=CAMERA, reference=standing())
    assert found.value == pytest.approx(0, abs=1e-9)
    assert found.detail["counted"] == "measured"


@both
def test_half_of_the_frames_lost_costs_half_of_the_null_error(metric, walker):
    lost = np.arange(41) % 2 == 1
    found = metric(path=without(seen(walker), lost), motion=walker, camera=CAMERA)
    null = found.detail.get("null_deg", found.detail.get("null_m"))
    share = 20 / 41 if metric.unit == "deg" else np.sqrt(20 / 41)
    assert found.value == pytest.approx(share * null)
    assert found.detail["coverage"] == pytest.approx(21 / 41)
    errors = found.detail.get("error_by_frame_deg", found.detail.get("error_by_frame_m"))
    assert [error is None for error in errors] == lost.tolist()


@pytest.mark.parametrize("seed", range(8))
@both
def test_losing_ever_more_frames_never_improves_the_score(metric, seed, walker):
    """Whatever frames go, the worst first included, down to none; of a path that is better than none."""
    rng = np.random.default_rng(seed)
    path = seen(walker, degrees=rng.uniform(0, 2), metres=rng.uniform(0, 0.12), seed=seed)
    full = metric(path=path, motion=walker, camera=CAMERA)
    errors = np.array(full.detail.get("error_by_frame_deg", full.detail.get("error_by_frame_m")))
    assert errors.max() < full.detail.get("null_deg", full.detail.get("null_m"))
    for order in (rng.permutation(41), np.argsort(-errors), np.arange(41)):
        scores = [full.value]
        for number in (1, 2, 4, 8, 16, 32, 38, 39, 40, 41):
            lost = np.isin(np.arange(41), order[:number])
            scores.append(value(metric, without(path, lost), walker))
        assert (np.diff(scores) >= 0).all()
        assert scores[-1] == pytest.approx(value(metric, nothing_seen(), walker))


@both
def test_losing_a_frame_that_is_worse_than_none_gains_its_excess_at_most(metric, walker):
    path = seen(walker)
    poses = path.T_world_camera.copy()
    poses[9, :3, :3] = poses[9, :3, :3] @ Rotation.from_euler("y", 170, degrees=True).as_matrix()
    poses[9, :3, 3] += 50.0
    wild = replace(path, T_world_camera=poses)
    found = metric(path=without(wild, np.arange(41) == 9), motion=walker, camera=CAMERA)
    null = found.detail.get("null_deg", found.detail.get("null_m"))
    assert found.value == pytest.approx(null / 41 if metric.unit == "deg" else null / np.sqrt(41))
    assert found.value < value(metric, wild, walker)


@both
def test_a_few_good_frames_of_a_wild_path_do_not_make_it_better_than_they_are(metric, walker):
    wild = seen(walker, degrees=60.0, metres=2.0)
    for number in (3, 10, 30):
        found = metric(path=without(wild, np.arange(41) >= number), motion=walker, camera=CAMERA)
        measured = found.detail.get("measured_deg", found.detail.get("measured_m"))
        assert found.value >= measured - 1e-9
        assert found.value >= 0.7 * found.detail.get("null_deg", found.detail.get("null_m"))


@both
def test_orientations_that_fit_no_gauge_cost_the_null_error(metric, standing):
    R = np.stack([np.eye(3), np.diag([1.0, -1, -1]), np.diag([-1.0, 1, -1]), np.diag([-1.0, -1, 1])] * 3)
    poses = np.tile(np.eye(4), (12, 1, 1))
    poses[:, :3, :3] = R
    path = replace(nothing_seen(12), T_world_camera=poses, registered=np.ones(12, dtype=bool), status="ok")
    found = metric(path=path, motion=standing(23), camera=CAMERA, reference=looking_about(standing, 23))
    assert found.detail["gauge_margin"] == pytest.approx(0, abs=1e-12)
    assert found.detail["counted"] == "null"
    assert found.value == found.detail.get("null_deg", found.detail.get("null_m")) > 0


# a whole run


@both
def test_the_summary_of_a_run_by_hand(metric, walker, standing):
    still = standing()
    rows = [
        metric(path=seen(walker, degrees=1.0, metres=0.01), motion=walker, camera=CAMERA, reference=walker),
        metric(path=without(seen(walker), np.arange(41) < 20), motion=walker, camera=CAMERA, reference=walker),
        metric(path=nothing_seen(), motion=walker, camera=CAMERA, reference=walker),
        metric(path=standing_still(), motion=still, camera=CAMERA, reference=still),
    ]
    found = metric.summary(rows, floor=0.01)
    assert {name: part["n"] for name, part in found["statuses"].items()} == {"ok": 2, "partial": 1, "failed": 1}
    assert found["counted"] == {"measured": 3, "null": 1}
    assert found["ok"] == {"n": 2, "mean": pytest.approx((rows[0].value + rows[3].value) / 2)}
    assert found["coverage_of_frames"] == pytest.approx((1 + 21 / 41 + 0 + 1) / 4)
    assert found["observable"]["share"] == 0.75
    assert found["observable"]["mean"] == pytest.approx(np.mean([row.value for row in rows[:3]]))
    assert found["over_time"]["n"] == [2] * 20 + [3] * 21
    assert len(found["over_time"]["median"]) == 41
    # only the first and the last were measured whole
    assert found["success"]["20" if metric.unit == "deg" else "0.5"] == 0.5
    name = "null_deg" if metric.unit == "deg" else "null_m"
    assert found["companions"][name]["n"] == 4
    assert found["companions"]["anchored_deg" if metric.unit == "deg" else "sim3_m"]["n"] == 3


def test_without_a_floor_only_metres_have_a_threshold(walker):
    row = [metric(path=seen(walker), motion=walker, camera=CAMERA) for metric in METRICS]
    assert RotErr().summary(row[:1], None)["observable"]["share"] is None
    assert TransErr().summary(row[1:], None)["observable"]["least"] == 0.1


def test_the_strata_are_those_of_the_reference_so_that_all_models_have_the_same(walker, standing):
    frozen = TransErr()(path=standing_still(), motion=standing(), camera=CAMERA, reference=walker)
    assert TransErr().summary([frozen], 0.001)["observable"]["n"] == 1


# bad input


@both
def test_one_frame_fits_anything_and_is_undefined(metric, walker, standing):
    with pytest.raises(Undefined, match="camera path has 1 frame"):
        value(metric, standing_still(1), walker)
    with pytest.raises(Undefined, match="motion has 1 frame"):
        value(metric, standing_still(), standing(1))


@both
def test_one_registered_frame_is_as_good_as_none(metric, walker):
    path = replace(seen(walker), registered=np.arange(41) == 7, status="partial")
    assert value(metric, path, walker) == pytest.approx(value(metric, nothing_seen(), walker))


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda path: {"T_world_camera": path.T_world_camera * np.nan}, "path-nonfinite"),
        (lambda path: {"T_world_camera": path.T_world_camera[:, :3]}, "path-shape"),
        (lambda path: {"T_world_camera": path.T_world_camera[:0], "registered": path.registered[:0]}, "path-shape"),
        (lambda path: {"registered": path.registered[:-1]}, "path-shape"),
        (lambda path: {"T_world_camera": path.T_world_camera * 2}, "path-rotation"),
        (lambda path: {"focal_ratio": float("nan")}, "path-focal"),
        (lambda path: {"focal_ratio": 0.0}, "path-focal"),
    ],
)
@both
def test_a_path_that_is_none_is_refused_by_name(metric, change, code, walker):
    path = seen(walker)
    with pytest.raises(BadInputError) as refusal:
        value(metric, replace(path, **change(path)), walker)
    assert refusal.value.code == code


@both
def test_a_motion_with_nan_is_refused(metric, walker):
    positions = walker.positions.copy()
    positions[40, HEAD, 0] = np.nan
    with pytest.raises(BadInputError, match="frame 40, joint head"):
        value(metric, seen(walker), replace(walker, positions=positions))


# outside witness


def test_evo_has_the_same_literature_alignments(walker, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))  # evo writes settings there
    pytest.importorskip("evo", reason="GPL: a witness in tests, never imported by the package")
    from evo.core import metrics, trajectory

    from egobench.geometry.border import motion_arrays
    from egobench.geometry.head_camera import head_camera_path

    path = seen(walker, degrees=1.0, metres=0.05)
    head = head_camera_path(motion_arrays(walker), CAMERA, 41)
    poses = np.tile(np.eye(4), (41, 1, 1))
    poses[:, :3, :3], poses[:, :3, 3] = head.R, head.positions
    found = detail(TransErr(), path, walker)
    for with_scale, name in ((True, "sim3_m"), (False, "se3_m")):
        ref, est = (trajectory.PosePath3D(poses_se3=list(array)) for array in (poses, path.T_world_camera.copy()))
        est.align(ref, correct_scale=with_scale)
        ape = metrics.APE(metrics.PoseRelation.translation_part)
        ape.process_data((ref, est))
        assert found[name] == pytest.approx(ape.get_statistic(metrics.StatisticsType.rmse), abs=1e-9)
