"""Boxes and capsules made ready for one video frame: where they are as the camera sees them, and their outlines.

Input are `Boxes`, `Capsules` and a `Shell` (world, metres). Per frame each primitive gets one row of numbers, boxes
first; the columns are named below. Rays leave the camera at (x, y, 1) in its frame, so a ray's t is depth in metres.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

NEAR = 0.03
"""Metres: nothing nearer is drawn."""
BODY_NEAR = 0.08
"""Metres: the wearer's own body nearer than this is not drawn, so shoulders do not fill the image."""
FAR = 1e9

RAY, CENTER, HALF, LIGHT, UP, IS_BEYOND = 0, 9, 12, 15, 18, 21
"""Columns of a box: matrix from camera rays to its frame (9), camera centre, half size, light and world up in its frame
(3 each), whether it stands behind the door's opening."""
START, AXIS, AXIS2, ALONG, ROOT, RADIUS = 0, 3, 6, 7, 8, 9
"""Columns of a capsule, in the camera frame: start, axis (3 each), axis², -axis · start, the part of its root that
no ray changes, radius; light at `LIGHT`, as for a box."""
COLUMNS = 22
EYE_ROTATION, EYE_ORIGIN, EYE_FOCAL, EYE_CENTER = 0, 9, 12, 14
"""Entries of `eye`: camera → world rotation (9), centre (3), fx, fy, cx, cy."""
EYE_SIZE = 16
SHELL_SIZE, SHELL_LIGHT, SHELL_HOLE, SHELL_DOOR = 0, 3, 6, 9
"""Entries of `shell`: the room's size (3), unit vector to the light (3), the door's opening (from, to along the wall,
height), and the number of its wall (-1: no door)."""


class Boxes(NamedTuple):
    """Boxes per frame."""

    center: np.ndarray
    """(time, box, 3) metres, world."""
    axes: np.ndarray
    """(time, box, 3, 3) columns are the box's axes in the world."""
    half: np.ndarray
    """(box, 3) metres."""
    is_beyond: np.ndarray
    """(box,) 1 where it stands behind the door's opening, else 0."""


class Capsules(NamedTuple):
    """The body per frame."""

    start: np.ndarray
    """(time, capsule, 3) metres, world."""
    end: np.ndarray
    radius: np.ndarray
    """(capsule,) metres."""


@njit(error_model="numpy")
def _outline(corners, eye, near, rects, depths, i):
    """Sets outline in pixels (x0, y0, x1, y1) and least depth of a convex body with 8 corners in the camera frame."""
    x0, y0, x1, y1, depth = FAR, FAR, -FAR, -FAR, FAR
    for c in range(8):
        for bit in (0, 1, 2, 4):  # the corner itself, then where its edges cross the near plane
            x, y, z = corners[c, 0], corners[c, 1], corners[c, 2]
            if bit > 0:
                other = c ^ bit
                if (z >= near) == (corners[other, 2] >= near):
                    continue
                share = (near - z) / (corners[other, 2] - z)
                x, y, z = x + share * (corners[other, 0] - x), y + share * (corners[other, 1] - y), near
            if z >= near:
                u = eye[EYE_FOCAL] * x / z + eye[EYE_CENTER]
                v = eye[EYE_FOCAL + 1] * y / z + eye[EYE_CENTER + 1]
                x0, x1, y0, y1 = min(x0, u), max(x1, u), min(y0, v), max(y1, v)
                depth = min(depth, z)
    rects[i, 0], rects[i, 1], rects[i, 2], rects[i, 3], depths[i] = x0, y0, x1, y1, depth


@njit(error_model="numpy")
def is_inside(eye, shell):
    """Whether the camera is in the room."""
    inside = True
    for k in range(3):
        inside = inside and 0.0 < eye[EYE_ORIGIN + k] < shell[SHELL_SIZE + k]
    return inside


@njit(error_model="numpy")
def _opening(eye, shell, rects, depths):
    """Sets the outline of the door's opening in row 0."""
    corners, rotation = np.zeros((8, 3)), eye[EYE_ROTATION : EYE_ROTATION + 9].reshape(3, 3)
    wall = int(shell[SHELL_DOOR])
    axis, point = wall // 2, np.zeros(3)
    for c in range(8):
        point[axis] = shell[SHELL_SIZE + axis] * (wall % 2) + (1e-3 if c & 1 else -1e-3)
        point[1 - axis] = shell[SHELL_HOLE + 1] if c & 2 else shell[SHELL_HOLE]
        point[2] = shell[SHELL_HOLE + 2] if c & 4 else 0.0
        for k in range(3):
            corners[c, k] = 0.0
            for a in range(3):
                corners[c, k] += rotation[a, k] * (point[a] - eye[EYE_ORIGIN + a])
    _outline(corners, eye, 1e-4, rects, depths, 0)


@njit(error_model="numpy")
def prepare_boxes(time, boxes, eye, shell, prims, rects, depths):
    """Fills the rows of boxes; outlines of what stands beyond are cut to the door's opening."""
    corners, rotation = np.zeros((8, 3)), eye[EYE_ROTATION : EYE_ROTATION + 9].reshape(3, 3)
    x0, y0, x1, y1 = -FAR, -FAR, FAR, FAR
    if shell[SHELL_DOOR] >= 0 and is_inside(eye, shell):
        _opening(eye, shell, rects, depths)
        x0, y0, x1, y1 = rects[0, 0], rects[0, 1], rects[0, 2], rects[0, 3]
    middle = np.zeros(3)
    for i in range(boxes.half.shape[0]):
        prims[i, IS_BEYOND] = boxes.is_beyond[i]
        middle[:] = 0.0
        for a in range(3):
            prims[i, HALF + a], prims[i, UP + a] = boxes.half[i, a], boxes.axes[time, i, 2, a]
            prims[i, CENTER + a], prims[i, LIGHT + a] = 0.0, 0.0
            for w in range(3):
                offset = boxes.center[time, i, w] - eye[EYE_ORIGIN + w]
                prims[i, CENTER + a] -= boxes.axes[time, i, w, a] * offset
                prims[i, LIGHT + a] += boxes.axes[time, i, w, a] * shell[SHELL_LIGHT + w]
                middle[a] += rotation[w, a] * offset
            for k in range(3):
                prims[i, RAY + 3 * a + k] = 0.0
                for w in range(3):
                    prims[i, RAY + 3 * a + k] += boxes.axes[time, i, w, a] * rotation[w, k]
        for c in range(8):
            for k in range(3):
                corners[c, k] = middle[k]
                for a in range(3):
                    side = boxes.half[i, a] if c & (1 << a) else -boxes.half[i, a]
                    corners[c, k] += side * prims[i, RAY + 3 * a + k]
        _outline(corners, eye, NEAR, rects, depths, i)
        if boxes.is_beyond[i] > 0:
            rects[i, 0], rects[i, 1] = max(rects[i, 0], x0), max(rects[i, 1], y0)
            rects[i, 2], rects[i, 3] = min(rects[i, 2], x1), min(rects[i, 3], y1)


@njit(error_model="numpy")
def prepare_capsules(time, capsules, first, eye, shell, prims, rects, depths):
    """Fills the rows of capsules, from row `first` on."""
    corners, rotation = np.zeros((8, 3)), eye[EYE_ROTATION : EYE_ROTATION + 9].reshape(3, 3)
    for c in range(capsules.radius.shape[0]):
        i, radius = first + c, capsules.radius[c]
        axis2, along, start2 = 0.0, 0.0, 0.0
        for k in range(3):
            prims[i, START + k], prims[i, AXIS + k], prims[i, LIGHT + k] = 0.0, 0.0, 0.0
            for w in range(3):
                start = capsules.start[time, c, w]
                prims[i, START + k] += rotation[w, k] * (start - eye[EYE_ORIGIN + w])
                prims[i, AXIS + k] += rotation[w, k] * (capsules.end[time, c, w] - start)
                prims[i, LIGHT + k] += rotation[w, k] * shell[SHELL_LIGHT + w]
            axis2 += prims[i, AXIS + k] ** 2
            along -= prims[i, AXIS + k] * prims[i, START + k]
            start2 += prims[i, START + k] ** 2
        prims[i, AXIS2], prims[i, ALONG], prims[i, RADIUS] = axis2, along, radius
        prims[i, ROOT] = axis2 * (start2 - radius * radius) - along * along
        for corner in range(8):
            for k in range(3):
                end = max(0.0, prims[i, AXIS + k]) + radius
                if corner & (1 << k) == 0:
                    end = min(0.0, prims[i, AXIS + k]) - radius
                corners[corner, k] = prims[i, START + k] + end
        _outline(corners, eye, BODY_NEAR, rects, depths, i)
