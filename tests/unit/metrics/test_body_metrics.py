"""Body metrics: by hand on a standing body, the laws they must obey, what they call undefined."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from egobench.errors import BadInputError, Undefined
from egobench.geometry.skeleton import XSENS23
from egobench.metrics.bone_drift import BoneDrift
from egobench.metrics.floor import FloorFloat, FloorPenetration
from egobench.metrics.foot_skate import FootSkate
from egobench.metrics.head_root import HeadRoot
from egobench.metrics.jerk import Jerk

METRICS = [FootSkate(), FloorPenetration(), FloorFloat(), Jerk(), BoneDrift(), HeadRoot()]


def shifted(motion, shift):
    return replace(motion, positions=motion.positions + shift)


def with_joint(motion, joint, shift):
    positions = motion.positions.copy()
    positions[:, XSENS23.index(joint)] += shift
    return replace(motion, positions=positions)


def rounded(motion, kind):
    """Positions as half precision keeps them, in float64."""
    single = motion.positions.astype(np.float32)
    coarse = single.astype(np.float16) if kind == "float16" else (single.view(np.uint32) & 0xFFFF0000).view(np.float32)
    return replace(motion, positions=coarse.astype(np.float64))


# by hand


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_a_standing_body_scores_exactly_or_nearly_zero(metric, standing):
    assert metric(motion=standing()) == pytest.approx(0, abs=1e-12)


def test_a_body_that_slides_skates_at_its_speed_even_in_the_air(standing):
    motion = standing()
    slide = np.arange(81)[:, None, None] * np.array([0.3, 0.4, 0.0]) / 16 / 0.5  # 1 m/s
    assert FootSkate()(motion=shifted(motion, slide)) == pytest.approx(1.0)
    assert FootSkate()(motion=shifted(motion, slide + np.array([0, 0, 0.7]))) == pytest.approx(1.0)


def test_a_step_over_a_planted_foot_does_not_skate(standing):
    motion = standing()
    swing = np.clip(np.arange(81) / 16 - 1, 0, 1)[:, None] * [0.6, 0, 0]  # low over the ground, 0.6 m/s
    for joint in ("left_foot", "left_toe"):
        motion = with_joint(motion, joint, swing)
    assert FootSkate()(motion=motion) == 0.0


def test_who_is_never_two_frames_on_the_ground_has_no_skate(standing):
    motion = standing(8)
    hop = np.tile([0.0, 1.0], 4)[:, None, None] * [0, 0, 1]
    with pytest.raises(Undefined, match="two successive frames of 8"):
        FootSkate()(motion=shifted(motion, hop))
    with pytest.raises(Undefined):
        FootSkate()(motion=standing(1))


def test_depth_and_height_by_hand(standing):
    motion = standing()
    # down 0.1: ankle -0.02 (0.05 under 0.03), ball -0.075 (0.085 under 0.01)
    assert FloorPenetration()(motion=shifted(motion, [0, 0, -0.1])) == pytest.approx(0.085)
    assert FloorFloat()(motion=shifted(motion, [0, 0, -0.1])) == 0.0
    # up 0.1: ankle 0.18 (0.05 over 0.13), ball 0.125 (0.075 over 0.05); the nearer one counts
    assert FloorFloat()(motion=shifted(motion, [0, 0, 0.1])) == pytest.approx(0.05)
    assert FloorPenetration()(motion=shifted(motion, [0, 0, 0.1])) == 0.0
    # half of the frames: half of the mean, whatever the length
    half = np.repeat([[[0, 0, 0.0]], [[0, 0, -0.1]]], 40, axis=0)
    assert FloorPenetration()(motion=shifted(standing(80), half)) == pytest.approx(0.085 / 2)


def test_a_cubic_path_has_its_third_derivative_as_jerk_at_any_rate(standing):
    for fps in (16.0, 32.0):
        motion = standing(round(5 * fps) + 1, fps)
        times = np.arange(len(motion.positions)) / fps
        path = times[:, None, None] ** 3 * np.array([0.3, 0.0, 0.4])  # |x'''| = 6 × 0.5
        assert Jerk()(motion=shifted(motion, path)) == pytest.approx(3.0, rel=1e-6)


def test_constant_acceleration_has_no_jerk(standing):
    motion = standing()
    path = (np.arange(81) / 16)[:, None, None] ** 2 * np.array([1.0, 2.0, 0.5])
    assert Jerk()(motion=shifted(motion, path)) == pytest.approx(0, abs=1e-8)


def test_one_bone_that_pulses_drifts_by_its_spread_over_all_bones(standing):
    pulse = np.tile([1.0, -1.0], 40)[:, None] * np.array([0.0, 0.02, 0.0])  # along the left hand's bone, ± 2 cm
    motion = with_joint(standing(80), "left_hand", pulse)
    assert BoneDrift()(motion=motion) == pytest.approx(0.02 / 22)


def test_a_head_that_leaves_its_chain_shows_by_how_much(standing):
    pulse = np.tile([1.0, -1.0], 40)[:, None] * np.array([0.03, 0.0, 0.0])
    assert HeadRoot()(motion=with_joint(standing(80), "head", pulse)) == pytest.approx(0.03)


def test_rotations_of_another_motion_do_not_carry_this_head(swaying):
    motion = swaying()
    other = replace(motion, rotations=motion.rotations[::-1])
    assert HeadRoot()(motion=motion) == pytest.approx(0, abs=1e-12)
    assert HeadRoot()(motion=other) > 0.02


# theory


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_heading_and_place_do_not_enter(metric, swaying, moved):
    motion = jitter(swaying())
    expected = metric(motion=motion)
    found = metric(motion=moved(motion, yaw=2.0, shift=(5, -3, 0)))
    assert found == pytest.approx(expected, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("metric", [FootSkate(), Jerk(), BoneDrift(), HeadRoot()], ids=lambda metric: metric.name)
def test_errors_grow_with_their_size(metric, standing):
    small, large = (metric(motion=jitter(standing(), scale)) for scale in (0.002, 0.004))
    assert large == pytest.approx(2 * small, rel=0.02)


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_a_longer_clip_of_the_same_kind_scores_the_same(metric, swaying):
    assert metric(motion=swaying(seconds=40)) == pytest.approx(metric(motion=swaying(seconds=20)), rel=0.2, abs=1e-9)


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_sixteen_and_thirty_two_frames_a_second_agree(metric, swaying):
    # the feet of a swaying body hang in the air and move at up to 1 m/s, so every metric but the rigid ones is > 0
    slow, fast = (metric(motion=swaying(fps)) for fps in (16.0, 32.0))
    assert slow == pytest.approx(fast, rel=0.03, abs=1e-9)


def test_single_precision_is_enough(swaying):
    motion = jitter(swaying())
    single = replace(motion, positions=motion.positions.astype("f4"), rotations=motion.rotations.astype("f4"))
    for metric in METRICS:
        assert metric(motion=single) == pytest.approx(metric(motion=motion), rel=1e-3, abs=1e-6)


def jitter(motion, scale=0.002):
    noise = np.random.default_rng(0).normal(size=motion.positions.shape)
    return replace(motion, positions=motion.positions + scale * noise)


# outside witness


def test_jerk_agrees_with_a_spline_on_a_smooth_motion(swaying):
    from scipy.interpolate import make_interp_spline

    motion = swaying(64.0)
    times = np.arange(len(motion.positions)) / 64
    third = make_interp_spline(times, motion.positions, k=5).derivative(3)(times[8:-8])
    expected = np.linalg.norm(third, axis=-1).mean()
    assert Jerk()(motion=motion) == pytest.approx(expected, rel=0.02)


def test_head_root_does_not_see_which_rest_pose_the_rotations_are_from(swaying):
    motion = swaying()
    rest = Rotation.random(23, rng=np.random.default_rng(1)).as_matrix()
    turned = replace(jitter(motion), rotations=motion.rotations @ rest)
    assert HeadRoot()(motion=turned) == pytest.approx(HeadRoot()(motion=jitter(motion)), rel=1e-9)


# bad input


@pytest.mark.parametrize("metric", [Jerk(), BoneDrift(), HeadRoot(), FootSkate()], ids=lambda metric: metric.name)
def test_too_few_frames_are_undefined_and_not_zero(metric, standing):
    with pytest.raises(Undefined):
        metric(motion=standing(1))


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_a_motion_of_nan_is_refused(metric, standing):
    motion = standing()
    with pytest.raises(BadInputError) as caught:
        metric(motion=replace(motion, positions=motion.positions * np.nan))
    assert caught.value.code == "motion-nonfinite"


@pytest.mark.parametrize("kind", ["float16", "bfloat16"])
def test_derivatives_of_half_precision_are_undefined_and_the_reason_has_the_step(standing, kind):
    sway = 0.01 * np.sin(np.arange(81) / 16)[:, None, None] * [1, 0.7, 0]
    motion = shifted(standing(), sway + np.array([1.03, 0.27, 0.0]))
    for metric in (Jerk(), FootSkate()):
        exact = metric(motion=motion)
        assert metric(motion=replace(motion, positions=np.float32(motion.positions))) == pytest.approx(exact, rel=0.02)
        with pytest.raises(Undefined, match=f"{kind} in steps of .* mm, too coarse for"):
            metric(motion=rounded(motion, kind))
    for metric in (FloorPenetration(), FloorFloat(), BoneDrift(), HeadRoot()):
        assert np.isfinite(metric(motion=rounded(motion, kind)))
