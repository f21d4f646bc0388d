"""Faults of a motion, each with one strength. Positions and rotations still agree, unless their disagreement is the
fault.

World metres, z up. Random draws are the same at every strength, so that only the strength changes along a ladder.
"""

from dataclasses import replace

import numpy as np

from egobench import Motion, forward_kinematics, get_skeleton

MIRROR = np.diag([1.0, -1.0, 1.0])
ARM = ("shoulder", "upper_arm", "forearm", "hand")


def yaw_drift(motion: Motion, degrees_per_s: float, rng: np.random.Generator) -> Motion:
    """The heading drifts as with a gyroscope's bias: the body turns more and more, and the path bends."""
    del rng
    rotations = _about_z(np.deg2rad(degrees_per_s) * _times(motion))
    root = motion.positions[:, :1]
    steps = np.diff(root[:, 0], axis=0, prepend=root[:1, 0])
    bent = root[0, 0] + np.cumsum(np.einsum("tab,tb->ta", rotations, steps), axis=0)
    about_root = np.einsum("tab,tjb->tja", rotations, motion.positions - root)
    return replace(motion, positions=about_root + bent[:, None], rotations=rotations[:, None] @ motion.rotations)


def lateral_drift(motion: Motion, m_per_s: float, rng: np.random.Generator) -> Motion:
    """The whole body slides to the left of its first heading; every rotation is right."""
    del rng
    return _shifted(motion, m_per_s * _times(motion)[:, None] * _heading(motion)[:, 1])


def slide(motion: Motion, m_per_s: float, rng: np.random.Generator) -> Motion:
    """The whole body slides along its first heading, feet and all."""
    del rng
    return _shifted(motion, m_per_s * _times(motion)[:, None] * _heading(motion)[:, 0])


def jitter(motion: Motion, metres: float, rng: np.random.Generator) -> Motion:
    """The whole body jitters: white noise of this standard deviation along each axis."""
    return _shifted(motion, metres * rng.normal(size=(len(motion.positions), 3)))


def lift(motion: Motion, metres: float, rng: np.random.Generator) -> Motion:
    """The whole body is this much too high."""
    del rng
    return _shifted(motion, np.array([0.0, 0.0, metres]))


def sink(motion: Motion, metres: float, rng: np.random.Generator) -> Motion:
    """The whole body is this much too low, in the floor."""
    return lift(motion, -metres, rng)


def stretch(motion: Motion, percent: float, rng: np.random.Generator) -> Motion:
    """All bones grow evenly over the clip, by `percent` at its end; the feet stay on the floor."""
    del rng
    factor = 1 + 0.01 * percent * np.linspace(0, 1, len(motion.positions))[:, None, None]
    root = motion.positions[:, :1]
    raised = root * np.where(np.arange(3) == 2, factor, 1.0)
    return replace(motion, positions=raised + factor * (motion.positions - root))


def head_slip(motion: Motion, metres: float, rng: np.random.Generator) -> Motion:
    """The head moves back and forth against the neck once a second, by this much; no rotation changes."""
    del rng
    positions = motion.positions.copy()
    sway = metres * np.sin(2 * np.pi * _times(motion))[:, None] * _heading(motion)[:, 0]
    positions[:, get_skeleton(motion.skeleton).index("head")] += sway
    return replace(motion, positions=positions)


def delay(motion: Motion, seconds: float, rng: np.random.Generator) -> Motion:
    """The motion starts later by this time, to the nearest frame; until then the first pose is held."""
    del rng
    frames = np.maximum(np.arange(len(motion.positions)) - round(seconds * motion.fps), 0)
    return replace(motion, positions=motion.positions[frames], rotations=motion.rotations[frames])


def mirror(motion: Motion) -> Motion:
    """The body mirrored at the upright plane through its first root and heading: left is right and right is left."""
    other = _other_side(motion.skeleton)
    facing, start = _heading(motion), motion.positions[0, 0]
    across = facing @ MIRROR @ facing.T
    positions = start + (motion.positions[:, other] - start) @ across.T
    return replace(motion, positions=positions, rotations=across @ motion.rotations[:, other] @ MIRROR)


def mirror_arms(motion: Motion) -> Motion:
    """The arms exchange their movements, mirrored at the chest; the rest of the body, with the head, does not
    change."""
    skeleton, other = get_skeleton(motion.skeleton), _other_side(motion.skeleton)
    arms = [skeleton.index(f"{side}_{part}") for side in ("left", "right") for part in ARM]
    chest = motion.rotations[:, [skeleton.parents[arms[0]]]]
    across = chest @ MIRROR @ np.swapaxes(chest, -1, -2)
    rotations = motion.rotations.copy()
    rotations[:, arms] = across @ motion.rotations[:, [other[arm] for arm in arms]] @ MIRROR
    positions = forward_kinematics(skeleton, _offsets(motion), motion.positions[:, 0], rotations)
    moved = motion.positions.copy()
    moved[:, arms] = positions[:, arms]
    return replace(motion, positions=moved, rotations=rotations)


def _times(motion: Motion) -> np.ndarray:
    return np.arange(len(motion.positions)) / motion.fps


def _shifted(motion: Motion, by: np.ndarray) -> Motion:
    return replace(motion, positions=motion.positions + by.reshape(-1, 1, 3))


def _about_z(angles: np.ndarray) -> np.ndarray:
    rotations = np.tile(np.eye(3), (len(angles), 1, 1))
    rotations[:, 0, 0] = rotations[:, 1, 1] = np.cos(angles)
    rotations[:, 1, 0] = np.sin(angles)
    rotations[:, 0, 1] = -rotations[:, 1, 0]
    return rotations


def _heading(motion: Motion) -> np.ndarray:
    """Columns forward, left, up of the first frame's root, level."""
    forward = motion.rotations[0, 0, :, 0]
    return _about_z(np.array([np.arctan2(forward[1], forward[0])]))[0]


def _other_side(name: str) -> list[int]:
    """Per joint the joint of the other side."""
    skeleton = get_skeleton(name)
    swapped = {"left": "right", "right": "left"}
    sides = [joint.partition("_") for joint in skeleton.joints]
    return [skeleton.index(f"{swapped.get(side, side)}{bar}{part}") for side, bar, part in sides]


def _offsets(motion: Motion) -> np.ndarray:
    """Bone offsets in the parents' frames, metres, of the first frame."""
    skeleton = get_skeleton(motion.skeleton)
    offsets = np.zeros((len(skeleton), 3))
    for joint, parent in list(enumerate(skeleton.parents))[1:]:
        step = motion.positions[0, joint] - motion.positions[0, parent]
        offsets[joint] = motion.rotations[0, parent].T @ step
    return offsets
