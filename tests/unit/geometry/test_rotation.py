"""Angles at both ends, means, largest turn, interpolation; scipy as witness."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation, Slerp

from egobench.geometry.rotation import (
    angle_between,
    angles_to_constant,
    chordal_mean,
    interpolate_rotations,
    largest_turn,
    nearest_rotation,
    rotation_angle,
)


def about(axis, radians):
    return Rotation.from_rotvec(np.multiply.outer(radians, np.asarray(axis, dtype=float))).as_matrix()


def everything(*shape):
    return np.ones(shape, dtype=bool)


# by hand


@pytest.mark.parametrize("radians", [0.0, 1e-15, 1e-9, 1e-4, 0.5, np.pi / 2, 3.0, np.pi - 1e-4, np.pi - 1e-9, np.pi])
def test_the_angle_is_exact_from_zero_to_a_half_turn(radians):
    for axis in ([0, 0, 1], [0.6, 0, 0.8], [2 / 3, -1 / 3, 2 / 3]):
        assert rotation_angle(about(axis, radians)) == pytest.approx(radians, rel=1e-14, abs=1e-15)


def test_arccos_would_have_lost_the_small_angle():
    R = about([0.6, 0, 0.8], 1e-9)
    assert np.arccos(np.clip((np.trace(R) - 1) / 2, -1, 1)) == 0.0
    assert rotation_angle(R) == pytest.approx(1e-9, rel=1e-12)


def test_the_mean_of_a_turn_to_either_side_is_straight_ahead():
    R = about([0, 0, 1], np.array([-0.3, 0.3]))
    mean = chordal_mean(R, everything(2))
    np.testing.assert_allclose(mean.R, np.eye(3), atol=1e-15)
    np.testing.assert_allclose(angles_to_constant(R, everything(2)), 0.3)
    assert mean.margin == pytest.approx((1 + np.cos(0.3)) / 2 - (1 - np.cos(0.3)) / 2)


def test_a_half_turn_apart_there_is_no_mean_and_the_margin_says_so():
    opposite = about([0, 0, 1], np.array([0.0, np.pi]))
    assert chordal_mean(opposite, everything(2)).margin == pytest.approx(0, abs=1e-15)
    assert chordal_mean(opposite, np.array([True, False])).margin == pytest.approx(1)


def test_frames_that_are_not_registered_do_not_enter_the_mean():
    R = about([0, 0, 1], np.array([-0.3, 0.3, 2.0]))
    np.testing.assert_allclose(chordal_mean(R, np.array([True, True, False])).R, np.eye(3), atol=1e-15)
    nothing = chordal_mean(R, np.zeros(3, dtype=bool))
    np.testing.assert_array_equal(nothing.R, np.eye(3))
    assert nothing.margin == 0


def test_the_largest_turn_is_between_the_two_frames_farthest_apart():
    swing = about([0, 0, 1], np.radians([0.0, 30.0, -20.0, 10.0]))
    assert np.degrees(largest_turn(swing)) == pytest.approx(50)
    still = about([0, 0, 1], np.zeros(4))
    assert largest_turn(still) == 0
    np.testing.assert_allclose(np.degrees(largest_turn(np.stack([swing, still]))), [50, 0], atol=1e-12)


def test_a_mirror_is_nearest_to_no_mirror():
    found = nearest_rotation(np.diag([3.0, 2.0, -1.0]))
    np.testing.assert_allclose(found.R, np.eye(3), atol=1e-15)
    assert found.margin == pytest.approx(1.0)
    assert nearest_rotation(np.zeros((3, 3))).margin == 0


# theory


def test_the_mean_turns_with_the_rotations_on_either_side():
    rng = np.random.default_rng(0)
    R = about([0, 0, 1], 0.0) @ Rotation.from_rotvec(0.4 * rng.normal(size=(9, 3))).as_matrix()
    left, right = Rotation.random(2, rng=rng).as_matrix()
    mean = chordal_mean(R, everything(9)).R
    np.testing.assert_allclose(chordal_mean(left @ R @ right, everything(9)).R, left @ mean @ right, atol=1e-12)


def test_a_batch_gives_what_each_clip_gives():
    R = Rotation.random(2 * 3 * 7, rng=np.random.default_rng(1)).as_matrix().reshape(2, 3, 7, 3, 3)
    mask = np.random.default_rng(2).random((2, 3, 7)) < 0.7
    mean, angles, turns = chordal_mean(R, mask), angles_to_constant(R, mask), largest_turn(R)
    for at in np.ndindex(2, 3):
        np.testing.assert_allclose(mean.R[at], chordal_mean(R[at], mask[at]).R, atol=1e-12)
        np.testing.assert_allclose(angles[at], angles_to_constant(R[at], mask[at]), atol=1e-12)
        assert turns[at] == pytest.approx(float(largest_turn(R[at])))


# outside witness


def test_scipy_agrees_on_angles_means_and_interpolation():
    rng = np.random.default_rng(3)
    first, second = Rotation.random(50, rng=rng), Rotation.random(50, rng=rng)
    np.testing.assert_allclose(
        angle_between(first.as_matrix(), second.as_matrix()), (first.inv() * second).magnitude(), rtol=0, atol=1e-14
    )
    near = Rotation.from_rotvec(0.5 * rng.normal(size=(20, 3)))
    np.testing.assert_allclose(chordal_mean(near.as_matrix(), everything(20)).R, near.mean().as_matrix(), atol=1e-12)
    at = np.array([0.0, 0.25, 1.0, 17.9, 19.0])
    expected = Slerp(np.arange(20), near)(at).as_matrix()
    np.testing.assert_allclose(interpolate_rotations(near.as_matrix(), at), expected, atol=1e-12)
