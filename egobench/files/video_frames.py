"""A video file's frames: decoded, turned and mirrored as its display matrix says.

Every file has the same decoder (PyAV's FFmpeg, one thread), so that equal bytes give equal pixels.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int, UInt8

from egobench.errors import BadInputError
from egobench.files.video_head import DEMUXERS, VideoHead, video_stream

ONE = 1 << 16
"""1 in a display matrix."""
UPRIGHT = ((1, 0), (0, 1))
Turn = tuple[tuple[int, int], tuple[int, int]]
"""(a, b), (c, d): the pixel (x, y) is shown at (a x + c y, b x + d y), up to a shift; entries 0, 1 and -1."""


@dataclass(frozen=True)
class Decoded:
    """The decoded frames."""

    pixels: UInt8[np.ndarray, "time height width 3"]
    interlaced: int
    """Frames that hold two fields."""


def decode_frames(file: Path, head: VideoHead, *, size: tuple[int, int] | None, strict: bool) -> Decoded:
    """All frames that are shown.

    Args:
        size: required (height, width), as shown; None for any.
        strict: refuse a damaged frame.

    Raises:
        BadInputError: `video-unreadable`, `video-size`, `video-shape`, `video-display-matrix`.
    """
    import av
    import av.error

    most = max(4 * head.height * head.width, 2**22)  # decoders pad small frames to many times their size
    careful = {"err_detect": "explode"} if strict else {}
    frames = _Frames(file, head, size, strict)
    try:
        with av.open(str(file.absolute()), options=DEMUXERS) as container:
            stream = video_stream(container)
            stream.codec_context.thread_count = 1
            stream.codec_context.options = {**careful, "max_pixels": str(most)}
            for frame in container.decode(stream):
                frames.add(frame)
    except (av.error.FFmpegError, OSError, ValueError) as error:
        text = f"{file}: cannot be decoded to the end: truncated, or a damaged frame"
        raise BadInputError(text, code="video-unreadable") from error
    return frames.all()


class _Frames:
    """Collects frames; the first one fixes size and orientation."""

    def __init__(self, file: Path, head: VideoHead, size: tuple[int, int] | None, strict: bool) -> None:
        from av.video.reformatter import VideoReformatter

        self.file, self.head, self.size, self.strict = file, head, size, strict
        self.convert = VideoReformatter()
        self.turn: Turn = UPRIGHT
        self.pixels: np.ndarray = np.empty(0, np.uint8)
        self.count = self.interlaced = 0

    def add(self, frame: Any) -> None:
        turn, file, head = _turn_of(frame, self.file), self.file, self.head
        if self.count == 0:
            self._begin(frame, turn)
        if (frame.height, frame.width) != (head.height, head.width):
            sizes = f"{head.width} × {head.height}, {frame.width} × {frame.height}"
            raise BadInputError(f"{file}: frames of unequal size: {sizes}; one is needed", code="video-shape")
        if turn != self.turn:
            text = f"{file}: the display matrix changes at frame {self.count}; one is needed"
            raise BadInputError(text, code="video-display-matrix")
        if self.count == head.count:
            text = f"{file}: more frames can be decoded than the {head.count} that are to be shown"
            raise BadInputError(text, code="video-unreadable")
        if self.strict and frame.is_corrupt:
            raise BadInputError(f"{file}: frame {self.count} is damaged", code="video-unreadable")
        picture = self.convert.reformat(_as_progressive(frame), format="rgb24").to_ndarray()
        self.pixels[self.count] = turned(picture, turn)
        self.count, self.interlaced = self.count + 1, self.interlaced + bool(frame.interlaced_frame)

    def all(self) -> Decoded:
        if self.count != self.head.count:
            text = f"{self.file}: {self.count} of {self.head.count} frames could be decoded"
            raise BadInputError(text, code="video-unreadable")
        return Decoded(self.pixels, self.interlaced)

    def _begin(self, frame: Any, turn: Turn) -> None:
        height, width = self.head.height, self.head.width
        if (frame.height, frame.width) != (height, width):
            given, declared = f"{frame.width} × {frame.height}", f"{width} × {height}"
            text = f"{self.file}: frame 0 is {given} pixels (width × height); {declared} were declared"
            raise BadInputError(text, code="video-unreadable")
        if turn[0][0] == 0:
            height, width = width, height
        if self.size is not None and (height, width) != tuple(self.size):
            given, expected = f"{width} × {height}", f"{self.size[1]} × {self.size[0]}"
            text = f"{self.file}: frames of {given} pixels (width × height); {expected} are needed"
            raise BadInputError(text, code="video-size")
        self.turn, self.pixels = turn, np.empty((self.head.count, height, width, 3), np.uint8)


def turned(picture: UInt8[np.ndarray, "height width 3"], turn: Turn) -> UInt8[np.ndarray, "height2 width2 3"]:
    """The picture as it is shown."""
    (a, b), (c, d) = turn
    if a == 0:
        picture, (a, d) = picture.swapaxes(0, 1), (c, b)
    return picture[:: d or 1, :: a or 1]


def _turn_of(frame: Any, file: Path) -> Turn:
    """The orientation by the frame's display matrix; upright if it has none."""
    stored = frame.side_data.get("DISPLAYMATRIX")
    if stored is None:
        return UPRIGHT
    matrix: Int[np.ndarray, "3 3"] = np.frombuffer(bytes(stored), dtype=np.int32)[:9].reshape(3, 3)
    part = np.round(matrix[:2, :2] / ONE, 2)
    if not part.any():  # players ignore an empty matrix
        return UPRIGHT
    signs = np.sign(part).astype(int)
    is_turn = np.array_equal(part, signs) and abs(np.linalg.det(part)) == 1 and np.abs(signs).sum() == 2
    if not is_turn:
        text = f"{file}: its display matrix {part.tolist()} is no quarter turn or mirror; write the frames upright"
        raise BadInputError(text, code="video-display-matrix")
    return (int(signs[0, 0]), int(signs[0, 1])), (int(signs[1, 0]), int(signs[1, 1]))


def _as_progressive(frame: Any) -> Any:
    """An interlaced frame without its interlaced flag. Colours have half the lines (4:2:0). For a flagged frame some
    versions of FFmpeg interpolate them field by field, others do not; without the flag all give the same pixels."""
    if not frame.interlaced_frame:
        return frame
    import av

    copy = av.VideoFrame(frame.width, frame.height, frame.format.name)
    for plane, source in zip(copy.planes, frame.planes, strict=True):
        lines = np.frombuffer(source, np.uint8).reshape(-1, source.line_size)
        padded = np.zeros((len(lines), plane.line_size), np.uint8)
        shared = min(plane.line_size, source.line_size)
        padded[:, :shared] = lines[:, :shared]
        plane.update(padded.tobytes())
    copy.colorspace, copy.color_range = frame.colorspace, frame.color_range
    return copy
