"""The five controls on the shipped split: what each keeps, breaks and never looks at."""

from dataclasses import replace

import numpy as np
import pytest
from egobench_baselines.nearest import NearestControl, nearest_clip
from egobench_baselines.noise import NoiseControl
from egobench_baselines.reference import ReferenceControl
from egobench_baselines.shuffled import ShuffledControl
from egobench_baselines.static import StaticControl

from egobench import SHUFFLE_SEED, Motion, open_split, shuffled_partners


@pytest.fixture(scope="module")
def split():
    return open_split("egomini-test")


@pytest.fixture(scope="module")
def clip(split):
    return split.clip(split.infos()[5].clip_id)


def test_the_reference_control_is_the_reference_bit_by_bit(clip):
    sample = ReferenceControl().load("cpu").sample(clip.condition, seed=3)
    assert np.array_equal(sample.video.frames, clip.reference.video.frames)
    assert np.array_equal(sample.motion.positions, clip.reference.motion.positions)


def test_shuffled_shows_a_stranger_s_video_and_a_third_one_s_motion(split, clip):
    rows = split.infos()
    video, motion = shuffled_partners([row.sequence for row in rows], SHUFFLE_SEED)
    sample = ShuffledControl().load("cpu").sample(clip.condition, seed=0)
    place = 5
    assert len({rows[place].sequence, rows[video[place]].sequence, rows[motion[place]].sequence}) == 3
    expected = split.clip(rows[video[place]].clip_id).reference.video.frames
    assert np.array_equal(sample.video.frames, expected)
    expected = split.clip(rows[motion[place]].clip_id).reference.motion.positions
    assert np.array_equal(sample.motion.positions, expected)


def test_static_repeats_what_was_given(clip):
    sample = StaticControl().load("cpu").sample(clip.condition, seed=0)
    assert np.ptp(sample.video.frames.astype(int), axis=0).max() == 0
    assert np.ptp(sample.motion.positions, axis=0).max() == 0
    assert np.array_equal(sample.video.frames[7], clip.condition.first_frame)
    assert sample.video.frames.shape[0] == clip.condition.num_video_frames
    assert sample.motion.positions.shape[0] == clip.condition.num_motion_frames


def test_noise_depends_on_seed_and_clip_only_and_keeps_the_bones(split, clip):
    model = NoiseControl().load("cpu")
    first, again, other = (model.sample(clip.condition, seed=seed) for seed in (0, 0, 1))
    assert np.array_equal(first.video.frames, again.video.frames)
    assert np.array_equal(first.motion.rotations, again.motion.rotations)
    assert not np.array_equal(first.video.frames, other.video.frames)
    stranger = split.clip(split.infos()[6].clip_id).condition
    assert not np.array_equal(first.video.frames, model.sample(stranger, seed=0).video.frames)
    bones = np.linalg.norm(first.motion.positions[:, 5] - first.motion.positions[:, 4], axis=-1)
    assert np.ptp(bones) < 1e-9


def test_nearest_finds_the_training_clip_with_the_same_caption():
    rows = open_split("egomini-train").infos()
    once = {}
    for row in rows:
        once.setdefault(row.text, []).append(row.clip_id)
    text, ids = next((text, ids) for text, ids in sorted(once.items()) if len(ids) == 1)
    assert nearest_clip("egomini-train", text) == ids[0]
    assert nearest_clip("egomini-train", "zzz unknown words only") == rows[0].clip_id


def test_nearest_starts_where_the_wearer_stands_and_faces(clip):
    sample = NearestControl().load("cpu").sample(clip.condition, seed=0)
    given, made = clip.condition.first_pose, sample.motion
    assert np.abs(made.positions[0, 0, :2] - given.positions[0, 0, :2]).max() < 1e-9
    turned = [np.arctan2(m.rotations[0, 0, 1, 0], m.rotations[0, 0, 0, 0]) for m in (given, made)]
    assert turned[0] == pytest.approx(turned[1], abs=1e-9)
    assert made.positions[:, :, 2].min() > -0.01


def test_nearest_refuses_a_condition_of_another_length(clip):
    longer = replace(clip.condition, num_motion_frames=161)
    with pytest.raises(ValueError, match="161"):
        NearestControl().load("cpu").sample(longer, seed=0)


def test_only_the_first_frame_and_pose_of_the_truth_are_in_the_condition(clip):
    condition = clip.condition
    assert condition.first_frame.shape == clip.reference.video.frames.shape[1:]
    assert isinstance(condition.first_pose, Motion)
    assert len(condition.first_pose.positions) == 1
    assert condition.motion is None
    assert condition.video is None
