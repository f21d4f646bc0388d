"""Rotations in HumanML3D's vectors: the direction of each bone, as six numbers per joint, along chains.

Axes are HumanML3D's (x left, y up, z forward) unless a line says otherwise. Headings: angles about y from +z, radians.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float

from egobench.errors import BadInputError
from egobench.geometry.body import chain
from egobench.geometry.contact import FOOT_JOINTS
from egobench.geometry.skeleton import HUMANML3D22, KIT21, Skeleton
from egobench.motions.axes import Y_UP
from egobench.motions.identity_pose import rest_direction
from egobench.motions.swing import from_sixd, sixd, spans, swing

_LEFT, _RIGHT, _UP, _DOWN, _AHEAD = (1, 0, 0), (-1, 0, 0), (0, 1, 0), (0, -1, 0), (0, 0, 1)


@dataclass(frozen=True)
class Layout:
    """The meaning of the vectors of one skeleton.

    The turn of a joint belongs to the bone that *ends* in it. G(joint) is the product of the turns along the chain. It
    takes `bones[joint]` to the direction of that bone. Every chain starts from r, not from the joint to which it is
    attached. Each G is the shortest rotation from the world's axes. It contains no twist, not even the heading's.
    """

    skeleton: Skeleton
    fps: float
    """Frames per second of the data set."""
    bones: tuple[tuple[int, int, int], ...]
    """Direction of the bone that ends in each joint if its G is the identity, HumanML3D's axes; none for the root."""
    feet: tuple[str, ...]
    """Joints whose contacts the vectors contain."""
    arm: str
    """First joint of an arm's chain, without its side. HumanML3D has collar bones; KIT has none."""

    @cached_property
    def before(self) -> tuple[int, ...]:
        """The previous joint in each joint's chain; the root where a chain begins: at hips, spine and arms."""
        skeleton = self.skeleton
        starts = {f"{side}_{self.arm}" for side in ("left", "right")}
        return tuple(
            0 if name in starts else parent for name, parent in zip(skeleton.joints, skeleton.parents, strict=True)
        )

    @property
    def width(self) -> int:
        """Numbers per frame."""
        return 12 * len(self.skeleton) - 1

    def split(self, vectors: Float[np.ndarray, "time channel"]) -> list[np.ndarray]:
        """Splits vectors into yaw, velocity, height, places, turns, steps, contacts."""
        rest = len(self.skeleton) - 1
        return np.split(vectors, np.cumsum([1, 2, 1, 3 * rest, 6 * rest, 3 * rest + 3]), axis=1)


HUMANML3D = Layout(
    HUMANML3D22,
    20.0,
    bones=(
        *((0, 0, 0), _LEFT, _RIGHT, _UP, _DOWN, _DOWN, _UP, _DOWN, _DOWN, _UP, _AHEAD, _AHEAD, _UP, _LEFT, _RIGHT),
        *(_AHEAD, *(_DOWN,) * 6),
    ),
    feet=FOOT_JOINTS,
    arm="shoulder",
)
KIT = Layout(
    KIT21,
    12.5,
    bones=(
        *((0, 0, 0), *(_UP,) * 4, _LEFT, _DOWN, _DOWN, _RIGHT, _DOWN, _DOWN),
        *(_LEFT, _DOWN, _DOWN, _AHEAD, _AHEAD, _RIGHT, _DOWN, _DOWN, _AHEAD, _AHEAD),
    ),
    feet=("left_midfoot", "left_toe", "right_midfoot", "right_toe"),
    arm="upper_arm",
)
LAYOUTS = {layout.width: layout for layout in (HUMANML3D, KIT)}


def about_y(angles: Float[np.ndarray, " time"]) -> Float[np.ndarray, "time 3 3"]:
    """Rotations about y; +90° takes z to x."""
    cos, sin, zero = np.cos(angles), np.sin(angles), np.zeros(len(angles))
    rows = [cos, zero, sin, zero, zero + 1, zero, -sin, zero, cos]
    return np.stack(rows, axis=-1).reshape(-1, 3, 3)


def bone_turns(
    layout: Layout, heading: Float[np.ndarray, " time"], positions: Float[np.ndarray, "time joint 3"]
) -> Float[np.ndarray, "time bone 6"]:
    """Six numbers per joint, computed from the directions of the bones."""
    chained = [about_y(-heading)]
    for joint, parent in enumerate(layout.skeleton.parents[1:], start=1):
        bone = positions[:, joint] - positions[:, parent]
        chained.append(swing(np.array(layout.bones[joint], dtype=float), bone))
    pairs = zip(layout.before[1:], chained[1:], strict=True)
    return np.stack([sixd(np.swapaxes(chained[before], -1, -2) @ own) for before, own in pairs], axis=1)


def bone_directions(
    layout: Layout, heading: Float[np.ndarray, " time"], turns: Float[np.ndarray, "time bone 6"]
) -> Float[np.ndarray, "time joint 3"]:
    """Direction of the bone that ends in each joint, in HumanML3D's axes."""
    flat = ~spans(turns)
    if flat.any():
        frame, bone = np.argwhere(flat)[0]
        joint = layout.skeleton.joints[bone + 1]
        text = (
            f"humanml3d: the six numbers of vector {frame}, joint {joint} are no rotation: their columns span no plane"
        )
        raise BadInputError(text, code="humanml3d-turn")
    local = from_sixd(turns)
    chained = [about_y(-heading)]
    for joint in range(1, len(layout.skeleton)):
        chained.append(chained[layout.before[joint]] @ local[:, joint - 1])
    bones = np.array(layout.bones, dtype=float)
    return np.einsum("tjab,jb->tja", np.stack(chained, axis=1), bones)


def joint_rotations(
    layout: Layout, heading: Float[np.ndarray, " time"], bones: Float[np.ndarray, "time joint 3"]
) -> Float[np.ndarray, "time joint 3 3"]:
    """Rotations joint → world in our axes: the heading, then the shortest rotation that points each joint's bone.

    Args:
        bones: the bone that ends in each joint, of any length. The root's is not used.
    """
    skeleton = layout.skeleton
    to_head = chain(skeleton, "head")
    facing = Y_UP @ about_y(heading) @ Y_UP.T
    inside = np.einsum("tba,tjb->tja", facing, bones @ Y_UP.T)
    rotations = np.empty((len(heading), len(skeleton), 3, 3))
    for joint in range(len(skeleton)):
        children = [child for child, parent in enumerate(skeleton.parents) if parent == joint]
        if not children:
            rotations[:, joint] = rotations[:, skeleton.parents[joint]]
            continue
        child = next((child for child in children if child in to_head), children[0])
        rest = rest_direction(skeleton.joints[child])
        rotations[:, joint] = facing @ swing(rest, inside[:, child])
    return rotations
