"""The control `corrupted`: nothing at strength 0, one fault otherwise, bodies that stay bodies, shares that nest."""

from types import SimpleNamespace
from typing import get_args

import numpy as np
import pytest
from egobench_baselines import corrupt_motion, corrupt_video
from egobench_baselines.corrupted import MOTION, VIDEO, Corrupted, CorruptionError, Kind

from egobench import Video, check_motion, forward_kinematics, get_skeleton, open_split

KINDS = get_args(Kind)
RNG = np.random.default_rng


@pytest.fixture(scope="module")
def split():
    return open_split("egomini-test")


@pytest.fixture(scope="module")
def clip(split):
    return split.clip(split.infos()[5].clip_id)


@pytest.fixture(scope="module")
def motion(clip):
    return clip.reference.motion


def made(clip, kind, strength, seed=0):
    return Corrupted(kind, strength).load("cpu").sample(clip.condition, seed=seed)


def is_same(ours, theirs):
    return np.array_equal(ours.positions, theirs.positions) and np.array_equal(ours.rotations, theirs.rotations)


def bones(motion):
    parents = list(get_skeleton(motion.skeleton).parents[1:])
    return np.linalg.norm(motion.positions[:, 1:] - motion.positions[:, parents], axis=-1)


def rebuilt(motion):
    """Positions by forward kinematics from the rotations and the first frame's bones."""
    skeleton = get_skeleton(motion.skeleton)
    offsets = corrupt_motion._offsets(motion)
    return forward_kinematics(skeleton, offsets, motion.positions[:, 0], motion.rotations)


@pytest.mark.parametrize("kind", KINDS)
def test_strength_0_is_the_reference_bit_by_bit(clip, kind):
    sample = made(clip, kind, 0.0)
    assert np.array_equal(sample.video.frames, clip.reference.video.frames)
    assert is_same(sample.motion, clip.reference.motion)


@pytest.mark.parametrize("kind", KINDS)
def test_a_fault_changes_what_it_names_and_leaves_a_valid_sample(clip, kind):
    sample = made(clip, kind, 1.0)
    check_motion(sample.motion, frames=81, fps=16)
    assert sample.video.frames.dtype == np.uint8
    assert sample.video.frames.shape == clip.reference.video.frames.shape
    is_video_same = np.array_equal(sample.video.frames, clip.reference.video.frames)
    is_motion_same = is_same(sample.motion, clip.reference.motion)
    on_video, on_motion = kind in VIDEO or kind == "video-mirror", kind in MOTION or kind.endswith("mirror")
    if kind in ("strangers", "unpaired"):
        assert (is_video_same, is_motion_same) == (kind == "unpaired", False)
    else:
        assert (is_video_same, is_motion_same) == (not on_video, on_video or not on_motion)
    again = made(clip, kind, 1.0)
    assert np.array_equal(again.video.frames, sample.video.frames)
    assert is_same(again.motion, sample.motion)


@pytest.mark.parametrize("name", [*MOTION, "mirror", "mirror_arms"])
def test_a_spoilt_body_is_still_one_body(motion, name):
    kept = {"stretch", "head-slip"}
    spoil = MOTION.get(name)
    spoilt = spoil(motion, 0.3, RNG(0)) if spoil else getattr(corrupt_motion, name)(motion)
    gap = np.abs(rebuilt(spoilt) - spoilt.positions).max()
    drift = np.ptp(bones(spoilt), axis=0).max()
    assert (gap < 1e-6, drift < 1e-6) == (name not in kept, name not in kept)


def test_yaw_drift_by_hand(motion):
    spoilt = corrupt_motion.yaw_drift(motion, 10.0, RNG(0))
    turned = spoilt.rotations[-1, 0] @ motion.rotations[-1, 0].T
    assert np.rad2deg(np.arctan2(turned[1, 0], turned[0, 0])) == pytest.approx(50.0)
    steps = [np.linalg.norm(np.diff(each.positions[:, 0], axis=0), axis=-1) for each in (motion, spoilt)]
    assert steps[1] == pytest.approx(steps[0])  # the path bends, no step gets longer
    assert np.allclose(corrupt_motion.yaw_drift(motion, 0.0, RNG(0)).positions, motion.positions, atol=1e-12)


def test_drift_slide_lift_and_jitter_by_hand(motion):
    lateral = corrupt_motion.lateral_drift(motion, 0.2, RNG(0)).positions - motion.positions
    ahead = corrupt_motion.slide(motion, 0.2, RNG(0)).positions - motion.positions
    for moved in (lateral, ahead):
        assert np.linalg.norm(moved[-1], axis=-1) == pytest.approx(1.0)  # 0.2 m/s for 5 s
        assert np.abs(moved[..., 2]).max() == 0.0
    assert np.cross(ahead[-1, 0], lateral[-1, 0]) == pytest.approx([0, 0, 1])  # left of ahead
    assert np.allclose((corrupt_motion.sink(motion, 0.1, RNG(0)).positions - motion.positions)[..., 2], -0.1)
    trembling = corrupt_motion.jitter(motion, 0.01, RNG(0)).positions - motion.positions
    assert trembling[:, 0].std() == pytest.approx(0.01, rel=0.1)
    assert np.abs(trembling - trembling[:, :1]).max() < 1e-12
    twice = corrupt_motion.jitter(motion, 0.02, RNG(0)).positions - motion.positions
    assert np.allclose(twice, 2 * trembling)


def test_stretch_by_hand(motion):
    spoilt = corrupt_motion.stretch(motion, 5.0, RNG(0))
    assert bones(spoilt)[-1] == pytest.approx(1.05 * bones(motion)[-1])
    assert np.allclose(spoilt.positions[0], motion.positions[0], atol=1e-12)
    foot = get_skeleton(motion.skeleton).index("left_foot")
    assert spoilt.positions[:, foot, 2].min() > 0  # not through the floor


def test_mirrored_twice_is_what_it_was(motion):
    for mirror in (corrupt_motion.mirror, corrupt_motion.mirror_arms):
        back = mirror(mirror(motion))
        assert np.allclose(back.rotations, motion.rotations, atol=1e-9)
        assert np.allclose(back.positions, motion.positions, atol=1e-6)


def test_mirrored_arms_leave_the_head_and_exchange_the_hands(motion):
    skeleton = get_skeleton(motion.skeleton)
    spoilt = corrupt_motion.mirror_arms(motion)
    arms = [k for k, joint in enumerate(skeleton.joints) if any(part in joint for part in corrupt_motion.ARM)]
    rest = [k for k in range(len(skeleton)) if k not in arms]
    assert np.array_equal(spoilt.positions[:, rest], motion.positions[:, rest])
    left, right, chest = (skeleton.index(name) for name in ("left_hand", "right_hand", "t8"))

    def seen(each, joint):  # in the chest's frame
        return np.einsum("tba,tb->ta", each.rotations[:, chest], each.positions[:, joint] - each.positions[:, chest])

    assert np.allclose(seen(spoilt, left), seen(motion, right) * [1, -1, 1], atol=1e-6)
    assert np.allclose(seen(spoilt, right), seen(motion, left) * [1, -1, 1], atol=1e-6)


def test_a_mirrored_body_turns_the_other_way_with_the_other_hand(motion):
    skeleton = get_skeleton(motion.skeleton)
    spoilt = corrupt_motion.mirror(motion)
    turned = [each.rotations[-1, 0] @ each.rotations[0, 0].T for each in (motion, spoilt)]
    angles = [np.arctan2(turn[1, 0], turn[0, 0]) for turn in turned]
    assert angles[1] == pytest.approx(-angles[0], abs=1e-6)
    left, right = (skeleton.index(name) for name in ("left_hand", "right_hand"))
    heights = [motion.positions[:, left, 2], spoilt.positions[:, right, 2]]
    assert heights[1] == pytest.approx(heights[0])


def test_delays_by_hand(clip):
    video = corrupt_video.delay(clip.reference.video, 0.25, RNG(0)).frames  # 2 frames at 8 per second
    assert np.array_equal(video[2:], clip.reference.video.frames[:-2])
    assert np.array_equal(video[:2], clip.reference.video.frames[[0, 0]])
    motion = corrupt_motion.delay(clip.reference.motion, 0.25, RNG(0)).positions  # 4 at 16
    assert np.array_equal(motion[4:], clip.reference.motion.positions[:-4])


def test_freezing_drops_more_frames_the_stronger_and_keeps_the_first(clip):
    frames = clip.reference.video.frames
    kept = []
    for share in (0.2, 0.5, 0.8):
        frozen = corrupt_video.freeze(clip.reference.video, share, RNG(4)).frames
        kept.append({k for k in range(len(frames)) if np.array_equal(frozen[k], frames[k])})
        assert 0 in kept[-1]
    assert kept[0] > kept[1] > kept[2]
    still = corrupt_video.freeze(clip.reference.video, 1.0, RNG(4)).frames
    assert (still == frames[0]).all()


def test_noise_blur_and_blocks_by_hand():
    grey = Video(np.full((2, 16, 16, 3), 128, np.uint8), 8.0)
    assert corrupt_video.noise(grey, 10.0, RNG(0)).frames.std() == pytest.approx(10, rel=0.1)
    point = grey.frames.copy()
    point[:, 8, 8] = 255
    blurred = corrupt_video.blur(Video(point, 8.0), 1.0, RNG(0)).frames
    assert blurred[0, 8, 8, 0] == pytest.approx(128 + 127 / (2 * np.pi), abs=1.5)  # peak of a Gaussian of 1 px
    chequered = grey.frames.copy()
    chequered[:, ::2] = 118
    chequered[:, 1::2] = 138
    half = corrupt_video.blocks(Video(chequered, 8.0), 0.5, RNG(0)).frames
    assert sorted(np.unique(half)) == [123, 133]
    assert corrupt_video.blocks(Video(chequered[:, :13, :11], 8.0), 1.0, RNG(0)).frames.shape == (2, 13, 11, 3)


def test_zoom_by_hand():
    ramp = np.broadcast_to(10.0 * np.arange(16)[:, None, None], (2, 16, 16, 3)).astype(np.uint8)
    twice = corrupt_video.zoom(Video(ramp, 8.0), 100.0, RNG(0)).frames
    # Row centre y + ½ comes from 8 + (y + ½ - 8) / 2: row 12 from row 9.75, whose value is 97.5; row 3 from 5.25.
    assert twice[0, 12, 5].tolist() == pytest.approx([97.5] * 3, abs=0.5)
    assert twice[1, 3, 9].tolist() == pytest.approx([52.5] * 3, abs=0.5)


def test_the_clips_of_a_smaller_share_are_among_those_of_a_larger_one(split):
    rows = split.infos()[:64]
    chosen = {}
    for share in (0.25, 0.5, 1.0):
        model = Corrupted("unpaired", share)
        chosen[share] = {
            row.clip_id for row in rows if model._is_chosen(SimpleNamespace(split="egomini-test", clip_id=row.clip_id))
        }
        assert len(chosen[share]) == pytest.approx(64 * share, abs=2)
    assert chosen[0.25] < chosen[0.5] < chosen[1.0]


def test_strangers_keep_the_pair_and_unpaired_breaks_it(split, clip):
    strangers, unpaired = (made(clip, kind, 1.0) for kind in ("strangers", "unpaired"))
    assert is_same(strangers.motion, unpaired.motion)
    owner = next(row for row in split.infos() if is_same(split.clip(row.clip_id).reference.motion, strangers.motion))
    assert owner.sequence != clip.info.sequence
    assert np.array_equal(split.clip(owner.clip_id).reference.video.frames, strangers.video.frames)
    assert np.array_equal(unpaired.video.frames, clip.reference.video.frames)


@pytest.mark.parametrize(("kind", "strength"), [("blurr", 1.0), ("blur", -1.0), ("blur", float("nan"))])
def test_an_unknown_fault_or_strength_is_refused(kind, strength):
    with pytest.raises(CorruptionError, match=r"is needed"):
        Corrupted(kind, strength)
