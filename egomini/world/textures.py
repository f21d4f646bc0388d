"""Colours by word, and the patterns of faces, filtered to the pixel's footprint.

Colours are linear RGB, 0 … 1. A pattern maps a face coordinate in metres to a mix of two colours and a tone. Every
pattern is averaged over the footprint (a box, so sums are exact). So distant patterns fade and do not flicker.
"""

import colorsys
from collections.abc import Sequence
from math import floor

import numpy as np
from numba import njit

from egomini.world.scene import Surface, TextureKind

RGB = tuple[float, float, float]
PLAIN, CHECKS, PLANKS, BRICKS, STRIPES, NOISE = range(6)
KIND_CODES: dict[TextureKind, int] = {
    "plain": PLAIN,
    "checks": CHECKS,
    "planks": PLANKS,
    "bricks": BRICKS,
    "stripes": STRIPES,
    "noise": NOISE,
}
_SEAM = 0.07
"""Width of a seam or of mortar, in periods."""


def to_linear(srgb: RGB) -> RGB:
    """sRGB 0 … 1 to linear RGB (IEC 61966-2-1)."""
    value = np.asarray(srgb, dtype=float)
    linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    return (float(linear[0]), float(linear[1]), float(linear[2]))


def srgb_table(size: int = 4096) -> np.ndarray:
    """uint8 sRGB value of `size` evenly spaced linear values from 0 to 1."""
    linear = np.linspace(0.0, 1.0, size)
    srgb = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.round(255 * srgb).astype(np.uint8)


def hsv(hue: float, saturation: float, value: float) -> RGB:
    """Linear RGB of an HSV colour (hue wraps at 1)."""
    return to_linear(colorsys.hsv_to_rgb(hue % 1.0, saturation, value))


COLORS: dict[str, RGB] = {
    word: to_linear((red / 255, green / 255, blue / 255))
    for word, (red, green, blue) in {
        "red": (205, 28, 32),
        "green": (34, 148, 58),
        "blue": (36, 72, 205),
        "yellow": (245, 214, 40),
        "white": (244, 244, 240),
        "black": (34, 34, 38),
        "orange": (245, 128, 16),
        "purple": (128, 48, 168),
        "brown": (112, 68, 36),
        "grey": (132, 134, 138),
        "pink": (246, 140, 180),
        "cyan": (50, 205, 215),
    }.items()
}
"""The colour words of captions."""


def scaled(color: RGB, factor: float) -> RGB:
    """A darker (below 1) or lighter (above 1) tint, clipped to 1."""
    return (min(1.0, color[0] * factor), min(1.0, color[1] * factor), min(1.0, color[2] * factor))


def paint_table(surfaces: Sequence[Surface]) -> np.ndarray:
    """(n, 8) numbers that the renderer paints with: pattern code, two colours, metres per period."""
    rows = [(KIND_CODES[surface.kind], *surface.color_a, *surface.color_b, surface.scale) for surface in surfaces]
    return np.array(rows, dtype=float).reshape(-1, 8)


def plain(color: RGB) -> Surface:
    """One colour and no pattern."""
    return Surface(kind="plain", color_a=color, color_b=color)


@njit(error_model="numpy", forceinline=True)
def _pulse(x, width, duty):
    """Share of [x − width/2, x + width/2] whose fractional part lies below `duty`."""
    low, high = x - 0.5 * width, x + 0.5 * width
    floor_low, floor_high = floor(low), floor(high)
    area_high = floor_high * duty + min(high - floor_high, duty)
    area_low = floor_low * duty + min(low - floor_low, duty)
    return (area_high - area_low) / width


@njit(error_model="numpy", forceinline=True)
def _hash(i, j):
    """A fixed number in 0 … 1 for an integer cell."""
    mask = 0xFFFFFFFF
    h = ((i * 73856093) ^ (j * 19349663)) & mask
    h = ((h ^ (h >> 13)) * 0x5BD1E995) & mask
    h = ((h ^ (h >> 15)) * 0x27D4EB2D) & mask
    return ((h ^ (h >> 14)) & mask) / 4294967296.0


@njit(error_model="numpy", forceinline=True)
def _mosaic(u, v, width_u, width_v):
    """Cells of hashed value, averaged over the footprint (up to one cell wide, then fading to the mean)."""
    cell_u, cell_v = floor(u - 0.5), floor(v - 0.5)
    share_u = min(1.0, max(0.0, (u - 1.0 - cell_u) / min(width_u, 1.0) + 0.5))
    share_v = min(1.0, max(0.0, (v - 1.0 - cell_v) / min(width_v, 1.0) + 0.5))
    near = (1 - share_u) * _hash(cell_u, cell_v) + share_u * _hash(cell_u + 1, cell_v)
    far = (1 - share_u) * _hash(cell_u, cell_v + 1) + share_u * _hash(cell_u + 1, cell_v + 1)
    value = (1 - share_v) * near + share_v * far
    fade = 1.0 / max(1.0, width_u * width_v)
    return 0.5 + fade * (value - 0.5)


@njit(error_model="numpy", forceinline=True)
def pattern(kind, u, v, width_u, width_v, scale):
    """(mix, tone) of a pattern at (u, v) metres, averaged over a footprint of width_u × width_v metres.

    The colour is `tone * ((1 − mix) * color_a + mix * color_b)`.
    """
    if kind == PLAIN:
        return 0.0, 1.0
    u, v = u / scale, v / scale
    width_u, width_v = max(width_u / scale, 1e-4), max(width_v / scale, 1e-4)
    if kind == CHECKS:
        a, b = 2 * _pulse(u, width_u, 0.5) - 1, 2 * _pulse(v, width_v, 0.5) - 1
        return 0.5 - 0.5 * a * b, 1.0
    if kind == STRIPES:
        return _pulse(u, width_u, 0.5), 1.0
    if kind == NOISE:
        return _mosaic(2 * u, 2 * v, 2 * width_u, 2 * width_v), 1.0
    fade = min(1.0, max(0.0, 1.5 - max(width_u, width_v)))
    if kind == PLANKS:  # rows along v, four periods long, shifted row by row
        row = floor(u)
        along, width_along = 0.25 * v + _hash(row, 7), 0.25 * width_v
        seams = (1 - _pulse(u, width_u, _SEAM)) * (1 - _pulse(along, width_along, 0.25 * _SEAM))
        return 1 - seams, 1 + 0.4 * fade * (_hash(row, floor(along)) - 0.5)
    v, width_v = 2 * v, 2 * width_v  # bricks: twice as long as high
    row = floor(v)
    u += 0.5 * (row & 1)
    seams = (1 - _pulse(u, width_u, _SEAM)) * (1 - _pulse(v, width_v, 2 * _SEAM))
    return 1 - seams, 1 + 0.5 * fade * (_hash(floor(u), row) - 0.5)
