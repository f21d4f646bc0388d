"""Pictures of clips: that they are made, whole, and not empty."""

import dataclasses

import matplotlib.image
import numpy as np
import pytest

from egobench.errors import BadInputError
from egobench.geometry.skeleton import XSENS23
from egobench.pictures.contact_sheet import clip_picture, sheet
from egobench.pictures.drawing import frame_indices, heading, strip
from egobench.types import Camera, Clip, ClipInfo, Condition, Motion, Reference, Sample, Video


@pytest.fixture
def clip():
    rng = np.random.default_rng(0)
    frames = rng.integers(0, 255, (41, 16, 16, 3), dtype=np.uint8)
    heights = np.linspace(0.0, 1.7, len(XSENS23))
    positions = np.zeros((81, len(XSENS23), 3))
    positions[..., 2] = heights
    positions[..., 0] += np.linspace(0, 1, 81)[:, None]
    motion = Motion(positions, np.tile(np.eye(3), (81, len(XSENS23), 1, 1)), 16.0)
    video = Video(frames, 8.0)
    info = ClipInfo("test-0000-0", "test-0000", "w28", "cost $5 and $6: walk_on", "walk", "0123456789abcdef")
    camera = Camera(np.eye(3), 16, 16, np.eye(4))
    pose = Motion(positions[:1], motion.rotations[:1], 16.0)
    condition = Condition("test-0000-0", "egomini-test", info.text, frames[0], pose, camera, 41, 8.0, 81, 16.0)
    return Clip(info, condition, Reference(video, motion, rng.random((41, 2)), rng.random((81, 4)) > 0.5))


def assert_picture(path):
    image = matplotlib.image.imread(path)
    assert path.read_bytes().startswith(b"\x89PNG")
    assert image.shape[0] > 200
    assert image[..., :3].std() > 0.02


def test_a_clip_alone_is_drawn(clip, tmp_path):
    assert_picture(clip_picture(clip, None, tmp_path / "new" / "clip.png"))


def test_a_sample_makes_the_picture_taller(clip, tmp_path):
    alone = clip_picture(clip, None, tmp_path / "a.png")
    both = clip_picture(clip, Sample(clip.reference.video, clip.reference.motion), tmp_path / "b.png")
    assert matplotlib.image.imread(both).shape[0] > matplotlib.image.imread(alone).shape[0]


@pytest.mark.parametrize("missing", ["video", "motion"])
def test_a_sample_of_one_part_is_drawn(clip, tmp_path, missing):
    sample = dataclasses.replace(Sample(clip.reference.video, clip.reference.motion), **{missing: None})
    assert_picture(clip_picture(clip, sample, tmp_path / "clip.png"))


def test_a_clip_without_hands_and_contacts_is_drawn(clip, tmp_path):
    bare = dataclasses.replace(clip, reference=Reference(clip.reference.video, clip.reference.motion))
    assert_picture(clip_picture(bare, None, tmp_path / "clip.png"))


def test_a_sheet_with_samples_is_taller_and_shows_them(clip, tmp_path):
    sample = Sample(clip.reference.video, clip.reference.motion)
    without, beside = tmp_path / "without.png", tmp_path / "beside.png"
    assert_picture(sheet([clip], beside, [sample]))
    sheet([clip], without)
    assert matplotlib.image.imread(beside).shape[0] > matplotlib.image.imread(without).shape[0]
    assert_picture(sheet([clip], tmp_path / "half.png", [Sample(None, clip.reference.motion)]))


def test_a_sheet_has_a_line_per_clip(clip, tmp_path):
    one = matplotlib.image.imread(sheet([clip], tmp_path / "one.png"))
    assert_picture(sheet([clip] * 3, tmp_path / "three.png"))
    three = matplotlib.image.imread(tmp_path / "three.png")
    assert three.shape[0] == pytest.approx(3 * one.shape[0], rel=0.02)


def test_equal_clips_give_equal_bytes(clip, tmp_path):
    assert sheet([clip], tmp_path / "a.png").read_bytes() == sheet([clip], tmp_path / "b.png").read_bytes()


def test_shown_frames_include_first_and_last():
    assert frame_indices(41, 5) == [0, 10, 20, 30, 40]
    assert frame_indices(3, 8) == [0, 1, 2]


def test_a_strip_is_frames_and_gaps(clip):
    assert strip(clip.reference.video, [0, 1, 2]).shape == (16, 3 * 16 + 2 * 2, 3)


def test_heading_of_an_identity_head_is_x(clip):
    assert heading(clip.reference.motion) == pytest.approx([1.0, 0.0])


def test_no_clips_are_refused(tmp_path):
    with pytest.raises(BadInputError, match="at least one clip"):
        sheet([], tmp_path / "x.png")
