"""Draws what the wearer's camera sees: frames, the share of each hand, and which pixel shows what.

Video frame k is motion frame stride · k; `T_world_camera = T_world_head @ T_head_camera`. The same input gives the
same bytes: ray casting on one thread, without fast-math and without random numbers.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, UInt8
from scipy.spatial.transform import Rotation

from egobench.errors import BadInputError
from egobench.geometry.skeleton import XSENS23
from egobench.types import SIDES, Camera
from egomini.camera.head_camera import camera_path
from egomini.camera.raycast import draw
from egomini.wearer.bodyshape import body_shape
from egomini.world.pixels import PixelId
from egomini.world.primitives import Boxes
from egomini.world.scene import HANDLE_INSET, Box, Door, Performance, Room, Surface, Wearer
from egomini.world.textures import COLORS, paint_table, plain, scaled, srgb_table

LEAF_THICKNESS = 0.04
FRAME_WIDTH = 0.08
"""Metres of the wooden frame around a door."""
HAND_IDS = {"left": PixelId.LEFT_HAND, "right": PixelId.RIGHT_HAND}
_SRGB = srgb_table()
_METAL = plain(COLORS["grey"])


@dataclass(frozen=True)
class Rendered:
    """What the camera saw."""

    frames: UInt8[np.ndarray, "time height width 3"]
    """sRGB."""
    hand_share: Float[np.ndarray, "time 2"]
    """Share of the id buffer's pixels that show the left and the right hand, wrist outward; occlusion counts."""
    id_buffer: UInt8[np.ndarray, "time height width"]
    """`PixelId` at each pixel's centre."""


@dataclass(frozen=True)
class _MovingBox:
    """A box with a pose per frame, or one pose for all."""

    T_world_box: Float[np.ndarray, "time 4 4"]
    size: tuple[float, float, float]
    surface: Surface
    pixel: PixelId
    is_beyond: bool = False


def _still(boxes: Sequence[Box], pixel: PixelId, *, is_beyond: bool = False) -> list[_MovingBox]:
    poses = _poses(boxes)[:, None]
    return [_MovingBox(pose, box.size, box.surface, pixel, is_beyond) for pose, box in zip(poses, boxes, strict=True)]


def _poses(boxes: Sequence[Box]) -> Float[np.ndarray, "box 4 4"]:
    T_world_box = np.tile(np.eye(4), (len(boxes), 1, 1))
    if boxes:
        T_world_box[:, :3, :3] = Rotation.from_euler("z", [[box.yaw] for box in boxes]).as_matrix()
        T_world_box[:, :3, 3] = [box.center for box in boxes]
    return T_world_box


def _door_parts(door: Door, angle: Float[np.ndarray, " time"]) -> list[_MovingBox]:
    """Leaf with a panel and a handle on each side, moving; the frame around the opening, still."""
    yaw_closed = np.arctan2(door.along[1], door.along[0])
    turn = np.sign(door.along[0] * door.outward[1] - door.along[1] * door.outward[0])
    T_world_leaf = np.tile(np.eye(4), (len(angle), 1, 1))
    T_world_leaf[:, :3, :3] = Rotation.from_euler("z", yaw_closed + turn * angle[:, None]).as_matrix()
    T_world_leaf[:, :2, 3] = door.hinge

    def on_leaf(x: float, y: float, z: float, size: tuple[float, float, float], surface: Surface) -> _MovingBox:
        T_leaf_part = np.eye(4)
        T_leaf_part[:3, 3] = x, turn * y, z  # y points away from the room
        return _MovingBox(T_world_leaf @ T_leaf_part, size, surface, PixelId.DOOR)

    width, height, free = door.width, door.height, door.width - HANDLE_INSET
    panel = plain(scaled(door.surface.color_a, 0.55))
    parts = [on_leaf(width / 2, 0.0, height / 2, (width - 0.01, LEAF_THICKNESS, height - 0.01), door.surface)]
    for z, panel_height in ((0.28 * height, 0.3 * height), (0.73 * height, 0.36 * height)):
        parts.append(on_leaf(width / 2, 0.0, z, (0.62 * width, LEAF_THICKNESS + 0.016, panel_height), panel))
    for side in (-1.0, 1.0):
        parts.append(on_leaf(free - 0.03, side * 0.055, 1.0, (0.13, 0.025, 0.03), _METAL))
    along, outward = np.asarray(door.along), np.asarray(door.outward)
    wood, yaw = plain(scaled(door.surface.color_b, 0.9)), float(yaw_closed)
    frame = []
    for offset, size, z in (
        (-FRAME_WIDTH / 2, (FRAME_WIDTH, 0.07, height + FRAME_WIDTH), (height + FRAME_WIDTH) / 2),
        (width + FRAME_WIDTH / 2, (FRAME_WIDTH, 0.07, height + FRAME_WIDTH), (height + FRAME_WIDTH) / 2),
        (width / 2, (width, 0.07, FRAME_WIDTH), height + FRAME_WIDTH / 2),
    ):
        x, y = np.asarray(door.hinge) + offset * along + 0.01 * outward
        frame.append(Box((float(x), float(y), z), size, yaw, wood))
    return parts + _still(frame, PixelId.DOOR)


def _parts(room: Room, performance: Performance, stride: int) -> list[_MovingBox]:
    """All boxes: things, what stands beyond, the door, what is carried."""
    parts = _still([box for thing in room.things for box in thing.boxes], PixelId.THING)
    parts += _still(room.beyond, PixelId.BEYOND, is_beyond=True)
    if room.door is not None:
        parts += _door_parts(room.door, performance.door_angle[::stride])
    if performance.carried is not None:
        box, T_world_box = performance.carried
        parts.append(_MovingBox(T_world_box[::stride] @ _poses([box])[0], box.size, box.surface, PixelId.CARRIED))
    return parts


def _boxes(parts: Sequence[_MovingBox], count: int) -> Boxes:
    poses = np.empty((count, len(parts), 4, 4))
    for i, part in enumerate(parts):
        poses[:, i] = part.T_world_box
    return Boxes(
        center=np.ascontiguousarray(poses[..., :3, 3]),
        axes=np.ascontiguousarray(poses[..., :3, :3]),
        half=np.array([part.size for part in parts], dtype=float).reshape(-1, 3) / 2,
        is_beyond=np.array([float(part.is_beyond) for part in parts]),
    )


def _shadows(room: Room, positions: Float[np.ndarray, "time joint 3"]) -> Float[np.ndarray, "time shadow 7"]:
    """Footprints of what stands on the floor, moved a little away from the light; then both feet."""
    rows = []
    for thing in room.things:
        box = thing.boxes[0]
        if thing.footprint_radius > 0:
            gap = max(0.0, box.center[2] - box.size[2] / 2)
            x, y = box.center[0] - 0.1 * room.light[0], box.center[1] - 0.1 * room.light[1]
            strength = 0.55 / (1.0 + gap)
            rows.append((x, y, np.cos(box.yaw), np.sin(box.yaw), box.size[0] / 2, box.size[1] / 2, strength))
    still = np.tile(np.array(rows, dtype=float).reshape(1, -1, 7), (len(positions), 1, 1))
    feet = np.zeros((len(positions), 2, 7))
    for i, side in enumerate(SIDES):
        heel, toe = (positions[:, XSENS23.index(f"{side}_{part}")] for part in ("foot", "toe"))
        feet[:, i, :2] = (heel[:, :2] + toe[:, :2]) / 2
        feet[:, i, 2] = 1.0
        feet[:, i, 6] = 0.45 / (1.0 + (np.maximum(0.0, toe[:, 2] - 0.05) / 0.06) ** 2)
    return np.concatenate([still, feet], axis=1)


def _shell(room: Room) -> Float[np.ndarray, "10"]:
    """The room as `primitives.py` lays it out: size, light, the door's opening, the number of its wall."""
    door_wall, hole = -1, (0.0, 0.0, 0.0)
    if room.door is not None:
        axis = int(np.argmax(np.abs(room.door.outward)))
        door_wall = 2 * axis + int(room.door.outward[axis] > 0)
        hinge = room.door.hinge[1 - axis]
        free = hinge + room.door.width * room.door.along[1 - axis]
        hole = (min(hinge, free), max(hinge, free), room.door.height)
    return np.array([*room.size, *room.light, *hole, door_wall], dtype=float)


def _check(performance: Performance, camera: Camera, stride: int, supersample: int) -> None:
    if stride < 1 or supersample < 1:
        raise BadInputError(f"stride and supersample must be at least 1, found {stride} and {supersample}")
    time, expected = len(performance.positions), (len(performance.positions), len(XSENS23), 3)
    if performance.positions.shape != expected or performance.rotations.shape != (*expected, 3):
        shapes = performance.positions.shape, performance.rotations.shape
        raise BadInputError(f"positions and rotations must be {expected} and {(*expected, 3)}, found {shapes}")
    if performance.door_angle.shape != (time,):
        raise BadInputError(
            f"door_angle must be one angle per motion frame ({time},), found {performance.door_angle.shape}"
        )
    if camera.intrinsics[0, 1] != 0:
        raise BadInputError(f"the renderer draws pinholes without skew, found skew {camera.intrinsics[0, 1]}")


def render(
    room: Room, wearer: Wearer, performance: Performance, camera: Camera, *, stride: int = 2, supersample: int = 2
) -> Rendered:
    """Draws a performance as the wearer's camera sees it.

    Args:
        stride: motion frames per video frame; video frame k is motion frame stride · k.
        supersample: rays along a pixel's side where surfaces meet; inside one surface its pattern is averaged exactly.

    Raises:
        BadInputError: stride or supersample below 1, arrays that do not fit one another, a skewed camera.
    """
    _check(performance, camera, stride, supersample)
    positions, rotations = performance.positions[::stride], performance.rotations[::stride]
    parts, body = _parts(room, performance, stride), body_shape(wearer, positions, rotations)
    surfaces = [*(part.surface for part in parts), *body.surfaces, *room.walls, room.floor, room.ceiling]
    K = camera.intrinsics
    frames = np.empty((len(positions), camera.height, camera.width, 3), dtype=np.uint8)
    ids = np.empty(frames.shape[:3], dtype=np.uint8)
    draw(
        np.ascontiguousarray(camera_path(positions, rotations, camera), dtype=float),
        np.array([K[0, 0], K[1, 1], K[0, 2], K[1, 2]], dtype=float),
        supersample,
        _boxes(parts, len(positions)),
        body.capsules,
        _shell(room),
        paint_table(surfaces),
        _shadows(room, positions),
        np.array([*(int(part.pixel) for part in parts), *body.codes], dtype=np.int64),
        _SRGB,
        frames,
        ids,
    )
    share = np.stack([(ids == HAND_IDS[side]).mean(axis=(1, 2)) for side in SIDES], axis=-1)
    return Rendered(frames=frames, hand_share=share, id_buffer=ids)
