"""Distances of paths: by hand, what they must not depend on, evo's APE and RPE as witness."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from egobench.geometry.alignment import Placement, anchor, similarity
from egobench.geometry.path_errors import (
    distances_to_middle,
    farthest,
    frobenius_errors,
    mean_over_frames,
    position_errors,
    relative_errors,
    rms_over_frames,
    rotation_errors,
)

UNMOVED = Placement(np.asarray(1.0), np.zeros(3))


def yaw(degrees):
    return Rotation.from_euler("z", np.reshape(degrees, (-1, 1)), degrees=True).as_matrix()


def noisy_pair(seed, frames=41):
    """A path and an estimate of it in another world: positions and orientations of both."""
    rng = np.random.default_rng(seed)
    target = np.cumsum(rng.normal(size=(frames, 3)), axis=0) * 0.05
    R = Rotation.from_rotvec(np.cumsum(rng.normal(size=(frames, 3)), axis=0) * 0.05).as_matrix()
    turn = Rotation.random(rng=rng).as_matrix()
    source = 0.5 * (target + 0.02 * rng.normal(size=(frames, 3))) @ turn + rng.normal(size=3)
    noise = Rotation.from_rotvec(0.02 * rng.normal(size=(frames, 3))).as_matrix()
    return target, R, source, turn.T @ R @ noise


# by hand


def test_errors_of_three_frames_by_hand():
    target, R = np.zeros((3, 3)), yaw([0, 0, 0])
    source, R_source = np.array([[0.0, 0, 0], [0.3, 0.4, 0], [0, 0, 2]]), yaw([0, 90, 30])
    registered = np.array([True, True, False])
    np.testing.assert_allclose(
        position_errors(np.eye(3), UNMOVED, target, source, registered), [0, 0.5, np.nan], atol=1e-15
    )
    np.testing.assert_allclose(rotation_errors(np.eye(3), R, R_source, registered), [0, np.pi / 2, np.nan], atol=1e-15)
    # a quarter turn changes four entries by one
    np.testing.assert_allclose(frobenius_errors(np.eye(3), R, R_source, registered), [0, 2, np.nan], atol=1e-15)


def test_a_constant_drift_has_the_same_relative_error_everywhere():
    frames = np.arange(9)
    still, ahead = np.zeros((9, 3)), frames[:, None] * [0.1, 0.0, 0.0]
    R, R_drift = yaw(0 * frames), yaw(2.0 * frames)
    everything = np.ones(9, dtype=bool)
    for step in (1, 4):
        found = relative_errors(R, R_drift, still, still, everything, step=step)
        np.testing.assert_allclose(np.degrees(found.rotation), np.full(9 - step, 2.0 * step))
        found = relative_errors(R, R, still, ahead, everything, step=step, scale=np.asarray(0.5))
        np.testing.assert_allclose(found.translation, np.full(9 - step, 0.05 * step), atol=1e-15)


def test_pairs_with_a_lost_frame_are_left_out():
    registered = np.array([True, True, False, True])
    found = relative_errors(yaw([0] * 4), yaw([0, 1, 50, 3]), *np.zeros((2, 4, 3)), registered, step=1)
    np.testing.assert_allclose(np.degrees(found.rotation), [1, np.nan, np.nan])
    np.testing.assert_array_equal(found.translation, [0, np.nan, np.nan])
    assert mean_over_frames(found.rotation) == pytest.approx(np.radians(1))
    assert np.isnan(mean_over_frames(np.full(3, np.nan)))


def test_spread_and_farthest_points_by_hand():
    square = np.array([[0.0, 0, 0], [3, 0, 0], [3, 4, 0], [0, 4, 0]])
    np.testing.assert_allclose(distances_to_middle(square, np.ones(4, dtype=bool)), 2.5)
    assert farthest(square) == pytest.approx(5)
    assert farthest(square[:1]) == 0
    assert rms_over_frames(np.array([3.0, np.nan, 4.0])) == pytest.approx(np.sqrt(12.5))


# theory


def test_where_the_estimate_has_its_world_does_not_enter_relative_errors():
    target, R, source, R_source = noisy_pair(0)
    turn, shift = Rotation.from_euler("xyz", [0.3, 1, 2]).as_matrix(), np.array([5.0, -7, 1])
    everything = np.ones(41, dtype=bool)
    first = relative_errors(R, R_source, target, source, everything, step=8)
    second = relative_errors(R, turn @ R_source, target, source @ turn.T + shift, everything, step=8)
    np.testing.assert_allclose(first.rotation, second.rotation, atol=1e-12)
    np.testing.assert_allclose(first.translation, second.translation, atol=1e-12)


def test_frobenius_is_the_sine_of_half_the_angle():
    _, R, _, R_source = noisy_pair(1)
    everything = np.ones(41, dtype=bool)
    angles = rotation_errors(np.eye(3), R, R_source, everything)
    expected = 2 * np.sqrt(2) * np.sin(angles / 2)
    np.testing.assert_allclose(frobenius_errors(np.eye(3), R, R_source, everything), expected, atol=1e-12)


def test_a_batch_gives_what_each_clip_gives():
    batch = [np.stack(part) for part in zip(*(noisy_pair(k) for k in range(4)), strict=True)]
    mask = np.random.default_rng(9).random((4, 41)) < 0.8
    target, R, source, R_source = batch
    scale = np.array([0.5, 1.0, 2.0, 3.0])
    found = relative_errors(R, R_source, target, source, mask, step=3, scale=scale)
    angles = rotation_errors(R[:, 0], R, R_source, mask)
    for k in range(4):
        alone = relative_errors(R[k], R_source[k], target[k], source[k], mask[k], step=3, scale=np.asarray(scale[k]))
        np.testing.assert_allclose(found.translation[k], alone.translation, atol=1e-12)
        np.testing.assert_allclose(angles[k], rotation_errors(R[k, 0], R[k], R_source[k], mask[k]), atol=1e-12)


# outside witness


@pytest.fixture
def evo(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    pytest.importorskip("evo", reason="GPL: a witness in tests, never imported by the package")
    from evo.core import metrics, trajectory

    return metrics, trajectory


def as_paths(trajectory, *pairs):
    paths = []
    for positions, R in pairs:
        poses = np.tile(np.eye(4), (len(R), 1, 1))
        poses[:, :3, :3], poses[:, :3, 3] = R, positions
        paths.append(trajectory.PosePath3D(poses_se3=list(poses)))
    return paths


def statistic(metric, pair, kind):
    metric.process_data(pair)
    return metric.get_statistic(kind)


@pytest.mark.parametrize("with_scale", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_evo_has_the_same_absolute_errors(evo, with_scale, seed):
    metrics, trajectory = evo
    target, R, source, R_source = noisy_pair(seed)
    everything = np.ones(41, dtype=bool)
    ref, est = as_paths(trajectory, (target, R), (source, R_source))
    est.align(ref, correct_scale=with_scale)
    fit = similarity(target, source, everything, with_scale=with_scale)
    ours = rms_over_frames(position_errors(fit.R, Placement(fit.scale, fit.shift), target, source, everything))
    part = metrics.PoseRelation.translation_part
    assert ours == pytest.approx(statistic(metrics.APE(part), (ref, est), metrics.StatisticsType.rmse), abs=1e-9)
    ours = np.degrees(mean_over_frames(rotation_errors(fit.R, R, R_source, everything)))
    part = metrics.PoseRelation.rotation_angle_deg
    assert ours == pytest.approx(statistic(metrics.APE(part), (ref, est), metrics.StatisticsType.mean), abs=1e-9)


def test_evo_has_the_same_error_after_laying_the_first_frame(evo):
    metrics, trajectory = evo
    target, R, source, R_source = noisy_pair(7)
    everything = np.ones(41, dtype=bool)
    ref, est = as_paths(trajectory, (target, R), (source, R_source))
    est.align_origin(ref)
    found, placement = anchor(R, R_source, target, source, everything, with_scale=False)
    ours = rms_over_frames(position_errors(found, placement, target, source, everything))
    part = metrics.PoseRelation.translation_part
    assert ours == pytest.approx(statistic(metrics.APE(part), (ref, est), metrics.StatisticsType.rmse), abs=1e-9)


@pytest.mark.parametrize("step", [1, 8])
def test_evo_has_the_same_relative_errors(evo, step):
    metrics, trajectory = evo
    target, R, source, R_source = noisy_pair(3)
    ours = relative_errors(R, R_source, target, source, np.ones(41, dtype=bool), step=step)
    pair = tuple(as_paths(trajectory, (target, R), (source, R_source)))
    relations = (metrics.PoseRelation.rotation_angle_deg, metrics.PoseRelation.translation_part)
    for relation, errors in zip(relations, (np.degrees(ours.rotation), ours.translation), strict=True):
        metric = metrics.RPE(relation, delta=step, delta_unit=metrics.Unit.frames, all_pairs=True)
        assert rms_over_frames(errors) == pytest.approx(statistic(metric, pair, metrics.StatisticsType.rmse), abs=1e-9)
