"""Facts of a video file's container, read without decoding: the stream, the number of shown frames and their times.

A container may store frames that are not shown: an edit list (mp4, mov) can cut the beginning or the end, or join
pieces. FFmpeg marks the packets of such frames. They are needed to decode the others, but are no frames of the video.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from egobench.errors import BadInputError

MAX_FRAMES = 100_000
"""Largest number of frames of one video, checked while they are counted."""
DEMUXERS = {"format_whitelist": "mov,matroska,avi", "protocol_whitelist": "file"}
"""Containers of one file. Others that FFmpeg knows (playlists, concat scripts) open further files or addresses."""


@dataclass(frozen=True)
class VideoHead:
    """Facts of the container."""

    stream: int
    """Number of the stream in the file."""
    streams: int
    """Number of video streams in the file, without attached pictures."""
    count: int
    """Number of shown frames."""
    stored: int
    """Number of frames whose bytes are in the file."""
    width: int
    height: int
    """Pixels as stored, before the display matrix."""
    rate: float
    times: Sequence[int]
    """Presentation times of the shown frames in ticks, ascending."""
    tick: float
    """Seconds."""


def video_stream(container: Any) -> Any:
    """The stream that players show, or None. FFmpeg chooses it: the default stream, then by frames and bit rate."""
    return container.streams.best("video")


def read_head(file: Path) -> VideoHead:
    """Counts a file's frames.

    Raises:
        BadInputError: `video-unreadable` (no video, no times, truncated, no shown frame), `video-too-large`.
    """
    import av
    import av.error
    from av.stream import Disposition

    try:
        with av.open(str(file.absolute()), options=DEMUXERS) as container:
            stream = video_stream(container)
            if stream is None:
                raise BadInputError(f"{file}: has no video stream", code="video-unreadable")
            if stream.codec_context is None:
                raise BadInputError(f"{file}: coded in a way that is not known", code="video-unreadable")
            packets = [(packet.pts, packet.is_discard) for packet in _few(container.demux(stream), file) if packet.size]
            width, height, rate, tick = stream.width, stream.height, stream.average_rate, stream.time_base
            declared, number = stream.frames, stream.index
            streams = sum(not each.disposition & Disposition.attached_pic for each in container.streams.video)
        is_edited = any(discard for _, discard in packets) or len(packets) != declared > 0
        stored = _stored(file, number) if is_edited else len(packets)
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise BadInputError(f"{file}: not a readable video: {error}", code="video-unreadable") from error
    if declared and declared != stored:
        text = f"{file}: truncated: {stored} of {declared} frames are in the file"
        raise BadInputError(text, code="video-unreadable")
    if any(time is None for time, _ in packets) or not stored or not tick or width <= 0 or height <= 0:
        raise BadInputError(f"{file}: no frames with times in it", code="video-unreadable")
    times = sorted(time for time, discard in packets if not discard)
    if not times:
        text = f"{file}: its edit list shows none of the {stored} frames that are stored"
        raise BadInputError(text, code="video-unreadable")
    return VideoHead(number, streams, len(times), stored, width, height, float(rate or 0), times, float(tick))


def constant_rate(head: VideoHead, file: Path) -> float:
    """Frames per second by the timestamps; a coarse clock of the container may round each of them by one tick.

    Raises:
        BadInputError: `video-rate`: not constant.
    """
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
        return head.rate  # the exact fraction, if the timestamps agree with it
    return 1 / step


def _few(packets: Iterable[Any], file: Path) -> Iterator[Any]:
    for number, packet in enumerate(packets):
        if number > MAX_FRAMES:
            raise BadInputError(f"{file}: more than {MAX_FRAMES} frames", code="video-too-large")
        yield packet


def _stored(file: Path, stream: int) -> int:
    """Number of frames whose bytes are in the file, shown or not."""
    import av

    with av.open(str(file.absolute()), options={**DEMUXERS, "ignore_editlist": "1"}) as container:
        packets = container.demux(container.streams[stream])
        return sum(bool(packet.size) for packet in _few(packets, file))
