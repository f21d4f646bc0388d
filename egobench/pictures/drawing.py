"""Drawings of one clip on matplotlib axes: frames, body, path from above, hands, contacts.

World metres, z up. Bodies are drawn from behind and from the right of the reference's first heading. From behind, left
in the picture is the wearer's left; from the right, forward is right.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, UInt8
from matplotlib.collections import LineCollection

from egobench.geometry.skeleton import get_skeleton
from egobench.types import SIDES, Clip, Motion, Video

if TYPE_CHECKING:
    from matplotlib.axes import Axes

REFERENCE_COLOR, SAMPLE_COLOR = "#1f4e79", "#c55a11"
SIDE_COLORS = {"left": "#2e75b6", "right": "#c00000"}
CONTACT_NAMES = ("left heel", "left toe", "right heel", "right toe")
ARROW_METRES, MIN_VIEW_METRES = 0.2, 0.8
GAP_PIXELS = 2
"""White columns between two frames of a strip."""


def evenly_spread(count: int, shown: int) -> list[int]:
    """Indices of `shown` of `count` items, evenly spaced from the first on; all of them if there are fewer."""
    shown = min(shown, count)
    return [place * count // shown for place in range(shown)]


def frame_indices(count: int, shown: int) -> list[int]:
    """Indices of `shown` frames, evenly spread, with the first and the last; all of them if there are fewer."""
    return [int(index) for index in np.unique(np.linspace(0, count - 1, min(shown, count)).round())]


def strip(video: Video, indices: list[int]) -> UInt8[np.ndarray, "height width 3"]:
    """Frames side by side."""
    height = video.frames.shape[1]
    gap = np.full((height, GAP_PIXELS, 3), 255, np.uint8)
    pieces = [piece for index in indices for piece in (video.frames[index], gap)]
    return np.concatenate(pieces[:-1], axis=1)


def draw_strip(axes: "Axes", video: Video, indices: list[int], label: str) -> None:
    """A strip with the time of each frame below it, seconds."""
    axes.imshow(strip(video, indices), interpolation="nearest")
    pitch = video.frames.shape[2] + GAP_PIXELS
    axes.set_xticks([k * pitch + pitch / 2 for k in range(len(indices))])
    axes.set_xticklabels([f"{index / video.fps:.1f} s" for index in indices])
    axes.tick_params(length=0, labelsize=7)
    axes.set_yticks([])
    axes.set_ylabel(label, fontsize=8)
    axes.spines[:].set_visible(False)


def heading(motion: Motion) -> Float[np.ndarray, "2"]:
    """Unit vector in xy that the head faces in the first frame; the x axis if it looks straight up or down."""
    head = get_skeleton(motion.skeleton).index("head")
    forward = motion.rotations[0, head, :2, 0]
    length = np.linalg.norm(forward)
    return forward / length if length > 1e-6 else np.array([1.0, 0.0])


def draw_bodies(axes: "Axes", motion: Motion, times: list[float], view: str, color: str, facing: np.ndarray) -> None:
    """Skeletons at several times, set side by side: from the right (`side`) or from behind (`back`)."""
    skeleton = get_skeleton(motion.skeleton)
    across = facing if view == "side" else np.array([facing[1], -facing[0]])
    pelvis = skeleton.index("pelvis")
    bones = []
    for place, time in enumerate(times):
        pose = motion.positions[min(round(time * motion.fps), len(motion.positions) - 1)]
        plane = np.stack([(pose[:, :2] - pose[pelvis, :2]) @ across + place, pose[:, 2]], axis=-1)
        bones += [plane[[parent, joint]] for joint, parent in enumerate(skeleton.parents) if parent >= 0]
    axes.add_collection(LineCollection(bones, colors=color, linewidths=1.2, capstyle="round"))
    axes.autoscale_view()
    axes.axhline(0.0, color="0.7", linewidth=0.6)
    axes.set_aspect("equal")
    axes.set_xticks([])
    axes.tick_params(labelsize=7)
    axes.set_title(f"body from {'the right' if view == 'side' else 'behind'} (m)", fontsize=8)


def draw_paths(axes: "Axes", motions: Sequence[tuple[str, Motion, str]]) -> None:
    """Head paths (label, motion, colour) from above with a heading arrow twice a second; a ring marks the start."""
    points = []
    for label, motion, color in motions:
        head = get_skeleton(motion.skeleton).index("head")
        path = motion.positions[:, head, :2]
        step = max(1, round(motion.fps / 2))
        tips = path[::step] + ARROW_METRES * motion.rotations[::step, head, :2, 0]
        axes.plot(*path.T, color=color, linewidth=1.2, label=label)
        axes.plot(*path[0], marker="o", markerfacecolor="none", color=color)
        arrows = tips - path[::step]
        axes.quiver(*path[::step].T, *arrows.T, color=color, angles="xy", scale_units="xy", scale=1, width=0.006)
        points += [path, tips]
    everything = np.concatenate(points)
    low, high = everything.min(axis=0), everything.max(axis=0)
    half = max(MIN_VIEW_METRES, float((high - low).max())) * 0.55
    center = (low + high) / 2
    axes.set_aspect("equal", adjustable="box")
    axes.set_xlim(center[0] - half, center[0] + half)
    axes.set_ylim(center[1] - half, center[1] + half)
    axes.tick_params(labelsize=7)
    axes.set_title("head from above (m)", fontsize=8)
    axes.legend(fontsize=7, frameon=False)


def draw_hands(axes: "Axes", clip: Clip) -> None:
    """Share of pixels that show each hand, over time; a note if the data set does not have it."""
    pixels = clip.reference.hand_pixels
    axes.set_title("hands in view (% of pixels)", fontsize=8)
    axes.tick_params(labelsize=7)
    if pixels is None:
        say(axes, "not known")
        return
    times = np.arange(len(pixels)) / clip.reference.video.fps
    for column, side in enumerate(SIDES):
        axes.step(times, 100 * pixels[:, column], where="mid", color=SIDE_COLORS[side], label=side, linewidth=1.2)
    axes.set_ylim(0, max(1.0, 110 * float(pixels.max())))
    axes.set_xlim(0, times[-1])
    axes.legend(fontsize=7, frameon=False, loc="upper right")


def draw_contacts(axes: "Axes", clip: Clip) -> None:
    """Foot contacts over time, one bar per part of a foot."""
    contacts = clip.reference.contacts
    axes.set_title("ground contacts", fontsize=8)
    axes.tick_params(labelsize=7)
    if contacts is None:
        say(axes, "not known")
        return
    fps = clip.reference.motion.fps
    for row, name in enumerate(CONTACT_NAMES):
        starts = np.flatnonzero(contacts[:, row]) / fps
        axes.broken_barh([(start, 1 / fps) for start in starts], (row - 0.4, 0.8), color=SIDE_COLORS[name.split()[0]])
    axes.set_yticks(range(len(CONTACT_NAMES)))
    axes.set_yticklabels(CONTACT_NAMES)
    axes.set_ylim(len(CONTACT_NAMES) - 0.5, -0.5)
    axes.set_xlim(0, len(contacts) / fps)
    axes.set_xlabel("s", fontsize=7)


def say(axes: "Axes", text: str) -> None:
    """Writes a sentence in place of a drawing."""
    axes.text(0.5, 0.5, text, ha="center", va="center", transform=axes.transAxes, fontsize=8, color="0.4")
    axes.set_xticks([])
    axes.set_yticks([])
