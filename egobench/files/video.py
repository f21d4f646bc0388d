"""mp4 ↔ frames, by PyAV: one writer with an exactly constant rate, one reader for splits, submissions and runs.

Frames are RGB uint8 (T, H, W, 3), as a player shows them: from the stream that players choose, without the frames that
an edit list leaves out, turned and mirrored by the display matrix. A pixel's aspect ratio is not applied, and
interlaced frames keep their lines as stored. Lossless files (H.264 in RGB, qp 0) return every byte that was written.
The reader refuses truncated files, frames that cannot be decoded, and rates that are not constant or not the expected
one. A flipped bit inside a frame may decode to a wrong picture, as in any player; digests of runs and splits find that.
"""

import platform
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8

from egobench.errors import BadInputError
from egobench.files.atomic import atomic_path
from egobench.files.video_frames import decode_frames
from egobench.files.video_head import VideoHead, constant_rate, read_head
from egobench.types import Video

MAX_VIDEO_PIXELS = 2**28
"""Default bound on frames × height × width; 0.8 GB of RGB."""
MAX_RATE_DENOMINATOR = 1001
"""Largest denominator of a frame rate, so that rates such as 30000/1001 are exact."""
RATE_TOLERANCE = 1e-3
"""Relative difference of rates that still counts as equal."""
X264_PARAMS = "asm=avx2"
"""x264 uses other algorithms, and so makes other pixels, on processors with AVX-512. Limited to AVX2, a clip made again
has its recorded digest on every x86-64 processor. On other processors the digest may differ."""


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
    """Writes an mp4 atomically; equal frames give equal bytes (one encoder thread, no clock times).

    Args:
        lossless: exact RGB, which few players show. Otherwise 4:2:0 (4:4:4 for odd sizes) at quality `crf`.
        rgb: with `lossless=False`, encode RGB at quality `crf`. Without colour conversion every decoder gives the same
            bytes, but few players show it.
        faststart: put the index first, so that the file plays while it loads.

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
        av.open(str(temporary.absolute()), "w", format="mp4", options={"fflags": "+bitexact", **options}) as container,
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
    strict: bool = True,
) -> Video:
    """Reads all frames of a video, as a player shows them.

    Args:
        fps: required rate; None for any.
        frames: required number of frames, without those that an edit list leaves out; None for any.
        max_pixels: limit on frames × height × width, checked before anything is decoded.
        size: required (height, width) in pixels, as shown; compared before more than one frame is decoded. None for
            any.
        strict: refuse a damaged frame. False conceals damage as players do: use it to look at a file, never for a
            number.

    Raises:
        BadInputError: `video-missing`, `video-empty` (0 bytes), `video-unreadable` (no video, truncated, decode
            error), `video-rate` (not constant, or not `fps`), `video-frames` (not `frames`), `video-size` (not `size`),
            `video-too-large`, `video-shape` (frames of unequal size), `video-display-matrix` (a display matrix that is
            no quarter turn or mirror, or that changes within the video).
    """
    return read_video_and_notes(path, fps=fps, frames=frames, max_pixels=max_pixels, size=size, strict=strict)[0]


def read_video_and_notes(
    path: Path | str,
    *,
    fps: float | None = None,
    frames: int | None = None,
    max_pixels: int = MAX_VIDEO_PIXELS,
    size: tuple[int, int] | None = None,
    strict: bool = True,
) -> tuple[Video, list[tuple[str, str]]]:
    """As `read_video`, with notes on choices that the reader made, as (code, text): `video-streams` (several video
    streams), `video-interlaced` (frames of two fields). Most files have no notes."""
    file = Path(path)
    if not file.is_file():
        raise BadInputError(f"{file}: no such file", code="video-missing")
    if file.stat().st_size == 0:
        raise BadInputError(f"{file}: 0 bytes; a video is needed", code="video-empty")
    head = read_head(file)
    if head.count * head.height * head.width > max_pixels:
        raise BadInputError(
            f"{file}: {head.count} frames of {head.width} × {head.height} are more than {max_pixels} pixels",
            code="video-too-large",
        )
    rate = constant_rate(head, file)
    if fps is not None and abs(rate - fps) > RATE_TOLERANCE * fps:
        raise BadInputError(f"{file}: {rate:.6g} frames per second; {fps:g} is needed", code="video-rate")
    if frames is not None and head.count != frames:
        raise BadInputError(f"{file}: {_counted(head)}; {frames} are needed", code="video-frames")
    decoded = decode_frames(file, head, size=size, strict=strict)
    notes = []
    if head.streams > 1:
        text = f"{head.streams} video streams; number {head.stream}, which a player shows, is read"
        notes.append(("video-streams", text))
    if decoded.interlaced:
        text = f"{decoded.interlaced} of {head.count} frames are interlaced; their lines are read as stored"
        notes.append(("video-interlaced", text))
    return Video(frames=decoded.pixels, fps=float(rate if fps is None else fps)), notes


def _counted(head: VideoHead) -> str:
    if head.stored == head.count:
        return f"{head.count} frames"
    return f"{head.count} frames are shown ({head.stored} are stored, and the file's edit list shows others)"
