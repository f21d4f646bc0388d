"""Places of things: along walls, away from the free floor in the middle, from the door's approach and from each other.

Metres, room frame (floor 0 … size_x by 0 … size_y). A wall is a line from `start` along `along`, `inward` leaves it.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from egomini.world.furniture import Model
from egomini.world.scene import Box, Door, Thing

FREE_FLOOR = 2.6
"""Side of the square in the middle of each room on which nothing stands."""
CORRIDOR_WIDTH = 1.0
"""Kept free from the door to the free floor."""
GAP = 0.12
LOW_REACH, HIGH_REACH = 0.4, 1.6
"""Lowest and highest point that a hand may reach for, metres above the floor."""
ARM_REACH = 0.75
"""Distance on the floor plan between feet and the point that a hand reaches for, metres."""
_TRIES = 40
STAND_OFF = 0.15
"""Metres between a thing's keep-out disc and where feet stand to reach it."""


@dataclass(frozen=True)
class Wall:
    """One wall as a line on the floor."""

    start: tuple[float, float]
    along: tuple[float, float]
    inward: tuple[float, float]
    length: float

    def point(self, along: float, inward: float = 0.0) -> Float[np.ndarray, "2"]:
        """World xy of a place on (or off) the wall."""
        return np.asarray(self.start) + along * np.asarray(self.along) + inward * np.asarray(self.inward)

    @property
    def yaw(self) -> float:
        """Yaw of a thing whose back is to the wall: its +y looks into the room."""
        return float(np.arctan2(-self.inward[0], self.inward[1]))


def room_walls(size: tuple[float, float, float]) -> tuple[Wall, Wall, Wall, Wall]:
    """Walls at x = 0, x = size_x, y = 0, y = size_y, as in `Room.walls`."""
    x, y = size[0], size[1]
    return (
        Wall((0.0, 0.0), (0.0, 1.0), (1.0, 0.0), y),
        Wall((x, 0.0), (0.0, 1.0), (-1.0, 0.0), y),
        Wall((0.0, 0.0), (1.0, 0.0), (0.0, 1.0), x),
        Wall((0.0, y), (1.0, 0.0), (0.0, -1.0), x),
    )


@dataclass(frozen=True)
class Rectangle:
    """Axis-aligned part of the floor."""

    low: tuple[float, float]
    high: tuple[float, float]

    @classmethod
    def around(cls, points: Iterable[np.ndarray]) -> "Rectangle":
        """The smallest one around points."""
        stacked = np.stack(list(points))
        low, high = stacked.min(axis=0), stacked.max(axis=0)
        return cls((float(low[0]), float(low[1])), (float(high[0]), float(high[1])))

    def overlaps(self, other: "Rectangle", gap: float = 0.0) -> bool:
        """Whether less than `gap` metres are between the two."""
        return all(self.low[k] < other.high[k] + gap and other.low[k] < self.high[k] + gap for k in range(2))

    def distance(self, point: np.ndarray) -> float:
        """Metres from a point to the rectangle; 0 inside."""
        outside = np.maximum(0.0, np.maximum(np.asarray(self.low) - point, point - np.asarray(self.high)))
        return float(np.hypot(outside[0], outside[1]))


def free_floor(size: tuple[float, float, float]) -> Rectangle:
    """The square in the middle."""
    x, y, half = size[0] / 2, size[1] / 2, FREE_FLOOR / 2
    return Rectangle((x - half, y - half), (x + half, y + half))


def corridor(door: Door, size: tuple[float, float, float]) -> Rectangle:
    """From the door's opening to the free floor, at least 1.5 m deep."""
    along, inward = np.asarray(door.along), -np.asarray(door.outward)
    axis = int(np.argmax(np.abs(inward)))
    depth = max(1.5, (size[axis] - FREE_FLOOR) / 2)
    middle = np.asarray(door.hinge) + door.width / 2 * along
    ends = [middle + side * CORRIDOR_WIDTH / 2 * along + far * inward for side in (-1, 1) for far in (0.0, depth)]
    return Rectangle.around(ends)


@dataclass(frozen=True)
class Placed:
    """A model with its place."""

    model: Model
    wall: Wall
    """Behind it."""
    middle: tuple[float, float]
    """World xy of the model's origin."""
    yaw: float
    base: float
    """Height of the model's origin."""
    radius: float
    """Keep-out disc around the middle; 0 for what hangs or stands on something."""

    def world(self, point: tuple[float, float, float]) -> tuple[float, float, float]:
        """A point of the model in the world."""
        cos, sin = np.cos(self.yaw), np.sin(self.yaw)
        x = self.middle[0] + cos * point[0] - sin * point[1]
        y = self.middle[1] + sin * point[0] + cos * point[1]
        return (float(x), float(y), float(self.base + point[2]))

    @property
    def front(self) -> Float[np.ndarray, "2"]:
        """Unit xy into the room."""
        return np.array([-np.sin(self.yaw), np.cos(self.yaw)])

    @property
    def footprint(self) -> Rectangle:
        """The axis-aligned part of the floor that it covers."""
        x, y = (side / 2 for side in self.model.footprint)
        corners = [(i * x, j * y, 0.0) for i in (-1, 1) for j in (-1, 1)]
        return Rectangle.around(np.array(self.world(corner)[:2]) for corner in corners)

    def thing(self, kind: str, color: str, *, is_reachable: bool) -> Thing:
        """As the scene knows it."""
        boxes = tuple(Box(self.world(center), size, self.yaw, paint) for center, size, paint in self.model.parts)
        reach = self.world(self.model.reach)
        return Thing(f"{color} {kind}", kind, color, boxes, reach, is_reachable, self.radius)


def fits(candidate: Placed, others: list[Placed], keep_free: list[Rectangle]) -> bool:
    """Whether a standing thing overlaps neither the free floor, nor the door's approach, nor other things."""
    middle, footprint = np.asarray(candidate.middle), candidate.footprint
    if any(zone.distance(middle) < candidate.radius for zone in keep_free):
        return False
    return not any(footprint.overlaps(other.footprint, GAP) for other in others)


def put_on_floor(
    model: Model,
    wall: Wall,
    others: list[Placed],
    keep_free: list[Rectangle],
    rng: np.random.Generator,
    turn: float = 0.0,
) -> Placed | None:
    """A free place along a wall, its back to it up to `turn` radians, or None after forty tries."""
    width, depth = model.footprint
    radius = float(np.hypot(width, depth) / 2)
    reach = depth / 2 + abs(np.sin(turn)) * width / 2
    for _ in range(_TRIES):
        along = rng.uniform(width / 2 + 0.15, wall.length - width / 2 - 0.15)
        x, y = wall.point(along, reach + rng.uniform(0.02, 0.06))
        placed = Placed(model, wall, (float(x), float(y)), wall.yaw + turn, 0.0, radius)
        if fits(placed, others, keep_free):
            return placed
    return None


def put_on_wall(
    model: Model, wall: Wall, others: list[Placed], door: Rectangle, rng: np.random.Generator
) -> Placed | None:
    """A free stretch of wall above low furniture, or None after forty tries."""
    width = model.footprint[0]
    blocked = [other.footprint for other in others if other.model.height > 0.9]
    for _ in range(_TRIES):
        x, y = wall.point(rng.uniform(width / 2 + 0.15, wall.length - width / 2 - 0.15))
        placed = Placed(model, wall, (float(x), float(y)), wall.yaw, 0.0, 0.0)
        if not any(placed.footprint.overlaps(zone, 0.15) for zone in [*blocked, door]):
            return placed
    return None


def can_be_reached(placed: Placed, support: Placed, standing: list[Placed], size: tuple[float, float, float]) -> bool:
    """Whether there is a place for feet in front of a thing (or of its support), and a straight way to it."""
    reach = np.asarray(placed.world(placed.model.reach))
    if not LOW_REACH <= reach[2] <= HIGH_REACH:
        return False
    stand = np.asarray(support.middle) + (support.radius + STAND_OFF if support.radius else 0.5) * support.front
    if np.hypot(*(reach[:2] - stand)) > ARM_REACH:
        return False
    center = np.asarray(size[:2]) / 2
    return not any(
        np.hypot(*(np.asarray(other.middle) - center - share * (stand - center))) < other.radius
        for share in np.linspace(0.0, 1.0, 15)
        for other in standing
    )
