"""Figures laid out in pixels from the left and the top, for many strips and panels at known places.

It also has the common parts of all pictures of several runs: captions that fit, and strips, grey if a video is missing.
"""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from egobench.pictures.contact_sheet import DPI, save_figure
from egobench.pictures.drawing import frame_indices
from egobench.types import Video

FRAMES, FRAME_PIXELS, FRAME_GAP = 5, 84, 3
"""Number of frames of a strip; width of a frame and of the gap between two, in pixels of the figure."""
STRIP_PIXELS = FRAMES * FRAME_PIXELS + (FRAMES - 1) * FRAME_GAP
EMPTY_GREY = 236
LINE_PIXELS = 15
"""Distance from one line of a caption to the next."""
CHARACTER_PIXELS = 6.6
"""Approximate width of a character of a caption."""


@dataclass(frozen=True)
class PixelFigure:
    """A white page; its size is in pixels."""

    width: int
    height: int
    figure: Figure = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "figure", Figure(figsize=(self.width / DPI, self.height / DPI)))

    def axes(self, left: float, top: float, width: float, height: float) -> Axes:
        """Axes whose drawing area fills the rectangle."""
        bottom = self.height - top - height
        return self.figure.add_axes((left / self.width, bottom / self.height, width / self.width, height / self.height))

    def text(self, left: float, top: float, text: str, size: float = 8, **style: Any) -> None:
        """Text with its top left corner at this place; a dollar sign is printed as such."""
        place = {"ha": "left", "va": "top", **style}
        shown = text.replace("$", r"\$")  # it would start matplotlib's math mode
        self.figure.text(left / self.width, 1 - top / self.height, shown, fontsize=size, **place)

    def strip(self, left: float, top: float, video: Video | str) -> None:
        """Five frames of a video, with the first and the last; or a grey field with a sentence."""
        height = frame_height(video)
        axes = self.axes(left, top, STRIP_PIXELS, height)
        axes.axis("off")
        axes.set_xlim(0, STRIP_PIXELS)
        axes.set_ylim(height, 0)
        if isinstance(video, str):
            axes.set_facecolor("white")
            axes.imshow(np.full((1, 1, 3), EMPTY_GREY, np.uint8), extent=(0, STRIP_PIXELS, height, 0), aspect="auto")
            axes.text(STRIP_PIXELS / 2, height / 2, video, ha="center", va="center", fontsize=8, color="0.35")
            return
        for place, index in enumerate(frame_indices(len(video.frames), FRAMES)):
            start = place * (FRAME_PIXELS + FRAME_GAP)
            extent = (start, start + FRAME_PIXELS, height, 0)
            axes.imshow(video.frames[index], extent=extent, aspect="auto", interpolation="lanczos")

    def save(self, path: Path) -> Path:
        """Writes the PNG; equal drawings give equal bytes. Raises StorageError if the disk refused."""
        return save_figure(self.figure, path)


def frame_height(video: Video | str) -> int:
    """Height of a frame in pixels of the figure; a missing video counts as square."""
    if isinstance(video, str):
        return FRAME_PIXELS
    height, width = video.frames.shape[1:3]
    return round(FRAME_PIXELS * height / width)


def wrapped(lines: Sequence[str], pixels: int) -> list[str]:
    """Lines of a caption, none wider than `pixels`."""
    width = max(20, int(pixels / CHARACTER_PIXELS))
    return [part for line in lines for part in textwrap.wrap(line, width) or [""]]


def shortened(text: str, width: int, lines: int) -> str:
    """At most `lines` lines of `width` characters; an ellipsis if the text is longer."""
    return textwrap.fill(text, width, max_lines=lines, placeholder=" …")
