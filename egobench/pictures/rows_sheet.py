"""`rows.png`: the same clips for every row. Each row has a strip of frames and a panel of head paths.

The clips are chosen by a rule that does not use the samples; the caption of the picture states it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from egobench.pictures.drawing import REFERENCE_COLOR, evenly_spread, frame_indices
from egobench.pictures.path_panel import draw_against_reference
from egobench.pictures.picture_rows import PictureRow
from egobench.pictures.pixel_figure import (
    CHARACTER_PIXELS,
    FRAME_GAP,
    FRAME_PIXELS,
    FRAMES,
    LINE_PIXELS,
    STRIP_PIXELS,
    PixelFigure,
    shortened,
    wrapped,
)
from egobench.types import Clip, Sample, Split

MARGIN, LABEL_PIXELS, STRIP_GAP, BLOCK_GAP = 16, 112, 4, 40
HEADER_PIXELS, TIMES_PIXELS = 3 * LINE_PIXELS + 6, 18
PATH_GAP, PATH_PIXELS = 6, 150


@dataclass(frozen=True)
class ShownRow:
    """A row of the pictures with its sample of one clip."""

    label: str
    color: str
    sample: Sample | str
    """The sample, or a sentence that says why there is none."""


def chosen_ids(split: Split, count: int) -> tuple[list[str], str]:
    """Ids of `count` clips, evenly spread, and a sentence that states the rule."""
    ids = [info.clip_id for info in split.infos()]
    places = evenly_spread(len(ids), count)
    if len(places) == len(ids):
        return ids, f"All {len(ids)} clips of {split.name}."
    numbers = ", ".join(str(place + 1) for place in places[:3]) + (", …" if len(places) > 3 else "")
    rule = f"{len(places)} of the {len(ids)} clips of {split.name}, evenly spread in the order of their ids (number "
    return [ids[place] for place in places], f"{rule}{numbers}); no sample was looked at to choose them."


def shown_rows(rows: Sequence[PictureRow], clip_id: str, facts: Mapping[str, Any]) -> list[ShownRow]:
    """Each row's sample of a clip, with its lowest seed. The reference's run is left out, since its strip is there.

    Raises:
        BadInputError: a sample that has changed or cannot be read.
    """
    return [
        ShownRow(row.label, row.color, row.sample(clip_id, row.seed, facts)) for row in rows if not row.is_reference
    ]


def missing_parts(rows: Sequence[PictureRow]) -> list[str]:
    """A line for each row that lacks a part, which so cannot be drawn."""
    lines = [f"{row.label} is the reference itself: see the first strip" for row in rows if row.is_reference]
    for row in rows:
        for part, drawn in (("video", "strip"), ("motion", "head path")):
            if part not in row.parts and not row.is_reference:
                lines.append(f"{row.label} makes no {part}: no {drawn}")
    return lines


@dataclass
class RowsSheet:
    """The picture; clips are added one after another."""

    title: str
    lines: Sequence[str]
    """Below the title."""
    clips: int
    """Number of clips that will be added."""
    strips: int
    """Number of strips of a clip, with the reference's."""
    aspect: float = 1.0
    """Height over width of a frame."""
    _added: int = 0
    _page: PixelFigure = field(init=False)

    def __post_init__(self) -> None:
        self._frame = round(FRAME_PIXELS * self.aspect)
        self._columns = 2 if self.clips > 1 else 1
        self._block = HEADER_PIXELS + self.strips * (self._frame + STRIP_GAP) + TIMES_PIXELS + BLOCK_GAP
        self._wide = LABEL_PIXELS + STRIP_PIXELS + PATH_GAP + PATH_PIXELS + BLOCK_GAP
        width = 2 * MARGIN + self._columns * self._wide - BLOCK_GAP
        lines = wrapped(self.lines, width - 2 * MARGIN)
        self._top = MARGIN + 2 * LINE_PIXELS + len(lines) * LINE_PIXELS + 14
        lines_of_blocks = -(-self.clips // self._columns)
        self._page = PixelFigure(width, self._top + lines_of_blocks * self._block + MARGIN - BLOCK_GAP // 2)
        self._page.text(MARGIN, MARGIN - 4, self.title, 12, weight="bold")
        for number, line in enumerate(lines):
            self._page.text(MARGIN, MARGIN + 2 * LINE_PIXELS + number * LINE_PIXELS, line, 8, color="0.3")

    def add(self, clip: Clip, shown: Sequence[ShownRow]) -> None:
        """Draws the next clip."""
        line, column = divmod(self._added, self._columns)
        self._added += 1
        left, top = MARGIN + column * self._wide, self._top + line * self._block
        self._header(left, top, clip)
        top += HEADER_PIXELS
        reference = clip.reference
        whole = Sample(reference.video, reference.motion)
        for place, row in enumerate([ShownRow("reference", REFERENCE_COLOR, whole), *shown]):
            y = top + place * (self._frame + STRIP_GAP)
            name = shortened(row.label, 15, 3)
            self._page.text(left, y + self._frame / 2, name, 8.5, color=row.color, weight="bold", va="center")
            video, motion = (part_or_reason(row.sample, part) for part in ("video", "motion"))
            self._page.strip(left + LABEL_PIXELS, y, video)
            axes = self._page.axes(left + LABEL_PIXELS + STRIP_PIXELS + PATH_GAP, y, PATH_PIXELS, self._frame)
            draw_against_reference(axes, reference.motion, motion, row.color, with_scale=not place)
        y = top + self.strips * (self._frame + STRIP_GAP)
        self._times(left + LABEL_PIXELS, y, clip)
        middle = left + LABEL_PIXELS + STRIP_PIXELS + PATH_GAP + PATH_PIXELS / 2
        self._page.text(middle, y, "head from above", 7, ha="center", color="0.3")

    def save(self, path: Path) -> Path:
        """Writes the PNG. Raises StorageError if the disk refused."""
        return self._page.save(path)

    def _header(self, left: float, top: float, clip: Clip) -> None:
        info = clip.info
        self._page.text(left, top, f"{info.clip_id}   {info.stratum}", 8, weight="bold")
        width = int((self._wide - BLOCK_GAP) / CHARACTER_PIXELS)
        self._page.text(left, top + LINE_PIXELS, shortened(f"“{info.text}”", width, 2), 8)

    def _times(self, left: float, top: float, clip: Clip) -> None:
        video = clip.reference.video
        for place, index in enumerate(frame_indices(len(video.frames), FRAMES)):
            middle = left + place * (FRAME_PIXELS + FRAME_GAP) + FRAME_PIXELS / 2
            given = " (given)" if index == 0 else ""
            self._page.text(middle, top, f"{index / video.fps:.1f} s{given}", 7, ha="center", color="0.3")


def part_or_reason(sample: Sample | str, part: str) -> Any:
    """`video` or `motion` of a sample, or a sentence that says why there is none."""
    if isinstance(sample, str):
        return sample
    value = getattr(sample, part)
    return f"no {part}" if value is None else value
