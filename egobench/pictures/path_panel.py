"""Small panels of paths from above: a path in its row's colour over one in blue. The blue one sets the view.

World metres, x right and y up. A ring marks the start; arrows show twice a second where the head or the camera faces.
"""

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from egobench.geometry.skeleton import get_skeleton
from egobench.pictures.drawing import MIN_VIEW_METRES, REFERENCE_COLOR, say
from egobench.types import Motion

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ARROW_SHARE = 0.16
"""Length of an arrow, as a share of the panel's shorter side."""
ROOM = 1.5
"""Width of the view divided by the extent of the path that sets it."""
FAR = 2.5
"""A second path that is larger than the first by this factor does not widen the view."""


def head_from_above(motion: Motion) -> tuple[Float[np.ndarray, "time 2"], Float[np.ndarray, "time 2"]]:
    """Positions of the head in metres and its heading, both in world xy."""
    head = get_skeleton(motion.skeleton).index("head")
    return motion.positions[:, head, :2], motion.rotations[:, head, :2, 0]


def draw_against_reference(
    axes: "Axes", reference: Motion, motion: Motion | str, color: str, *, with_scale: bool
) -> None:
    """Draws the head's path of a motion over that of the reference, or a sentence; on request a scale bar."""
    if isinstance(motion, str):
        say(axes, motion)
        return
    path, facing = head_from_above(reference)
    half = _bounds(axes, path)
    _draw(axes, path, facing, REFERENCE_COLOR, half, reference.fps, width=1.0)
    if motion is not reference:
        path, facing = head_from_above(motion)
        _draw(axes, path, facing, color, half, motion.fps, width=1.3)
        say_if_beyond(axes, path)
    if with_scale:
        draw_scale(axes)


def draw_pair(
    axes: "Axes",
    first: tuple[np.ndarray, np.ndarray],
    second: tuple[np.ndarray, np.ndarray] | None,
    colors: tuple[str, str],
    fps: float,
) -> None:
    """Draws two paths (positions in metres and headings, both (time, 2)) from above; NaN where one is not known.

    Args:
        fps: frames per second of both.
    """
    in_view = first[0]
    if second is not None and _size(second[0]) < FAR * max(_size(in_view), MIN_VIEW_METRES):
        in_view = np.concatenate([in_view, second[0]])
    half = _bounds(axes, in_view)
    if second is not None:
        _draw(axes, *second, colors[1], half, fps, width=1.2)
        say_if_beyond(axes, second[0])
    _draw(axes, *first, colors[0], half, fps, width=1.3)
    draw_scale(axes)


def draw_scale(axes: "Axes") -> None:
    """A scale bar of one metre, or of 0.1 m if one metre does not fit, at the bottom left."""
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    length = 1.0 if right - left > 1.6 else 0.1
    x, y = left + 0.05 * (right - left), bottom + 0.08 * (top - bottom)
    axes.plot([x, x + length], [y, y], color="0.25", linewidth=1.6, solid_capstyle="butt")
    axes.text(x, y + 0.03 * (top - bottom), f"{length:g} m", fontsize=6.5, color="0.25")


def say_if_beyond(axes: "Axes", path: Float[np.ndarray, "time 2"]) -> None:
    """Adds a note to a path that leaves the panel."""
    low, high = (np.array(ends) for ends in zip(axes.get_xlim(), axes.get_ylim(), strict=True))
    if ((path < low) | (path > high)).any():
        place = {"transform": axes.transAxes, "ha": "right", "bbox": {"color": "white", "pad": 0.6, "alpha": 0.8}}
        axes.text(0.98, 0.04, "goes on outside", fontsize=6, color="0.25", **place)


def _size(path: Float[np.ndarray, "time 2"]) -> float:
    return float((np.nanmax(path, axis=0) - np.nanmin(path, axis=0)).max())


def _bounds(axes: "Axes", path: Float[np.ndarray, "time 2"]) -> float:
    """Sets the view so that the path fits, at one scale for both axes; returns half its shorter side, metres."""
    low, high = np.nanmin(path, axis=0), np.nanmax(path, axis=0)
    center = (low + high) / 2
    ratio = float(axes.bbox.width / axes.bbox.height)
    needed = max(MIN_VIEW_METRES, float(high[1] - low[1]), float(high[0] - low[0]) / ratio)
    half = ROOM * needed / 2
    axes.set_xlim(center[0] - half * ratio, center[0] + half * ratio)
    axes.set_ylim(center[1] - half, center[1] + half)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_color("0.8")
    return half


def _draw(
    axes: "Axes", path: np.ndarray, facing: np.ndarray, color: str, half: float, fps: float, *, width: float
) -> None:
    step = max(1, round(fps / 2))
    arrows = 2 * half * ARROW_SHARE * facing[::step]
    axes.plot(*path.T, color=color, linewidth=width, solid_joinstyle="round")
    axes.plot(*path[0], marker="o", markersize=4, markerfacecolor="none", color=color)
    axes.quiver(
        *path[::step].T, *arrows.T, color=color, angles="xy", scale_units="xy", scale=1, width=0.008, headwidth=4
    )
