"""Boxes behind a room's door: the next room, closed on all sides, or a yard under the sky. They are only drawn.

They are built in the door's frame (along the wall from the middle of the opening, outward, up; metres) and then placed
in the world.
"""

import numpy as np

from egomini.world.scene import Box, Door, Surface
from egomini.world.textures import COLORS, hsv, plain, scaled

Vector = tuple[float, float, float]


def _place(door: Door, center: Vector, size: Vector, surface: Surface) -> Box:
    along, outward = np.asarray(door.along), np.asarray(door.outward)
    x, y = np.asarray(door.hinge) + (door.width / 2 + center[0]) * along + center[1] * outward
    return Box((float(x), float(y), center[2]), size, float(np.arctan2(along[1], along[0])), surface)


def next_room(door: Door, rng: np.random.Generator) -> tuple[Box, ...]:
    """A plain room of 5 × 4 m with a lamp and a cabinet."""
    hue, color = rng.uniform(), COLORS[str(rng.choice(["red", "blue", "yellow", "green"]))]
    side, far = (
        plain(hsv(hue, 0.35, 0.8)),
        Surface("stripes", hsv(hue + 0.1, 0.45, 0.9), hsv(hue + 0.1, 0.3, 0.95), 1.0),
    )
    lamp_x = float(rng.choice([-0.9, 0.9]))
    parts: list[tuple[Vector, Vector, Surface]] = [
        ((0, 2.0, -0.05), (5.0, 4.0, 0.1), Surface("checks", hsv(hue, 0.15, 0.75), hsv(hue, 0.2, 0.6), 1.0)),
        ((0, 2.0, 2.65), (5.0, 4.0, 0.1), plain((0.85, 0.85, 0.82))),
        ((0, 4.05, 1.3), (5.0, 0.1, 2.6), far),
        ((-2.55, 2.0, 1.3), (0.1, 4.0, 2.6), side),
        ((2.55, 2.0, 1.3), (0.1, 4.0, 2.6), side),
        ((-lamp_x, 3.75, 0.5), (1.0, 0.4, 1.0), plain(color)),
        ((lamp_x, 3.4, 0.75), (0.07, 0.07, 1.5), plain(COLORS["black"])),
        ((lamp_x, 3.4, 1.6), (0.44, 0.44, 0.34), plain(COLORS["yellow"])),
    ]
    return tuple(_place(door, *part) for part in parts)


def yard(door: Door, rng: np.random.Generator) -> tuple[Box, ...]:
    """Grass, a path, a hedge, a tree and a house under the sky."""
    tree_x, house_x = float(rng.choice([-1.2, 1.2])), float(rng.uniform(-2.0, 2.0))
    leaf, hedge = hsv(0.33, 0.7, 0.5), hsv(0.30, 0.6, 0.4)
    parts: list[tuple[Vector, Vector, Surface]] = [
        ((0, 6.0, -0.05), (24.0, 12.0, 0.1), Surface("checks", hsv(0.28, 0.55, 0.68), hsv(0.28, 0.6, 0.6), 2.0)),
        ((0, 3.0, -0.02), (1.4, 6.0, 0.06), plain(hsv(0.1, 0.2, 0.8))),
        ((0, 9.0, 0.6), (24.0, 0.6, 1.2), plain(hedge)),
        ((house_x, 11.0, 1.6), (4.0, 2.0, 3.2), plain(hsv(0.05, 0.5, 0.85))),
        ((house_x, 11.0, 3.5), (4.4, 2.4, 0.6), plain(hsv(0.0, 0.6, 0.45))),
        ((tree_x, 5.0, 0.9), (0.3, 0.3, 1.8), plain(scaled(COLORS["brown"], 1.2))),
        ((tree_x, 5.0, 2.4), (1.6, 1.6, 1.4), plain(leaf)),
        ((tree_x, 5.0, 3.3), (1.0, 1.0, 0.6), plain(scaled(leaf, 1.25))),
    ]
    return tuple(_place(door, *part) for part in parts)
