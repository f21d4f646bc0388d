"""Rooms: made again from their number, free to walk in, with things that captions can name and hands can reach."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from egobench.errors import BadInputError
from egomini.world.rooms import KINDS, make_room
from egomini.world.scene import DOOR_MAX_ANGLE, Difficulty, Room
from egomini.world.textures import COLORS

PLAIN, RICH = Difficulty(), Difficulty(texture="rich", things=(8, 10))
ROOMS = [
    make_room(index, world=world, difficulty=difficulty)
    for world in (0, 1, 5)
    for index in range(11)
    for difficulty in (PLAIN, RICH)
]
MAIN = [make_room(index) for index in range(6)]
every_room = pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.name)


def _grid(low: np.ndarray, high: np.ndarray, step: float = 0.1) -> np.ndarray:
    xs, ys = (np.arange(low[k], high[k] + step / 2, step) for k in range(2))
    return np.stack(np.meshgrid(xs, ys), axis=-1).reshape(-1, 2)


def _is_free(room: Room, points: np.ndarray) -> bool:
    """Whether no keep-out disc and no box that reaches below 1.9 m covers any of the points."""
    for thing in room.things:
        center = np.array(thing.boxes[0].center[:2])
        if (np.linalg.norm(points - center, axis=1) < thing.footprint_radius).any():
            return False
        for box in thing.boxes:
            cos, sin = np.cos(box.yaw), np.sin(box.yaw)
            local = (points - box.center[:2]) @ np.array([[cos, -sin], [sin, cos]])
            if (np.abs(local) < np.array(box.size[:2]) / 2).all(axis=1).any():
                return False
    return True


@every_room
def test_the_middle_and_the_way_to_the_door_are_free(room: Room):
    middle = np.array(room.size[:2]) / 2
    assert _is_free(room, _grid(middle - 1.25, middle + 1.25))
    assert room.door is not None
    along, inward = np.array(room.door.along), -np.array(room.door.outward)
    opening = np.array(room.door.hinge) + room.door.width / 2 * along
    corners = np.array([opening + side * 0.45 * along + far * inward for side in (-1, 1) for far in (0.0, 1.5)])
    assert _is_free(room, _grid(corners.min(axis=0), corners.max(axis=0)))


@every_room
def test_things_stand_in_the_room_and_not_in_one_another(room: Room):
    standing = [thing for thing in room.things if thing.footprint_radius > 0]
    for thing in room.things:
        center, size = np.array(thing.boxes[0].center), np.array(thing.boxes[0].size)
        assert (center[:2] > 0).all()
        assert (center < np.array(room.size)).all()
        assert center[2] - size[2] / 2 >= -1e-9
        assert thing.footprint_radius == 0 or thing.footprint_radius >= np.hypot(*size[:2]) / 2 - 1e-9
    for i, one in enumerate(standing):
        box = one.boxes[0]
        cos, sin = np.cos(box.yaw), np.sin(box.yaw)
        sides = _grid(-np.array(box.size[:2]) / 2, np.array(box.size[:2]) / 2)
        outline = sides @ np.array([[cos, sin], [-sin, cos]]) + box.center[:2]
        assert (outline > 0).all()
        assert (outline < room.size[:2]).all()
        others = replace(room, things=tuple(replace(t, footprint_radius=0.0) for t in standing[:i] + standing[i + 1 :]))
        assert _is_free(others, outline)


@every_room
def test_names_are_colour_and_kind_and_unique(room: Room):
    names = [thing.name for thing in room.things]
    assert len(set(names)) == len(names)
    for thing in room.things:
        assert thing.color in COLORS
        assert thing.name == f"{thing.color} {thing.kind}"
        assert any(np.allclose(box.surface.color_a, COLORS[thing.color]) for box in thing.boxes)


@every_room
def test_some_things_can_be_reached_and_one_of_them_is_small(room: Room):
    reachable = [thing for thing in room.things if thing.is_reachable]
    assert len(reachable) >= 3
    assert any(thing.kind in ("cup", "box", "book") for thing in reachable)
    for thing in reachable:
        assert 0.4 <= thing.reach_point[2] <= 1.6
        gaps = [np.abs(np.subtract(thing.reach_point, box.center)) for box in thing.boxes]
        assert any(
            np.linalg.norm(gap) <= 0.1 + np.linalg.norm(box.size) / 2
            for gap, box in zip(gaps, thing.boxes, strict=True)
        )


@every_room
def test_the_number_of_things_is_what_was_asked_plus_one_or_two_small_ones(room: Room):
    small = [thing for thing in room.things if thing.kind in ("cup", "box", "book")]
    fewest, most = (8, 10) if room.floor.kind == "noise" else (4, 7)
    assert fewest <= len(room.things) - len(small) <= most
    assert len(small) in (1, 2)


@every_room
def test_the_door_stands_in_a_wall_with_its_handle_in_the_room(room: Room):
    door = room.door
    assert door is not None
    free_edge = np.array(door.hinge) + door.width * np.array(door.along)
    axis = int(np.argmax(np.abs(door.outward)))
    wall = room.size[axis] if door.outward[axis] > 0 else 0.0
    assert door.hinge[axis] == wall == free_edge[axis]
    assert min(door.hinge[1 - axis], free_edge[1 - axis]) > 0
    assert max(door.hinge[1 - axis], free_edge[1 - axis]) < room.size[1 - axis]
    closed, opened = door.handle(), door.handle(DOOR_MAX_ANGLE)
    assert 0 < closed[axis] < room.size[axis]
    assert (opened - closed)[:2] @ np.array(door.outward) > 0.5
    assert room.beyond


def test_a_room_is_made_again_from_its_number():
    for first, index in zip(MAIN, range(6), strict=True):
        assert first == make_room(index)


def test_the_look_changes_paint_and_nothing_else():
    plain, rich = make_room(3), make_room(3, difficulty=Difficulty(texture="rich"))
    assert plain.door == rich.door
    assert [t.reach_point for t in plain.things] == [t.reach_point for t in rich.things]
    assert [t.name for t in plain.things] == [t.name for t in rich.things]
    assert {surface.kind for surface in rich.walls} == {"bricks", "noise", "checks", "planks"}
    assert plain.walls != rich.walls


def test_worlds_and_numbers_differ_and_the_first_ten_rooms_are_ten_kinds():
    assert len({room.kind for room in ROOMS[: 2 * len(KINDS)]}) == 10
    assert make_room(0).size != make_room(0, world=1).size
    assert make_room(0).name != make_room(0, world=1).name != make_room(10, world=1).name


def test_the_six_main_rooms_have_palettes_that_a_small_picture_can_tell_apart():
    def palette(room: Room) -> np.ndarray:
        return np.array([surface.color_a for surface in (*room.walls, room.floor)])

    for i, one in enumerate(MAIN):
        walls = np.array([surface.color_a for surface in one.walls])
        assert all(np.linalg.norm(walls - walls[k], axis=1)[np.arange(4) != k].min() > 0.04 for k in range(4))
        for other in MAIN[i + 1 :]:
            assert np.linalg.norm(palette(one) - palette(other), axis=1).mean() > 0.2


def test_colour_words_are_well_apart():
    values = np.array(sorted(COLORS.values()))
    distances = np.linalg.norm(values[:, None] - values[None], axis=-1)[~np.eye(len(values), dtype=bool)]
    assert distances.min() > 0.1
    assert all(a != b for a, b in pairwise(map(tuple, values)))


@pytest.mark.parametrize(
    "call",
    [
        lambda: make_room(-1),
        lambda: make_room(0, world=-2),
        lambda: make_room(0, difficulty=Difficulty(things=(1, 4))),
        lambda: make_room(0, difficulty=Difficulty(things=(9, 8))),
        lambda: make_room(0, difficulty=Difficulty(things=(4, 30))),
    ],
)
def test_impossible_rooms_are_refused_with_what_would_be_right(call):
    with pytest.raises(BadInputError, match="3 to 10 things; found"):
        call()
