"""`sync-lag`: delays that are known, clips in which no moment can be told."""

from dataclasses import replace

import numpy as np
import pytest
from path_toys import CAMERA, looking_about, nothing_seen, seen, standing_still, without

from egobench.errors import BadInputError, Undefined
from egobench.metrics.sync_lag import SyncLag


def delayed(motion, frames):
    """The body does everything so many motion frames (1/16 s) later, earlier if negative."""
    kept = np.clip(np.arange(len(motion.positions)) - frames, 0, len(motion.positions) - 1)
    return replace(motion, positions=motion.positions[kept], rotations=motion.rotations[kept])


def lag(path, motion):
    return SyncLag()(path=path, motion=motion, camera=CAMERA)


@pytest.fixture(scope="module")
def walker(standing):
    return looking_about(standing)


def test_video_and_body_of_one_clip_have_no_lag(walker):
    found = lag(seen(walker), walker)
    assert found.value == pytest.approx(0, abs=1e-9)
    assert found.detail["correlation"] == pytest.approx(1)


@pytest.mark.parametrize("frames", [-8, -3, 1, 2, 5])
def test_a_body_that_comes_later_is_found_to_the_millisecond_or_so(frames, walker):
    found = lag(seen(walker), delayed(walker, frames))
    assert found.detail["lag_ms"] == pytest.approx(-frames * 62.5, abs=6)
    assert found.value == abs(found.detail["lag_ms"])


def test_a_constant_rotation_of_either_world_does_not_enter(walker, moved):
    found = lag(seen(walker, degrees=0.2), delayed(walker, 3))
    again = lag(seen(walker, degrees=0.2), moved(delayed(walker, 3), yaw=2.0, shift=(1, 2, 0)))
    assert again.value == pytest.approx(found.value, abs=1e-6)


def test_lost_frames_are_left_out(walker):
    lost = np.isin(np.arange(41), [3, 17, 30])
    assert lag(without(seen(walker), lost), delayed(walker, 4)).detail["lag_ms"] == pytest.approx(-250, abs=25)


def test_positions_that_mean_nothing_do_not_matter(walker):
    path = seen(walker, metres=3.0, status="rotation_only")
    assert lag(path, delayed(walker, 2)).detail["lag_ms"] == pytest.approx(-125, abs=6)


def test_noise_makes_the_peak_weaker_until_there_is_none(walker):
    strong, weaker = (lag(seen(walker, degrees=k), walker).detail["correlation"] for k in (0.05, 0.3))
    assert strong > weaker
    with pytest.raises(Undefined, match="correlate by"):
        lag(seen(walker, degrees=20.0), walker)


@pytest.mark.parametrize(
    ("path", "turn", "message"),
    [
        (standing_still(), 1.0, "camera's turning varies by 0 "),
        (None, 0.0, "head's turning varies by 0 "),
        (nothing_seen(), 1.0, r"lost the clip \(failed: no features\)"),
        (nothing_seen(status="timeout"), 1.0, "timeout"),
        (standing_still(1), 1.0, "1 frame"),
    ],
)
def test_where_no_moment_can_be_told_there_is_no_lag(path, turn, message, walker, standing):
    motion = looking_about(standing, turn=turn)
    with pytest.raises(Undefined, match=message):
        lag(seen(walker) if path is None else path, motion)


def test_a_delay_beyond_a_second_has_no_peak(walker):
    with pytest.raises(Undefined, match="no peak within 1000 ms"):
        lag(seen(walker), delayed(walker, 18))


def test_few_frames_cannot_be_shifted(standing):
    motion = looking_about(standing, 9)
    fast = replace(motion, fps=64.0)
    with pytest.raises(Undefined):
        lag(seen(fast, frames=5), fast)


def test_poses_with_nan_are_refused(walker):
    path = seen(walker)
    with pytest.raises(BadInputError) as refusal:
        lag(replace(path, T_world_camera=path.T_world_camera * np.nan), walker)
    assert refusal.value.code == "path-nonfinite"


def test_the_summary_keeps_the_sign(walker):
    rows = [lag(seen(walker), delayed(walker, frames)) for frames in (2, 2, -4)]
    found = SyncLag().summary(rows, None)
    assert found["signed_lag_ms"]["median"] == pytest.approx(-125, abs=6)
    assert found["signed_lag_ms"]["mean"] == pytest.approx(0, abs=6)
    assert found["median_ms"] == pytest.approx(125, abs=6)
