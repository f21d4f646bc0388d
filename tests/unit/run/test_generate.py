"""What a model returns, held to its condition, before it is written."""

import json
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pytest

import egobench
from egobench import BadInputError, Sample, open_split
from egobench.geometry.skeleton import get_skeleton
from egobench.plan.resolve import resolve_model
from egobench.run.check_sample import check_sample
from egobench.run.generate import GenerateJob


@pytest.fixture(scope="module")
def clip():
    split = open_split("egomini-smoke")
    return split.clip(split.infos()[0].clip_id)


def test_the_truth_keeps_its_own_form(clip):
    sample, odd = check_sample(Sample(clip.reference.video, clip.reference.motion), clip.condition)
    assert odd == []
    assert np.array_equal(sample.video.frames, clip.reference.video.frames)


def test_a_body_of_another_skeleton_is_refused_and_not_retargeted(clip):
    joints = len(get_skeleton("smpl22").parents)
    motion = clip.reference.motion
    other = replace(
        motion,
        positions=motion.positions[:, :joints],
        rotations=motion.rotations[:, :joints],
        skeleton="smpl22",
    )
    with pytest.raises(BadInputError, match="on the skeleton smpl22; the split's is xsens23") as error:
        check_sample(Sample(clip.reference.video, other), clip.condition)
    assert error.value.code == "sample-skeleton"
    assert "egobench.read_skeleton_map brings arrays with joints of your own" in str(error.value)


def test_a_model_with_joints_of_its_own_brings_them_to_the_splits_by_a_skeleton_map(clip, tmp_path):
    motion = clip.reference.motion
    ours = get_skeleton(motion.skeleton).joints
    names = ["Finger", *(f"My {joint}" for joint in reversed(ours))]
    lines = "\n".join(f'"My {joint}" = "{joint}"' for joint in ours)
    path = tmp_path / "map.toml"
    path.write_text(f'skeleton = "{motion.skeleton}"\nnames = {json.dumps(names)}\n[joints]\n{lines}\n')
    order = [0, *reversed(range(len(ours)))]  # the finger is where the root is
    theirs = replace(motion, positions=motion.positions[:, order], rotations=motion.rotations[:, order])
    with pytest.raises(BadInputError, match=r"24 joints; xsens23 has 23; egobench.read_skeleton_map brings") as error:
        check_sample(Sample(None, theirs), clip.condition)
    assert error.value.code == "motion-skeleton"
    found = egobench.read_skeleton_map(path)
    picked = replace(theirs, positions=found.pick(theirs.positions), rotations=found.pick(theirs.rotations))
    sample, _ = check_sample(Sample(None, picked), clip.condition)
    np.testing.assert_array_equal(sample.motion.positions, motion.positions)
    np.testing.assert_array_equal(sample.motion.rotations, motion.rotations)
    with pytest.raises(BadInputError, match=r"array: an array of shape .* the skeleton map names 24 joints"):
        found.pick(motion.positions)


AXES = {
    "motion-up": lambda positions: positions[..., [0, 2, 1]],
    "motion-axes": lambda positions: positions[..., [1, 0, 2]],
    "motion-yaw": lambda positions: positions * [-1, -1, 1],
    "motion-handedness": lambda positions: positions * [-1, 1, 1],
    "motion-teleport": lambda positions: positions + np.where(np.arange(len(positions)) > 9, 4.0, 0.0)[:, None, None],
}


@pytest.mark.parametrize("code", list(AXES))
def test_a_model_is_held_to_the_conventions_of_submissions(clip, code):
    motion = replace(clip.reference.motion, positions=AXES[code](clip.reference.motion.positions))
    with pytest.raises(BadInputError) as error:
        check_sample(Sample(None, motion), clip.condition)
    assert error.value.code == code


@pytest.mark.parametrize("model", ["reference", "shuffled", "static", "nearest", "noise", "egotwin-vae", "corrupted"])
def test_controls_are_in_convention(clip, model):
    options = {"kind": "stretch", "strength": "20"} if model == "corrupted" else {}
    sampler = resolve_model(model, options).load("cpu")
    assert check_sample(sampler.sample(clip.condition, seed=0), clip.condition)[1] == []


@dataclass(frozen=True)
class Mirrored:
    """The truth in a mirror, by somebody who calls it a control."""

    is_control: ClassVar[bool] = True

    def load(self, device):
        return self

    def sample(self, condition, *, seed):
        return (
            resolve_model("corrupted", {"kind": "video-mirror", "strength": "1"})
            .load("cpu")
            .sample(condition, seed=seed)
        )


def test_the_control_that_spoils_pictures_on_purpose_may_and_no_other_model(clip, tmp_path):
    place = {"split": "egomini-smoke", "task": "t2vm", "device": "cpu", "folder": tmp_path}
    options = {"kind": "video-mirror", "strength": "1"}
    written = GenerateJob("corrupted", options, **place).prepare()((clip.condition.clip_id, 0))
    assert written["video"]
    with pytest.raises(BadInputError) as error:
        GenerateJob(f"{__name__}:Mirrored", {}, **place).prepare()((clip.condition.clip_id, 0))
    assert error.value.code == "video-turned"


@pytest.mark.parametrize("swapped", ["parts", "arrays"])
def test_what_is_no_video_or_motion_is_named_by_its_type(clip, swapped):
    video, motion = clip.reference.video, clip.reference.motion
    sample = Sample(motion, video) if swapped == "parts" else Sample(video.frames, motion.positions)
    with pytest.raises(BadInputError, match=r"Sample.video is of type (Motion|ndarray), without") as error:
        check_sample(sample, clip.condition)
    assert error.value.code == "sample-type"
    with pytest.raises(BadInputError, match=r"Sample.motion is of type (Video|ndarray), without positions"):
        check_sample(Sample(None, sample.motion), clip.condition)
