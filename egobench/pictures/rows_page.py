"""`rows.html`: the videos of the same clips side by side, in step, as one file that opens from disk, fetching nothing.

Frames are inside the page as PNG sprites that a script draws on canvases: every browser shows them, bit by bit,
whatever codec a sample is stored in. Clips are taken as far as the page's size allows, evenly spread over all.
"""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from egobench import __version__
from egobench.files.atomic import make_folder, storage_errors, write_bytes
from egobench.pictures.drawing import REFERENCE_COLOR, evenly_spread
from egobench.pictures.rows_sheet import ShownRow, part_or_reason
from egobench.types import Clip, Sample, Video

PAGES = Path(__file__).with_name("pages")
MAX_BYTES = 10_000_000
"""Of the page."""
OVERHEAD_BYTES = 20_000
"""Of the page without its sprites, generously."""
LARGEST_SIDE = 128
"""Pixels of a frame; larger ones are made smaller for the page."""
SPRITE_WIDTH = 8192
"""Pixels; some browsers draw no wider picture."""


@dataclass(frozen=True)
class Sprite:
    """All frames of a video in one picture: from left to right, then in further lines."""

    data: str
    """`data:` address of a PNG."""
    frames: int
    columns: int
    width: int
    """Of a frame, pixels."""
    height: int


@dataclass(frozen=True)
class PageVideo:
    """One row of one clip."""

    label: str
    color: str
    sprite: Sprite | None
    reason: str
    """Why there is no video; empty where there is one."""


@dataclass(frozen=True)
class PageClip:
    """One clip of the page."""

    clip_id: str
    stratum: str
    text: str
    videos: tuple[PageVideo, ...]

    @property
    def size(self) -> int:
        """Bytes in the page, nearly."""
        return sum(len(video.sprite.data) if video.sprite else 0 for video in self.videos) + 1000


@dataclass
class RowsPage:
    """The page; clips are added one after another."""

    title: str
    fps: float
    clips: list[PageClip] = field(default_factory=list)

    def add(self, clip: Clip, shown: Sequence[ShownRow]) -> None:
        """Takes the videos of the next clip; rows without video stand there with the reason."""
        info, reference = clip.info, clip.reference
        rows = [ShownRow("reference", REFERENCE_COLOR, Sample(reference.video, reference.motion)), *shown]
        videos = []
        for row in rows:
            video = part_or_reason(row.sample, "video")
            found, reason = (None, video) if isinstance(video, str) else (sprite(video), "")
            videos.append(PageVideo(row.label, row.color, found, reason))
        self.clips.append(PageClip(info.clip_id, info.stratum, info.text, tuple(videos)))

    def fitting(self, max_bytes: int = MAX_BYTES) -> list[PageClip]:
        """As many clips as the page's size allows, evenly spread over all; none where one is too large."""
        for number in range(len(self.clips), 0, -1):
            chosen = [self.clips[place] for place in evenly_spread(len(self.clips), number)]
            if sum(clip.size for clip in chosen) + OVERHEAD_BYTES <= max_bytes:
                return chosen
        return []

    def write(self, path: Path, lines: Sequence[str]) -> str:
        """Writes the page, and says what it could not hold; empty if all is there.

        Args:
            lines: below the title.

        Raises:
            StorageError: the disk refused.
        """
        chosen = self.fitting()
        megabytes = MAX_BYTES / 1e6
        if not chosen:
            with storage_errors(path):
                path.unlink(missing_ok=True)  # an older one would show other rows
            size = max(clip.size for clip in self.clips) / 1e6
            text = f"{path.name} is not written: one clip of all rows takes {size:.1f} MB, the page has at most"
            return f"{text} {megabytes:g}; fewer --run are right"
        note = ""
        if len(chosen) < len(self.clips):
            note = f"{len(chosen)} of these {len(self.clips)} clips are in the page, evenly spread: "
            note += f"it has at most {megabytes:g} MB"
        pages = Environment(loader=FileSystemLoader(PAGES), autoescape=True, undefined=StrictUndefined)
        shown = [*lines, f"{note}."] if note else list(lines)
        sprites = [video.sprite for clip in chosen for video in clip.videos if video.sprite]
        content = pages.get_template("rows.html").render(
            title=self.title,
            lines=shown,
            clips=chosen,
            sprites=[vars(each) for each in sprites],
            frames=max((each.frames for each in sprites), default=1),
            fps=self.fps,
            version=__version__,
        )
        make_folder(path.parent)
        write_bytes(path, content.encode("utf-8"))
        return f"{path.name}: {note}" if note else ""


def sprite(video: Video) -> Sprite:
    """The frames of a video as one PNG, no frame larger than `LARGEST_SIDE`; equal frames give equal bytes."""
    from PIL import Image

    frames = video.frames
    height, width = frames.shape[1:3]
    scale = LARGEST_SIDE / max(height, width)
    if scale < 1:
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        small = [np.asarray(Image.fromarray(frame).resize(size, Image.Resampling.LANCZOS)) for frame in frames]
        frames = np.stack(small)
        width, height = size
    columns = max(1, min(len(frames), SPRITE_WIDTH // width))
    lines = -(-len(frames) // columns)
    sheet = np.zeros((lines * height, columns * width, 3), np.uint8)
    for place, frame in enumerate(frames):
        line, column = divmod(place, columns)
        sheet[line * height : (line + 1) * height, column * width : (column + 1) * width] = frame
    file = io.BytesIO()
    Image.fromarray(sheet).save(file, "PNG", optimize=True)
    data = base64.b64encode(file.getvalue()).decode("ascii")
    return Sprite(f"data:image/png;base64,{data}", len(frames), columns, width, height)
