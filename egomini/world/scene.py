"""Data types of the embedded world: rooms, things in them, doors, wearers. Metres, z up, floor at z = 0.

Plain data: `rooms.py` makes rooms, `wearers.py` makes bodies, `acting.py` moves a body through a room,
`render.py` draws what its camera sees. A room's floor is the rectangle 0 … size_x by 0 … size_y.
"""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from jaxtyping import Float

TextureKind = Literal["plain", "checks", "planks", "bricks", "stripes", "noise"]
DOOR_MAX_ANGLE = np.deg2rad(80.0)
HANDLE_HEIGHT = 1.0
HANDLE_INSET = 0.08
"""Metres from the door's free edge to its handle."""


@dataclass(frozen=True)
class Surface:
    """How a face is painted: two colours in a pattern."""

    kind: TextureKind
    color_a: tuple[float, float, float]
    """Linear RGB, 0 … 1."""
    color_b: tuple[float, float, float]
    scale: float = 0.5
    """Metres per period of the pattern."""


@dataclass(frozen=True)
class Thing:
    """One piece of furniture, picture, window or small object: an upright box (or a few), named in captions."""

    name: str
    """Unique in its room, as captions say it: colour and kind, e.g. `red cabinet`."""
    kind: str
    color: str
    boxes: tuple["Box", ...]
    """Parts, drawn; the first is the main one and gives the place."""
    reach_point: tuple[float, float, float]
    """World point that a hand reaches for or a gaze is directed to, metres."""
    is_reachable: bool
    """Whether a hand may reach for it (height 0.4 … 1.6 m, not behind another thing)."""
    footprint_radius: float
    """Radius around the first box's centre that feet keep out of, metres; 0 for a thing on a wall."""


@dataclass(frozen=True)
class Box:
    """Axis-aligned up to a yaw."""

    center: tuple[float, float, float]
    size: tuple[float, float, float]
    yaw: float
    """Radians about +z."""
    surface: Surface


@dataclass(frozen=True)
class Door:
    """A hinged door in a wall; closed at angle 0, it swings away from the room (into the next one)."""

    name: str
    hinge: tuple[float, float]
    """World xy of the hinge, on the wall's plane."""
    along: tuple[float, float]
    """Unit xy from hinge to free edge when closed."""
    outward: tuple[float, float]
    """Unit xy that leaves the room."""
    width: float
    height: float
    surface: Surface
    beyond: Literal["room", "yard"]
    """What stands behind the opening."""

    def handle(self, angle: float = 0.0) -> Float[np.ndarray, "3"]:
        """World position of the handle (room side) when the door stands at `angle` radians."""
        along, outward = np.asarray(self.along), np.asarray(self.outward)
        direction = np.cos(angle) * along + np.sin(angle) * outward
        side = np.cos(angle) * -outward + np.sin(angle) * along
        xy = np.asarray(self.hinge) + (self.width - HANDLE_INSET) * direction + 0.05 * side
        return np.array([xy[0], xy[1], HANDLE_HEIGHT])


@dataclass(frozen=True)
class Room:
    """One room with its things."""

    name: str
    """Identifier, e.g. `kitchen-0`."""
    kind: str
    """As captions say it: `kitchen`, `office`, …"""
    size: tuple[float, float, float]
    """Metres along x, y, z."""
    walls: tuple[Surface, Surface, Surface, Surface]
    """At x = 0, x = size_x, y = 0, y = size_y."""
    floor: Surface
    ceiling: Surface
    things: tuple[Thing, ...]
    door: Door | None
    light: tuple[float, float, float]
    """Unit vector towards the soft main light."""
    beyond: tuple[Box, ...] = ()
    """Boxes behind the door's opening (next room or yard), drawn only."""


@dataclass(frozen=True)
class Wearer:
    """One body and its habits."""

    name: str
    """Participant id, e.g. `w07`."""
    height: float
    """Standing height, metres."""
    offsets: Float[np.ndarray, "joint 3"]
    """Bone offsets of `XSENS23` in the parents' frames, identity pose, metres."""
    step_length: float
    """Metres between two successive foot contacts at 1 m/s-like ease; scaled down with speed."""
    cadence: float
    """Preferred steps per second."""
    arm_swing: float
    """Radians of shoulder swing when walking."""
    head_bob: float
    """Metres of vertical head motion when walking."""
    sleeve: Surface
    trousers: Surface
    skin: tuple[float, float, float]
    shoe: tuple[float, float, float]


@dataclass(frozen=True)
class Difficulty:
    """How hard the world is to learn; the main splits have the defaults, which are easy."""

    rooms: int = 6
    """Number of different rooms."""
    things: tuple[int, int] = (4, 7)
    """Fewest and most pieces of furniture, pictures and windows a room."""
    texture: Literal["plain", "rich"] = "plain"
    """`plain`: large calm surfaces; `rich`: patterned walls, floor and furniture with corners for SIFT."""
    max_turn_deg_per_s: float = 25.0
    max_walk_m_per_s: float = 0.6
    actions: tuple[int, int] = (1, 2)
    """Fewest and most actions a clip."""
    hands: float = 0.45
    """Share of clips planned with a hand action in view."""


@dataclass(frozen=True)
class Performance:
    """A wearer's motion through a room, before it is drawn: what `acting.py` hands to `render.py`."""

    positions: Float[np.ndarray, "time joint 3"]
    """Joint positions at the motion rate, metres, world."""
    rotations: Float[np.ndarray, "time joint 3 3"]
    """Joint → world."""
    contacts: np.ndarray
    """(time, 4) bool: left foot, left toe, right foot, right toe on the ground."""
    door_angle: Float[np.ndarray, " time"]
    """Radians, 0 closed; all zero if the door stays shut or the room has none."""
    carried: tuple[Box, Float[np.ndarray, "time 4 4"]] | None
    """A box held in the hands: its shape at the origin and its pose `T_world_box` per motion frame."""
    text: str
    stratum: Literal["walk", "look", "still"]
    """`walk`: the head moves over 0.5 m; `still`: it moves under 0.1 m and turns under 15°; `look`: the rest."""
    actions: tuple[str, ...] = field(default=())
    """Names of the actions in order, for tests and statistics."""
