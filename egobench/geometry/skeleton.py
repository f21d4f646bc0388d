"""Skeletons: joints by name, their parents, and forward kinematics. Metres, z up.

In every skeleton's identity pose the person faces +x with the arms stretched along y (left is +y);
a joint's rotation is joint → world, so the identity pose has 23 identity matrices.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

from egobench.errors import UnknownNameError
from egobench.registry import unknown


@dataclass(frozen=True)
class Skeleton:
    """Names and tree of one skeleton; bone lengths belong to the wearer, not to the skeleton."""

    name: str
    """Identifier used in files and manifests."""
    joints: tuple[str, ...]
    """Joint names in array order, parents before children."""
    parents: tuple[int, ...]
    """Index of each joint's parent; -1 for the root."""
    palm_direction: Mapping[str, tuple[float, float, float]] = field(default_factory=dict)
    """Per hand joint, the unit vector from wrist to palm in that joint's own frame."""

    def index(self, joint: str) -> int:
        """Array index of a joint.

        Raises:
            UnknownNameError: no such joint.
        """
        if joint not in self.joints:
            raise UnknownNameError(unknown(f"joints of {self.name}", joint, list(self.joints)))
        return self.joints.index(joint)

    def __len__(self) -> int:
        return len(self.joints)


XSENS23 = Skeleton(
    name="xsens23",
    joints=(
        *("pelvis", "l5", "l3", "t12", "t8", "neck", "head"),
        *("right_shoulder", "right_upper_arm", "right_forearm", "right_hand"),
        *("left_shoulder", "left_upper_arm", "left_forearm", "left_hand"),
        *("right_upper_leg", "right_lower_leg", "right_foot", "right_toe"),
        *("left_upper_leg", "left_lower_leg", "left_foot", "left_toe"),
    ),
    parents=(-1, 0, 1, 2, 3, 4, 5, 4, 7, 8, 9, 4, 11, 12, 13, 0, 15, 16, 17, 0, 19, 20, 21),
    palm_direction={"left_hand": (0.0, 1.0, 0.0), "right_hand": (0.0, -1.0, 0.0)},
)
"""The 23 XSens MVN segments, in the order of Nymeria's `xdata.npz`. A segment sits at its proximal joint:
`left_hand` is the wrist, `head` the top of the neck, `left_toe` the ball of the foot."""

SKELETONS: dict[str, Skeleton] = {XSENS23.name: XSENS23}


def get_skeleton(name: str) -> Skeleton:
    """Skeleton by name.

    Raises:
        UnknownNameError: not one of `SKELETONS`.
    """
    if name not in SKELETONS:
        raise UnknownNameError(unknown("skeletons", name, SKELETONS))
    return SKELETONS[name]


def forward_kinematics(
    skeleton: Skeleton,
    offsets: Float[np.ndarray, "joint 3"],
    root_positions: Float[np.ndarray, "*time 3"],
    rotations: Float[np.ndarray, "*time joint 3 3"],
) -> Float[np.ndarray, "*time joint 3"]:
    """World positions of all joints.

    Args:
        offsets: from each joint's parent to the joint, in the parent's frame, metres; row 0 is unused.
        root_positions: world position of the root, metres.
        rotations: joint → world.
    """
    positions = [root_positions]
    for joint, parent in enumerate(skeleton.parents[1:], start=1):
        step = np.einsum("...ij,j->...i", rotations[..., parent, :, :], offsets[joint])
        positions.append(positions[parent] + step)
    return np.stack(positions, axis=-2)
