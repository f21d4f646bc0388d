"""`rows.html`: the videos of the same clips side by side and synchronous, in one file that opens from disk.

The page holds the frames as PNG sprites, which a script draws on canvases. So every browser shows the exact pixels,
whatever codec a sample is stored in. If not all clips fit into the page, it takes an evenly spread selection.
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
"""Largest size of the page."""
OVERHEAD_BYTES = 20_000
"""Upper bound of the page's size without its sprites."""
LARGEST_SIDE = 128
"""Largest side of a frame in the page, pixels; larger frames are reduced."""
SPRITE_WIDTH = 8192
"""Largest width of a sprite, pixels; some browsers draw no wider picture."""


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
    """Why there is no video; empty if there is one."""


@dataclass(frozen=True)
class PageClip:
    """One clip of the page."""

    clip_id: str
    stratum: str
    text: str
    videos: tuple[PageVideo, ...]

    @property
    def size(self) -> int:
        """Approximate bytes in the page."""
        return sum(len(video.sprite.data) if video.sprite else 0 for video in self.videos) + 1000


@dataclass
class RowsPage:
    """The page; clips are added one after another."""

    title: str
    fps: float
    clips: list[PageClip] = field(default_factory=list)

    def add(self, clip: Clip, shown: Sequence[ShownRow]) -> None:
        """Adds the videos of the next clip; a row without video has the reason in its place."""
        info, reference = clip.info, clip.reference
        rows = [ShownRow("reference", REFERENCE_COLOR, Sample(reference.video, reference.motion)), *shown]
        videos = []
        for row in rows:
            video = part_or_reason(row.sample, "video")
            picture, reason = (None, video) if isinstance(video, str) else (sprite(video), "")
            videos.append(PageVideo(row.label, row.color, picture, reason))
        self.clips.append(PageClip(info.clip_id, info.stratum, info.text, tuple(videos)))

    def fitting(self, max_bytes: int = MAX_BYTES) -> list[PageClip]:
        """As many clips as the page's size allows, evenly spread; empty if not even one fits."""
        for number in range(len(self.clips), 0, -1):
            chosen = [self.clips[place] for place in evenly_spread(len(self.clips), number)]
            if sum(clip.size for clip in chosen) + OVERHEAD_BYTES <= max_bytes:
                return chosen
        return []

    def write(self, path: Path, lines: Sequence[str]) -> str:
        """Writes the page. Returns a note on clips that did not fit; empty if all did.

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
