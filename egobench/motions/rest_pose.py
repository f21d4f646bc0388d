"""Frames of joints from a zero pose that need be no T pose, so that our identity pose is the T pose all the same.

Where the zero pose is a T pose along the file's axes, one turn serves all joints (`t_pose_axes`). Elsewhere
(`joint_frames`) hips and shoulders give their joints' frames, and the other bones say where they point. What no bone
says is the turn about the bone; it is the zero pose's, unless the motion contradicts it by 30° on the average.
"""

import itertools

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from egobench.errors import BadInputError
from egobench.geometry.body import chain
from egobench.geometry.skeleton import Skeleton
from egobench.motions.identity_pose import rest_direction
from egobench.motions.swing import swing
from egobench.types import SIDES

STRAIGHT = 0.7
"""Cosine to an axis from which the zero pose counts as standing, or its arms as stretched, along it."""
PAIRS = ("upper_leg", "shoulder", "upper_arm")
"""Parts whose left and right one, on a common parent, show that parent's left."""
LARGEST_BIAS = np.deg2rad(30)
"""How far the zero pose's frame of a joint may be from the motion's average before the average is taken."""
SHORTEST = 1e-6
"""Length under which a bone has no direction, as a share of the body's."""


def t_pose_axes(skeleton: Skeleton, rest: Float[np.ndarray, "joint 3"]) -> Float[np.ndarray, "3 3"] | None:
    """Columns: forward, left and up of the body in a T pose along the file's axes; None if it is none."""
    at = {joint: rest[index] for index, joint in enumerate(skeleton.joints)}
    feet = (at["left_foot"] + at["right_foot"]) / 2
    up = _axis(at["head"] - feet)
    left = _axis(at["left_upper_leg"] - at["right_upper_leg"])
    arms = [
        _axis(sign * (at[f"{side}_hand"] - at[f"{side}_upper_arm"])) for side, sign in zip(SIDES, (1, -1), strict=True)
    ]
    if up is None or left is None or any(arm is None or (arm != left).any() for arm in arms) or up @ left:
        return None
    return np.stack([np.cross(left, up), left, up], axis=-1)


def joint_frames(
    skeleton: Skeleton, rest: Float[np.ndarray, "joint 3"], rotations: Float[np.ndarray, "time joint 3 3"]
) -> tuple[Float[np.ndarray, "joint 3 3"], list[str]]:
    """Per joint, the turn from our frame to the file's; and the joints whose turn about the bone is the average's.

    Args:
        rest: joints in the zero pose, where all the file's frames are its world's.
        rotations: the file's, joint → world.

    Raises:
        BadInputError: `bvh-rest`: hips and spine do not span a plane.
    """
    frames = np.empty((len(skeleton), 3, 3))
    guessed = []
    length = float(np.abs(rest - rest[0]).max())
    for joint, parent in enumerate(skeleton.parents):
        ends = _ends(skeleton, rest, joint, SHORTEST * length)
        own = _spanned(skeleton, rest, joint, ends)
        if own is not None:
            frames[joint] = own
            continue
        if parent < 0:
            text = (
                "bvh: in its zero pose hips and spine lie along one line, or in one place; its rotations have no names"
            )
            raise BadInputError(text, code="bvh-rest")
        turned = np.swapaxes(rotations[:, parent] @ frames[parent], -1, -2) @ rotations[:, joint]
        average = Rotation.from_matrix(turned).mean().as_matrix().T
        given, usual = (_pointed(start, skeleton, rest, joint, ends) for start in (frames[parent], average))
        away = Rotation.from_matrix(given.T @ usual).magnitude()
        frames[joint] = given if away < LARGEST_BIAS else usual
        guessed += [skeleton.joints[joint]] * bool(away >= LARGEST_BIAS)
    return frames, guessed


def _ends(skeleton: Skeleton, rest: Float[np.ndarray, "joint 3"], joint: int, shortest: float) -> list[int]:
    """The joint's children with a bone of some length, the one towards the head first."""
    children = [child for child, parent in enumerate(skeleton.parents) if parent == joint]
    to_head = chain(skeleton, "head")
    long = [child for child in children if np.linalg.norm(rest[child] - rest[joint]) > shortest]
    return sorted(long, key=lambda child: child not in to_head)


def _spanned(
    skeleton: Skeleton, rest: Float[np.ndarray, "joint 3"], joint: int, ends: list[int]
) -> Float[np.ndarray, "3 3"] | None:
    """Forward, left and up of a joint that has a left and a right bone and one towards the head."""
    names = {skeleton.joints[end]: end for end in ends}
    part = next((part for part in PAIRS if all(f"{side}_{part}" in names for side in SIDES)), None)
    if part is None or ends[0] not in chain(skeleton, "head"):
        return None
    left = rest[names[f"left_{part}"]] - rest[names[f"right_{part}"]]
    up = rest[ends[0]] - rest[joint]
    forward = np.cross(left, up)
    if np.linalg.norm(forward) <= 0.1 * np.linalg.norm(left) * np.linalg.norm(up) or not forward.any():
        return None
    left, forward = (vector / np.linalg.norm(vector) for vector in (left, forward))
    return np.stack([forward, left, np.cross(forward, left)], axis=-1)


def _pointed(
    start: Float[np.ndarray, "3 3"], skeleton: Skeleton, rest: Float[np.ndarray, "joint 3"], joint: int, ends: list[int]
) -> Float[np.ndarray, "3 3"]:
    """A frame, turned the shortest way so that the joint's bone lies in it as in the T pose."""
    if not ends:
        return start
    ours = start @ rest_direction(skeleton.joints[ends[0]])
    return swing(ours, (rest[ends[0]] - rest[joint])[None])[0] @ start


def _axis(vector: Float[np.ndarray, " 3"]) -> Float[np.ndarray, " 3"] | None:
    """The signed axis along which a vector lies, if any."""
    for axis, sign in itertools.product(np.eye(3), (1.0, -1.0)):
        if sign * (axis @ vector) > STRAIGHT * np.linalg.norm(vector):
            return sign * axis
    return None
