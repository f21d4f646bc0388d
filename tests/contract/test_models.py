"""Every listed model keeps the adapter protocol: settings in a frozen dataclass, samples that pass the border."""

from dataclasses import fields, is_dataclass

import numpy as np
import pytest

from egobench import check_motion, open_split
from egobench.catalog import MODELS
from egobench.types import Model


@pytest.fixture(scope="module")
def condition():
    split = open_split("egomini-smoke")
    return split.clip(split.infos()[0].clip_id).condition


@pytest.mark.parametrize("name", MODELS.names())
def test_a_listed_model_loads_describes_itself_and_makes_a_valid_sample(name, condition):
    kind = MODELS.load(name)
    assert is_dataclass(kind)
    assert kind.__dataclass_params__.frozen, f"{name}: settings must not change after the manifest is written"
    assert kind.__doc__
    assert all(field.default is not field.default_factory for field in fields(kind)), "settings need defaults"
    model = kind()
    assert isinstance(model, Model)
    sampler = model.load("cpu")
    sample = sampler.sample(condition, seed=0)
    again = sampler.sample(condition, seed=0)
    if sample.video is not None:
        assert sample.video.frames.dtype == np.uint8
        assert len(sample.video.frames) == condition.num_video_frames
        assert np.array_equal(sample.video.frames, again.video.frames)
    if sample.motion is not None:
        check_motion(sample.motion, frames=condition.num_motion_frames, fps=condition.fps_motion)
        assert np.array_equal(sample.motion.positions, again.motion.positions)
