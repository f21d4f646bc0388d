"""The identity pose, in which no joint is rotated, and how far that of a motion is from ours.

In the identity pose of every built-in skeleton, a person faces +x with the arms stretched along y; left is +y. The
direction of a bone in the frame of the joint where it starts is therefore known. Every frame of a motion shows it.
"""

import numpy as np
from jaxtyping import Float

from egobench.geometry.body import chain
from egobench.geometry.skeleton import BUILT_IN, Skeleton
from egobench.types import SIDES

_UP, _DOWN, _AHEAD, _LEFT = (0.0, 0.0, 1.0), (0.0, 0.0, -1.0), (1.0, 0.0, 0.0), (0.0, 1.0, 0.0)
DIRECTIONS = {
    "shoulder": ((0.0, 0.5, 0.85), _LEFT),
    "upper_arm": (_LEFT, _LEFT),
    "forearm": (_LEFT, _LEFT),
    "hand": (_LEFT, _LEFT),
    "knuckles": (_LEFT, _LEFT),
    "upper_leg": ((0.0, 0.85, -0.5), _LEFT),
    "lower_leg": (_DOWN, _DOWN),
    "foot": (_DOWN, _DOWN),
    "midfoot": ((0.9, 0.0, -0.4), _AHEAD),
    "toe": ((0.9, 0.0, -0.4), _AHEAD),
}
"""Directions of a left bone, by the joint at its end: the direction in a body, and the axis that stands for it (as in
HumanML3D). For a right bone, y is negated. Bodies differ by about 30°. All other bones point up."""


def rest_direction(end: str) -> Float[np.ndarray, " 3"]:
    """The axis along which the bone that ends in a joint lies in the T pose. A bone with an unknown name points to its
    own side, or up if it has no side."""
    side, _, part = end.partition("_")
    axis = DIRECTIONS[part][1] if part in DIRECTIONS else _LEFT
    if side not in SIDES and axis == _LEFT:
        return np.array(_UP)
    return np.array((0.0, -1.0, 0.0) if side == "right" and axis == _LEFT else axis)


def bone_directions(skeleton: Skeleton) -> Float[np.ndarray, "joint 3"] | None:
    """Unit vectors parent → joint in the identity pose; the root's row is zero. None for a user-defined skeleton."""
    if skeleton.name not in BUILT_IN:
        return None
    rows = np.zeros((len(skeleton), 3))
    for index, joint in enumerate(skeleton.joints[1:], start=1):
        side, _, part = joint.partition("_")
        rows[index] = DIRECTIONS[part][0] if side in SIDES else _UP
        rows[index, 1] *= -1 if side == "right" else 1
    return rows / np.maximum(np.linalg.norm(rows, axis=-1, keepdims=True), 1e-9)


def rest_error(skeleton: Skeleton, rest: Float[np.ndarray, "joint 3"]) -> float:
    """How far an implied rest pose is from ours, 0 … 1; 0 for a user-defined skeleton.

    This is the largest (1 - cosine) / 2 between our direction and the implied one. The directions are: head up; legs
    down; hips, shoulders and arms to the left; toes ahead; and all bones together, by their lengths. The reach of the
    hands shows nothing, because a hanging arm points down.

    Args:
        rest: offsets parent → joint in the parents' frames, metres (`egobench.geometry.body.rest_offsets`).
    """
    ours = bone_directions(skeleton)
    if ours is None:
        return 0.0
    lengths = np.linalg.norm(rest, axis=-1)
    ours = ours * lengths[:, None]
    errors = [_apart(_part(skeleton, rest, name), _part(skeleton, ours, name)) for name in PARTS]
    whole = float(np.sum(rest * ours)) / max(float(np.sum(lengths**2)), 1e-12)
    return max(*errors, (1 - whole) / 2)


PARTS = {
    "spine": (("", "head", 1.0),),
    "legs": tuple((f"{side}_upper_leg", f"{side}_foot", 1.0) for side in SIDES),
    "hips": (("", "left_upper_leg", 1.0), ("", "right_upper_leg", -1.0)),
    "shoulders": (("", "left_upper_arm", 1.0), ("", "right_upper_arm", -1.0)),
    "arms": (("left_upper_arm", "left_hand", 1.0), ("right_upper_arm", "right_hand", -1.0)),
    "toes": tuple((f"{side}_foot", f"{side}_toe", 1.0) for side in SIDES),
}
"""Part of the body → sums of bones. An entry: the joint after which a sum starts (or the root), its last joint, its
sign."""


def _part(skeleton: Skeleton, rest: Float[np.ndarray, "joint 3"], name: str) -> Float[np.ndarray, " 3"]:
    total = np.zeros(3)
    for start, end, sign in PARTS[name]:
        bones = set(chain(skeleton, end)) - set(chain(skeleton, start) if start else ())
        total += sign * rest[sorted(bones)].sum(axis=0)
    return total


def _apart(first: Float[np.ndarray, " 3"], second: Float[np.ndarray, " 3"]) -> float:
    sizes = float(np.linalg.norm(first) * np.linalg.norm(second))
    return (1 - float(first @ second) / max(sizes, 1e-12)) / 2
