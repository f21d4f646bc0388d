"""PNG pictures → frames: 8-bit RGB of a given size, which is compared before anything is decoded.

Pillow reads them, with every other format switched off. The file's size is limited too, so that no chunk is large.
"""

import io
import struct
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from egobench.errors import BadInputError

SPARE_BYTES = 2**16
"""Bytes that a file may have besides its raw pixels: header, colour profile, texts."""


def read_png(path: Path | str, *, size: tuple[int, int]) -> UInt8[np.ndarray, "height width 3"]:
    """One picture.

    Args:
        size: (height, width) in pixels that it must have.

    Raises:
        BadInputError: `png-missing`, `png-empty` (0 bytes), `png-too-large` (a file beyond its raw pixels and 64 KiB),
            `png-unreadable` (no PNG, truncated, damaged), `png-size`, `png-mode` (not 8-bit RGB, or animated).
    """
    from PIL import Image

    file, (height, width) = Path(path), size
    if not file.is_file():
        raise BadInputError(f"{file}: no such file", code="png-missing")
    weight, most = file.stat().st_size, height * (3 * width + 1) + SPARE_BYTES
    if weight == 0:
        raise BadInputError(f"{file}: 0 bytes; a PNG picture is needed", code="png-empty")
    if weight > most:
        text = f"{file}: {weight} bytes; a picture of {width} × {height} has {most} at most"
        raise BadInputError(text, code="png-too-large")
    content = file.read_bytes()  # in memory, a chunk that claims gigabytes gets no more than the file has
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(content), formats=["PNG"]) as picture:
                if picture.size != (width, height):
                    size_text = f"{picture.size[0]} × {picture.size[1]} pixels (width × height)"
                    raise BadInputError(f"{file}: {size_text}; {width} × {height} is needed", code="png-size")
                is_rgb8 = picture.mode == "RGB" and picture.tile and picture.tile[0].args == "RGB"
                if not is_rgb8 or getattr(picture, "n_frames", 1) != 1:
                    kind = f"{picture.tile and picture.tile[0].args}, {getattr(picture, 'n_frames', 1)} frame(s)"
                    raise BadInputError(f"{file}: {kind}; one picture in 8-bit RGB is needed", code="png-mode")
                picture.verify()  # checks every chunk and checksum; loading alone ignores unused chunks
            with Image.open(io.BytesIO(content), formats=["PNG"]) as picture:
                return np.asarray(picture, dtype=np.uint8).copy()
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        text = f"{file}: declares an absurd size; {width} × {height} pixels are needed"
        raise BadInputError(text, code="png-size") from None
    except (OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, OverflowError, struct.error) as error:
        raise BadInputError(f"{file}: not a readable PNG picture: {error}", code="png-unreadable") from error


def read_pngs(paths: Sequence[Path], *, size: tuple[int, int]) -> UInt8[np.ndarray, "time height width 3"]:
    """Pictures as the frames of a video, in the order given. Raises as `read_png`, at the first bad one."""
    return np.stack([read_png(path, size=size) for path in paths])
