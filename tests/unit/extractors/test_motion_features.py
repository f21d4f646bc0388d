"""What motion-text sees: worked by hand, then blind to place, heading and rate, mirrored by a table, refusals."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from egobench.errors import BadInputError
from egobench.extractors.motion_features import MotionLayout, heading, in_heading_frame
from egobench.geometry.skeleton import XSENS23
from egobench.motions.resample import resample
from egobench.types import Motion

LAYOUT = MotionLayout(XSENS23, 10.0)


def _group(features, name, joint=None):
    block = features[:, LAYOUT.groups[name]]
    return block if joint is None else block.reshape(len(features), len(XSENS23), -1)[:, XSENS23.index(joint)]


def test_a_person_who_stands_is_at_the_origin_and_does_not_move(standing, moved):
    features = LAYOUT.features(moved(standing(), yaw=2.0, shift=(3.0, -1.0, 0.0)))
    assert features.shape == (51, LAYOUT.width) == (51, 23 * 12 + 12)
    assert np.allclose(_group(features, "place", "pelvis"), [0, 0, 0.92], atol=1e-9)
    assert np.allclose(_group(features, "place"), _group(features, "body"), atol=1e-9)
    assert np.allclose(_group(features, "rotation", "head"), [1, 0, 0, 0, 1, 0], atol=1e-9)
    assert np.allclose(_group(features, "speed"), 0, atol=1e-9)
    assert np.allclose(_group(features, "turning"), 0, atol=1e-9)


def test_walking_ahead_while_facing_any_way_is_speed_along_x(standing, moved):
    still = standing(fps=20.0, frames=101)
    steps = np.arange(101)[:, None, None] / 20.0 * np.array([0.6, 0.0, 0.0])  # 0.6 m/s
    features = LAYOUT.features(moved(Motion(still.positions + steps, still.rotations, 20.0), yaw=-1.0))
    assert np.allclose(_group(features, "speed").reshape(-1, 2, 3), [0.6, 0, 0], atol=1e-9)
    assert np.allclose(_group(features, "place", "pelvis")[-1], [3.0, 0, 0.92], atol=1e-9)  # 5 s


def test_turning_left_is_a_rate_about_z(standing):
    still = standing()
    turns = Rotation.from_euler("z", 0.5 * np.arange(81)[:, None] / 16.0).as_matrix()  # 0.5 rad/s
    turned = Motion(
        np.einsum("tab,tjb->tja", turns, still.positions), turns[:, None] @ still.rotations, 16.0, still.skeleton
    )
    turning = _group(LAYOUT.features(turned), "turning").reshape(-1, 2, 3)
    assert np.allclose(turning, [0, 0, 0.5], atol=1e-6)


@settings(deadline=None, max_examples=20)
@given(yaw=st.floats(-7, 7), x=st.floats(-50, 50), y=st.floats(-50, 50))
def test_where_a_clip_stands_and_faces_enters_no_feature(swaying, moved, yaw, x, y):
    motion = swaying(seconds=1.0)
    elsewhere = moved(motion, yaw=yaw, shift=(x, y, 0.0))
    assert np.abs(LAYOUT.features(motion) - LAYOUT.features(elsewhere)).max() < 1e-9


@pytest.mark.parametrize("fps", [20.0, 25.0, 30.0, 60.0])
def test_the_same_movement_recorded_at_another_rate_has_nearly_the_same_features(swaying, fps):
    slow, fast = LAYOUT.features(swaying(fps=16.0)), LAYOUT.features(swaying(fps=fps))
    assert slow.shape == fast.shape
    assert np.abs(slow - fast).max() < 0.005  # metres, radians, m/s, rad/s


def test_resampling_keeps_frames_that_both_rates_have(swaying):
    motion = swaying(fps=16.0)
    finer = resample(motion, 48.0, smooth=True)
    assert len(finer.positions) == 241
    assert np.allclose(finer.positions[::3], motion.positions, atol=1e-12)
    assert np.allclose(finer.rotations[::3], motion.rotations, atol=1e-12)
    assert np.allclose(finer.rotations @ finer.rotations.swapaxes(-1, -2), np.eye(3), atol=1e-12)


def test_heading_is_defined_when_the_body_lies_on_its_face():
    prone = Rotation.from_euler("zy", [0.7, np.pi / 2]).as_matrix()  # its x axis points straight down
    assert heading(prone) == pytest.approx(0.7)


def test_a_motion_in_its_heading_frame_starts_above_the_origin_facing_x(swaying, moved):
    root = LAYOUT.tracked[0]
    there = in_heading_frame(moved(swaying(), yaw=1.3, shift=(4.0, 5.0, 0.0)), root)
    assert np.allclose(there.positions[0, root, :2], 0, atol=1e-12)
    assert heading(there.rotations[0, root]) == pytest.approx(0, abs=1e-12)


def test_the_mirror_table_gives_the_features_of_the_mirrored_motion(swaying):
    motion = swaying()
    swap = {"left": "right", "right": "left"}
    other = [
        XSENS23.index("_".join([swap.get(name.split("_")[0], name.split("_")[0]), *name.split("_")[1:]]))
        for name in XSENS23.joints
    ]
    flip = np.diag([1.0, -1.0, 1.0])
    mirrored = Motion(motion.positions[:, other] @ flip, flip @ motion.rotations[:, other] @ flip, motion.fps)
    order, sign = LAYOUT.mirror
    assert np.allclose(LAYOUT.features(mirrored), LAYOUT.features(motion)[:, order] * sign, atol=1e-9)
    assert np.array_equal(order[order], np.arange(LAYOUT.width))


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lambda m: Motion(m.positions[:, :22], m.rotations[:, :22], m.fps, "smpl22"), "motion-skeleton"),
        (lambda m: Motion(m.positions[:3], m.rotations[:3], m.fps), "motion-frames"),
        (lambda m: Motion(m.positions * np.nan, m.rotations, m.fps), "motion-nonfinite"),
        (lambda m: Motion(m.positions, m.rotations, 0.0), "motion-rate"),
    ],
)
def test_what_cannot_be_seen_is_refused_by_code(standing, spoil, code):
    with pytest.raises(BadInputError) as refusal:
        LAYOUT.features(spoil(standing()))
    assert refusal.value.code == code
