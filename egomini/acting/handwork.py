"""Actions of the hands: raise, wave, reach, carry a box, push a door. They add tasks and clauses to a draft.

Body-frame targets are metres ahead, left and up of the neck joint. They are in the camera's view if the head looks in
about the direction of the chest.
"""

from typing import Literal

import numpy as np
from jaxtyping import Float

from egobench.geometry.skeleton import XSENS23
from egobench.types import SIDES, Side
from egomini.acting.draft import RAMP, Draft, wrapped
from egomini.acting.stage import Spot
from egomini.wearer.curves import hold
from egomini.wearer.reach import posture_for
from egomini.wearer.script import Clause, HandTask
from egomini.world.scene import DOOR_MAX_ANGLE, HANDLE_INSET, Box, Door, Surface, Thing

BOX_COLORS = {
    "red": (0.65, 0.07, 0.06), "blue": (0.07, 0.16, 0.62), "green": (0.06, 0.42, 0.12), "yellow": (0.80, 0.62, 0.06),
    "white": (0.82, 0.82, 0.80), "orange": (0.85, 0.33, 0.05), "brown": (0.35, 0.20, 0.10),
}  # fmt: skip
BOX_AHEAD = -0.03
"""Metres from the middle of a carried box back to the line between the palms."""
PALM_GAP = 0.015
BEYOND = 0.12
"""Distance past the wall at which the wearer has gone through the door, metres."""
FINGERS = 0.08
"""Distance from palm to fingertips, which touch a thing, metres."""
SHOULDER_SHARE = 0.75
"""Height of a leaning body's shoulders per metre of stature."""


def gesture(draft: Draft, kind: Literal["raise", "wave"], rise: tuple[float, float], fall: tuple[float, float]) -> None:
    """Raises a hand (or both) into view and, for `wave`, swings it from side to side."""
    sides: tuple[Side, ...] = SIDES if draft.rng.random() < 0.2 else (SIDES[int(draft.rng.integers(2))],)
    neck_to_head = float(draft.stage.wearer.offsets[XSENS23.index("head")][2])
    ahead, aside, up = draft.draw(0.34, 0.42), draft.draw(0.10, 0.19), neck_to_head + draft.draw(-0.12, 0.05)
    weight, twist = hold(draft.times, rise, fall), draft.draw(1.0, 1.5)
    swing = np.zeros_like(draft.times)
    if kind == "wave":
        beat, phase = draft.draw(0.9, 1.3), draft.draw(0.0, 2.0 * np.pi)
        swing = draft.draw(0.06, 0.09) * weight * np.sin(2.0 * np.pi * beat * draft.times + phase)
    for side in sides:
        sign = 1.0 if side == "left" else -1.0
        place = [np.full_like(swing, ahead), sign * (aside + swing), np.full_like(swing, up)]
        draft.hands.append(HandTask(side, weight, np.stack(place, axis=-1), "body", twist))
    draft.say(Clause(kind, hand="both" if len(sides) == 2 else sides[0]))


def carry_box(draft: Draft, verb: Literal["carry", "hold"], *, while_next: bool) -> None:
    """Holds a box between the hands for the whole clip, with the gaze a little lowered."""
    color = list(BOX_COLORS)[int(draft.rng.integers(len(BOX_COLORS)))]
    paint = BOX_COLORS[color]
    darker = (0.7 * paint[0], 0.7 * paint[1], 0.7 * paint[2])
    depth, width, height = draft.draw(0.16, 0.22), draft.draw(0.24, 0.36), draft.draw(0.12, 0.20)
    draft.box = Box((0.0, 0.0, 0.0), (depth, width, height), 0.0, Surface("stripes", paint, darker, 0.12))
    ahead, up, ones = draft.draw(0.36, 0.41), draft.draw(-0.31, -0.23), np.ones_like(draft.times)
    draft.pitch = float(np.deg2rad(draft.draw(9.0, 17.0)))
    for side in SIDES:
        sign = 1.0 if side == "left" else -1.0
        place = np.array([ahead, sign * (0.5 * width + PALM_GAP), up])
        draft.hands.append(HandTask(side, ones, ones[:, None] * place, "body", 0.15))
    draft.say(Clause(verb, thing=f"{color} box", while_next=while_next))


def box_path(
    left_palm: Float[np.ndarray, "time 3"], right_palm: Float[np.ndarray, "time 3"]
) -> Float[np.ndarray, "time 4 4"]:
    """`T_world_box` of a box between two palms, level, its y axis from the right palm to the left."""
    across = left_palm - right_palm
    yaw = np.arctan2(-across[:, 0], across[:, 1])
    zero, one = np.zeros_like(yaw), np.ones_like(yaw)
    turn = np.stack([np.cos(yaw), -np.sin(yaw), zero, np.sin(yaw), np.cos(yaw), zero, zero, zero, one], axis=-1)
    T_world_box = np.tile(np.eye(4), (len(yaw), 1, 1))
    T_world_box[:, :3, :3] = turn.reshape(-1, 3, 3)
    ahead = np.stack([np.cos(yaw), np.sin(yaw), zero], axis=-1)
    T_world_box[:, :3, 3] = 0.5 * (left_palm + right_palm) - BOX_AHEAD * ahead
    return T_world_box


def handle_path(door: Door, angles: Float[np.ndarray, " time"]) -> Float[np.ndarray, "time 3"]:
    """World place of a door's handle at each angle."""
    return np.stack([door.handle(float(angle)) for angle in angles])


def push_door(draft: Draft) -> bool:
    """Walks up to the door, takes the handle, pushes and follows; the door turns only under the hand."""
    door = draft.stage.room.door
    if door is None:
        return False
    arrive = draft.draw(1.2, 1.9)
    push = arrive + draft.draw(0.5, 0.8)
    distance, gap = draft.draw(0.2, 0.55), draft.draw(0.42, 0.5)
    speed = min(0.95 * draft.difficulty.max_walk_m_per_s, distance / 0.7)
    draft.walk(arrive - 0.9 - distance / speed, arrive, speed)
    end = draft.seconds + draft.draw(-0.1, 0.4)
    follow = draft.draw(0.5, 0.72) / (end - push - RAMP)
    if follow > 0.95 * draft.difficulty.max_walk_m_per_s:
        return False
    draft.walk(push, end, follow)
    draft.pitch = float(np.deg2rad(draft.draw(6.0, 13.0)))
    hinge, along, outward = (np.asarray(v) for v in (door.hinge, door.along, door.outward))
    stand = hinge + draft.draw(0.55, 0.78) * door.width * along - gap * outward
    yaw = float(np.arctan2(outward[1], outward[0]))
    xy, heading = draft.relative()
    frame = int(np.argmin(np.abs(draft.times - arrive)))
    draft.spot = Spot(np.zeros(2), yaw - float(heading[frame]))
    draft.spot = Spot(stand - draft.spot.place(xy[frame : frame + 1])[0], draft.spot.yaw)
    world = draft.spot.place(xy)
    if not draft.stage.clear(world[draft.clock.keep], through_door=True).all():
        return False
    out = (world - hinge) @ outward
    begun = np.maximum(out, np.interp(push, draft.times, out))  # the approach ends slightly after the body stands still
    draft.door_angle = _door_angle(door, begun, -float(begun.min()))
    handle = handle_path(door, draft.door_angle)
    hand = _hold_handle(draft, handle, arrive, push)
    if hand is None:
        return False
    draft.say(Clause("push", hand=hand, thing=door.name))
    if out[draft.clock.keep][-1] > BEYOND:
        draft.say(Clause("through", thing=door.name))
    return True


def _door_angle(door: Door, out: Float[np.ndarray, " time"], gap: float) -> Float[np.ndarray, " time"]:
    """Angle at which the handle stays `gap` ahead of a body that is `out` beyond the wall."""
    arm = door.width - HANDLE_INSET
    radius, skew = np.hypot(arm, 0.05), np.arctan2(0.05, arm)
    ahead = np.maximum(out + gap, 0.0) - 0.05
    angle = skew + np.arcsin(np.clip(ahead / radius, -1.0, 0.97))
    return np.round(np.clip(angle, 0.0, DOOR_MAX_ANGLE), 6)


def _hold_handle(draft: Draft, handle: Float[np.ndarray, "time 3"], arrive: float, push: float) -> Side | None:
    """The hand that can reach the handle during the whole push, with the bend for it; None if there is none."""
    grip = push - 0.08
    moments = np.linspace(grip, draft.seconds, 6)
    frames = [int(np.argmin(np.abs(draft.times - moment))) for moment in moments]
    local = np.stack(
        [draft.target_in_body(handle[frame], moment) for frame, moment in zip(frames, moments, strict=True)]
    )
    for side in SIDES if draft.rng.random() < 0.5 else SIDES[::-1]:
        posture = posture_for(draft.stage.wearer, local, (side,) * len(local), may_crouch=False)
        if posture is None:
            continue
        late = (draft.seconds + 1.0, draft.seconds + 1.5)
        rise = (max(arrive - 0.5, grip - 1.3), grip)
        draft.bend(rise, late, posture)
        draft.hands.append(HandTask(side, hold(draft.times, rise, late), handle, "world", draft.draw(0.6, 1.2)))
        eye = draft.eye_at(grip)
        away = handle[frames[0]] - eye
        yaw, pitch = draft.gaze_at(0.0)
        turn = float(np.clip(wrapped(float(np.arctan2(away[1], away[0])) - yaw), -0.3, 0.3))
        nod = float(np.arctan2(-away[2], np.hypot(away[0], away[1]))) - np.deg2rad(24.0) - pitch
        share = min(1.0, 0.98 * draft.budget(grip + 0.3) / max(float(np.hypot(turn, nod)), 1e-6))
        draft.glance(0.0, share * turn, share * nod, grip + 0.3)
        seen, low = draft.gaze_at(draft.busy_until)
        draft.glance(push + 1.0, yaw - seen, float(np.deg2rad(6.0)) - low, draft.seconds)
        return side
    return None


def some_gesture(draft: Draft, earliest: float, latest: float) -> bool:
    """Raises or waves a hand some time between two moments; always fits."""
    up = draft.draw(0.9, 1.4)
    start = draft.draw(earliest, max(earliest + 0.1, min(latest - up - 1.0, earliest + 1.4)))
    stay = start + up + draft.draw(0.8, 1.8)
    gesture(
        draft, "wave" if draft.rng.random() < 0.4 else "raise", (start, start + up), (stay, stay + draft.draw(0.9, 1.3))
    )
    return True


def reach_thing(draft: Draft, thing: Thing, ready: float) -> bool:
    """Brings one hand or both to a thing, gaze first; `ready` is when the body has come to rest near it."""
    touch = ready + draft.draw(1.0, 1.5)
    leave = touch + draft.draw(0.5, 1.5)
    choice = draft.rng.random()
    sides: tuple[Side, ...] = SIDES if choice < 0.2 else (SIDES[int(choice < 0.6)],)
    aside = 0.0 if len(sides) == 2 else (0.15 if sides[0] == "left" else -0.15)
    point = np.asarray(thing.reach_point)
    if not draft.place_at(touch, point[:2], (0.38, 0.64), aside + draft.draw(-0.08, 0.08)):
        return False
    place, heading = draft.body_at(touch)
    if not draft.stage.sees(draft.eye_at(touch), thing):
        return False
    outward = point - np.array([*place, SHOULDER_SHARE * draft.stage.wearer.height])
    tip = point - FINGERS * outward / np.linalg.norm(outward)
    left = np.array([-np.sin(heading), np.cos(heading), 0.0])
    points = np.stack([tip + 0.11 * left, tip - 0.11 * left]) if len(sides) == 2 else tip[None]
    posture = draft.reach_with(
        sides, points, (touch - draft.draw(1.0, 1.3), touch), (leave, leave + draft.draw(1.0, 1.4))
    )
    if posture is None:
        return False
    draft.glance_at(
        thing, max(touch - 1.8, 0.0), leave, below=0.52, forced=True, lowered=posture.crouch + 0.2 * posture.lean
    )
    draft.say(Clause("reach", hand="both" if len(sides) == 2 else sides[0], thing=thing.name))
    return True
