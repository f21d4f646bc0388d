"""Light and paint of the embedded world: what colour a ray brings back, compiled by numba.

Wrapped Lambert light from one soft direction, less with distance so that depth is readable, darker in corners,
under furniture and along the edges of boxes. Colours are linear RGB; patterns are averaged over the pixel.
"""

import numpy as np
from numba import njit

from egomini.world.primitives import (
    AXIS,
    AXIS2,
    CENTER,
    EYE_FOCAL,
    EYE_ORIGIN,
    EYE_ROTATION,
    HALF,
    LIGHT,
    RADIUS,
    RAY,
    SHELL_LIGHT,
    SHELL_SIZE,
    START,
    UP,
)
from egomini.world.textures import PLAIN, pattern, to_linear

SKY_LOW, SKY_HIGH = to_linear((0.86, 0.93, 1.0)), to_linear((0.42, 0.66, 0.98))
SKIRTING_HEIGHT = 0.09
"""Metres: the dark board along the foot of every wall."""
EDGE = 0.012
"""Metres: width of the dark line along the edges of a box."""
BOUNCE = 0.16
"""Light that the floor throws back to what faces down."""


@njit(error_model="numpy", forceinline=True)
def _lit(cosine, up, distance2):
    """Light on a face: towards the main light, facing up or down, at a squared distance from the eye."""
    return (0.76 + 0.26 * cosine - BOUNCE * min(up, 0.0)) * max(0.55, 1.0 / (1.0 + 0.012 * distance2))


@njit(error_model="numpy", forceinline=True)
def _falloff(distance, width):
    """1 at 0, smoothly to 0 over about twice `width` metres."""
    square = (distance / width) ** 2
    return 1.0 / ((1.0 + square) * (1.0 + square))


@njit(error_model="numpy", forceinline=True)
def _along(table, row, x, y):
    """Component of a camera ray along row `row` of a 3 × 3 matrix that starts `table`."""
    return table[row] * x + table[row + 1] * y + table[row + 2]


@njit(error_model="numpy", forceinline=True)
def _footprint(n0, n1, n2, a0, a1, a2, x, y, px, py):
    """Metres that a pixel covers along one axis of a plane; its normal and the axis are rows of a rotation."""
    across = n0 * x + n1 * y + n2
    along = (a0 * x + a1 * y + a2) / (across if abs(across) > 1e-6 else 1e-6)
    return max(abs(px * (a0 - along * n0)), abs(py * (a1 - along * n1)), 1e-4)


@njit(error_model="numpy", forceinline=True)
def _line(distance, width):
    """How much of a footprint `width` metres wide, `distance` from an edge, lies on the edge's dark line."""
    return min(1.0, max(0.0, (EDGE - distance) / width + 0.5)) * min(1.0, 2 * EDGE / width)


@njit(error_model="numpy")
def _floor_shadow(shadows, time, px, py):
    """What is left of the light under and around what stands on the floor."""
    light = 1.0
    for i in range(shadows.shape[1]):
        rx, ry = px - shadows[time, i, 0], py - shadows[time, i, 1]
        cos, sin = shadows[time, i, 2], shadows[time, i, 3]
        along = max(0.0, abs(rx * cos + ry * sin) - shadows[time, i, 4])
        aside = max(0.0, abs(ry * cos - rx * sin) - shadows[time, i, 5])
        distance2 = along * along + aside * aside
        if distance2 < 0.5:
            light *= 1.0 - shadows[time, i, 6] * _falloff(np.sqrt(distance2), 0.2)
    return light


@njit(error_model="numpy", forceinline=True)
def _shell_light(time, eye, shell, shadows, face, u, v, width_v, distance2):
    """Light on the room: skirting board, darker corners, shadows of furniture and feet on the floor."""
    axis = face // 2
    first, second = (1 if axis == 0 else 0), (1 if axis == 2 else 2)
    facing = 1.0 if face % 2 == 0 else -1.0
    light = _lit(facing * shell[SHELL_LIGHT + axis], facing if axis == 2 else 0.0, distance2)
    nearest = min(min(u, shell[SHELL_SIZE + first] - u), min(v, shell[SHELL_SIZE + second] - v))
    light *= 1.0 - 0.3 * _falloff(max(0.0, nearest), 0.16)
    if face == 4:
        light *= _floor_shadow(shadows, time, u, v)
    elif face < 4:
        light *= 1.0 - 0.6 * min(1.0, max(0.0, (SKIRTING_HEIGHT - v) / width_v + 0.5))
    return light


@njit(error_model="numpy", forceinline=True)
def _box_light(prims, i, face, u, v, width_u, width_v, height, distance2):
    """Light on a box: a dark line along its edges, sides darker towards the floor."""
    axis = face // 2
    first, second = (1 if axis == 0 else 0), (1 if axis == 2 else 2)
    facing = 1.0 if face % 2 == 1 else -1.0
    up = facing * prims[i, UP + axis]
    light = _lit(facing * prims[i, LIGHT + axis], up, distance2)
    half_u, half_v = prims[i, HALF + first], prims[i, HALF + second]
    if min(half_u, half_v) > 4 * EDGE:
        light *= 1.0 - 0.35 * max(_line(half_u - abs(u), width_u), _line(half_v - abs(v), width_v))
    if abs(up) < 0.5:
        light *= 1.0 - 0.35 * _falloff(max(0.0, height), 0.14)
    return light


@njit(error_model="numpy", forceinline=True)
def _capsule_light(prims, i, t, x, y, distance2):
    """(light, metres along the limb): dark towards the outline, so that fingers part."""
    px, py, pz = t * x - prims[i, START], t * y - prims[i, START + 1], t - prims[i, START + 2]
    ax, ay, az = prims[i, AXIS], prims[i, AXIS + 1], prims[i, AXIS + 2]
    share = min(1.0, max(0.0, (px * ax + py * ay + pz * az) / max(prims[i, AXIS2], 1e-12)))
    radius = prims[i, RADIUS]
    nx, ny, nz = (px - share * ax) / radius, (py - share * ay) / radius, (pz - share * az) / radius
    cosine = nx * prims[i, LIGHT] + ny * prims[i, LIGHT + 1] + nz * prims[i, LIGHT + 2]
    facing = max(0.0, -t * (nx * x + ny * y + nz) / np.sqrt(distance2))
    return _lit(cosine, 0.0, distance2) * (0.5 + 0.5 * facing), share * np.sqrt(prims[i, AXIS2])


@njit(error_model="numpy", forceinline=True)
def _sky(up):
    """A gradient from horizon to zenith; `up` is the sine of the elevation."""
    share = min(1.0, max(0.0, 1.6 * up))
    return (
        SKY_LOW[0] + share * (SKY_HIGH[0] - SKY_LOW[0]),
        SKY_LOW[1] + share * (SKY_HIGH[1] - SKY_LOW[1]),
        SKY_LOW[2] + share * (SKY_HIGH[2] - SKY_LOW[2]),
    )


@njit(error_model="numpy", forceinline=True)
def shade(time, eye, shell, prims, n_boxes, paint, shadows, key, t, x, y, size):
    """Linear RGB of what a ray met at depth t.

    Args:
        key: as in `raycast.py`.
        size: side of the part of the pixel that the ray stands for, in pixels.
    """
    ray2 = x * x + y * y + 1.0
    up = _along(eye, EYE_ROTATION + 6, x, y)
    if key < 0:
        return _sky(up / np.sqrt(ray2))
    i, face, distance2 = (key - 8) // 8, key & 7, t * t * ray2
    px, py = t * size / eye[EYE_FOCAL], t * size / eye[EYE_FOCAL + 1]
    row, u, v, width_u, width_v, light = i, 0.0, 0.25, px, px, 0.0
    if key >= 8 and i >= n_boxes:
        light, u = _capsule_light(prims, i, t, x, y, distance2)
    else:
        axis = face // 2
        n, a, b = 3 * axis, (3 if axis == 0 else 0), (3 if axis == 2 else 6)
        if key < 8:
            row = len(paint) - 6 + face
            u = eye[EYE_ORIGIN + a // 3] + t * _along(eye, EYE_ROTATION + a, x, y)
            v = eye[EYE_ORIGIN + b // 3] + t * _along(eye, EYE_ROTATION + b, x, y)
            n0, n1, n2 = eye[EYE_ROTATION + n], eye[EYE_ROTATION + n + 1], eye[EYE_ROTATION + n + 2]
            a0, a1, a2 = eye[EYE_ROTATION + a], eye[EYE_ROTATION + a + 1], eye[EYE_ROTATION + a + 2]
            b0, b1, b2 = eye[EYE_ROTATION + b], eye[EYE_ROTATION + b + 1], eye[EYE_ROTATION + b + 2]
        else:
            n0, n1, n2 = prims[i, RAY + n], prims[i, RAY + n + 1], prims[i, RAY + n + 2]
            a0, a1, a2 = prims[i, RAY + a], prims[i, RAY + a + 1], prims[i, RAY + a + 2]
            b0, b1, b2 = prims[i, RAY + b], prims[i, RAY + b + 1], prims[i, RAY + b + 2]
            u = prims[i, CENTER + a // 3] + t * (a0 * x + a1 * y + a2)
            v = prims[i, CENTER + b // 3] + t * (b0 * x + b1 * y + b2)
        width_u = _footprint(n0, n1, n2, a0, a1, a2, x, y, px, py)
        width_v = _footprint(n0, n1, n2, b0, b1, b2, x, y, px, py)
        if key < 8:
            light = _shell_light(time, eye, shell, shadows, face, u, v, width_v, distance2)
        else:
            height = eye[EYE_ORIGIN + 2] + t * up
            light = _box_light(prims, i, face, u, v, width_u, width_v, height, distance2)
            u, v = u + prims[i, HALF + a // 3], v + prims[i, HALF + b // 3]
    mix = 0.0
    if paint[row, 0] != PLAIN:
        mix, tone = pattern(int(paint[row, 0]), u, v, width_u, width_v, paint[row, 7])
        light *= tone
    return (
        light * (paint[row, 1] + mix * (paint[row, 4] - paint[row, 1])),
        light * (paint[row, 2] + mix * (paint[row, 5] - paint[row, 2])),
        light * (paint[row, 3] + mix * (paint[row, 6] - paint[row, 3])),
    )
