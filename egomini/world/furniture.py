"""Furniture, wall pieces and small objects as a few boxes each, in their own frame: x along the wall, y to the front.

Metres. The origin is on the floor under the middle of the footprint; for a wall piece, on the wall below it. The first
part is the main one. Colours come from a `Palette`, so that the plain and the rich look share a model.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from egomini.world.scene import Surface
from egomini.world.textures import COLORS, RGB, hsv, plain, scaled

Vector = tuple[float, float, float]
Part = tuple[Vector, Vector, Surface]
"""Centre, size, paint."""


@dataclass(frozen=True)
class Model:
    """A piece of furniture before it has a place."""

    parts: tuple[Part, ...]
    reach: Vector
    """The point that a hand reaches for or a gaze is directed to."""
    top: float | None = None
    """Height on which a small object can stand; None if none can."""

    @property
    def footprint(self) -> tuple[float, float]:
        """Width and depth of all parts, centred on the origin."""
        return (
            2 * max(abs(center[0]) + size[0] / 2 for center, size, _ in self.parts),
            2 * max(abs(center[1]) + size[1] / 2 for center, size, _ in self.parts),
        )

    @property
    def height(self) -> float:
        """Top of the highest part."""
        return max(center[2] + size[2] / 2 for center, size, _ in self.parts)


@dataclass(frozen=True)
class Palette:
    """The paints of one thing."""

    main: Surface
    dark: Surface
    light: Surface

    @classmethod
    def of(cls, color: RGB, *, is_rich: bool, pattern: int) -> "Palette":
        """Plain paints of a colour, or patterned ones; `pattern` selects the pattern."""
        dark = scaled(color, 0.5)
        light = (0.6 * color[0] + 0.4, 0.6 * color[1] + 0.4, 0.6 * color[2] + 0.4)
        main = plain(color)
        if is_rich:
            kind = ("planks", "noise", "checks", "bricks")[pattern % 4]
            main = Surface(kind, color, scaled(color, 0.55), (0.14, 0.16, 0.2, 0.2)[pattern % 4])
        return cls(main=main, dark=plain(dark), light=plain(light))


_BLACK, _WHITE, _WOOD = plain(COLORS["black"]), plain(COLORS["white"]), plain(scaled(COLORS["brown"], 1.6))
_LEAF, _LEAF_DARK = plain(hsv(0.33, 0.75, 0.55)), plain(hsv(0.36, 0.8, 0.38))
_METAL, _PANE = plain(hsv(0.6, 0.08, 0.75)), plain(hsv(0.56, 0.35, 1.0))


def _legs(width: float, depth: float, height: float, paint: Surface, thick: float = 0.07) -> list[Part]:
    x, y = width / 2 - thick, depth / 2 - thick
    return [((i * x, j * y, height / 2), (thick, thick, height), paint) for i in (-1, 1) for j in (-1, 1)]


def _cupboard(p: Palette, width: float, depth: float, height: float) -> Model:
    """A body with two doors and knobs, and a dark plate on top."""
    parts: list[Part] = [((0, 0, height / 2), (width, depth, height), p.main)]
    parts.append(((0, 0.01, height + 0.015), (width + 0.04, depth + 0.02, 0.03), p.dark))
    parts.append(((0, depth / 2 + 0.004, 0.5 * height), (0.02, 0.012, 0.86 * height), p.dark))
    for x in (-0.09, 0.09):
        parts.append(((x, depth / 2 + 0.02, 0.55 * height), (0.035, 0.04, 0.14), _METAL))
    top = height + 0.03 if height < 1.2 else None
    return Model(tuple(parts), (0.0, depth / 2 + 0.03, min(0.9 * height, 1.15)), top)


def _cabinet(p: Palette) -> Model:
    return _cupboard(p, 1.0, 0.45, 0.9)


def _wardrobe(p: Palette) -> Model:
    return _cupboard(p, 1.2, 0.55, 2.0)


def _shelf(p: Palette) -> Model:
    width, depth, height = 1.2, 0.32, 1.9
    parts: list[Part] = [((0, 0, height / 2), (width, depth, height), p.main)]
    books = [plain(COLORS[word]) for word in ("red", "yellow", "cyan", "white", "purple", "orange")]
    for i, z in enumerate((0.35, 0.9, 1.45)):
        parts.append(((0, depth / 2, z + 0.05), (width - 0.12, 0.012, 0.44), p.dark))
        for j, x in enumerate((-0.3, 0.16)):
            size = (0.34 + 0.06 * ((i + j) % 2), 0.05, 0.28 + 0.03 * i)
            parts.append(((x + 0.05 * i, depth / 2 + 0.01, z - 0.17 + size[2] / 2), size, books[(2 * i + j) % 6]))
    return Model(tuple(parts), (0.0, depth / 2 + 0.03, 1.1))


def _table(p: Palette, width: float = 1.2, depth: float = 0.7, height: float = 0.74) -> Model:
    parts: list[Part] = [((0, 0, height - 0.03), (width, depth, 0.06), p.main)]
    parts += _legs(width, depth, height - 0.06, p.dark)
    return Model(tuple(parts), (0.0, depth / 2 - 0.03, height), height)


def _desk(p: Palette) -> Model:
    model = _table(p, 1.3, 0.65, 0.75)
    parts = [*model.parts, ((0.42, 0.0, 0.36), (0.38, 0.56, 0.6), p.light)]
    parts.append(((-0.25, -0.2, 1.06), (0.62, 0.05, 0.4), _BLACK))
    parts.append(((-0.25, -0.168, 1.06), (0.55, 0.012, 0.33), _PANE))
    parts.append(((-0.25, -0.2, 0.81), (0.1, 0.08, 0.12), _BLACK))
    return Model(tuple(parts), model.reach, model.top)


def _workbench(p: Palette) -> Model:
    parts: list[Part] = [((0, 0, 0.87), (1.4, 0.6, 0.1), p.main), ((0, -0.05, 0.3), (1.2, 0.45, 0.05), p.dark)]
    parts += _legs(1.4, 0.6, 0.82, p.dark, 0.1)
    parts.append(((0.5, 0.1, 0.99), (0.2, 0.18, 0.14), _METAL))
    return Model(tuple(parts), (0.0, 0.27, 0.92), 0.92)


def _sofa(p: Palette) -> Model:
    parts: list[Part] = [((0, 0, 0.22), (1.6, 0.8, 0.44), p.main), ((0, -0.3, 0.6), (1.6, 0.2, 0.4), p.main)]
    parts += [((x, 0.02, 0.32), (0.2, 0.84, 0.64), p.dark) for x in (-0.78, 0.78)]
    parts += [((x, 0.08, 0.48), (0.6, 0.56, 0.1), p.light) for x in (-0.34, 0.34)]
    return Model(tuple(parts), (0.0, 0.42, 0.5))


def _bed(p: Palette) -> Model:
    parts: list[Part] = [((0, 0, 0.25), (1.8, 1.0, 0.4), p.main), ((-0.93, 0, 0.5), (0.06, 1.04, 1.0), p.dark)]
    parts += [((-0.62, 0, 0.51), (0.4, 0.7, 0.14), _WHITE), ((0.35, 0, 0.45), (1.06, 1.04, 0.06), p.light)]
    return Model(tuple(parts), (0.2, 0.5, 0.48))


def _chair(p: Palette) -> Model:
    parts: list[Part] = [((0, 0, 0.45), (0.46, 0.46, 0.06), p.main), ((0, -0.2, 0.75), (0.46, 0.05, 0.5), p.main)]
    parts += _legs(0.46, 0.46, 0.42, p.dark, 0.05)
    return Model(tuple(parts), (0.0, -0.17, 0.92))


def _bench(p: Palette) -> Model:
    parts: list[Part] = [((0, 0, 0.43), (1.3, 0.4, 0.08), p.main)]
    parts += [((x, 0, 0.2), (0.1, 0.36, 0.39), p.dark) for x in (-0.5, 0.5)]
    return Model(tuple(parts), (0.0, 0.15, 0.47), 0.47)


def _fridge(p: Palette) -> Model:
    parts: list[Part] = [((0, 0, 0.9), (0.75, 0.65, 1.8), p.main), ((0, 0.327, 1.2), (0.75, 0.012, 0.03), _BLACK)]
    parts += [((-0.28, 0.36, z), (0.04, 0.07, height), _METAL) for z, height in ((1.45, 0.3), (0.9, 0.4))]
    return Model(tuple(parts), (-0.28, 0.39, 1.0))


def _stove(p: Palette) -> Model:
    parts: list[Part] = [((0, 0, 0.44), (0.75, 0.6, 0.88), p.main), ((0, 0, 0.9), (0.75, 0.6, 0.04), _BLACK)]
    parts += [((0, 0.305, 0.42), (0.55, 0.014, 0.4), _BLACK), ((0, 0.33, 0.68), (0.55, 0.04, 0.04), _METAL)]
    parts += [((x, y, 0.925), (0.2, 0.2, 0.015), p.light) for x in (-0.18, 0.18) for y in (-0.14, 0.14)]
    return Model(tuple(parts), (0.0, 0.35, 0.68), None)


def _bathtub(p: Palette) -> Model:
    parts: list[Part] = [((0, 0, 0.28), (1.6, 0.75, 0.56), p.main), ((0, 0, 0.565), (1.4, 0.55, 0.02), _PANE)]
    parts += [((-0.74, 0, 0.68), (0.05, 0.05, 0.24), _METAL), ((-0.66, 0, 0.78), (0.16, 0.05, 0.05), _METAL)]
    return Model(tuple(parts), (0.0, 0.36, 0.57))


def _lamp(p: Palette) -> Model:
    parts: list[Part] = [((0, 0, 0.75), (0.07, 0.07, 1.4), _BLACK), ((0, 0, 0.03), (0.4, 0.4, 0.06), _BLACK)]
    parts += [((0, 0, 1.55), (0.46, 0.46, 0.36), p.main)]
    return Model(tuple(parts), (0.0, 0.03, 1.2))


def _plant_box(p: Palette) -> Model:
    parts: list[Part] = [((0, 0, 0.24), (0.5, 0.5, 0.48), p.main), ((0, 0, 0.6), (0.08, 0.08, 0.3), _WOOD)]
    parts += [((0.02, 0.0, 0.98), (0.56, 0.56, 0.5), _LEAF), ((-0.04, 0.0, 1.36), (0.36, 0.36, 0.34), _LEAF_DARK)]
    return Model(tuple(parts), (0.0, 0.24, 0.46))


def _crate(p: Palette) -> Model:
    parts: list[Part] = [((0, 0, 0.3), (0.7, 0.6, 0.6), p.main)]
    parts += [((0, 0, z), (0.74, 0.64, 0.06), p.dark) for z in (0.12, 0.5)]
    return Model(tuple(parts), (0.0, 0.3, 0.58), 0.6)


FURNITURE: dict[str, Callable[[Palette], Model]] = {
    "cabinet": _cabinet,
    "wardrobe": _wardrobe,
    "shelf": _shelf,
    "table": _table,
    "desk": _desk,
    "workbench": _workbench,
    "sofa": _sofa,
    "bed": _bed,
    "chair": _chair,
    "bench": _bench,
    "fridge": _fridge,
    "stove": _stove,
    "bathtub": _bathtub,
    "lamp": _lamp,
    "plant box": _plant_box,
    "crate": _crate,
}


def picture(p: Palette, rng: np.random.Generator) -> Model:
    """A framed picture: coarse checks or stripes of two colours."""
    width, height = rng.uniform(0.7, 1.1), rng.uniform(0.55, 0.8)
    words = rng.choice([word for word in COLORS if word not in ("grey", "brown")], size=2, replace=False)
    kind = rng.choice(["checks", "stripes"])
    canvas = Surface(kind, COLORS[words[0]], COLORS[words[1]], float(rng.uniform(0.3, 0.5)))
    parts: tuple[Part, ...] = (
        ((0, 0.02, 1.5), (width, 0.04, height), p.main),
        ((0, 0.03, 1.5), (width - 0.16, 0.04, height - 0.16), canvas),
    )
    return Model(parts, (0.0, 0.05, 1.45))


def window(p: Palette, rng: np.random.Generator) -> Model:
    """A bright pane in a coloured frame with a cross."""
    width, height = rng.uniform(1.1, 1.5), rng.uniform(0.9, 1.15)
    parts: tuple[Part, ...] = (
        ((0, 0.025, 1.5), (width, 0.05, height), p.main),
        ((0, 0.035, 1.5), (width - 0.16, 0.05, height - 0.16), _PANE),
        ((0, 0.045, 1.5), (0.06, 0.06, height - 0.16), p.main),
        ((0, 0.045, 1.5), (width - 0.16, 0.06, 0.06), p.main),
    )
    return Model(parts, (0.0, 0.075, 1.4))


def _cup(p: Palette) -> Model:
    parts: tuple[Part, ...] = (
        ((0, 0, 0.07), (0.11, 0.11, 0.14), p.main),
        ((0.075, 0, 0.07), (0.05, 0.025, 0.08), p.dark),
        ((0, 0, 0.142), (0.08, 0.08, 0.006), p.dark),
    )
    return Model(parts, (0.0, 0.05, 0.09))


def _small_box(p: Palette) -> Model:
    parts: tuple[Part, ...] = (
        ((0, 0, 0.09), (0.26, 0.18, 0.18), p.main),
        ((0, 0, 0.183), (0.05, 0.185, 0.006), p.light),
        ((0, 0.092, 0.09), (0.05, 0.006, 0.18), p.light),
    )
    return Model(parts, (0.0, 0.09, 0.12))


def _book(p: Palette) -> Model:
    parts: tuple[Part, ...] = (
        ((0, 0, 0.03), (0.2, 0.27, 0.06), p.main),
        ((0.01, 0.004, 0.03), (0.19, 0.27, 0.04), _WHITE),
    )
    return Model(parts, (0.0, 0.08, 0.06))


SMALL: dict[str, Callable[[Palette], Model]] = {"cup": _cup, "box": _small_box, "book": _book}
