"""One picture of one sample, which shows whether its video agrees with its motion.

It compares the path of the video's camera with the head's path, and the hands seen in the video with the motion's
hands. It has paths from above, positions and errors over time, hands, frames, and the metrics of the clip.
"""

import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from egobench.audit.consistency import Consistency, LaidPath
from egobench.pictures.contact_sheet import CLIP_FRAMES, save_figure
from egobench.pictures.drawing import REFERENCE_COLOR, SAMPLE_COLOR, SIDE_COLORS, draw_strip, frame_indices, say
from egobench.tables.numbers import plain_text
from egobench.types import SIDES

if TYPE_CHECKING:
    from matplotlib.axes import Axes

AXES = ("forward", "left", "up")
SHOWN = ("rot-err", "trans-err", "sync-lag", "fov-drift")
MIN_VIEW_METRES = 0.5
IGNORED_COLOR = "0.85"


def consistency_picture(consistency: Consistency, path: Path) -> Path:
    """Writes the picture as PNG; its folder is made.

    Raises:
        StorageError: the disk refused.
    """
    figure = Figure(figsize=(12, 9.6), layout="constrained")
    figure.suptitle(_headline(consistency), fontsize=9, x=0.01, ha="left")
    grid = figure.add_gridspec(4, 6, height_ratios=[1.5, 1.5, 1.5, 1.6])
    times = np.arange(len(consistency.video.frames)) / consistency.video.fps
    indices = frame_indices(len(consistency.video.frames), CLIP_FRAMES)
    draw_strip(figure.add_subplot(grid[0, :]), consistency.video, indices, "video")
    _draw_above(figure.add_subplot(grid[1:3, 0:2]), consistency)
    _draw_course(figure.add_subplot(grid[1:3, 2:4]), consistency, times)
    angles, gaps = figure.add_subplot(grid[1, 4:6]), figure.add_subplot(grid[2, 4:6])
    _draw_error(angles, consistency.laid, times, "angle between the cameras (°)", "angles")
    _draw_error(gaps, consistency.laid, times, "distance of the cameras (m)", "gaps")
    for column, side in enumerate(SIDES):
        _draw_hand(figure.add_subplot(grid[3, 3 * column : 3 * column + 3]), consistency, times, column, side)
    return save_figure(figure, path)


def _headline(consistency: Consistency) -> str:
    info = consistency.info
    shown = [f"{name} {_value(consistency, name)}" for name in consistency.values if name.partition(":")[0] in SHOWN]
    by = dict.fromkeys(part.estimator for part in (consistency.laid, consistency.seen) if not isinstance(part, str))
    lines = [
        f"{consistency.model} · {info.clip_id} · seed {consistency.seed} · {info.stratum} · {consistency.run}",
        textwrap.fill(info.text, 150),
        textwrap.fill(" · ".join([*shown, f"seen by {', '.join(by) or 'nobody'}"]), 170),
    ]
    # A dollar sign would start matplotlib's math mode.
    return "\n".join(lines).replace("$", r"\$")


def _value(consistency: Consistency, name: str) -> str:
    value = consistency.values[name]
    return value if isinstance(value, str) else f"{plain_text(value)} {consistency.notes.get(name, '')}".rstrip()


def _positions(consistency: Consistency) -> tuple[np.ndarray, np.ndarray | None]:
    """The head's and the video camera's path in metres forward, left and up from the head camera's start, (time, 3).
    The second is None if it has no positions."""
    start, view = consistency.head.positions[0], consistency.head.R[0, :, 2]
    length = float(np.linalg.norm(view[:2]))
    forward = view[:2] / length if length > 1e-6 else np.array([1.0, 0.0])
    R = np.array([[*forward, 0.0], [-forward[1], forward[0], 0.0], [0.0, 0.0, 1.0]])
    head = (consistency.head.positions - start) @ R.T
    laid = consistency.laid
    if isinstance(laid, str) or laid.path.status == "rotation_only":
        return head, None
    camera = (laid.positions - start) @ R.T
    return head, np.where(laid.path.registered[:, None], camera, np.nan)


def _draw_above(axes: "Axes", consistency: Consistency) -> None:
    head, camera = _positions(consistency)
    for path, label, color in (
        (head, "head of the motion", REFERENCE_COLOR),
        (camera, _label(consistency), SAMPLE_COLOR),
    ):
        if path is not None:
            axes.plot(-path[:, 1], path[:, 0], color=color, linewidth=1.3, marker=".", markersize=3, label=label)
            first = int(np.argmax(np.isfinite(path[:, 0])))
            axes.plot(-path[first, 1], path[first, 0], marker="o", markerfacecolor="none", color=color)
    axes.set_aspect("equal", adjustable="datalim")
    low, high = axes.get_xlim()
    if high - low < MIN_VIEW_METRES:
        axes.set_xlim((low + high - MIN_VIEW_METRES) / 2, (low + high + MIN_VIEW_METRES) / 2)
    axes.tick_params(labelsize=7)
    axes.set_title("camera from above (m; up is forward at the start)", fontsize=8)
    axes.legend(fontsize=7, frameon=False)


def _draw_course(axes: "Axes", consistency: Consistency, times: np.ndarray) -> None:
    head, camera = _positions(consistency)
    for column, (name, color) in enumerate(zip(AXES, ("#1f4e79", "#548235", "#7030a0"), strict=True)):
        axes.plot(times, head[:, column], color=color, linewidth=1.3, label=name)
        if camera is not None:
            axes.plot(times, camera[:, column], color=color, linewidth=1.1, linestyle="--")
    axes.set_title("position (m): motion whole, video dashed", fontsize=8)
    axes.tick_params(labelsize=7)
    axes.set_xlim(0, times[-1] or 1)
    axes.set_xlabel("s", fontsize=7)
    axes.legend(fontsize=7, frameon=False)


def _label(consistency: Consistency) -> str:
    laid = consistency.laid
    if isinstance(laid, str):
        return ""
    scale = "" if laid.path.is_metric else f", scale {laid.scale:.3g}"
    return f"camera of the video ({laid.path.status}{scale})"


def _draw_error(axes: "Axes", laid: LaidPath | str, times: np.ndarray, title: str, name: str) -> None:
    axes.set_title(title, fontsize=8)
    axes.tick_params(labelsize=7)
    if isinstance(laid, str):
        say(axes, textwrap.fill(laid, 50))
        return
    if name == "gaps" and laid.path.status == "rotation_only":
        say(axes, "positions are not known")
        return
    values = getattr(laid, name)
    axes.plot(times, values, color=SAMPLE_COLOR, linewidth=1.2)
    for time in times[~laid.path.registered]:
        axes.axvspan(time - times[1] / 2, time + times[1] / 2, color=IGNORED_COLOR, linewidth=0)
    axes.set_xlim(0, times[-1] or 1)
    axes.set_ylim(0, None)


def _draw_hand(axes: "Axes", consistency: Consistency, times: np.ndarray, column: int, side: str) -> None:
    """The detector's score as a line; a bar while the motion's palm is in the picture; ignored frames in grey."""
    axes.set_title(f"{side} hand: seen in the video (line), in the picture by the motion (bar)", fontsize=8)
    axes.tick_params(labelsize=7)
    half = (times[1] - times[0]) / 2 if len(times) > 1 else 0.5
    axes.set_xlim(-half, times[-1] + half)
    axes.set_ylim(0, 1.05)
    axes.set_xlabel("s", fontsize=7)
    for time in times[consistency.palms.ignored[:, column]]:
        axes.axvspan(time - half, time + half, color=IGNORED_COLOR, linewidth=0)
    bars = [(time - half, 2 * half) for time in times[consistency.palms.visible[:, column]]]
    axes.broken_barh(bars, (0, 0.12), color=SIDE_COLORS[side])
    if isinstance(consistency.seen, str):
        axes.text(0.5, 0.5, textwrap.fill(consistency.seen, 60), ha="center", transform=axes.transAxes, fontsize=8)
        return
    hands = consistency.seen.hands
    axes.step(times, hands.scores[:, column], where="mid", color=SIDE_COLORS[side], linewidth=1.2)
    axes.axhline(hands.threshold, color="0.5", linewidth=0.7, linestyle=":")
