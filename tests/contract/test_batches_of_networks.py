"""What a network gives a clip among others is what it gives it alone, but for the rounding of float32 sums."""

import numpy as np
import pytest

from egobench import open_split
from egobench.extractors.base import ROUNDING
from egobench.plan.estimates import split_camera
from egobench.plan.resolve import resolve_estimator, resolve_extractor

CLIPS = 3
EXTRACTORS = [
    ("egomini-clip", "frames"),
    ("egomini-clip", "text"),
    ("egomini-video", "clip"),
    ("motion-text", "motion"),
    ("motion-text", "text"),
]


@pytest.fixture(scope="module")
def clips():
    split = open_split("egomini-smoke")
    return [split.clip(info.clip_id) for info in split.infos()[:CLIPS]]


def seen(clip, method):
    reference = clip.reference
    return {"text": clip.condition.text, "motion": reference.motion}.get(method, reference.video)


@pytest.mark.parametrize(("name", "method"), EXTRACTORS)
def test_features_of_a_batch_are_those_of_its_clips(name, method, clips):
    loaded = resolve_extractor(name).load("cpu")
    given = [seen(clip, method) for clip in clips]
    together = getattr(loaded, f"{method}_batch")(given)
    assert len(together) == CLIPS
    for one, among in zip(given, together, strict=True):
        alone = getattr(loaded, method)(one)
        assert (among.shape, among.dtype) == (alone.shape, alone.dtype)
        assert np.abs(among - alone).max() <= ROUNDING * np.abs(alone).max()
    assert np.abs(together[0] - together[1]).max() > ROUNDING * np.abs(together[0]).max()


def test_hands_of_a_batch_are_those_of_its_clips(clips):
    loaded, camera = resolve_estimator("egomini-hands").load("cpu"), split_camera(open_split("egomini-smoke"))
    videos = [clip.reference.video for clip in clips]
    together = loaded.hands_batch(videos, camera, clip_ids=["a", "b", "c"])
    for video, among in zip(videos, together, strict=True):
        alone = loaded.hands(video, camera)
        np.testing.assert_allclose(among.scores, alone.scores, rtol=0, atol=ROUNDING)
        np.testing.assert_allclose(among.palms, alone.palms, rtol=0, atol=ROUNDING * camera.width)
        assert (among.mask != alone.mask).mean() < ROUNDING
