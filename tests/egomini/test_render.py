"""The renderer: pixels by hand, the id buffer as truth, and pictures that do not depend on how they were made."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial import Delaunay
from scipy.spatial.transform import Rotation

from egobench.errors import BadInputError
from egobench.geometry.skeleton import XSENS23
from egobench.types import Camera
from egomini.camera.head_camera import camera_path, make_camera
from egomini.camera.render import render
from egomini.world.pixels import PixelId
from egomini.world.rooms import make_room
from egomini.world.scene import DOOR_MAX_ANGLE, Box, Difficulty, Performance, Room, Surface, Thing, Wearer
from egomini.world.textures import (
    BRICKS,
    CHECKS,
    NOISE,
    PLANKS,
    STRIPES,
    pattern,
    plain,
    srgb_table,
    to_linear,
)

GREY, RED = plain((0.5, 0.5, 0.5)), plain((0.8, 0.05, 0.05))
WEARER = Wearer(
    "w00",
    1.75,
    np.zeros((23, 3)),
    0.6,
    1.8,
    0.3,
    0.02,
    plain((0.1, 0.2, 0.8)),
    GREY,
    (0.7, 0.45, 0.35),
    (0.1, 0.1, 0.1),
)
EYE = np.array([2.0, 3.0, 1.5])
AWAY = np.array([3.0, 3.0, -50.0])


def _empty_room(*boxes: Box) -> Room:
    """8 × 6 × 3 m, grey, no door."""
    things = tuple(Thing(f"red box {i}", "box", "red", (box,), box.center, False, 0.0) for i, box in enumerate(boxes))
    return Room("test", "hall", (8.0, 6.0, 3.0), (GREY,) * 4, GREY, GREY, things, None, (0.0, 0.0, 1.0))


def _level_camera(resolution: int) -> Camera:
    """At the head joint, looking along the head's x; 90° wide."""
    T_head_camera = np.eye(4)
    T_head_camera[:3, :3] = np.array([[0, 0, 1], [-1, 0, 0], [0, -1, 0]])
    return replace(make_camera(resolution), T_head_camera=T_head_camera)


def _performance(
    eyes: np.ndarray, yaw: float = 0.0, joints: Mapping[str, np.ndarray] | None = None, door: float = 0.0
) -> Performance:
    """The head at `eyes` (time, 3), turned by `yaw`; all other joints far under the floor, unless given."""
    time = len(eyes)
    positions = np.tile(AWAY, (time, 23, 1))
    positions[:, XSENS23.index("head")] = eyes
    for name, place in (joints or {}).items():
        positions[:, XSENS23.index(name)] = place
    rotations = np.tile(Rotation.from_euler("z", yaw).as_matrix(), (time, 23, 1, 1))
    contacts = np.zeros((time, 4), dtype=bool)
    return Performance(positions, rotations, contacts, np.full(time, door), None, "", "still")


def _hand_at(side: str, place: np.ndarray) -> dict[str, np.ndarray]:
    """A hand at a place with its arm going straight down and out of view."""
    return {f"{side}_hand": place}


def test_a_box_two_metres_ahead_spans_the_pixels_that_its_edges_predict():
    room = _empty_room(Box((4.5, 3.0, 1.5), (1.0, 1.0, 1.0), 0.0, RED))  # front face at x = 4, half a metre each way
    drawn = render(room, WEARER, _performance(EYE[None]), _level_camera(64), stride=1)
    rows, columns = np.nonzero(drawn.id_buffer[0] == PixelId.THING)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (24, 39, 24, 39)  # 32 ± 32 · 0.5 / 2
    assert (drawn.id_buffer[0] == PixelId.THING).sum() == 16 * 16
    red, green, _ = drawn.frames[0, 32, 32].astype(int)
    assert red > 150 > 100 > green


def test_the_far_wall_is_where_perspective_puts_it():
    ids = render(_empty_room(), WEARER, _performance(EYE[None]), _level_camera(64), stride=1).id_buffer[0]
    # The wall is 6 m away and 1.5 m above and below the eye: 32 ± 32 · 1.5 / 6 = rows 24 … 39.
    assert (ids[24:40, 32] == PixelId.WALL).all()
    assert (ids[:24, 32] == PixelId.CEILING).all()
    assert (ids[40:, 32] == PixelId.FLOOR).all()


@pytest.mark.parametrize("distance", [0.4, 0.8, 1.6])
def test_an_arm_is_as_wide_as_the_tangents_to_its_cylinder(distance: float):
    foot = EYE + np.array([distance, 0.0, -1.4])
    joints = {
        "left_shoulder": AWAY,
        "left_upper_arm": foot,
        "left_forearm": foot + np.array([0, 0, 2.8]),
        "left_hand": foot + np.array([0, 0, 3]),
    }
    drawn = render(_empty_room(), WEARER, _performance(EYE[None], joints=joints), _level_camera(256), stride=1)
    width = (drawn.id_buffer[0, 128] == PixelId.LEFT_ARM).sum()
    radius = 0.05
    assert width == pytest.approx(2 * 128 * radius / np.sqrt(distance**2 - radius**2), abs=1.0)


@pytest.mark.parametrize(("side", "column"), [("left", 0), ("right", 1)])
def test_a_hand_in_view_is_counted_on_its_own_side_and_not_behind_a_box(side: str, column: int):
    performance = _performance(EYE[None], joints=_hand_at(side, EYE + np.array([0.5, 0.0, 0.0])))
    seen = render(_empty_room(), WEARER, performance, _level_camera(64), stride=1)
    code = PixelId.LEFT_HAND if side == "left" else PixelId.RIGHT_HAND
    assert 0.004 < seen.hand_share[0, column] < 0.1
    assert seen.hand_share[0, column] == (seen.id_buffer == code).mean()
    assert seen.hand_share[0, 1 - column] == 0
    screen = _empty_room(Box((EYE[0] + 0.3, 3.0, 1.5), (0.02, 2.0, 2.0), 0.0, RED))
    assert (render(screen, WEARER, performance, _level_camera(64), stride=1).hand_share == 0).all()


def test_the_left_hand_points_left_from_the_wrist_and_is_as_long_as_a_hand():
    performance = _performance(EYE[None], joints=_hand_at("left", EYE + np.array([0.5, 0.0, 0.0])))
    ids = render(_empty_room(), WEARER, performance, _level_camera(256), stride=1).id_buffer[0]
    columns = np.nonzero(ids == PixelId.LEFT_HAND)[1]
    metres = (128 - columns) * 0.5 / 128
    assert metres.min() > -0.03
    assert 0.16 < metres.max() < 0.24


def test_a_box_covers_the_convex_hull_of_its_corners():
    rng = np.random.default_rng(0)
    camera, performance = _level_camera(64), _performance(EYE[None])
    T_camera_world = np.linalg.inv(camera_path(performance.positions, performance.rotations, camera)[0])
    pixels = np.stack(np.meshgrid(np.arange(64) + 0.5, np.arange(64) + 0.5), axis=-1)
    for _ in range(20):
        center, size = EYE + rng.uniform([1.5, -1.2, -0.9], [4.0, 1.2, 0.9]), rng.uniform(0.2, 1.0, size=3)
        box = Box(tuple(center), tuple(size), rng.uniform(-np.pi, np.pi), RED)
        ids = render(_empty_room(box), WEARER, performance, camera, stride=1).id_buffer[0]
        signs = np.array(np.meshgrid([-1, 1], [-1, 1], [-1, 1])).reshape(3, -1).T
        corners = signs * size / 2 @ Rotation.from_euler("z", box.yaw).as_matrix().T + center
        in_camera = corners @ T_camera_world[:3, :3].T + T_camera_world[:3, 3]
        outline = in_camera @ camera.intrinsics.T
        hull = Delaunay(outline[:, :2] / outline[:, 2:])
        inside_room = (corners > 0).all() and (corners < [8, 6, 3]).all()
        if inside_room and (in_camera[:, 2] > 0.1).all():
            assert ((ids == PixelId.THING) == (hull.find_simplex(pixels) >= 0)).all()


@pytest.mark.parametrize("kind", [CHECKS, STRIPES])
@pytest.mark.parametrize("width", [0.05, 0.3, 0.8])
def test_a_pattern_over_a_footprint_is_the_mean_of_its_points(kind: int, width: float):
    grid = (np.arange(200) + 0.5) / 200 - 0.5
    for u, v in np.random.default_rng(1).uniform(-3, 3, size=(10, 2)):
        points = [pattern(kind, u + width * a, v + width * b, 1e-6, 1e-6, 0.7)[0] for a in grid[::4] for b in grid[::4]]
        assert pattern(kind, u, v, width, width, 0.7)[0] == pytest.approx(np.mean(points), abs=0.03)


@pytest.mark.parametrize("kind", [CHECKS, STRIPES, PLANKS, BRICKS, NOISE])
def test_a_far_pattern_fades_to_one_colour(kind: int):
    places = np.random.default_rng(2).uniform(-5, 5, size=(40, 2))
    far = np.array([pattern(kind, u, v, 30.0, 30.0, 0.5) for u, v in places])
    near = np.array([pattern(kind, u, v, 0.001, 0.001, 0.5) for u, v in places])
    assert far[:, 0].std() < 0.02
    assert far[:, 1].std() == 0
    assert near[:, 0].std() + near[:, 1].std() > 0.1


def test_the_srgb_table_inverts_linear_light():
    table = srgb_table()
    for value in (0, 30, 128, 255):
        linear = to_linear((value / 255,) * 3)[0]
        assert abs(int(table[round(linear * 4095)]) - value) <= 1


def _walk_through(room: Room, time: int = 5) -> Performance:
    """From the middle of the room towards its door, arms in view, the door opening."""
    assert room.door is not None
    opening = np.array(room.door.hinge) + room.door.width / 2 * np.array(room.door.along)
    xy = np.linspace(np.array(room.size[:2]) / 2, opening, time)
    eyes = np.concatenate([xy, np.full((time, 1), 1.5)], axis=1)
    yaw = float(np.arctan2(room.door.outward[1], room.door.outward[0]))
    forward, left = np.array([np.cos(yaw), np.sin(yaw), 0]), np.array([-np.sin(yaw), np.cos(yaw), 0])
    joints = {}
    for side, sign in (("left", 1), ("right", -1)):
        joints[f"{side}_upper_arm"] = eyes + 0.2 * sign * left - [0, 0, 0.2]
        joints[f"{side}_forearm"] = eyes + 0.25 * sign * left + 0.2 * forward - [0, 0, 0.35]
        joints[f"{side}_hand"] = eyes + 0.12 * sign * left + 0.4 * forward - [0, 0, 0.2]
    performance = _performance(eyes, yaw, joints)
    return replace(performance, door_angle=np.linspace(0, DOOR_MAX_ANGLE, time))


def test_the_same_input_gives_the_same_bytes_alone_and_beside_others():
    room = make_room(1)
    performance, camera = _walk_through(room), make_camera(64)
    alone = render(room, WEARER, performance, camera, stride=1)
    with ThreadPoolExecutor(3) as pool:
        runs = pool.map(lambda _: render(room, WEARER, performance, camera, stride=1), range(3))
        for run in runs:
            assert run.frames.tobytes() == alone.frames.tobytes()
            assert run.id_buffer.tobytes() == alone.id_buffer.tobytes()


@pytest.mark.parametrize("texture", ["plain", "rich"])
def test_a_small_picture_is_the_large_one_made_small(texture):
    for index in (0, 3):
        room = make_room(index, difficulty=Difficulty(texture=texture))
        performance = _walk_through(room, 3)
        small = render(room, WEARER, performance, make_camera(64), stride=1).frames.astype(float)
        large = render(room, WEARER, performance, make_camera(256), stride=1).frames.astype(float)
        made_small = large.reshape(3, 64, 4, 64, 4, 3).mean(axis=(2, 4))
        assert np.abs(small - made_small).mean() < 2.5
        assert np.corrcoef(small.ravel(), made_small.ravel())[0, 1] > 0.98


def test_a_closed_door_hides_what_is_beyond_and_an_open_one_shows_it():
    for index in range(6):
        room = make_room(index)
        drawn = render(room, WEARER, _walk_through(room), make_camera(64), stride=1)
        assert (drawn.id_buffer[0] == PixelId.DOOR).any()
        assert not (drawn.id_buffer[0] == PixelId.BEYOND).any()
        shares = (drawn.id_buffer == PixelId.BEYOND).mean(axis=(1, 2))
        assert shares[-1] > 0.05
        assert shares[-1] == shares.max()


def test_from_beyond_the_door_one_looks_back_through_the_hole_into_the_room():
    room = make_room(0)
    assert room.door is not None
    out = np.array([*room.door.outward, 0.0])
    opening = np.array([*room.door.hinge, 1.5]) + room.door.width / 2 * np.array([*room.door.along, 0.0])
    yaw = float(np.arctan2(-out[1], -out[0]))
    drawn = render(
        room, WEARER, _performance((opening + 1.5 * out)[None], yaw, door=DOOR_MAX_ANGLE), _level_camera(64), stride=1
    )
    ids = drawn.id_buffer[0]
    assert ids[32, 32] in (PixelId.WALL, PixelId.THING)
    assert (ids == PixelId.FLOOR).any()
    assert (ids[:, 8] == PixelId.WALL).any()


def test_frames_are_every_stride_th_motion_frame():
    room = make_room(2)
    performance, camera = _walk_through(room, 9), make_camera(32)
    every, second = (render(room, WEARER, performance, camera, stride=stride) for stride in (1, 2))
    assert len(every.frames) == 9
    assert (every.frames[::2] == second.frames).all()
    assert second.hand_share.shape == (5, 2)


def test_what_is_carried_is_drawn_where_it_is_held():
    T_world_box = np.eye(4)[None].copy()
    T_world_box[0, :3, 3] = EYE + np.array([1.0, 0.0, 0.0])
    performance = replace(_performance(EYE[None]), carried=(Box((0, 0, 0), (0.2, 0.2, 0.2), 0.0, RED), T_world_box))
    ids = render(_empty_room(), WEARER, performance, _level_camera(64), stride=1).id_buffer[0]
    rows, _ = np.nonzero(ids == PixelId.CARRIED)
    assert (rows.min(), rows.max()) == (28, 35)  # 32 ± 32 · 0.1 / 0.9


def test_no_picture_is_black_or_burnt_out_in_any_room_and_look():
    for index in range(10):
        for texture in ("plain", "rich"):
            room = make_room(index, difficulty=Difficulty(texture=texture))
            frames = render(room, WEARER, _walk_through(room), make_camera(32), stride=1).frames
            assert (frames.mean(axis=(1, 2, 3)) > 50).all()
            assert (frames.mean(axis=(1, 2, 3)) < 215).all()
            assert (frames.std(axis=(1, 2, 3)) > 10).all()


def test_bad_input_is_refused_with_what_was_found():
    room, performance, camera = _empty_room(), _performance(EYE[None]), make_camera(16)
    with pytest.raises(BadInputError, match="at least 1, found 0 and 2"):
        render(room, WEARER, performance, camera, stride=0)
    with pytest.raises(BadInputError, match=r"found .*\(1, 22, 3\)"):
        render(room, WEARER, replace(performance, positions=performance.positions[:, :22]), camera)
    with pytest.raises(BadInputError, match="one angle per motion frame"):
        render(room, WEARER, replace(performance, door_angle=np.zeros(3)), camera)
    skewed = camera.intrinsics.copy()
    skewed[0, 1] = 0.5
    with pytest.raises(BadInputError, match="without skew"):
        render(room, WEARER, performance, replace(camera, intrinsics=skewed))


def test_shapes_and_ids_are_what_is_promised():
    room = make_room(4, difficulty=Difficulty(texture="rich"))
    drawn = render(room, WEARER, _walk_through(room, 81), make_camera(24))
    assert drawn.frames.shape == (41, 24, 24, 3)
    assert drawn.id_buffer.shape == (41, 24, 24)
    assert drawn.frames.dtype == drawn.id_buffer.dtype == np.uint8
    assert set(np.unique(drawn.id_buffer)) <= set(PixelId)


def test_a_surface_without_pattern_is_one_colour_on_a_face_far_from_edges():
    surface = Surface("plain", (0.2, 0.4, 0.6), (1.0, 1.0, 1.0))
    room = _empty_room(Box((7.9, 3.0, 1.5), (0.1, 5.9, 2.9), 0.0, surface))
    frame = render(room, WEARER, _performance(EYE[None]), _level_camera(64), stride=1).frames[0]
    assert np.ptp(frame[30:34, 20:44].reshape(-1, 3), axis=0).max() <= 6
