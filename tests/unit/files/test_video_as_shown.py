"""A file's frames are what a player shows, and the same wherever the file lies."""

from fractions import Fraction

import av
import numpy as np
import pytest
from odd_videos import encode, set_edits, set_matrix, two_streams

from egobench.errors import BadInputError
from egobench.files.video import read_video, read_video_and_notes, write_video

SHOWN = {
    "90": lambda f: np.rot90(f, -1, axes=(1, 2)),
    "180": lambda f: f[:, ::-1, ::-1],
    "270": lambda f: np.rot90(f, 1, axes=(1, 2)),
    "mirrored": lambda f: f[:, :, ::-1],
    "upside down": lambda f: f[:, ::-1],
    "transposed": lambda f: f.swapaxes(1, 2),
    "across": lambda f: f[:, ::-1, ::-1].swapaxes(1, 2),
    "nothing": lambda f: f,
}


@pytest.fixture
def frames():
    return np.random.default_rng(3).integers(0, 256, (12, 32, 48, 3), dtype=np.uint8)


def refused(path, **asked):
    with pytest.raises(BadInputError) as caught:
        read_video(path, **asked)
    return caught.value


@pytest.mark.parametrize("matrix", SHOWN)
def test_the_display_matrix_turns_and_mirrors(tmp_path, frames, matrix):
    write_video(tmp_path / "v.mp4", frames, 8)
    set_matrix(tmp_path / "v.mp4", matrix)
    expected = SHOWN[matrix](frames)
    read = read_video(tmp_path / "v.mp4", fps=8, frames=12, size=expected.shape[1:3]).frames
    np.testing.assert_array_equal(read, expected)
    assert read.flags.c_contiguous


def test_a_turn_by_90_degrees_is_clockwise(tmp_path):
    frames = np.zeros((3, 16, 32, 3), np.uint8)
    frames[:, :4, :4] = 255  # stored at the top left, it is shown at the top right
    write_video(tmp_path / "v.mp4", frames, 8)
    set_matrix(tmp_path / "v.mp4", "90")
    shown = read_video(tmp_path / "v.mp4").frames
    assert shown.shape == (3, 32, 16, 3)
    assert shown[:, :4, -4:].min() == 255
    assert shown.sum() == frames.sum()


def test_the_size_that_is_asked_for_is_the_one_that_is_shown(tmp_path, frames):
    write_video(tmp_path / "v.mp4", frames, 8)
    set_matrix(tmp_path / "v.mp4", "90")
    error = refused(tmp_path / "v.mp4", size=(32, 48))
    assert error.code == "video-size"
    assert "32 × 48 pixels (width × height); 48 × 32 are needed" in str(error)


@pytest.mark.parametrize("matrix", ["45", "twice as wide"])
def test_a_matrix_that_is_no_turn_is_refused_and_not_left_out(tmp_path, frames, matrix):
    write_video(tmp_path / "v.mp4", frames, 8)
    set_matrix(tmp_path / "v.mp4", matrix)
    assert refused(tmp_path / "v.mp4").code == "video-display-matrix"


@pytest.mark.parametrize(
    ("edits", "shown"),
    [
        ([(9, 3)], range(3, 12)),
        ([(9, 0)], range(9)),
        ([(7, 2)], range(2, 9)),
        ([(2, -1), (12, 0)], range(12)),
        ([(4, 0), (5, 6)], [*range(4), *range(6, 11)]),
        ([(3, 0), (3, 0)], [0, 1, 2, 0, 1, 2]),
    ],
    ids=["begins later", "ends earlier", "both", "a pause before it", "two pieces", "a piece twice"],
)
def test_an_edit_list_says_which_frames_are_shown(tmp_path, frames, edits, shown):
    write_video(tmp_path / "v.mp4", frames, 8)
    set_edits(tmp_path / "v.mp4", *edits)
    video = read_video(tmp_path / "v.mp4", fps=8, frames=len(shown))
    np.testing.assert_array_equal(video.frames, frames[list(shown)])
    if len(shown) != 12:
        error = refused(tmp_path / "v.mp4", frames=12)
        assert error.code == "video-frames"
        assert f"{len(shown)} frames are shown (12 are stored, and the file's edit list shows others)" in str(error)


def test_a_cut_file_with_an_edit_list_is_still_truncated(tmp_path, frames):
    write_video(tmp_path / "v.mp4", frames, 8)
    set_edits(tmp_path / "v.mp4", (9, 3))
    content = (tmp_path / "v.mp4").read_bytes()
    (tmp_path / "v.mp4").write_bytes(content[: int(0.6 * len(content))])
    assert refused(tmp_path / "v.mp4").code == "video-unreadable"


@pytest.mark.parametrize("default", [0, 1])
def test_of_two_streams_the_one_that_players_show_is_read_and_named(tmp_path, frames, default):
    pair = (frames[:, ::2, ::2], frames)
    two_streams(tmp_path / "v.mp4", *pair, default=default)
    video, notes = read_video_and_notes(tmp_path / "v.mp4", fps=8, frames=12, size=pair[default].shape[1:3])
    np.testing.assert_array_equal(video.frames, pair[default])
    assert notes == [("video-streams", f"2 video streams; number {default}, which a player shows, is read")]
    write_video(tmp_path / "one.mp4", frames, 8)
    assert read_video_and_notes(tmp_path / "one.mp4")[1] == []


def smooth(size=64):
    """A coloured ramp that moves: no codec has trouble with it."""
    y, x, t = np.meshgrid(np.arange(size), np.arange(size), np.arange(6), indexing="ij")
    colours = np.stack([2 * x + 8 * t, 2 * y + 8 * t, 255 - x - y], axis=-1)
    return np.clip(colours, 0, 255).astype(np.uint8).transpose(2, 0, 1, 3)


def test_ten_bits_show_the_same_picture_as_eight(tmp_path):
    truth, read = smooth(), {}
    for bits, pix_fmt in ((8, "yuv420p"), (10, "yuv420p10le")):
        encode(tmp_path / f"{bits}.mp4", truth, "libx264", pix_fmt, crf="1")
        read[bits] = read_video(tmp_path / f"{bits}.mp4", fps=8, frames=6).frames.astype(float)
        assert np.abs(read[bits] - truth).mean() < 2.5
    assert np.abs(read[10] - read[8]).mean() < 1.5


def test_interlaced_frames_keep_their_lines_and_are_named(tmp_path):
    truth = smooth()
    encode(tmp_path / "p.mp4", truth, "libx264", "yuv420p", qp="0")
    encode(tmp_path / "i.mp4", truth, "libx264", "yuv420p", qp="0", **{"x264-params": "tff=1"})
    progressive = read_video(tmp_path / "p.mp4").frames
    video, notes = read_video_and_notes(tmp_path / "i.mp4", fps=8, frames=6)
    np.testing.assert_array_equal(video.frames, progressive)  # lossless: the lines that are stored are the same
    assert notes == [("video-interlaced", "6 of 6 frames are interlaced; their lines are read as stored")]


@pytest.mark.parametrize("suffix", ["mp4", "mov", "mkv"])
def test_colours_do_not_depend_on_the_container(tmp_path, suffix):
    truth = smooth()
    encode(tmp_path / "right.mp4", truth, "libx264", "yuv420p", qp="0")
    encode(tmp_path / f"v.{suffix}", truth, "libx264", "yuv420p", qp="0")
    np.testing.assert_array_equal(
        read_video(tmp_path / f"v.{suffix}").frames, read_video(tmp_path / "right.mp4").frames
    )


def test_without_strictness_a_damaged_frame_is_concealed(tmp_path):
    encode(tmp_path / "v.mp4", smooth(), "libx264", "yuv420p", qp="0", g="1")
    content = bytearray((tmp_path / "v.mp4").read_bytes())
    middle = content.find(b"mdat") + (len(content) - content.find(b"mdat")) // 2
    content[middle : middle + 40] = bytes(40)
    (tmp_path / "v.mp4").write_bytes(content)
    assert refused(tmp_path / "v.mp4").code == "video-unreadable"
    assert read_video(tmp_path / "v.mp4", strict=False).frames.shape == (6, 64, 64, 3)


@pytest.mark.parametrize("space", [1, 5], ids=["bt709", "bt601"])
@pytest.mark.parametrize("levels", [1, 2], ids=["limited", "full"])
def test_colours_are_read_by_the_files_own_matrix_and_range(tmp_path, space, levels):
    down, right = np.mgrid[0:64, 0:64]
    picture = np.stack([right * 4, down * 4, 255 - (right + down) * 2], axis=-1).astype(np.uint8)
    with av.open(str(tmp_path / "a.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=8, options={"qp": "0"})
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv444p"
        stream.codec_context.colorspace, stream.codec_context.color_range = space, levels
        for index in range(2):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame = frame.reformat(format="yuv444p", dst_colorspace=space, dst_color_range=levels)
            frame.pts, frame.time_base = index, Fraction(1, 8)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    seen = read_video(tmp_path / "a.mp4").frames
    assert np.abs(seen.astype(int) - picture).max() <= 3  # with another matrix or range it is 19 and more
