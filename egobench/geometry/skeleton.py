"""Skeletons: joints by name, their parents, and forward kinematics. Metres, z up.

In every skeleton's identity pose the person faces +x with the arms stretched along y (left is +y);
a joint's rotation is joint → world, so in the identity pose every matrix is the identity.

A joint has the same name in all skeletons, whatever its source calls it: `left_foot` is the ankle, `left_toe` the ball
of the foot, `left_hand` the wrist, `left_upper_arm` the shoulder joint, `left_shoulder` the collar bone.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from jaxtyping import Float

from egobench.errors import BadInputError, UnknownNameError
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

_PALMS = XSENS23.palm_direction
_SMPL_BODY = (
    *("pelvis", "left_upper_leg", "right_upper_leg", "spine1", "left_lower_leg", "right_lower_leg", "spine2"),
    *("left_foot", "right_foot", "spine3", "left_toe", "right_toe", "neck", "left_shoulder", "right_shoulder"),
    *("head", "left_upper_arm", "right_upper_arm", "left_forearm", "right_forearm", "left_hand", "right_hand"),
)
_SMPL_PARENTS = (-1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19)

SMPL22 = Skeleton(name="smpl22", joints=_SMPL_BODY, parents=_SMPL_PARENTS, palm_direction=_PALMS)
"""The 22 body joints that SMPL and SMPL-H share, in their order."""
SMPL24 = Skeleton(
    name="smpl24",
    joints=(*_SMPL_BODY, "left_knuckles", "right_knuckles"),
    parents=(*_SMPL_PARENTS, 20, 21),
    palm_direction=_PALMS,
)
"""All 24 joints of SMPL; its two "hand" joints, behind the fingers, are the knuckles here."""
SMPLX22 = replace(SMPL22, name="smplx22")
"""The 22 body joints of SMPL-X. The tree is SMPL's, but the joints are at other places, so the name differs."""
HUMANML3D22 = replace(SMPL22, name="humanml3d22")
"""HumanML3D's 22 joints: SMPL's tree, but rotations without twist (`egobench.motions.humanml3d`)."""
KIT21 = Skeleton(
    name="kit21",
    joints=(
        *("pelvis", "spine1", "spine2", "neck", "head"),
        *(f"{side}_{part}" for side in ("right", "left") for part in ("upper_arm", "forearm", "hand")),
        *(
            f"{side}_{part}"
            for side in ("right", "left")
            for part in ("upper_leg", "lower_leg", "foot", "midfoot", "toe")
        ),
    ),
    parents=(-1, 0, 1, 2, 3, 3, 5, 6, 3, 8, 9, 0, 11, 12, 13, 14, 0, 16, 17, 18, 19),
    palm_direction=_PALMS,
)
"""The 21 joints of KIT-ML in HumanML3D's layout."""

SKELETONS: dict[str, Skeleton] = {
    skeleton.name: skeleton for skeleton in (XSENS23, SMPL22, SMPL24, SMPLX22, HUMANML3D22, KIT21)
}
BUILT_IN = frozenset(SKELETONS)
"""Names of the skeletons whose identity pose is known, without those that `add_skeleton` adds."""


def get_skeleton(name: str) -> Skeleton:
    """Skeleton by name.

    Raises:
        UnknownNameError: not one of `SKELETONS`.
    """
    if name not in SKELETONS:
        raise UnknownNameError(unknown("skeletons", name, SKELETONS))
    return SKELETONS[name]


def add_skeleton(skeleton: Skeleton) -> None:
    """Registers a data set's own skeleton by its name in this process; adding the same one again changes nothing.

    Raises:
        BadInputError: `skeleton-name`: the name belongs to another tree; `skeleton-tree`: repeated joints, parents
            after their children, or a joint is missing that the check of a body's height needs.
    """
    known = SKELETONS.get(skeleton.name)
    if known is not None:
        if (known.joints, known.parents) != (skeleton.joints, skeleton.parents):
            raise BadInputError(
                f"skeleton '{skeleton.name}' is known with {len(known)} joints as another tree; "
                "a skeleton of one's own needs a name of its own",
                code="skeleton-name",
            )
        return
    joints, parents = skeleton.joints, skeleton.parents
    ordered = all(-1 < parent < joint for joint, parent in enumerate(parents[1:], start=1))
    if len(set(joints)) != len(parents) or parents[:1] != (-1,) or not ordered:
        raise BadInputError(
            f"skeleton '{skeleton.name}': {len(set(joints))} different joints and {len(parents)} parents; one of each "
            "is needed, the root first with parent -1, parents before children",
            code="skeleton-tree",
        )
    missing = sorted({"head", "left_foot", "right_foot"} - set(joints))
    if missing:
        raise BadInputError(
            f"skeleton '{skeleton.name}' has no joint '{missing[0]}'; the height of a body is measured by "
            "head, left_foot and right_foot",
            code="skeleton-tree",
        )
    SKELETONS[skeleton.name] = skeleton


def chained_rotations(
    skeleton: Skeleton, local: Float[np.ndarray, "time joint 3 3"]
) -> Float[np.ndarray, "time joint 3 3"]:
    """Rotations joint → world of rotations joint → parent; the root's are joint → world already."""
    world = [local[:, 0]]
    for joint, parent in enumerate(skeleton.parents[1:], start=1):
        world.append(world[parent] @ local[:, joint])
    return np.stack(world, axis=1)


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
