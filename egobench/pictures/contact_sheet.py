"""PNG pictures of clips: one clip in full, or many clips with a line each.

Each figure has an Agg canvas of its own. So it needs no display, and does not change the state of pyplot.
"""

import textwrap
from collections.abc import Sequence
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from egobench.errors import BadInputError
from egobench.files.atomic import atomic_path, make_folder
from egobench.pictures.drawing import (
    REFERENCE_COLOR,
    SAMPLE_COLOR,
    draw_bodies,
    draw_contacts,
    draw_hands,
    draw_paths,
    draw_strip,
    frame_indices,
    heading,
)
from egobench.types import Clip, Motion, Sample

CLIP_FRAMES, SHEET_FRAMES = 8, 5
DPI = 110


def clip_picture(clip: Clip, sample: Sample | None, path: Path) -> Path:
    """One clip: frames, body from two sides, head path, hands, contacts, caption; the sample with the reference.

    Args:
        sample: a model's output for the clip, or None for the reference only.
        path: PNG to write; its folder is made.

    Raises:
        StorageError: the disk refused.
    """
    reference = clip.reference
    motions = [("reference", reference.motion, REFERENCE_COLOR)]
    videos = [("reference", reference.video)]
    if sample is not None and sample.motion is not None:
        motions.append(("sample", sample.motion, SAMPLE_COLOR))
    if sample is not None and sample.video is not None:
        videos.append(("sample", sample.video))
    strip_heights = [1.6] * len(videos)
    body_heights = [1.7] * len(motions)
    heights = [*strip_heights, *body_heights, 2.6]
    figure = Figure(figsize=(12, sum(heights) + 1.2), layout="constrained")
    figure.suptitle(_headline(clip), fontsize=10, x=0.01, ha="left")
    grid = figure.add_gridspec(len(heights), 6, height_ratios=heights)
    for row, (label, video) in enumerate(videos):
        draw_strip(figure.add_subplot(grid[row, :]), video, frame_indices(len(video.frames), CLIP_FRAMES), label)
    times = _times(reference.motion)
    facing = heading(reference.motion)
    for row, (label, motion, color) in enumerate(motions, start=len(videos)):
        for columns, view in ((slice(0, 3), "side"), (slice(3, 6), "back")):
            axes = figure.add_subplot(grid[row, columns])
            draw_bodies(axes, motion, times, view, color, facing)
            axes.set_ylabel(label, fontsize=8)
    last = len(heights) - 1
    draw_paths(figure.add_subplot(grid[last, 0:2]), motions)
    draw_hands(figure.add_subplot(grid[last, 2:4]), clip)
    draw_contacts(figure.add_subplot(grid[last, 4:6]), clip)
    return save_figure(figure, path)


def sheet(clips: Sequence[Clip], path: Path, samples: Sequence[Sample] | None = None) -> Path:
    """A contact sheet: five frames, id and caption of each clip. Samples add their frames below, and both head paths.

    The first frame of a strip is the one that a model is given.

    Args:
        samples: one per clip, or None for the references only.

    Raises:
        BadInputError: no clips.
        StorageError: the disk refused.
    """
    if not clips:
        raise BadInputError("a contact sheet needs at least one clip", code="no-clips")
    if samples is not None:
        return save_figure(_sheet_beside(clips, samples), path)
    figure = Figure(figsize=(8, 1.9 * len(clips)), layout="constrained")
    for row, clip in enumerate(clips, start=1):
        axes = figure.add_subplot(len(clips), 1, row)
        video = clip.reference.video
        draw_strip(axes, video, frame_indices(len(video.frames), SHEET_FRAMES), "")
        axes.set_title(_headline(clip, width=100), fontsize=8, loc="left")
    return save_figure(figure, path)


def _sheet_beside(clips: Sequence[Clip], samples: Sequence[Sample]) -> Figure:
    figure = Figure(figsize=(11, 3.2 * len(clips)), layout="constrained")
    grid = figure.add_gridspec(2 * len(clips), 4)
    for row, (clip, sample) in enumerate(zip(clips, samples, strict=True)):
        motions = [("reference", clip.reference.motion, REFERENCE_COLOR)]
        if sample.motion is not None:
            motions.append(("sample", sample.motion, SAMPLE_COLOR))
        for below, (label, video) in enumerate((("reference", clip.reference.video), ("sample", sample.video))):
            axes = figure.add_subplot(grid[2 * row + below, 0:3])
            if not below:
                axes.set_title(_headline(clip, width=100), fontsize=8, loc="left")
            if video is None:
                axes.axis("off")
            else:
                draw_strip(axes, video, frame_indices(len(video.frames), SHEET_FRAMES), label)
        draw_paths(figure.add_subplot(grid[2 * row : 2 * row + 2, 3]), motions)
    return figure


def _times(motion: Motion) -> list[float]:
    """Seconds of the drawn poses."""
    return [index / motion.fps for index in frame_indices(len(motion.positions), CLIP_FRAMES)]


def _headline(clip: Clip, width: int = 150) -> str:
    info = clip.info
    ids = f"{info.clip_id} · {info.sequence} · {info.participant} · {info.stratum} · {info.digest}"
    # A dollar sign would start matplotlib's math mode.
    caption = textwrap.fill(info.text, width).replace("$", r"\$")
    return f"{ids}\n{caption}"


def save_figure(figure: Figure, path: Path) -> Path:
    """Writes a figure as PNG, without time or version; its folder is made.

    Raises:
        StorageError: the disk refused.
    """
    canvas = FigureCanvasAgg(figure)
    make_folder(path.parent)
    with atomic_path(path) as temporary:
        canvas.print_figure(temporary, format="png", dpi=DPI, metadata={"Software": None})
    return path
