"""The skeleton that a representation needs: joints, their parents, the head, the feet.

In the identity pose the person stands facing +x, left is +y, up is +z, and every joint → world rotation is the
identity. The root comes first and parents come before children.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Skeleton:
    """A tree of named joints; bone lengths belong to the person."""

    name: str
    joints: tuple[str, ...]
    """Names in array order."""
    parents: tuple[int, ...]
    """Index of each joint's parent; -1 for the root, which is joint 0."""
    head: str = "head"
    """The joint that carries the camera."""
    feet: tuple[str, ...] = ("left_foot", "left_toe", "right_foot", "right_toe")
    """The joints that touch the floor."""

    def __post_init__(self) -> None:
        """Refuses a tree whose parents do not come first, and a head or feet that are none of its joints."""
        ordered = all(-1 < parent < joint for joint, parent in enumerate(self.parents[1:], start=1))
        if len(self.joints) != len(self.parents) or self.parents[:1] != (-1,) or not ordered:
            raise ValueError(
                f"{self.name}: every joint needs a parent; the root is first, with parent -1, and parents come before "
                "children"
            )
        missing = sorted({self.head, *self.feet} - set(self.joints))
        if missing:
            raise ValueError(f"{self.name} has no joint {missing[0]!r}; it has {', '.join(self.joints)}")

    def index(self, joint: str) -> int:
        """Array index of a joint; ValueError if there is none of that name."""
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
)
"""The 23 segments of XSens MVN, Nymeria's body."""

SMPL22 = Skeleton(
    name="smpl22",
    joints=(
        *("pelvis", "left_upper_leg", "right_upper_leg", "spine1", "left_lower_leg", "right_lower_leg", "spine2"),
        *("left_foot", "right_foot", "spine3", "left_toe", "right_toe", "neck", "left_shoulder", "right_shoulder"),
        *("head", "left_upper_arm", "right_upper_arm", "left_forearm", "right_forearm", "left_hand", "right_hand"),
    ),
    parents=(-1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19),
)
"""The 22 body joints of SMPL."""
