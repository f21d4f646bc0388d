"""Computes joint frames for a zero pose that may not be a T pose. Our identity pose remains the T pose.

If the zero pose is a T pose along the file's axes, one rotation serves all joints (`t_pose_axes`). Otherwise
(`joint_frames`), hips and shoulders determine the frames of the joints to which they are attached. Other bones
determine only their own direction. The twist about a bone is taken from the zero pose, unless the motion differs from
it by 30° on average.
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
"""The zero pose counts as standing along an axis, or its arms as stretched along it, above this cosine."""
PAIRS = ("upper_leg", "shoulder", "upper_arm")
"""Parts whose left and right joints, on a common parent, show the left direction of that parent."""
LARGEST_BIAS = np.deg2rad(30)
"""Radians. If the zero pose's frame of a joint is this far from the motion's average, the average is used."""
SHORTEST = 1e-6
"""A bone shorter than this share of the body's length has no direction."""


def t_pose_axes(skeleton: Skeleton, rest: Float[np.ndarray, "joint 3"]) -> Float[np.ndarray, "3 3"] | None:
    """Columns: forward, left, up of the body in a T pose along the file's axes. None for other poses."""
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
    """Each joint's rotation from our frame to the file's; and the joints whose twist is the motion's average.

    Args:
        rest: joints in the zero pose, in which all frames of the file equal its world frame.
        rotations: rotations of the file, joint → world.

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
    """Children of the joint whose bone is long enough. The one towards the head comes first."""
    children = [child for child, parent in enumerate(skeleton.parents) if parent == joint]
    to_head = chain(skeleton, "head")
    long = [child for child in children if np.linalg.norm(rest[child] - rest[joint]) > shortest]
    return sorted(long, key=lambda child: child not in to_head)


def _spanned(
    skeleton: Skeleton, rest: Float[np.ndarray, "joint 3"], joint: int, ends: list[int]
) -> Float[np.ndarray, "3 3"] | None:
    """Forward, left and up of a joint with a left bone, a right bone and one towards the head; else None."""
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
    """Rotates a frame the shortest way, so that the joint's bone lies in it as in the T pose."""
    if not ends:
        return start
    ours = start @ rest_direction(skeleton.joints[ends[0]])
    return swing(ours, (rest[ends[0]] - rest[joint])[None])[0] @ start


def _axis(vector: Float[np.ndarray, " 3"]) -> Float[np.ndarray, " 3"] | None:
    """The signed axis along which a vector lies; None if it lies along no axis."""
    for axis, sign in itertools.product(np.eye(3), (1.0, -1.0)):
        if sign * (axis @ vector) > STRAIGHT * np.linalg.norm(vector):
            return sign * axis
    return None
