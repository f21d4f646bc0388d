"""`over-time.png`: a panel for each metric, a line with its 95 % band for each row; the floor (reference) is dashed."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from egobench.pictures.drawing import say
from egobench.pictures.over_time import PATH_METRICS, Course
from egobench.pictures.pixel_figure import LINE_PIXELS, PixelFigure, wrapped

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MARGIN, PANEL_WIDTH, PANEL_HEIGHT, PANEL_GAP = 20, 560, 400, 90
LEGEND_LINE = 20
LOG_FROM = 12.0
"""Ratio of the largest mean to the smallest from which an axis is logarithmic."""
BAND_ALPHA = 0.13


def over_time_picture(title: str, courses: Sequence[Course], notes: Sequence[str], path: Path) -> Path:
    """Writes the picture as PNG.

    Args:
        courses: those of all rows and metrics, in the order of the rows.
        notes: a line for each part that is not drawn.

    Raises:
        StorageError: the disk refused.
    """
    width = 2 * MARGIN + 2 * PANEL_WIDTH + PANEL_GAP + 60
    lines = wrapped([*_reading(courses), *notes], width - 2 * MARGIN)
    labels = list(dict.fromkeys(course.label for course in courses))
    columns = 4
    legend = -(-len(labels) // columns) * LEGEND_LINE
    top = MARGIN + 2 * LINE_PIXELS + legend + 40
    height = top + PANEL_HEIGHT + 60 + len(lines) * LINE_PIXELS + MARGIN
    page = PixelFigure(width, height)
    page.text(MARGIN, MARGIN - 4, title, 12, weight="bold")
    _legend(page, courses, labels, columns)
    for number, kind in enumerate(PATH_METRICS):
        left = MARGIN + 50 + number * (PANEL_WIDTH + PANEL_GAP)
        axes = page.axes(left, top, PANEL_WIDTH, PANEL_HEIGHT)
        courses_of_metric = [course for course in courses if course.metric.partition(":")[0] == kind.name]
        draw_courses(axes, courses_of_metric, f"{kind.title} ({kind.unit}) ↓")
    for number, line in enumerate(lines):
        page.text(MARGIN, top + PANEL_HEIGHT + 54 + number * LINE_PIXELS, line, 8, color="0.3")
    return page.save(path)


def draw_courses(axes: "Axes", courses: Sequence[Course], title: str) -> None:
    """Draws lines and bands. The axis is logarithmic if most lines would overlap on a linear one."""
    axes.set_title(title, fontsize=10, loc="left")
    axes.tick_params(labelsize=8)
    if not courses:
        say(axes, "no row has it")
        return
    means = np.concatenate([course.mean for course in courses])
    floor = float(np.quantile(means[means > 0], 0.02)) if (means > 0).any() else 1.0
    is_log = bool(means.max() > LOG_FROM * floor)
    for course in sorted(
        courses, key=lambda course: course.is_reference
    ):  # the floor is drawn last, above the other lines
        color, style, width = _style(course)
        if course.low is not None and course.high is not None and not course.is_reference:
            band = (course.low, course.high)
            axes.fill_between(course.times_s, *band, color=color, alpha=BAND_ALPHA, linewidth=0)
        axes.plot(course.times_s, course.mean, color=color, linestyle=style, linewidth=width)
    axes.set_xlim(0, max(course.times_s[-1] for course in courses) or 1)
    axes.set_xlabel("time in the clip (s)", fontsize=9)
    if is_log:
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
        axes.set_ylim(bottom=0.5 * floor)
        axes.set_title(f"{title}, logarithmic", fontsize=10, loc="left")
    else:
        axes.set_ylim(bottom=0)
    axes.grid(color="0.92", linewidth=0.7)
    axes.spines[["top", "right"]].set_visible(False)


def _style(course: Course) -> tuple[str, str, float]:
    return (course.color, "--", 1.6) if course.is_reference else (course.color, "-", 1.8)


def _legend(page: PixelFigure, courses: Sequence[Course], labels: Sequence[str], columns: int) -> None:
    by_label = {course.label: course for course in courses}
    pitch = (page.width - 2 * MARGIN) / columns
    for number, label in enumerate(labels):
        line, column = divmod(number, columns)
        left, top = MARGIN + column * pitch, MARGIN + 2 * LINE_PIXELS + line * LEGEND_LINE
        color, style, width = _style(by_label[label])
        axes = page.axes(left, top, 32, 14)
        axes.axis("off")
        axes.plot([0, 1], [0, 0], color=color, linestyle=style, linewidth=width)
        name = f"{label} (the floor)" if by_label[label].is_reference else label
        page.text(left + 40, top, name, 9, color=color, weight="bold")


def _reading(courses: Sequence[Course]) -> list[str]:
    """How to read the picture."""
    clips = sorted({course.clips for course in courses})
    number = str(clips[0]) if len(clips) == 1 else f"{clips[0]} to {clips[-1]}" if clips else "no"
    estimators = " and ".join(sorted({course.estimator for course in courses})) or "an estimator"
    lines = [
        f"The camera's path that {estimators} reads off the sample's own video, against the path of the camera on the "
        "sample's own head: lower is more consistent.",
        f"Mean over {number} samples; bands: 95 %, resampling whole recordings. The metric lays whole paths on each "
        "other, so that the error of the first frame is not 0.",
    ]
    charged = [
        f"{course.label} {100 * share:.3g} % ({course.metric})"
        for course in courses
        if (share := 1 - course.measured.sum() / (course.clips * len(course.times_s))) > 0
    ]
    if charged:
        why = "charged by the metric's rule, at one height over the clip: no path, a lost frame, or still where the "
        lines.append(f"Not measured but {why}reference moves: {', '.join(charged)} of the frames.")
    return lines
