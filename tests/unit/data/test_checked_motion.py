"""A reference's motion is read without its video only while the clip's files are those whose content was checked."""

from types import SimpleNamespace

import numpy as np
import pytest
from pipeline_toys import make_split

from egobench.data import folder as folder_module
from egobench.data.content import check_clips, checked_motion
from egobench.data.folder import open_folder
from egobench.errors import BadInputError
from egobench.files import stamps
from egobench.metrics.base import Need


@pytest.fixture
def split(tmp_path, monkeypatch):
    monkeypatch.setattr(stamps, "SETTLED_NS", 0)
    return open_folder(make_split(tmp_path / "split", sequences=2, windows=1))


def test_it_is_the_clips_own_motion_and_no_video_is_decoded(split, monkeypatch):
    assert checked_motion(split, "toy-00") is None, "nothing was checked yet"
    whole = split.clip("toy-00").reference.motion
    check_clips(split, split.rows)

    def refuse(*_, **__):
        raise AssertionError("a video was read")

    monkeypatch.setattr(folder_module, "read_video", refuse)
    alone = checked_motion(split, "toy-00")
    assert alone is not None
    np.testing.assert_array_equal(alone.positions, whole.positions)
    np.testing.assert_array_equal(alone.rotations, whole.rotations)
    assert (alone.fps, alone.skeleton) == (whole.fps, whole.skeleton)


@pytest.mark.parametrize("name", ["motion.npz", "video.mp4"])
def test_a_file_that_was_written_since_makes_the_whole_clip_be_opened(split, name):
    check_clips(split, split.rows)
    file = split.path / "toy-00" / name
    file.write_bytes(file.read_bytes())
    assert checked_motion(split, "toy-00") is None
    assert checked_motion(split, "toy-01") is not None


def test_a_split_that_is_no_folder_opens_its_clips_whole():
    assert checked_motion(SimpleNamespace(name="rendered"), "a") is None


@pytest.mark.parametrize(("what", "extractor"), [("frames", None), ("clip", "x"), ("motion", None)])
def test_a_metric_can_ask_for_some_frames_only_of_features_of_frames(what, extractor):
    assert Need("sample", "frames", "x", frames=8).frames == 8
    with pytest.raises(BadInputError) as caught:
        Need("sample", what, extractor, frames=8)
    assert caught.value.code == "need-frames"
