"""A wearer's five seconds in a room: draw actions, pose the body, round to integers, check, caption.

A draw that fails a check is repeated: a palm misses its target, the head is too fast, the body is in a wall, a hand
stays out of view. After a limited number of draws the wearer only stands, so there is always a clip.
"""

from typing import Literal

import numpy as np
from jaxtyping import Bool, Float
from scipy.spatial.transform import Rotation

from egobench.data.compact import dequantise, quantise
from egobench.errors import BadInputError
from egobench.geometry.skeleton import XSENS23, forward_kinematics
from egobench.types import SIDES, Side
from egomini.acting.actions import draw_recipe, only_stand
from egomini.acting.captions import write_caption
from egomini.acting.draft import Draft
from egomini.acting.handwork import box_path
from egomini.acting.stage import Stage
from egomini.camera.head_camera import T_HEAD_CAMERA, head_path
from egomini.wearer.body import Pose, pose_body
from egomini.wearer.script import Script, make_clock
from egomini.wearer.wearers import PALM
from egomini.world.scene import Difficulty, Performance, Room, Wearer

Stratum = Literal["walk", "look", "still"]
STRATUM_SHARES: dict[Stratum, float] = {"walk": 0.45, "look": 0.40, "still": 0.15}
WALK_METRES, STILL_METRES, STILL_TURN = 0.5, 0.1, np.deg2rad(15.0)
DRAWS_PER_RECIPE = 12
MAX_DRAWS = 6 * DRAWS_PER_RECIPE
PALM_ERROR = 0.02
"""Largest distance of a palm from the point that it holds or touches, metres."""
HEAD_ROOM = 0.2
"""Metres between the head joint and things of its height."""
MIN_FRAMES_IN_VIEW = 10
VIEW_BORDER = 0.92
"""Share of the half image within which a palm counts as in view."""


def perform(
    room: Room,
    wearer: Wearer,
    rng: np.random.Generator,
    difficulty: Difficulty | None = None,
    *,
    fps: float = 16.0,
    frames: int = 81,
    want_hands: bool | None = None,
    stratum: str | None = None,
) -> Performance:
    """Plans and poses one clip; the same generator state gives the same bytes.

    Args:
        fps: motion frames per second.
        frames: motion frames of the clip.
        want_hands: whether a hand should come into view; None draws it with `difficulty.hands`.
        stratum: the planned stratum, `walk`, `look` or `still`; None draws it. The clip's label follows from its head.

    Raises:
        BadInputError: no such stratum, or a clip of less than 3 s.
    """
    difficulty = difficulty or Difficulty()
    clock = make_clock(fps, frames)
    if clock.seconds < 3.0:
        raise BadInputError(f"{frames} frames at {fps} fps are {clock.seconds:.2f} s; an action needs at least 3 s")
    if stratum is not None and stratum not in STRATUM_SHARES:
        raise BadInputError(f"stratum {stratum!r} is unknown; known: {', '.join(STRATUM_SHARES)}")
    hands = bool(rng.random() < difficulty.hands) if want_hands is None else want_hands
    drawn = stratum or str(rng.choice(list(STRATUM_SHARES), p=list(STRATUM_SHARES.values())))
    stage = Stage(room, wearer, rng)
    recipe = draw_recipe(rng, drawn, hands)
    for attempt in range(MAX_DRAWS):
        if attempt and attempt % DRAWS_PER_RECIPE == 0:
            recipe = draw_recipe(rng, drawn, hands)
        draft = Draft(stage, clock, difficulty)
        if not recipe(draft):
            continue
        pose, positions = _posed(draft.script(), wearer, rng)
        script = draft.script().clip()
        if (
            _is_good(script, stage, difficulty, pose, positions, hands)
            and stratum_of(positions, pose.rotations) == drawn
        ):
            return _finished(script, stage, pose, positions, rng)
    draft = Draft(stage, clock, difficulty)
    only_stand(draft, *_freest_place(stage))
    pose, positions = _posed(draft.script(), wearer, rng)
    return _finished(draft.script().clip(), stage, pose, positions, rng)


def stratum_of(positions: Float[np.ndarray, "time joint 3"], rotations: Float[np.ndarray, "time joint 3 3"]) -> Stratum:
    """The stratum by the head's movement: its largest distance and its largest angle from the start."""
    head = XSENS23.index("head")
    moved = np.linalg.norm(positions[:, head] - positions[0, head], axis=-1).max()
    turned = Rotation.from_matrix(rotations[0, head].T @ rotations[:, head]).magnitude().max()
    if moved > WALK_METRES:
        return "walk"
    return "still" if moved < STILL_METRES and turned < STILL_TURN else "look"


def palm_positions(
    positions: Float[np.ndarray, "time joint 3"], rotations: Float[np.ndarray, "time joint 3 3"], side: Side
) -> Float[np.ndarray, "time 3"]:
    """World palms: 8 cm along the hand from the wrist."""
    hand = XSENS23.index(f"{side}_hand")
    along = np.asarray(XSENS23.palm_direction[f"{side}_hand"])
    return positions[:, hand] + PALM * (rotations[:, hand] @ along)


def palms_in_view(
    positions: Float[np.ndarray, "time joint 3"], rotations: Float[np.ndarray, "time joint 3 3"]
) -> Bool[np.ndarray, "time 2"]:
    """Whether the left and right palms are in front of the camera and inside its 90° image, ignoring occlusion."""
    camera_from_world = np.linalg.inv(head_path(positions, rotations) @ T_HEAD_CAMERA)
    seen = []
    for side in SIDES:
        palm = palm_positions(positions, rotations, side)
        x, y, z = np.moveaxis(np.einsum("tij,tj->ti", camera_from_world[:, :3, :3], palm), -1, 0)
        x, y, z = x + camera_from_world[:, 0, 3], y + camera_from_world[:, 1, 3], z + camera_from_world[:, 2, 3]
        seen.append((z > 0.05) & (np.maximum(np.abs(x), np.abs(y)) < VIEW_BORDER * z))
    return np.stack(seen, axis=-1)


def head_speed(rotations: Float[np.ndarray, "time joint 3 3"], fps: float) -> Float[np.ndarray, " step"]:
    """Angular speed of the head between frames, radians per second."""
    head = rotations[:, XSENS23.index("head")]
    return Rotation.from_matrix(np.swapaxes(head[:-1], -1, -2) @ head[1:]).magnitude() * fps


def _posed(script: Script, wearer: Wearer, rng: np.random.Generator) -> tuple[Pose, Float[np.ndarray, "time joint 3"]]:
    """The body after rounding, since the checks must see what is stored."""
    pose = pose_body(script, wearer, rng)
    root, rotations = dequantise(*quantise(pose.root, pose.rotations))
    return Pose(root, rotations, pose.contacts), forward_kinematics(XSENS23, wearer.offsets, root, rotations)


def _is_good(
    script: Script,
    stage: Stage,
    difficulty: Difficulty,
    pose: Pose,
    positions: Float[np.ndarray, "time joint 3"],
    hands: bool,
) -> bool:
    if np.rad2deg(head_speed(pose.rotations, script.clock.fps).max()) > difficulty.max_turn_deg_per_s:
        return False
    if not stage.clear(script.xy, through_door=script.door_angle is not None).all():
        return False
    head = positions[:, XSENS23.index("head")]
    if stage.gap(head[:, :2], higher_than=float(head[:, 2].min()) - 0.15).min() < HEAD_ROOM:
        return False
    for task in script.hands:
        in_contact = task.weight > 0.999
        if task.frame == "world" and in_contact.any():
            miss = palm_positions(positions, pose.rotations, task.side) - task.target
            if np.linalg.norm(miss[in_contact], axis=-1).max() > PALM_ERROR:
                return False
    if hands:
        seen = palms_in_view(positions, pose.rotations).sum(axis=0)
        return all(seen[SIDES.index(side)] >= MIN_FRAMES_IN_VIEW for side in script.shown)
    return True


def _freest_place(stage: Stage) -> tuple[Float[np.ndarray, "2"], float]:
    """The floor's point that is farthest from all things, and the direction of its longest view."""
    size = np.asarray(stage.room.size[:2])
    grid = np.stack(np.meshgrid(*(np.linspace(0.5, side - 0.5, 24) for side in size), indexing="ij"), axis=-1)
    room = np.minimum(stage.wall_gap(grid), stage.gap(grid))
    place = grid[np.unravel_index(np.argmax(room), room.shape)]
    yaws = np.linspace(-np.pi, np.pi, 16, endpoint=False)
    return place, float(yaws[np.argmax(stage.view(np.tile(place, (16, 1)), yaws))])


def _finished(
    script: Script, stage: Stage, pose: Pose, positions: Float[np.ndarray, "time joint 3"], rng: np.random.Generator
) -> Performance:
    carried = None
    if script.box is not None:
        left, right = (palm_positions(positions, pose.rotations, side) for side in SIDES)
        carried = (script.box, box_path(left, right))
    door = np.zeros(script.clock.frames) if script.door_angle is None else script.door_angle
    return Performance(
        positions=positions,
        rotations=pose.rotations,
        contacts=pose.contacts,
        door_angle=np.array(door),
        carried=carried,
        text=write_caption(script.clauses, stage.room, rng),
        stratum=stratum_of(positions, pose.rotations),
        actions=tuple(clause.action for clause in script.clauses),
    )
