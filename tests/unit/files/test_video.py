"""Round trips bit by bit, rates, and every way a file can be no video."""

from pathlib import Path

import numpy as np
import pytest

from egobench.errors import BadInputError
from egobench.files.video import read_video, write_video


@pytest.fixture
def frames():
    return np.random.default_rng(0).integers(0, 256, (12, 48, 64, 3), dtype=np.uint8)


@pytest.fixture
def written(tmp_path, frames):
    path = tmp_path / "video.mp4"
    write_video(path, frames, 8)
    return path


def code_of(path, **asked):
    with pytest.raises(BadInputError) as caught:
        read_video(path, **asked)
    assert "\n" not in str(caught.value)
    return caught.value.code


def test_lossless_gives_back_every_byte(written, frames):
    video = read_video(written, fps=8, frames=12)
    np.testing.assert_array_equal(video.frames, frames)
    assert video.fps == 8.0


@pytest.mark.parametrize("fps", [8, 16, 12.5, 29.97, 30000 / 1001, 24000 / 1001])
def test_the_rate_comes_back(tmp_path, frames, fps):
    write_video(tmp_path / "v.mp4", frames, fps)
    assert read_video(tmp_path / "v.mp4").fps == pytest.approx(fps, rel=1e-9)


def test_equal_frames_give_equal_bytes(tmp_path, frames, written):
    write_video(tmp_path / "again.mp4", frames, 8)
    assert (tmp_path / "again.mp4").read_bytes() == written.read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["again.mp4", "video.mp4"]


@pytest.mark.parametrize("size", [(48, 64), (47, 61)])
def test_lossy_is_near_and_much_smaller(tmp_path, size):
    ramp = np.broadcast_to(np.linspace(0, 255, size[1])[None, None, :, None], (12, *size, 3)).astype(np.uint8)
    write_video(tmp_path / "v.mp4", ramp, 8, lossless=False, crf=10)
    decoded = read_video(tmp_path / "v.mp4").frames
    assert decoded.shape == ramp.shape
    assert np.abs(decoded.astype(float) - ramp).mean() < 4


@pytest.mark.parametrize("shape", [(1, 16, 16), (2, 33, 17), (3, 32, 48), (3, 64, 72)])
def test_odd_sizes_and_single_frames_are_kept(tmp_path, shape):
    frames = np.random.default_rng(1).integers(0, 256, (*shape, 3), dtype=np.uint8)
    write_video(tmp_path / "v.mp4", frames, 8)
    np.testing.assert_array_equal(read_video(tmp_path / "v.mp4", fps=8).frames, frames)


@pytest.mark.parametrize(
    "frames", [np.zeros((3, 8, 8), np.uint8), np.zeros((3, 8, 8, 3)), np.zeros((0, 8, 8, 3), np.uint8)]
)
def test_what_is_no_video_is_not_written(tmp_path, frames):
    with pytest.raises(BadInputError, match="uint8"):
        write_video(tmp_path / "v.mp4", frames, 8)
    assert not list(tmp_path.iterdir())


def test_bad_files_are_refused_by_code(tmp_path, written):
    assert code_of(tmp_path / "none.mp4") == "video-missing"
    assert code_of(written, fps=16) == "video-rate"
    assert code_of(written, frames=13) == "video-frames"
    assert code_of(written, max_pixels=12 * 48 * 64 - 1) == "video-too-large"
    for name, content in {"empty": b"", "text": b"not a video at all " * 50, "png": b"\x89PNG\r\n\x1a\n" * 9}.items():
        (tmp_path / name).write_bytes(content)
        assert code_of(tmp_path / name) == ("video-empty" if name == "empty" else "video-unreadable")


@pytest.mark.parametrize("share", [0.02, 0.3, 0.7, 0.95, 0.999])
def test_a_truncated_video_is_refused_wherever_it_was_cut(tmp_path, written, share):
    data = written.read_bytes()
    (tmp_path / "cut.mp4").write_bytes(data[: int(len(data) * share)])
    assert code_of(tmp_path / "cut.mp4") == "video-unreadable"


def test_a_hole_of_zeros_is_refused(tmp_path, written):
    data = bytearray(written.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 9000] = bytes(9000)
    (tmp_path / "hole.mp4").write_bytes(data)
    assert code_of(tmp_path / "hole.mp4") == "video-unreadable"


def test_a_rate_that_is_not_constant_is_refused(tmp_path, frames):
    import av

    with av.open(str(tmp_path / "v.mp4"), "w") as container:
        stream = container.add_stream("libx264rgb", rate=8)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "rgb24"
        for index, pixels in enumerate(frames):
            picture = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            picture.pts = index + (index > 6)  # a frame was dropped
            container.mux(stream.encode(picture))
        container.mux(stream.encode())
    assert code_of(tmp_path / "v.mp4") == "video-rate"


def test_frames_of_unequal_size_are_refused_and_not_brought_to_one(tmp_path):
    # Motion JPEG: every frame has a size of its own, and a player would stretch the later ones.
    import av

    file = tmp_path / "v.mp4"
    with av.open(str(file), "w") as container:
        stream = container.add_stream("mjpeg", rate=8)
        small = av.CodecContext.create("mjpeg", "w")
        for coder, size in ((stream.codec_context, 64), (small, 32)):
            coder.width, coder.height, coder.pix_fmt, coder.framerate = size, size, "yuvj420p", 8
        small.time_base = 1 / small.framerate
        for index in range(6):
            coder, size = (stream, 64) if index < 3 else (small, 32)
            picture = av.VideoFrame.from_ndarray(np.full((size, size, 3), 20 * index, np.uint8), format="rgb24")
            picture = picture.reformat(format="yuvj420p")
            picture.pts = index
            for packet in coder.encode(picture):
                packet.stream, packet.pts, packet.dts, packet.time_base = stream, index, index, small.time_base
                container.mux(packet)
    with pytest.raises(BadInputError, match="64 × 64, 32 × 32; one is needed") as caught:
        read_video(file)
    assert caught.value.code == "video-shape"


def test_the_size_is_height_and_width_in_pixels(written, frames):
    np.testing.assert_array_equal(read_video(written, size=(48, 64)).frames, frames)
    assert code_of(written, size=(64, 48)) == "video-size"


def test_frames_of_another_size_than_declared_are_refused(tmp_path, frames):
    """The picture's size within an mp4 is changed where the container says it; the coded one stays."""
    import av

    with av.open(str(tmp_path / "v.mkv"), "w", format="matroska") as container:
        for size in ((64, 48), (128, 96)):
            stream = container.add_stream("mjpeg", rate=8)
            stream.width, stream.height, stream.pix_fmt = *size, "yuvj420p"
        small, large = container.streams.video
        for number in range(3):
            picture = av.VideoFrame(128, 96, "yuvj420p") if number == 2 else av.VideoFrame(64, 48, "yuvj420p")
            for plane in picture.planes:
                plane.update(bytes(plane.buffer_size))
            picture.pts = number
            for packet in (large if number == 2 else small).encode(picture):
                packet.stream = small
                container.mux(packet)
    assert code_of(tmp_path / "v.mkv") == "video-shape"


def test_a_playlist_opens_no_other_file(tmp_path, written):
    for name, text in {
        "a.mp4": f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{written}\n#EXT-X-ENDLIST\n",
        "b.mp4": f"ffconcat version 1.0\nfile {written.name}\n",
    }.items():
        (tmp_path / name).write_text(text)
        assert code_of(tmp_path / name) == "video-unreadable"


def test_a_sound_file_is_no_video(tmp_path):
    import av

    with av.open(str(tmp_path / "sound.wav"), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000)
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 8000), np.int16), format="s16", layout="mono")
        sound.sample_rate = 8000
        container.mux(stream.encode(sound))
    assert code_of(tmp_path / "sound.wav") == "video-unreadable"


def test_a_relative_path_with_a_colon_is_a_path_and_no_protocol(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("x:y").mkdir()
    frames = np.arange(2 * 16 * 16 * 3, dtype=np.uint8).reshape(2, 16, 16, 3)
    write_video(Path("x:y/a.mp4"), frames, 8.0)
    assert np.array_equal(read_video(Path("x:y/a.mp4")).frames, frames)
