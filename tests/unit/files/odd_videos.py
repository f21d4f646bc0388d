"""Video files as phones and editors leave them: other codecs, display matrices, edit lists, several streams."""

import struct
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

ONE, W = 1 << 16, 1 << 30
MATRICES = {
    "90": (0, ONE, 0, -ONE, 0, 0, 0, 0, W),
    "180": (-ONE, 0, 0, 0, -ONE, 0, 0, 0, W),
    "270": (0, -ONE, 0, ONE, 0, 0, 0, 0, W),
    "mirrored": (-ONE, 0, 0, 0, ONE, 0, 0, 0, W),
    "upside down": (ONE, 0, 0, 0, -ONE, 0, 0, 0, W),
    "transposed": (0, ONE, 0, ONE, 0, 0, 0, 0, W),
    "across": (0, -ONE, 0, -ONE, 0, 0, 0, 0, W),
    "45": (46341, 46341, 0, -46341, 46341, 0, 0, 0, W),
    "twice as wide": (2 * ONE, 0, 0, 0, ONE, 0, 0, 0, W),
    "nothing": (0, 0, 0, 0, 0, 0, 0, 0, W),
}
"""Display matrices of an mp4 (a b u, c d v, x y w): a stored pixel (x, y) is shown at (a x + c y, b x + d y)."""


def set_matrix(path: Path, name: str) -> None:
    """Writes a display matrix into an mp4's first track."""
    content = bytearray(path.read_bytes())
    at = content.find(b"tkhd") + 4 + 40
    content[at : at + 36] = struct.pack(">9i", *MATRICES[name])
    path.write_bytes(content)


def encode(path: Path, frames: np.ndarray, codec: str, pix_fmt: str, **options: str) -> None:
    """Frames (T, H, W, 3) at 8 per second in any codec that PyAV brings."""
    import av

    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream(codec, rate=8, options=options)
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = pix_fmt
        for index, pixels in enumerate(frames):
            picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")
            picture.pts, picture.time_base = index, Fraction(1, 8)
            container.mux(stream.encode(picture))
        container.mux(stream.encode())


def two_streams(path: Path, first: np.ndarray, second: np.ndarray, *, default: int) -> None:
    """A file of two video streams, number `default` marked as the one to show."""
    import av
    from av.stream import Disposition

    with av.open(str(path), "w") as container:
        streams = []
        for frames in (first, second):
            stream: Any = container.add_stream("libx264rgb", rate=8, options={"qp": "0"})
            stream.height, stream.width = frames.shape[1:3]
            stream.pix_fmt = "rgb24"
            stream.disposition = Disposition.default if len(streams) == default else Disposition(0)
            streams.append((stream, frames))
        for stream, frames in streams:
            for index, pixels in enumerate(frames):
                picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")
                picture.pts, picture.time_base = index, Fraction(1, 8)
                container.mux(stream.encode(picture))
            container.mux(stream.encode())


def set_edits(path: Path, *edits: tuple[int, int]) -> None:
    """Replaces the edit list of an mp4 of 8 frames per second (written with its index in front).

    Args:
        edits: (frames to show, first frame), -1 for a pause.
    """
    content = bytearray(path.read_bytes())
    per_frame = [_number(content, _box(content, name) + 20) // 8 for name in (b"mvhd", b"mdhd")]
    before = len(content)
    if (old := content.find(b"edts")) > 0:
        del content[old - 4 : old - 4 + _number(content, old - 4)]
    rows = [(show * per_frame[0], first if first < 0 else first * per_frame[1], ONE) for show, first in edits]
    body = struct.pack(">II", 0, len(rows)) + b"".join(struct.pack(">IiI", *row) for row in rows)
    elst = struct.pack(">I4s", 8 + len(body), b"elst") + body
    end = _box(content, b"tkhd") + _number(content, _box(content, b"tkhd"))
    content[end:end] = struct.pack(">I4s", 8 + len(elst), b"edts") + elst
    grown = len(content) - before
    for name in (b"moov", b"trak"):
        _add(content, _box(content, name), grown)
    if _box(content, b"moov") < _box(content, b"mdat"):
        table = _box(content, b"stco")
        for row in range(_number(content, table + 12)):
            _add(content, table + 16 + 4 * row, grown)
    path.write_bytes(content)


def _box(content: bytearray, name: bytes) -> int:
    return content.find(name) - 4


def _number(content: bytearray, at: int) -> int:
    return struct.unpack_from(">I", content, at)[0]


def _add(content: bytearray, at: int, more: int) -> None:
    struct.pack_into(">I", content, at, _number(content, at) + more)
