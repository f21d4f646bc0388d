"""What a model returns, held to its condition, before it is written."""

from dataclasses import replace

import numpy as np
import pytest

from egobench import BadInputError, Sample, open_split
from egobench.geometry.skeleton import get_skeleton
from egobench.pipeline.generate import check_sample


@pytest.fixture(scope="module")
def clip():
    split = open_split("egomini-smoke")
    return split.clip(split.infos()[0].clip_id)


def test_the_truth_keeps_its_own_form(clip):
    sample = check_sample(Sample(clip.reference.video, clip.reference.motion), clip.condition)
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
