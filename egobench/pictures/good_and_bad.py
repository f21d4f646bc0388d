"""`good-and-bad.png`: for each row, the three clips with the best and the three with the worst value of a metric.

Only the value chooses the clips. Beside each strip is a panel of paths. For metrics of camera paths it has the head's
path and the path estimated from the video, aligned as the metrics align it; for other metrics, the head's path and that
of the reference.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from egobench.audit.consistency import LaidPath, read_consistency
from egobench.errors import BadInputError
from egobench.geometry.alignment import rotation_gauge
from egobench.geometry.head_camera import HeadCameraPath
from egobench.pictures.drawing import say
from egobench.pictures.over_time import PATH_METRICS
from egobench.pictures.path_panel import draw_against_reference, draw_pair
from egobench.pictures.picture_rows import PictureRow, why_not_scored
from egobench.pictures.pixel_figure import (
    FRAME_PIXELS,
    LINE_PIXELS,
    STRIP_PIXELS,
    PixelFigure,
    shortened,
    wrapped,
)
from egobench.pictures.rows_sheet import part_or_reason
from egobench.progress import Progress
from egobench.store.tables import ScoreRow
from egobench.tables.numbers import head_text, plain_text, value_text
from egobench.types import Split

SHOWN = 3
"""Clips of a kind."""
VIDEO_COLOR = "0.35"
"""Colour of the path estimated from the video."""
MARGIN, PANEL_GAP, PANEL_PIXELS, COLUMN_GAP = 20, 6, 150, 50
ENTRY_HEADER, ENTRY_GAP, ROW_HEADER, ROW_GAP = 2 * LINE_PIXELS + 3, 12, 2 * LINE_PIXELS + 12, 26
TEXT_CHARACTERS = 84


@dataclass(frozen=True)
class Extremes:
    """The clips of one row."""

    row: PictureRow
    best: tuple[ScoreRow, ...]
    """The best one first."""
    worst: tuple[ScoreRow, ...]
    """The worst one first; no clip is in both lists."""
    scored: int
    """Clips × seeds with a number."""


def extremes(row: PictureRow, metric: str, shown: int = SHOWN) -> Extremes | str:
    """A row's best and worst clips by a metric, or a sentence that says why there are none. Equal values are ordered by
    clip and seed.

    Raises:
        BadInputError: a damaged table.
    """
    if reason := why_not_scored(row, metric):
        return reason
    sign = 1.0 if row.results[metric]["better"] == "lower" else -1.0
    scores = [score for score in row.scores(metric) if score.status == "ok" and score.value is not None]
    order = sorted(scores, key=lambda score: (sign * (score.value or 0.0), score.clip, score.seed))
    number = min(shown, -(-len(order) // 2))
    return Extremes(row, tuple(order[:number]), tuple(order[number:][::-1][:shown]), len(order))


def good_and_bad_picture(
    title: str,
    metric: str,
    rows: Sequence[Extremes],
    split: Split,
    notes: Sequence[str],
    path: Path,
    progress: Progress,
) -> Path:
    """Writes the picture as PNG; reports one unit of progress per clip.

    Args:
        notes: lines below the title.

    Raises:
        BadInputError: a clip or a sample cannot be read.
        StorageError: the disk refused.
    """
    aspect = split.facts["height"] / split.facts["width"]
    frame = round(FRAME_PIXELS * aspect)
    entry = ENTRY_HEADER + frame + ENTRY_GAP
    column = STRIP_PIXELS + PANEL_GAP + PANEL_PIXELS
    width = 2 * MARGIN + 2 * column + COLUMN_GAP
    lines = wrapped([_reading(metric), *notes], width - 2 * MARGIN)
    heights = [ROW_HEADER + max(len(each.best), len(each.worst)) * entry + ROW_GAP for each in rows]
    top = MARGIN + 2 * LINE_PIXELS + len(lines) * LINE_PIXELS + 16
    page = PixelFigure(width, top + sum(heights) + MARGIN)
    page.text(MARGIN, MARGIN - 4, title, 12, weight="bold")
    for number, line in enumerate(lines):
        page.text(MARGIN, MARGIN + 2 * LINE_PIXELS + number * LINE_PIXELS, line, 8, color="0.3")
    for each, height in zip(rows, heights, strict=True):
        _row_header(page, top, each, metric)
        for side, scores in enumerate((each.best, each.worst)):
            left = MARGIN + side * (column + COLUMN_GAP)
            page.text(left, top + 22, ("best", "worst")[side], 8.5, color="0.3", style="italic")
            for place, score in enumerate(scores):
                _entry(page, left, top + ROW_HEADER + place * entry, frame, each, score, split, metric)
                progress.advance()
        top += height
    return page.save(path)


def _row_header(page: PixelFigure, top: float, each: Extremes, metric: str) -> None:
    result = each.row.results[metric]
    mean = value_text(result["value"], result["ci95"])
    unit = f" {result['unit']}" if result["unit"] else ""
    page.text(MARGIN, top, each.row.label, 11, color=each.row.color, weight="bold")
    all_of_them = f"{head_text(metric, result)}: {mean}{unit} over {each.scored} samples"
    page.text(page.width - MARGIN, top + 2, all_of_them, 8.5, color="0.3", ha="right")


def _entry(
    page: PixelFigure,
    left: float,
    top: float,
    frame: int,
    each: Extremes,
    score: ScoreRow,
    split: Split,
    metric: str,
) -> None:
    row, result = each.row, each.row.results[metric]
    clip = split.clip(score.clip)
    seeded = f", seed {score.seed}" if len({item.seed for item in row.items}) > 1 else ""
    value = f"{plain_text(score.value)} {result['unit']}".rstrip()
    counted = json.loads(score.detail or "{}").get("counted", "measured")
    value += "" if counted == "measured" else f", counted as {counted}"
    page.text(left, top, f"{score.clip}{seeded}   {value}   {clip.info.stratum}", 8, weight="bold")
    page.text(left, top + LINE_PIXELS - 1, shortened(f"“{clip.info.text}”", TEXT_CHARACTERS, 1), 7.5, color="0.3")
    sample = row.sample(score.clip, score.seed, split.facts)
    video, motion = (part_or_reason(sample, part) for part in ("video", "motion"))
    page.strip(left, top + ENTRY_HEADER, video)
    axes = page.axes(left + STRIP_PIXELS + PANEL_GAP, top + ENTRY_HEADER, PANEL_PIXELS, frame)
    if not _is_of_paths(metric):
        draw_against_reference(axes, clip.reference.motion, motion, each.row.color, with_scale=True)
        return
    try:
        consistency = read_consistency(row.folder.path, score.clip, score.seed)
    except BadInputError as error:
        say(axes, shortened(str(error), 24, 3))
        return
    head = (consistency.head.positions[:, :2], consistency.head.R[:, :2, 2])
    colors = (each.row.color, VIDEO_COLOR)
    draw_pair(axes, head, seen_from_above(consistency.head, consistency.laid), colors, consistency.video.fps)


def seen_from_above(head: HeadCameraPath, laid: LaidPath | str) -> tuple[np.ndarray, np.ndarray] | None:
    """The path estimated from the video, aligned with the head's path as the metrics align it.

    Returns: positions in metres and the camera's heading, both (time, 2), NaN where not registered; None if there are
    no
        positions.
    """
    if isinstance(laid, str) or laid.path.status == "rotation_only":
        return None
    R, registered = laid.path.T_world_camera[:, :3, :3], laid.path.registered
    facing = (rotation_gauge(head.R, R, registered).R @ R)[:, :2, 2]
    known = registered[:, None]
    return np.where(known, laid.positions[:, :2], np.nan), np.where(known, facing, np.nan)


def _is_of_paths(metric: str) -> bool:
    return metric.partition(":")[0] in {kind.name for kind in PATH_METRICS}


def _reading(metric: str) -> str:
    chosen = (
        f"Per row the clips with the {SHOWN} best and the {SHOWN} worst values of {metric}; nothing else chose them."
    )
    if _is_of_paths(metric):
        return f"{chosen} Beside: the camera from above, of the motion in colour, read off the video in grey."
    return f"{chosen} Beside: the head from above, of the reference in blue."
