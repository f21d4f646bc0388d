"""Places in a room where a body may stand, walk and look: free floor, lines of sight, and the placement of a path.

Metres and radians, world. A path is first planned around the origin, and then placed in the room as a whole.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool, Float

from egomini.world.scene import Door, Room, Thing, Wearer

WALL_ROOM = 0.46
"""Least distance from the path to a wall, metres; the pelvis sways and leans by up to 0.11 m about the path."""
THING_ROOM = 0.36
"""Least distance from the path to the outline of a thing on the floor, metres."""
HEAD_ROOM = 1.95
"""A body can walk under parts of furniture above this height, metres."""
VIEW_ROOM = 1.5
"""Least distance from the head to the wall that it faces, metres."""
CANDIDATES = 48


def inside_door(door: Door | None, xy: Float[np.ndarray, "*point 2"]) -> Bool[np.ndarray, "*point"]:
    """Points from which a body passes the opening of a door without touching its jambs."""
    if door is None:
        return np.zeros(xy.shape[:-1], dtype=bool)
    offset = xy - np.asarray(door.hinge)
    along, out = offset @ np.asarray(door.along), offset @ np.asarray(door.outward)
    return (np.abs(along - 0.5 * door.width) < 0.5 * door.width - 0.22) & (out > -0.8) & (out < 1.2)


@dataclass(frozen=True)
class Spot:
    """The place in the room of a path that was planned around the origin."""

    origin: Float[np.ndarray, "2"]
    yaw: float

    def place(self, xy: Float[np.ndarray, "time 2"]) -> Float[np.ndarray, "time 2"]:
        """The path in the world."""
        cosine, sine = np.cos(self.yaw), np.sin(self.yaw)
        return self.origin + xy @ np.array([[cosine, sine], [-sine, cosine]])


@dataclass(frozen=True)
class Standing:
    """Bounding rectangle of a thing on the floor, and its height."""

    center: Float[np.ndarray, "2"]
    axes: Float[np.ndarray, "2 2"]
    """Rows: unit vectors along its sides."""
    half: Float[np.ndarray, "2"]
    top: float
    """Metres."""

    def distance(self, xy: Float[np.ndarray, "*point 2"]) -> Float[np.ndarray, "*point"]:
        """Metres from points to it, 0 inside."""
        outside = np.maximum(np.abs((xy - self.center) @ self.axes.T) - self.half, 0.0)
        return np.hypot(outside[..., 0], outside[..., 1])


def _standing(thing: Thing) -> Standing:
    """The rectangle, turned with the thing's first box, around all of its boxes that are not overhead."""
    axes = _axes(thing.boxes[0].yaw)
    corners = []
    for box in thing.boxes:
        if box.center[2] - 0.5 * box.size[2] < HEAD_ROOM:
            signs = np.array([[-0.5, -0.5], [-0.5, 0.5], [0.5, -0.5], [0.5, 0.5]])
            corners.append((np.asarray(box.center[:2]) + signs * np.asarray(box.size[:2]) @ _axes(box.yaw)) @ axes.T)
    every = np.concatenate(corners)
    low, high = every.min(axis=0), every.max(axis=0)
    top = max(box.center[2] + 0.5 * box.size[2] for box in thing.boxes)
    return Standing(0.5 * (low + high) @ axes, axes, 0.5 * (high - low), top)


def _axes(yaw: float) -> Float[np.ndarray, "2 2"]:
    return np.array([[np.cos(yaw), np.sin(yaw)], [-np.sin(yaw), np.cos(yaw)]])


@dataclass(frozen=True)
class Stage:
    """A room with the queries that planning needs."""

    room: Room
    wearer: Wearer
    rng: np.random.Generator
    standing: Mapping[str, "Standing"] = field(init=False)
    """Things on the floor by name."""

    def __post_init__(self) -> None:
        standing = {thing.name: _standing(thing) for thing in self.room.things if thing.footprint_radius > 0.0}
        object.__setattr__(self, "standing", standing)

    def gap(self, xy: Float[np.ndarray, "*point 2"], *, higher_than: float = 0.0) -> Float[np.ndarray, "*point"]:
        """Metres to the nearest outline of things above a height, 0 inside."""
        nearest = np.full(xy.shape[:-1], np.inf)
        for part in self.standing.values():
            if part.top > higher_than:
                nearest = np.minimum(nearest, part.distance(xy))
        return nearest

    def wall_gap(self, xy: Float[np.ndarray, "*point 2"]) -> Float[np.ndarray, "*point"]:
        """Metres to the nearest wall."""
        return np.minimum(xy, np.asarray(self.room.size[:2]) - xy).min(axis=-1)

    def clear(self, xy: Float[np.ndarray, "*point 2"], *, through_door: bool = False) -> Bool[np.ndarray, "*point"]:
        """Whether a body may be at these points; near the door only if it goes through."""
        inside = self.wall_gap(xy) > WALL_ROOM
        if through_door:
            inside = inside | inside_door(self.room.door, xy)
        return inside & (self.gap(xy) > THING_ROOM)

    def view(self, xy: Float[np.ndarray, "*point 2"], yaw: Float[np.ndarray, "*point"]) -> Float[np.ndarray, "*point"]:
        """Metres to the wall that is looked at."""
        size = np.asarray(self.room.size[:2])
        direction = np.stack([np.cos(yaw), np.sin(yaw)], axis=-1)
        edge = np.where(direction > 0.0, size - xy, -xy)
        return (edge / np.where(np.abs(direction) < 1e-6, 1e-6, direction)).min(axis=-1)

    def sees(self, eye: Float[np.ndarray, "3"], thing: Thing) -> bool:
        """Whether no other thing stands before a thing's reach point."""
        target = np.asarray(thing.reach_point)
        shares = np.linspace(0.05, 0.9, 18)[:, None]
        ray = eye + shares * (target - eye)
        for name, other in self.standing.items():
            if name != thing.name and np.any((other.distance(ray[:, :2]) < 0.05) & (ray[:, 2] < other.top + 0.05)):
                return False
        return True

    def spot_at(
        self,
        xy: Float[np.ndarray, "time 2"],
        heading: Float[np.ndarray, " time"],
        anchor: int,
        point: Float[np.ndarray, "2"],
        distances: tuple[float, float],
        bearing: float,
    ) -> Spot | None:
        """A placement in which, at frame `anchor`, a point is within `distances` at `bearing` from the heading."""
        yaws = self.rng.uniform(-np.pi, np.pi, CANDIDATES)
        toward = yaws + heading[anchor] + bearing
        there = point - self.rng.uniform(*distances, (CANDIDATES, 1)) * np.stack(
            [np.cos(toward), np.sin(toward)], axis=-1
        )
        cosine, sine = np.cos(yaws), np.sin(yaws)
        ahead, left = xy[anchor]
        origins = there - np.stack([cosine * ahead - sine * left, sine * ahead + cosine * left], axis=-1)
        return self._first(xy, heading, origins, yaws, frames_with_view=(0,))

    def spot_anywhere(self, xy: Float[np.ndarray, "time 2"], heading: Float[np.ndarray, " time"]) -> Spot | None:
        """A random placement on free floor that looks into the room at its start and end."""
        yaws = self.rng.uniform(-np.pi, np.pi, CANDIDATES)
        middle = xy[len(xy) // 2]
        cosine, sine = np.cos(yaws), np.sin(yaws)
        centre = self.rng.uniform(WALL_ROOM, np.asarray(self.room.size[:2]) - WALL_ROOM, (CANDIDATES, 2))
        turned = np.stack([cosine * middle[0] - sine * middle[1], sine * middle[0] + cosine * middle[1]], axis=-1)
        return self._first(xy, heading, centre - turned, yaws, frames_with_view=(0, -1))

    def _first(self, xy, heading, origins, yaws, frames_with_view: tuple[int, ...]) -> Spot | None:
        some = np.r_[0 : len(xy) : 4, len(xy) - 1]
        cosine, sine = np.cos(yaws)[:, None], np.sin(yaws)[:, None]
        ahead, left = xy[some, 0], xy[some, 1]
        paths = origins[:, None] + np.stack([cosine * ahead - sine * left, sine * ahead + cosine * left], axis=-1)
        good = self.clear(paths).all(axis=-1)
        for frame in frames_with_view:
            good &= self.view(paths[:, frame], yaws + heading[frame]) > VIEW_ROOM
        places = np.flatnonzero(good)
        return Spot(origins[places[0]], float(yaws[places[0]])) if len(places) else None
