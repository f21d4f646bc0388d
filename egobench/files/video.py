"""mp4 ↔ frames: written by PyAV at an exactly constant rate, read by decord after the file's timestamps are checked.

Frames are RGB uint8 (T, H, W, 3). Lossless files (H.264 in RGB, qp 0) give back every byte that was written.
Refused: truncated files, undecodable frames, any rate that is not constant or not the asked one. A flipped bit inside
a frame may decode to a wrong picture, as in any player; the digests of runs and splits notice it, not this reader.
"""

import os
import platform
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8

from egobench.errors import BadInputError
from egobench.files.atomic import atomic_path
from egobench.types import Video

MAX_VIDEO_PIXELS = 2**28
"""Default bound on frames × height × width; 0.8 GB of RGB."""
MAX_RATE_DENOMINATOR = 1001
"""30000/1001 and its kin are exact."""
RATE_TOLERANCE = 1e-3
"""Relative difference of rates that still counts as equal."""
MAX_FRAMES = 100_000
"""Bound on the frames of one video, checked while they are counted."""
DEMUXERS = {"format_whitelist": "mov,matroska,avi", "protocol_whitelist": "file"}
"""Containers of one file. FFmpeg knows others (playlists, concat scripts) that open further files or addresses."""
X264_PARAMS = "asm=avx2"
"""x264 chooses other algorithms, and so other pixels, on processors with AVX-512; held to what all of them have, a clip
made again has the digest that was recorded. On processors of another kind than x86-64 it may have another."""


def write_video(
    path: Path | str,
    frames: UInt8[np.ndarray, "time height width 3"],
    fps: float,
    *,
    lossless: bool = True,
    crf: int = 18,
    rgb: bool = False,
    faststart: bool = True,
) -> None:
    """Writes an mp4 atomically; equal frames give equal bytes (one encoder thread, no time stamps of the clock).

    Args:
        lossless: RGB, bit by bit; few players show it. Otherwise 4:2:0 (4:4:4 for odd sizes) at quality `crf`.
        rgb: with `lossless=False`, code RGB itself at quality `crf`: no colour conversion, so that every decoder
            gives the same bytes; few players show it.
        faststart: index in front, so that it plays while loading.

    Raises:
        BadInputError: `video-frames`: not uint8 (T ≥ 1, H, W, 3).
        StorageError: the disk refused.
    """
    if frames.ndim != 4 or frames.shape[-1] != 3 or frames.dtype != np.uint8 or not frames.size:
        text = f"frames are {frames.dtype} {frames.shape}; uint8 (T, H, W, 3) with T ≥ 1 is needed"
        raise BadInputError(text, code="video-frames")
    import av

    rate = Fraction(fps).limit_denominator(MAX_RATE_DENOMINATOR)
    height, width = frames.shape[1:3]
    options = {"movflags": "faststart"} if faststart else {}
    with (
        atomic_path(path) as temporary,
        av.open(str(temporary), "w", format="mp4", options={"fflags": "+bitexact", **options}) as container,
    ):
        quality = {"qp": "0", "preset": "faster"} if lossless else {"crf": str(crf)}
        rgb = rgb or lossless
        codec = "libx264rgb" if rgb else "libx264"
        pinned = {"x264-params": X264_PARAMS} if platform.machine().lower() in ("x86_64", "amd64") else {}
        stream: Any = container.add_stream(codec, rate=rate, options={"threads": "1", **pinned, **quality})
        stream.width, stream.height = width, height
        stream.pix_fmt = "rgb24" if rgb else "yuv444p" if height % 2 or width % 2 else "yuv420p"
        stream.codec_context.time_base = 1 / rate
        for index, pixels in enumerate(frames):
            picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")
            picture.pts, picture.time_base = index, 1 / rate
            container.mux(stream.encode(picture))
        container.mux(stream.encode())


def read_video(
    path: Path | str,
    *,
    fps: float | None = None,
    frames: int | None = None,
    max_pixels: int = MAX_VIDEO_PIXELS,
    size: tuple[int, int] | None = None,
    strict: bool = False,
) -> Video:
    """Reads all frames of a video.

    Args:
        fps: the rate it must have; None takes the file's.
        frames: the number of frames it must have; None takes the file's.
        max_pixels: bound on frames × height × width, checked before anything is decoded.
        size: (height, width) in pixels that it must have, compared before anything is decoded; None takes the file's.
        strict: for files of strangers: decoded by PyAV's current FFmpeg, which stops at the first damaged frame, at one
            of another size and at one too many; decord, which is faster, carries an FFmpeg of 2019 and forgives more.

    Raises:
        BadInputError: `video-missing`, `video-empty` (0 bytes), `video-unreadable` (no video, truncated, decode
            error), `video-rate` (not constant, or not `fps`), `video-frames` (not `frames`), `video-size` (not `size`),
            `video-too-large`, `video-shape` (frames of unequal size).
    """
    file = Path(path)
    if not file.is_file():
        raise BadInputError(f"{file}: no such file", code="video-missing")
    if file.stat().st_size == 0:
        raise BadInputError(f"{file}: 0 bytes; a video is needed", code="video-empty")
    head = _read_head(file)
    if head.count * head.height * head.width > max_pixels:
        raise BadInputError(
            f"{file}: {head.count} frames of {head.width} × {head.height} are more than {max_pixels} pixels",
            code="video-too-large",
        )
    if head.declared and head.declared != head.count:
        text = f"{file}: truncated: {head.count} of {head.declared} frames are in the file"
        raise BadInputError(text, code="video-unreadable")
    rate = _constant_rate(head, file)
    if fps is not None and abs(rate - fps) > RATE_TOLERANCE * fps:
        raise BadInputError(f"{file}: {rate:.6g} frames per second; {fps:g} is needed", code="video-rate")
    if frames is not None and head.count != frames:
        raise BadInputError(f"{file}: {head.count} frames; {frames} are needed", code="video-frames")
    if size is not None and (head.height, head.width) != tuple(size):
        found, right = f"{head.width} × {head.height}", f"{size[1]} × {size[0]}"
        text = f"{file}: frames of {found} pixels (width × height); {right} are needed"
        raise BadInputError(text, code="video-size")
    if not strict:  # read strictly, every frame's size is looked at anyway
        _check_one_size(file)
    pixels = _decode_strictly(file, head) if strict else _decode(file, head)
    return Video(frames=pixels, fps=float(rate if fps is None else fps))


@dataclass(frozen=True)
class _Head:
    """What the container says without decoding."""

    declared: int
    """Frames by the index; 0 where the container does not say."""
    count: int
    """Frames whose bytes are there."""
    width: int
    height: int
    rate: float
    times: Sequence[int]
    """Presentation times in ticks, ascending."""
    tick: float
    """Seconds."""


def _read_head(file: Path) -> _Head:
    import av
    import av.error

    try:
        with av.open(str(file), options=DEMUXERS) as container:
            if not container.streams.video:
                raise BadInputError(f"{file}: has no video stream", code="video-unreadable")
            stream = container.streams.video[0]
            if stream.codec_context is None:
                raise BadInputError(f"{file}: coded in a way that is not known", code="video-unreadable")
            times = [packet.pts for packet in _few(container.demux(stream), file) if packet.size]
            width, height, rate, tick = stream.width, stream.height, stream.average_rate, stream.time_base
            declared = stream.frames
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise BadInputError(f"{file}: not a readable video: {error}", code="video-unreadable") from error
    known = [time for time in times if time is not None]
    if not known or len(known) != len(times) or not tick or width <= 0 or height <= 0:
        raise BadInputError(f"{file}: no frames with times in it", code="video-unreadable")
    return _Head(declared, len(known), width, height, float(rate or 0), sorted(known), float(tick))


def _few(packets: Iterable[Any], file: Path) -> Iterator[Any]:
    for number, packet in enumerate(packets):
        if number > MAX_FRAMES:
            raise BadInputError(f"{file}: more than {MAX_FRAMES} frames", code="video-too-large")
        yield packet


def _constant_rate(head: _Head, file: Path) -> float:
    """Frames per second by the timestamps; a container's coarse clock may round each of them by one tick."""
    if head.count < 2:
        return head.rate
    times = np.asarray(head.times, dtype=np.float64) * head.tick
    step = (times[-1] - times[0]) / (head.count - 1)
    ideal = times[0] + step * np.arange(head.count)
    worst = float(np.max(np.abs(times - ideal)))
    if step <= 0 or worst > head.tick * 1.01 + 1e-9:
        raise BadInputError(
            f"{file}: frame times are up to {worst:.4g} s off a constant rate of {1 / max(step, 1e-9):.4g} frames per "
            "second; a constant rate is needed",
            code="video-rate",
        )
    if abs(1 / step - head.rate) * step * head.count * step <= 2 * head.tick:
        return head.rate  # the exact fraction, where the timestamps agree with it
    return 1 / step


def _check_one_size(file: Path) -> None:
    """A size can change at a key frame only; decord would silently bring all frames to the first one's."""
    import av
    import av.error

    try:
        with av.open(str(file), options=DEMUXERS) as container:
            stream = container.streams.video[0]
            stream.codec_context.skip_frame = "NONKEY"
            sizes = dict.fromkeys((frame.width, frame.height) for frame in container.decode(stream))
    except (av.error.FFmpegError, OSError, ValueError) as error:
        text = f"{file}: cannot be decoded to the end: truncated, or a damaged frame"
        raise BadInputError(text, code="video-unreadable") from error
    if len(sizes) > 1:
        found = ", ".join(f"{width} × {height}" for width, height in list(sizes)[:3])
        raise BadInputError(f"{file}: frames of unequal size: {found}; one is needed", code="video-shape")


def _decode(file: Path, head: _Head) -> UInt8[np.ndarray, "time height width 3"]:
    os.environ.setdefault("DECORD_EOF_RETRY_MAX", "64")  # its default keeps trying for minutes on a cut file
    import decord

    decord.logging.set_level(decord.logging.QUIET)
    try:
        reader = decord.VideoReader(str(file), num_threads=1)
        pixels = reader.get_batch(range(len(reader))).asnumpy()
    except (decord.DECORDError, RuntimeError, IndexError):
        pixels = _decode_strictly(file, head)
    if len(pixels) != head.count:
        text = f"{file}: {len(pixels)} of {head.count} frames could be decoded"
        raise BadInputError(text, code="video-unreadable")
    return pixels


def _decode_strictly(file: Path, head: _Head) -> UInt8[np.ndarray, "time height width 3"]:
    """Without forgiveness; also for widths (8, 12, 16, 24, 48, 72) that decord 0.6 cannot copy."""
    import av
    import av.error
    from av.video.reformatter import VideoReformatter

    convert, pixels = VideoReformatter(), []
    most = max(4 * head.height * head.width, 2**22)  # decoders pad small frames to many times their size
    try:
        with av.open(str(file), options=DEMUXERS) as container:
            stream = container.streams.video[0]
            stream.codec_context.thread_count = 1
            stream.codec_context.options = {"err_detect": "explode", "max_pixels": str(most)}
            for frame in container.decode(stream):
                if (frame.height, frame.width) != (head.height, head.width) or len(pixels) == head.count:
                    text = (
                        f"{file}: frame {len(pixels)} is {frame.width} × {frame.height} pixels; {head.count} frames of "
                        f"{head.width} × {head.height} were declared"
                    )
                    raise BadInputError(text, code="video-unreadable")
                if frame.is_corrupt:
                    raise BadInputError(f"{file}: frame {len(pixels)} is damaged", code="video-unreadable")
                pixels.append(convert.reformat(frame, format="rgb24").to_ndarray())
    except (av.error.FFmpegError, OSError, ValueError) as error:
        text = f"{file}: cannot be decoded to the end: truncated, or a damaged frame"
        raise BadInputError(text, code="video-unreadable") from error
    if len(pixels) != head.count:
        raise BadInputError(f"{file}: {len(pixels)} of {head.count} frames could be decoded", code="video-unreadable")
    return np.stack(pixels)
