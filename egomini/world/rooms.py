"""Rooms of the embedded world: ten kinds, each with its palette, furniture along the walls and a door to somewhere.

Metres, z up. The layout is drawn from (world, index, number of things). The look (`plain` or `rich`) changes only the
paint, so every room exists in both looks.
"""

from dataclasses import dataclass, replace

import numpy as np

from egobench.errors import BadInputError
from egomini.world.furniture import FURNITURE, SMALL, Model, Palette, picture, window
from egomini.world.layout import (
    Placed,
    Rectangle,
    can_be_reached,
    corridor,
    free_floor,
    put_on_floor,
    put_on_wall,
    room_walls,
)
from egomini.world.outside import next_room, yard
from egomini.world.scene import Difficulty, Door, Room, Surface, TextureKind, Thing
from egomini.world.textures import COLORS, RGB, hsv, plain, scaled

DOOR_WIDTH, DOOR_HEIGHT = 0.95, 2.05
_EASY = Difficulty()
_ATTEMPTS = 100
_FILLERS = ("crate", "plant box", "lamp", "chair")


@dataclass(frozen=True)
class Style:
    """The properties of a kind of room."""

    hue: float
    """Of the walls, 0 … 1."""
    saturation: float
    floor: RGB
    floor_kind: TextureKind
    """Of the plain look."""
    furniture: tuple[str, ...]
    """In order of importance."""


STYLES: dict[str, Style] = {
    "kitchen": Style(
        0.14, 0.50, hsv(0.05, 0.25, 0.80), "checks", ("table", "fridge", "stove", "cabinet", "chair", "plant box")
    ),
    "office": Style(
        0.60, 0.50, hsv(0.62, 0.30, 0.42), "checks", ("desk", "shelf", "chair", "cabinet", "lamp", "plant box")
    ),
    "bedroom": Style(
        0.92, 0.40, hsv(0.09, 0.55, 0.65), "planks", ("bed", "cabinet", "wardrobe", "lamp", "chair", "crate")
    ),
    "living room": Style(
        0.34, 0.45, hsv(0.04, 0.70, 0.45), "planks", ("sofa", "table", "shelf", "lamp", "plant box", "cabinet")
    ),
    "bathroom": Style(
        0.48, 0.25, hsv(0.52, 0.20, 0.92), "checks", ("bathtub", "cabinet", "bench", "plant box", "shelf", "crate")
    ),
    "workshop": Style(
        0.05, 0.65, hsv(0.10, 0.08, 0.52), "stripes", ("workbench", "crate", "shelf", "cabinet", "lamp", "bench")
    ),
    "library": Style(0.75, 0.45, hsv(0.98, 0.60, 0.48), "checks", ("shelf", "table", "shelf", "chair", "lamp", "desk")),
    "hall": Style(
        0.11, 0.20, hsv(0.62, 0.15, 0.70), "checks", ("bench", "cabinet", "plant box", "lamp", "shelf", "crate")
    ),
    "dining room": Style(
        0.00, 0.50, hsv(0.12, 0.50, 0.75), "planks", ("table", "chair", "cabinet", "chair", "plant box", "lamp")
    ),
    "playroom": Style(
        0.24, 0.55, hsv(0.55, 0.45, 0.75), "checks", ("crate", "table", "shelf", "sofa", "crate", "bench")
    ),
}
KINDS = tuple(STYLES)


def make_room(index: int, *, world: int = 0, difficulty: Difficulty = _EASY) -> Room:
    """Room `index` of a world; the same arguments give the same room.

    The first ten indices of a world are ten kinds; worlds differ in layout, size, hue and the colours of things.
    `difficulty.things` counts furniture, windows and pictures; one or two small objects on tables come on top.

    Raises:
        BadInputError: a negative index or world, or a number of things outside 3 … 10.
    """
    fewest, most = difficulty.things
    if index < 0 or world < 0 or not 3 <= fewest <= most <= 10:
        raise BadInputError(
            "a room needs index ≥ 0, world ≥ 0 and 3 to 10 things; "
            f"found index {index}, world {world}, things {difficulty.things}"
        )
    for attempt in range(_ATTEMPTS):
        rng = np.random.default_rng([world, index, fewest, most, attempt])
        draft = _Draft(KINDS[index % len(KINDS)], difficulty, rng)
        if draft.furnish():
            return draft.finish(index, world)
    raise BadInputError(f"no layout of room {index} of world {world} holds {difficulty.things} things; ask for fewer")


@dataclass(frozen=True)
class _Piece:
    """A placed model with its name."""

    placed: Placed
    kind: str
    color: str
    support: Placed
    """Its support: itself, or a table."""


class _Draft:
    """One attempt at a room; all random numbers come from one generator, in a fixed order."""

    def __init__(self, kind: str, difficulty: Difficulty, rng: np.random.Generator) -> None:
        self.kind, self.style, self.rng = kind, STYLES[kind], rng
        self.is_rich = difficulty.texture == "rich"
        self.size = (float(rng.uniform(5.3, 6.9)), float(rng.uniform(5.3, 6.9)), float(rng.uniform(2.5, 2.85)))
        self.walls = room_walls(self.size)
        self.colors = [str(word) for word in rng.permutation(list(COLORS))]
        self.pieces: list[_Piece] = []
        self.door = self._door()
        self.total = int(rng.integers(difficulty.things[0], difficulty.things[1] + 1))

    def furnish(self) -> bool:
        """Places everything; False if there is no place for a thing, or too few things can be reached."""
        hanging = max(1, round(0.35 * self.total))
        self._stand((self.style.furniture + _FILLERS)[: self.total - hanging])
        self._hang(hanging)
        if len(self.pieces) < self.total:
            return False
        self._put_on_tables()
        self.things = self._things()
        names = {thing.name for thing in self.things}
        reachable = [thing.is_reachable for thing in self.things]
        return len(names) == len(self.things) and sum(reachable) >= 3 and any(reachable[self.total :])

    def finish(self, index: int, world: int) -> Room:
        """The room around the things: paint, light, and the place behind the door."""
        slug = self.kind.replace(" ", "-")
        name = f"{slug}-{index}" if world == 0 else f"{slug}-{world}-{index}"
        hue = self.style.hue + 0.06 * world + 0.03 * (index // len(KINDS))
        walls, floor, ceiling = _surfaces(self.style, hue, self.is_rich)
        rng = self.rng
        light = np.array(
            [rng.choice([-1, 1]) * rng.uniform(0.3, 0.6), rng.choice([-1, 1]) * rng.uniform(0.3, 0.6), 0.7]
        )
        x, y, z = light / np.linalg.norm(light)
        is_yard = bool(rng.uniform() < 0.5)
        beyond = yard(self.door, rng) if is_yard else next_room(self.door, rng)
        door = replace(self.door, beyond="yard" if is_yard else "room")
        return Room(
            name=name,
            kind=self.kind,
            size=self.size,
            walls=walls,
            floor=floor,
            ceiling=ceiling,
            things=self.things,
            door=door,
            light=(float(x), float(y), float(z)),
            beyond=beyond,
        )

    def _next_color(self) -> str:
        """Colours in a shuffled order; all twelve once before any comes again."""
        self.colors.append(self.colors.pop(0))
        return self.colors[-1]

    def _door(self) -> Door:
        """Near the middle of a wall, hinged on either side."""
        wall = self.walls[int(self.rng.integers(4))]
        left = wall.length / 2 + self.rng.uniform(-0.7, 0.7) - DOOR_WIDTH / 2
        is_left = bool(self.rng.uniform() < 0.5)
        hinge = wall.point(left if is_left else left + DOOR_WIDTH)
        sign, color = (1.0 if is_left else -1.0), self._next_color()
        return Door(
            name=f"{color} door",
            hinge=(float(hinge[0]), float(hinge[1])),
            along=(sign * wall.along[0], sign * wall.along[1]),
            outward=(-wall.inward[0], -wall.inward[1]),
            width=DOOR_WIDTH,
            height=DOOR_HEIGHT,
            surface=Surface("plain", COLORS[color], scaled(COLORS["white"], 0.9)),
            beyond="room",
        )

    def _add(self, placed: Placed | None, kind: str, color: str, support: Placed | None = None) -> bool:
        if placed is not None:
            self.pieces.append(_Piece(placed, kind, color, support or placed))
        return placed is not None

    def _stand(self, kinds: tuple[str, ...]) -> None:
        """Stands furniture along the walls, one wall after another."""
        keep_free = [free_floor(self.size), corridor(self.door, self.size)]
        order = self.rng.permutation(4)
        for i, kind in enumerate(kinds):
            color = self._next_color()
            model = FURNITURE[kind](Palette.of(COLORS[color], is_rich=self.is_rich, pattern=i))
            turn = float(self.rng.uniform(-0.3, 0.3)) if kind in ("chair", "crate") else 0.0
            for step in range(4):
                wall = self.walls[int(order[(i + step) % 4])]
                others = [piece.placed for piece in self.pieces]
                if self._add(put_on_floor(model, wall, others, keep_free, self.rng, turn), kind, color):
                    break

    def _hang(self, count: int) -> None:
        """Hangs windows and pictures, on the emptier walls first."""
        opening = Rectangle.around(
            np.asarray(self.door.hinge) + far * np.asarray(self.door.along) for far in (-0.1, self.door.width + 0.1)
        )
        load = self.rng.uniform(0.0, 0.5, size=4)
        for piece in self.pieces:
            load[self.walls.index(piece.placed.wall)] += 1
        for i in range(count):
            kind, color = "picture" if i % 2 else "window", self._next_color()
            palette = Palette.of(COLORS[color], is_rich=False, pattern=0)
            model = picture(palette, self.rng) if i % 2 else window(palette, self.rng)
            for number in np.argsort(load):
                others = [piece.placed for piece in self.pieces]
                if self._add(put_on_wall(model, self.walls[number], others, opening, self.rng), kind, color):
                    load[number] += 1
                    break

    def _put_on_tables(self) -> None:
        """Puts one or two small objects near the front edge of furniture that has a top."""
        tops = [piece.placed for piece in self.pieces if piece.placed.model.top is not None]
        kinds = [str(kind) for kind in self.rng.permutation(list(SMALL))][: int(self.rng.integers(1, 3))]
        for i, kind in enumerate(kinds if tops else []):
            support, color = tops[i % len(tops)], self._next_color()
            model = SMALL[kind](Palette.of(COLORS[color], is_rich=False, pattern=0))
            side = 1.0 if i < len(tops) else -1.0
            self._add(_on_top(model, support, side), kind, color, support)

    def _things(self) -> tuple[Thing, ...]:
        standing = [piece.placed for piece in self.pieces if piece.placed.radius > 0]
        return tuple(
            piece.placed.thing(
                piece.kind,
                piece.color,
                is_reachable=can_be_reached(piece.placed, piece.support, standing, self.size),
            )
            for piece in self.pieces
        )


def _on_top(model: Model, support: Placed, side: float) -> Placed:
    """A model on a table, right (1) or left (-1) of its middle, near the front edge."""
    _, (width, depth, _), _ = support.model.parts[0]
    x, y, z = support.world((side * 0.22 * width, depth / 2 - 0.18, support.model.top or 0.0))
    return Placed(model, support.wall, (x, y), support.yaw, z, 0.0)


def _surfaces(
    style: Style, hue: float, is_rich: bool
) -> tuple[tuple[Surface, Surface, Surface, Surface], Surface, Surface]:
    """Walls, floor, ceiling: four colours around one hue; large and calm, or patterned."""
    s = style.saturation
    tints = (
        hsv(hue, s, 0.88),
        hsv(hue + 0.06, 0.45 * s, 0.97),
        hsv(hue + 0.45, 0.5 * s, 0.86),
        hsv(hue - 0.06, s, 0.74),
    )
    if is_rich:
        kinds: tuple[TextureKind, ...] = ("bricks", "noise", "checks", "planks")
        scales = (0.5, 0.5, 0.6, 0.22)
        walls = [
            Surface(kind, tint, scaled(tint, 0.5), scale)
            for kind, tint, scale in zip(kinds, tints, scales, strict=True)
        ]
        floor = Surface("noise", style.floor, scaled(style.floor, 0.4), 0.7)
        ceiling = Surface("planks", hsv(hue, 0.1, 0.95), hsv(hue, 0.15, 0.6), 0.5)
    else:
        kinds = ("plain", "stripes", "plain", "checks")
        walls = [Surface(kind, tint, scaled(tint, 0.82), 1.6) for kind, tint in zip(kinds, tints, strict=True)]
        floor = Surface(
            style.floor_kind, style.floor, scaled(style.floor, 0.72), {"planks": 0.45}.get(style.floor_kind, 1.2)
        )
        ceiling = plain(hsv(hue, 0.06, 0.96))
    return (walls[0], walls[1], walls[2], walls[3]), floor, ceiling
