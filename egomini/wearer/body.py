"""From a script to a posed body: pelvis, spine, head, planted legs, reaching and swinging arms. Metres, world.

Angles of the trunk are yaw, pitch (positive is forward), roll about z, y, x, shared out between pelvis, chest, head.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float
from scipy.ndimage import maximum_filter1d, uniform_filter1d
from scipy.spatial.transform import Rotation

from egobench.geometry.skeleton import XSENS23, forward_kinematics
from egobench.types import SIDES, Side
from egomini.wearer.gait import Steps, take_steps
from egomini.wearer.ik import arm_frame, leg_frame, two_bone
from egomini.wearer.script import Script
from egomini.wearer.wearers import arm_lengths, leg_lengths, standing_hip
from egomini.world.scene import Wearer

TRUNK = {"pelvis": 0.0, "l5": 0.25, "l3": 0.5, "t12": 0.75, "t8": 1.0}
"""Share of the way from the pelvis' angles to the chest's."""
PELVIS_LEAN = 0.45
"""The pelvis' share of a forward bend."""
STRAIGHT = 0.992
"""A leg is never stretched beyond this share of its length."""
STANCE_DROP = 0.008
"""Metres by which a standing body's hips are below straight legs."""
ELBOW_POLE = (-0.5, 0.3, -0.85)
"""Bend direction of the left elbow in the chest's upright frame: back, out, down."""


class Pose(NamedTuple):
    """A posed body over the frames of a clip."""

    root: Float[np.ndarray, "time 3"]
    rotations: Float[np.ndarray, "time joint 3 3"]
    contacts: Bool[np.ndarray, "time 4"]


def hip_back(crouch: np.ndarray | float, lean: np.ndarray | float) -> np.ndarray | float:
    """Metres by which the hips go back to keep balance."""
    return 0.20 * np.asarray(crouch) + 0.10 * np.sin(lean)


def pose_body(script: Script, wearer: Wearer, rng: np.random.Generator) -> Pose:
    """Joint rotations and root of a padded script's clip; the same generator state gives the same body."""
    steps = take_steps(script.clock.times, script.xy, script.heading, wearer, left_first=bool(rng.random() < 0.5))
    script, steps = script.clip(), steps.cut(script.clock.keep)
    rotations = np.zeros((len(script.xy), len(XSENS23), 3, 3))
    _pose_trunk(rotations, script, steps, rng)
    root = _root(rotations, script, steps, wearer, rng)
    _pose_legs(rotations, root, steps, wearer)
    for joint in ("shoulder", "upper_arm", "forearm", "hand"):  # arms move with the chest until they are posed
        for side in SIDES:
            rotations[:, XSENS23.index(f"{side}_{joint}")] = rotations[:, XSENS23.index("t8")]
    positions = forward_kinematics(XSENS23, wearer.offsets, root, rotations)
    for side in SIDES:
        _pose_arm(rotations, positions, script, steps, wearer, side)
    return Pose(root, rotations, steps.contacts)


def _wander(times: np.ndarray, rng: np.random.Generator, amplitude: float) -> np.ndarray:
    """Slow idle motion of a living body: two sines of random phase."""
    slow, fast = rng.uniform(0.12, 0.2), rng.uniform(0.25, 0.35)
    phases = rng.uniform(0.0, 2.0 * np.pi, 2)
    waves = np.sin(2 * np.pi * slow * times + phases[0]) + 0.5 * np.sin(2 * np.pi * fast * times + phases[1])
    return amplitude * waves / 1.5


def _pose_trunk(rotations: np.ndarray, script: Script, steps: Steps, rng: np.random.Generator) -> None:
    times = script.clock.times
    yaw, pitch = (script.gaze_yaw + _wander(times, rng, 0.012), script.gaze_pitch + _wander(times, rng, 0.009))
    aside = yaw - script.heading
    zero = np.zeros_like(times)
    pelvis = np.stack(
        [script.heading + 0.06 * aside - 0.18 * steps.stride, PELVIS_LEAN * script.lean, 0.02 * steps.sway], axis=-1
    )
    chest_pitch = script.lean + 0.12 * np.maximum(pitch, 0.0)
    chest = np.stack([script.heading + 0.32 * aside + 0.10 * steps.stride, chest_pitch, zero], axis=-1)
    head = np.stack([yaw, pitch, 0.06 * aside + _wander(times, rng, 0.006)], axis=-1)
    angles = [(1.0 - share) * pelvis + share * chest for share in TRUNK.values()]
    joints = [XSENS23.index(joint) for joint in (*TRUNK, "neck", "head")]
    rotations[:, joints] = _turned(np.stack([*angles, 0.5 * (chest + head), head], axis=1))


def _turned(angles: Float[np.ndarray, "time joint 3"]) -> Float[np.ndarray, "time joint 3 3"]:
    matrices = Rotation.from_euler("ZYX", angles.reshape(-1, 3)).as_matrix()
    return matrices.reshape(*angles.shape, 3)


def upright(yaw: Float[np.ndarray, " time"], vectors: Float[np.ndarray, "*time 3"]) -> Float[np.ndarray, "time 3"]:
    """Vectors (ahead, left, up) turned about +z."""
    cosine, sine = np.cos(yaw), np.sin(yaw)
    ahead, left = vectors[..., 0], vectors[..., 1]
    up = np.broadcast_to(vectors[..., 2], yaw.shape)
    return np.stack([cosine * ahead - sine * left, sine * ahead + cosine * left, up], axis=-1)


def _root(
    rotations: np.ndarray, script: Script, steps: Steps, wearer: Wearer, rng: np.random.Generator
) -> Float[np.ndarray, "time 3"]:
    """Pelvis position: above the path, swaying, and never so high that a leg is stretched too far."""
    times = script.clock.times
    offset = np.stack(
        [
            -hip_back(script.crouch, script.lean) + _wander(times, rng, 0.004),
            0.018 * steps.sway + _wander(times, rng, 0.004),
            np.zeros_like(times),
        ],
        axis=-1,
    )
    bob = wearer.head_bob * (np.abs(steps.sway) - 0.5) * uniform_filter1d(np.abs(steps.sway) * 2.0, 15, mode="nearest")
    root = upright(script.heading, offset)
    root[:, :2] += script.xy
    root[:, 2] = standing_hip(wearer) - STANCE_DROP - script.crouch + bob
    drop = np.zeros_like(times)
    for foot, side in enumerate(SIDES):
        hip = root + rotations[:, XSENS23.index("pelvis")] @ wearer.offsets[XSENS23.index(f"{side}_upper_leg")]
        across = np.sum((hip[:, :2] - steps.ankles[:, foot, :2]) ** 2, axis=-1)
        highest = steps.ankles[:, foot, 2] + np.sqrt(
            np.maximum((STRAIGHT * sum(leg_lengths(wearer))) ** 2 - across, 0.01)
        )
        drop = np.maximum(drop, hip[:, 2] - highest)
    # A running mean of a running maximum of the same width is smooth and nowhere below the drop itself.
    for size in (5, 5):
        drop = uniform_filter1d(maximum_filter1d(drop, size, mode="nearest"), size, mode="nearest")
    root[:, 2] -= drop
    return root


def _pose_legs(rotations: np.ndarray, root: np.ndarray, steps: Steps, wearer: Wearer) -> None:
    pelvis = rotations[:, XSENS23.index("pelvis")]
    for foot, side in enumerate(SIDES):
        hip = root + pelvis @ wearer.offsets[XSENS23.index(f"{side}_upper_leg")]
        yaw = steps.yaw[:, foot]
        pole = np.stack([np.cos(yaw), np.sin(yaw), np.zeros_like(yaw)], axis=-1) + pelvis[:, :, 0]
        limb = two_bone(hip, steps.ankles[:, foot], leg_lengths(wearer), pole)
        rotations[:, XSENS23.index(f"{side}_upper_leg")] = leg_frame(limb.upper, limb)
        rotations[:, XSENS23.index(f"{side}_lower_leg")] = leg_frame(limb.lower, limb)
    pitch = np.stack([steps.pitch, np.minimum(steps.pitch, 0.0)], axis=-1)  # the ball stays flat while the heel is up
    yaw = np.broadcast_to(steps.yaw[..., None], pitch.shape)
    angles = np.stack([yaw, pitch, np.zeros_like(pitch)], axis=-1).reshape(len(root), -1, 3)
    feet = [XSENS23.index(f"{side}_{joint}") for side in SIDES for joint in ("foot", "toe")]
    rotations[:, feet] = _turned(angles)


def _hanging_palm(steps: Steps, wearer: Wearer, side: Side) -> Float[np.ndarray, "time 3"]:
    """Shoulder → palm of a hanging arm that swings against its leg, in the upright chest frame."""
    sign = 1.0 if side == "left" else -1.0
    upper, lower = arm_lengths(wearer)
    swing = np.deg2rad(2.0) - sign * wearer.arm_swing * np.clip(steps.stride / 0.5, -1.0, 1.0)
    bend = np.deg2rad(20.0) + 0.5 * np.maximum(swing, 0.0)
    out = np.deg2rad(9.0)
    ahead = upper * np.sin(swing) + lower * np.sin(swing + bend)
    down = upper * np.cos(swing) + lower * np.cos(swing + bend)
    return np.stack([ahead, sign * np.sin(out) * down, -np.cos(out) * down], axis=-1)


def _pose_arm(
    rotations: np.ndarray, positions: np.ndarray, script: Script, steps: Steps, wearer: Wearer, side: Side
) -> None:
    sign = 1.0 if side == "left" else -1.0
    chest = rotations[:, XSENS23.index("t8")]
    yaw = np.arctan2(chest[:, 1, 0], chest[:, 0, 0])
    shoulder, neck = positions[:, XSENS23.index(f"{side}_upper_arm")], positions[:, XSENS23.index("neck")]
    palm = shoulder + upright(yaw, _hanging_palm(steps, wearer, side))
    twist = np.zeros_like(yaw)
    for task in script.hands:
        if task.side == side:
            target = task.target if task.frame == "world" else neck + upright(yaw, task.target)
            palm = palm + task.weight[:, None] * (target - palm)
            twist = twist + task.weight * task.twist
    pole = upright(yaw, np.array([ELBOW_POLE[0], sign * ELBOW_POLE[1], ELBOW_POLE[2]]))
    limb = two_bone(shoulder, palm, arm_lengths(wearer), pole)
    rotations[:, XSENS23.index(f"{side}_upper_arm")] = arm_frame(limb.upper, limb, side)
    rotations[:, XSENS23.index(f"{side}_forearm")] = arm_frame(limb.lower, limb, side, 0.5 * twist)
    rotations[:, XSENS23.index(f"{side}_hand")] = arm_frame(limb.lower, limb, side, twist)
