"""Analytic ray casting of boxes, capsules and one room, compiled by numba; one thread, no fast-math.

What a ray meets is named by an integer key: -1 nothing, 0 … 5 a wall of the room, its floor (4) or ceiling (5),
8 + 8 · primitive + face the rest. Per tile and pixel only primitives whose outline touches it are tried, near first.
All tables are plain arrays (columns in `primitives.py`): numba counts references on every field of a tuple of arrays.
"""

from collections.abc import Callable
from pathlib import Path
from zlib import crc32

import numpy as np
from numba import njit

from egomini.camera import shading
from egomini.camera.shading import shade
from egomini.world import primitives, textures
from egomini.world.primitives import (
    ALONG,
    AXIS,
    AXIS2,
    BODY_NEAR,
    CENTER,
    EYE_CENTER,
    EYE_FOCAL,
    EYE_ORIGIN,
    EYE_ROTATION,
    EYE_SIZE,
    FAR,
    HALF,
    IS_BEYOND,
    NEAR,
    RADIUS,
    RAY,
    ROOT,
    SHELL_DOOR,
    SHELL_HOLE,
    SHELL_SIZE,
    START,
    is_inside,
    prepare_boxes,
    prepare_capsules,
)
from egomini.world.primitives import COLUMNS as PRIM_COLUMNS

TILE = 8
"""Pixels along a tile's side."""
NOTHING = -1
_SOURCES = (str(textures.__file__), str(shading.__file__), str(primitives.__file__), __file__)


@njit(error_model="numpy", forceinline=True)
def _in_hole(shell, face, px, py, pz):
    along = py if face < 2 else px
    return (
        face == shell[SHELL_DOOR] and shell[SHELL_HOLE] < along < shell[SHELL_HOLE + 1] and pz < shell[SHELL_HOLE + 2]
    )


@njit(error_model="numpy", forceinline=True)
def _nonzero(value):
    return value if abs(value) > 1e-12 else 1e-12


@njit(error_model="numpy", forceinline=True)
def _trace_inside(shell, ox, oy, oz, dx, dy, dz):
    """(t, key) of a ray that starts in the room: its wall, or nothing where it leaves through the door."""
    t, key = ((shell[SHELL_SIZE] if dx > 0 else 0.0) - ox) / _nonzero(dx), 1 if dx > 0 else 0
    ty = ((shell[SHELL_SIZE + 1] if dy > 0 else 0.0) - oy) / _nonzero(dy)
    tz = ((shell[SHELL_SIZE + 2] if dz > 0 else 0.0) - oz) / _nonzero(dz)
    if ty < t:
        t, key = ty, 3 if dy > 0 else 2
    if tz < t:
        t, key = tz, 5 if dz > 0 else 4
    if _in_hole(shell, key, ox + t * dx, oy + t * dy, oz + t * dz):
        t, key = FAR, NOTHING
    return t, key


@njit(error_model="numpy")
def _trace_outside(shell, ox, oy, oz, dx, dy, dz):
    """(t, key) of a ray that starts beyond the door: an outer wall, or through the hole an inner face."""
    near, far, entry, leave = -FAR, FAR, 0, 0
    for axis in range(3):
        o, d = (ox, dx) if axis == 0 else ((oy, dy) if axis == 1 else (oz, dz))
        d = _nonzero(d)
        low, high, first, second = -o / d, (shell[SHELL_SIZE + axis] - o) / d, 2 * axis, 2 * axis + 1
        if low > high:
            low, high, first, second = high, low, second, first
        if low > near:
            near, entry = low, first
        if high < far:
            far, leave = high, second
    if near > far or far < 0.0:
        return FAR, NOTHING
    if _in_hole(shell, entry, ox + near * dx, oy + near * dy, oz + near * dz):
        return far, leave
    return near, entry


@njit(error_model="numpy", forceinline=True)
def _trace_box(prims, i, x, y):
    """(t, face) of a box; t = FAR where it is missed or the camera is in it. Face = 2 · axis + (1 on the + side)."""
    near, far, face = -FAR, FAR, 0
    for k in range(3):
        d = _nonzero(prims[i, RAY + 3 * k] * x + prims[i, RAY + 3 * k + 1] * y + prims[i, RAY + 3 * k + 2])
        inverse = 1.0 / d
        middle, reach = -prims[i, CENTER + k] * inverse, abs(inverse) * prims[i, HALF + k]
        if middle - reach > near:
            near, face = middle - reach, 2 * k + (1 if d < 0 else 0)
        far = min(far, middle + reach)
    return near if NEAR <= near <= far else FAR, face


@njit(error_model="numpy", forceinline=True)
def _trace_capsule(prims, i, x, y):
    """Depth at which a ray enters a capsule, FAR where it does not."""
    t, ray2 = FAR, x * x + y * y + 1.0
    along = prims[i, AXIS] * x + prims[i, AXIS + 1] * y + prims[i, AXIS + 2]
    to_start = prims[i, START] * x + prims[i, START + 1] * y + prims[i, START + 2]
    axis2, start_along = prims[i, AXIS2], prims[i, ALONG]
    a = max(axis2 * ray2 - along * along, 1e-15)
    b = -axis2 * to_start - start_along * along
    h = b * b - a * prims[i, ROOT]
    if h >= 0.0:
        t = (-b - np.sqrt(h)) / a
        height = start_along + t * along
        if height <= 0.0 or height >= axis2:  # beside the cylinder: the ball at that end
            end = 1.0 if height > 0.0 else 0.0
            cx = prims[i, START] + end * prims[i, AXIS]
            cy = prims[i, START + 1] + end * prims[i, AXIS + 1]
            cz = prims[i, START + 2] + end * prims[i, AXIS + 2]
            b = cx * x + cy * y + cz
            h = b * b - ray2 * (cx * cx + cy * cy + cz * cz - prims[i, RADIUS] * prims[i, RADIUS])
            t = (b - np.sqrt(h)) / ray2 if h >= 0.0 else FAR
    return t if t >= BODY_NEAR else FAR


@njit(error_model="numpy")
def _sort_by_depth(depths, order):
    """Insertion sort: frames resemble one another, so `order` is nearly sorted already."""
    for i in range(1, len(order)):
        item, j = order[i], i - 1
        while j >= 0 and depths[order[j]] > depths[item]:
            order[j + 1] = order[j]
            j -= 1
        order[j + 1] = item


@njit(error_model="numpy", forceinline=True)
def _overlapping(rects, candidates, count, left, top, side, found):
    """Keeps, in order, the candidates whose outline touches a square of the image; how many they are."""
    kept = 0
    for c in range(count):
        i = candidates[c]
        if rects[i, 0] < left + side and rects[i, 2] > left and rects[i, 1] < top + side and rects[i, 3] > top:
            found[kept] = i
            kept += 1
    return kept


@njit(error_model="numpy", forceinline=True)
def _trace(eye, shell, starts_inside, prims, n_boxes, depths, candidates, count, x, y):
    """(t, key) of what a ray meets first."""
    dx = eye[EYE_ROTATION] * x + eye[EYE_ROTATION + 1] * y + eye[EYE_ROTATION + 2]
    dy = eye[EYE_ROTATION + 3] * x + eye[EYE_ROTATION + 4] * y + eye[EYE_ROTATION + 5]
    dz = eye[EYE_ROTATION + 6] * x + eye[EYE_ROTATION + 7] * y + eye[EYE_ROTATION + 8]
    if starts_inside:
        t, key = _trace_inside(shell, eye[EYE_ORIGIN], eye[EYE_ORIGIN + 1], eye[EYE_ORIGIN + 2], dx, dy, dz)
    else:
        t, key = _trace_outside(shell, eye[EYE_ORIGIN], eye[EYE_ORIGIN + 1], eye[EYE_ORIGIN + 2], dx, dy, dz)
    is_open = key == NOTHING or not starts_inside
    for c in range(count):
        i = candidates[c]
        if depths[i] > t:
            break
        hit, face = FAR, 0
        if i >= n_boxes:
            hit = _trace_capsule(prims, i, x, y)
        elif is_open or prims[i, IS_BEYOND] == 0.0:
            hit, face = _trace_box(prims, i, x, y)
        if hit < t:
            t, key = hit, 8 + 8 * i + face
    return t, key


@njit(error_model="numpy", forceinline=True)
def _pixel_id(key, codes):
    if key < 4:
        return 0 if key == NOTHING else 1
    return key - 2 if key < 8 else codes[(key - 8) // 8]


@njit(error_model="numpy")
def _ray_table(pixels, supersample, is_row, center, focal):
    """(pixel, sample) x of the rays through a column, or y of those through a row; sample 0 is the pixel's centre."""
    table = np.empty((pixels, supersample * supersample + 1))
    for pixel in range(pixels):
        for s in range(table.shape[1]):
            u = 0.5
            if s > 0:
                u = (((s - 1) // supersample if is_row else (s - 1) % supersample) + 0.5) / supersample
            table[pixel, s] = (pixel + u - center) / focal
    return table


@njit(error_model="numpy")
def _draw_frame(
    time, eye, shell, prims, n_boxes, rects, depths, order, paint, shadows, codes, supersample,
    xs, ys, srgb, frames, ids,
):  # fmt: skip
    """Draws one frame from its prepared tables."""
    n, samples, starts_inside = len(order), supersample * supersample, is_inside(eye, shell)
    in_tile, in_pixel = np.empty(n, np.int64), np.empty(n, np.int64)
    ts, keys = np.empty(samples + 1), np.empty(samples + 1, np.int64)
    height, width = ids.shape[1], ids.shape[2]
    across = (width + TILE - 1) // TILE
    for tile in range(across * ((height + TILE - 1) // TILE)):
        top, left = tile // across * TILE, tile % across * TILE
        tile_count = _overlapping(rects, order, n, left, top, TILE, in_tile)
        for pixel in range(TILE * TILE):
            row, column = top + pixel // TILE, left + pixel % TILE
            if row >= height or column >= width:
                continue
            count = _overlapping(rects, in_tile, tile_count, column, row, 1, in_pixel)
            is_uniform = True
            for s in range(samples + 1):  # 0 is the centre, the rest a regular grid
                x, y = xs[column, s], ys[row, s]
                ts[s], keys[s] = _trace(eye, shell, starts_inside, prims, n_boxes, depths, in_pixel, count, x, y)
                is_uniform = is_uniform and keys[s] == keys[0]
            ids[time, row, column] = _pixel_id(keys[0], codes)
            first, last, size = (0, 1, 1.0) if is_uniform else (1, samples + 1, 1.0 / supersample)
            red, green, blue = 0.0, 0.0, 0.0
            for s in range(first, last):
                x, y = xs[column, s], ys[row, s]
                r, g, b = shade(time, eye, shell, prims, n_boxes, paint, shadows, keys[s], ts[s], x, y, size)
                red, green, blue = red + min(r, 1.0), green + min(g, 1.0), blue + min(b, 1.0)
            share = (len(srgb) - 1) / (last - first)
            frames[time, row, column, 0] = srgb[int(red * share + 0.5)]
            frames[time, row, column, 1] = srgb[int(green * share + 0.5)]
            frames[time, row, column, 2] = srgb[int(blue * share + 0.5)]


@njit(error_model="numpy")
def _draw(poses, focal_center, supersample, boxes, capsules, shell, paint, shadows, codes, srgb, frames, ids):
    """Draws all frames.

    Args:
        poses: (time, 4, 4) `T_world_camera`.
        focal_center: (4,) fx, fy, cx, cy in pixels.
        supersample: rays along a pixel's side; one more goes through its centre and names it in `ids`.
        boxes, capsules: `Boxes`, `Capsules`.
        shell: (10,) the room, see `primitives.py`.
        paint: (primitive + 6, 8) pattern code, two colours, period; the last six rows are the room's faces.
        shadows: (time, shadow, 7) on the floor: x, y, cos yaw, sin yaw, half length, half width, strength.
        codes: (primitive,) pixel ids.
        srgb: (4096,) table from linear to sRGB.
        frames: (time, height, width, 3) uint8, filled.
        ids: (time, height, width) uint8, filled.
    """
    n_boxes, n = boxes.half.shape[0], len(codes)
    prims, rects, depths = np.zeros((n, PRIM_COLUMNS)), np.zeros((n, 4)), np.zeros(n)
    eye, order = np.zeros(EYE_SIZE), np.arange(n)
    eye[EYE_FOCAL:] = focal_center
    xs = _ray_table(ids.shape[2], supersample, False, eye[EYE_CENTER], eye[EYE_FOCAL])
    ys = _ray_table(ids.shape[1], supersample, True, eye[EYE_CENTER + 1], eye[EYE_FOCAL + 1])
    for time in range(poses.shape[0]):
        for k in range(3):
            eye[EYE_ORIGIN + k] = poses[time, k, 3]
            for j in range(3):
                eye[EYE_ROTATION + 3 * k + j] = poses[time, k, j]
        prepare_boxes(time, boxes, eye, shell, prims, rects, depths)
        prepare_capsules(time, capsules, n_boxes, eye, shell, prims, rects, depths)
        _sort_by_depth(depths, order)
        _draw_frame(
            time,
            eye,
            shell,
            prims,
            n_boxes,
            rects,
            depths,
            order,
            paint,
            shadows,
            codes,
            supersample,
            xs,
            ys,
            srgb,
            frames,
            ids,
        )


def _cached(sources: int) -> Callable[..., None]:
    """Compiles `_draw` once per machine.

    numba's cache looks at the file of the function only, not at the files of what it calls; a number that the function
    closes over is part of the cache's key, so a change in any of them is compiled anew.
    """

    @njit(cache=True, error_model="numpy")
    def draw(*tables):
        if sources >= 0:
            _draw(*tables)

    return draw


draw = _cached(crc32(b"".join(Path(file).read_bytes() for file in _SOURCES)))
"""`_draw`, compiled."""
