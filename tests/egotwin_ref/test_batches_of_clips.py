"""A clip's sample does not depend on the others of its batch but by the rounding of float32 sums."""

from dataclasses import replace

import numpy as np
import pytest

from egobench import open_split
from egotwin_ref.adapters.model import EgoTwinModel

METRES, COSINES = 2e-5, 2e-5
"""Largest differences of positions and of entries of rotation matrices."""
LEVELS, SHARE = 2, 1e-3
"""Largest difference of a pixel, and largest share of pixels that differ at all."""


@pytest.mark.parametrize("task", ["t2vm", "tm2v", "tv2m"])
def test_a_clip_sampled_alone_and_among_others_differs_by_rounding(task):
    split = open_split("egomini-smoke")
    clips = [split.clip(info.clip_id) for info in split.infos()[:3]]
    given = {"tm2v": "motion", "tv2m": "video"}.get(task)
    conditions = [
        replace(clip.condition, task=task, **({given: getattr(clip.reference, given)} if given else {}))
        for clip in clips
    ]
    model = EgoTwinModel(steps=3, guidance=1.5).load("cpu")
    together = model.sample_batch(conditions, seeds=[5, 6, 5])
    for condition, seed, sample in zip(conditions, (5, 6, 5), together, strict=True):
        alone = model.sample(condition, seed=seed)
        assert np.abs(alone.motion.positions - sample.motion.positions).max() < METRES
        assert np.abs(alone.motion.rotations - sample.motion.rotations).max() < COSINES
        apart = np.abs(alone.video.frames.astype(int) - sample.video.frames)
        assert apart.max() <= LEVELS
        assert (apart > 0).mean() < SHARE
    assert np.abs(together[0].motion.positions - together[1].motion.positions).max() > METRES  # clips do differ


def test_a_model_names_smaller_batches_for_a_cpu():
    model = EgoTwinModel()
    assert 1 < model.batch_size("cpu") < model.batch_size("cuda")
