"""Feet and floor: which foot joints carry the body, their speed, depth and height. World metres, floor at z = 0.

A foot joint is inside the foot, not on its sole. `SOLE` gives its possible heights above the ground while standing.
"""

import numpy as np
from jaxtyping import Bool, Float

from egobench.geometry.skeleton import Skeleton
from egobench.types import SIDES

FOOT_JOINTS = tuple(f"{side}_{part}" for side in SIDES for part in ("foot", "toe"))
"""Ankle and ball of each foot; the columns of `Reference.contacts`."""
SOLE: dict[str, tuple[float, float]] = {"foot": (0.03, 0.13), "toe": (0.01, 0.05)}
"""Least and greatest height of the ankle and of the ball over flat ground, any wearer and shoe, metres."""
NEAR_GROUND = 0.05
"""A foot joint that is within this distance of its standing height may carry the body, metres."""
STANDING_QUANTILE = 0.05
"""A joint's standing height is this quantile of its heights over the clip, so that one bad frame does not matter."""


def foot_positions(
    skeleton: Skeleton, positions: Float[np.ndarray, "time joint 3"]
) -> Float[np.ndarray, "time foot_joint 3"]:
    """The four foot joints, in the order of `FOOT_JOINTS`.

    Raises:
        UnknownNameError: the skeleton has no such joint.
    """
    return positions[:, [skeleton.index(joint) for joint in FOOT_JOINTS]]


def near_ground(feet: Float[np.ndarray, "time foot_joint 3"]) -> Bool[np.ndarray, "time foot_joint"]:
    """Whether each foot joint is within 5 cm of its standing height.

    The standing height is the 5 % quantile over the clip of the joint's height or of that of its mirror image,
    whichever is lower. So a raised leg does not count as standing, and a body that floats or sinks as a whole still
    stands.
    """
    heights = feet[..., 2]
    lowest = np.quantile(heights, STANDING_QUANTILE, axis=0).reshape(len(SIDES), -1)
    standing = np.tile(lowest.min(axis=0), len(SIDES))
    return heights <= standing + NEAR_GROUND


def support_speeds(feet: Float[np.ndarray, "time foot_joint 3"], fps: float | int) -> Float[np.ndarray, " step"]:
    """Horizontal speed of the supporting foot joint, m/s, for each step from frame to frame that has one.

    Of the joints that are near the ground at both ends of the step, the slowest carries the body. So a foot that swings
    low, a heel that rolls off or a toe that lands does not count.
    """
    grounded = near_ground(feet)
    both = grounded[1:] & grounded[:-1]
    speeds = np.linalg.norm(np.diff(feet[..., :2], axis=0), axis=-1) * fps
    return np.where(both, speeds, np.inf).min(axis=1)[both.any(axis=1)]


def penetration_depths(feet: Float[np.ndarray, "time foot_joint 3"]) -> Float[np.ndarray, " time"]:
    """Metres by which the deepest foot joint is lower than any sole allows; 0 if none is."""
    least = np.array([SOLE[joint.rpartition("_")[2]][0] for joint in FOOT_JOINTS])
    return np.maximum(0.0, (least - feet[..., 2]).max(axis=1))


def float_heights(feet: Float[np.ndarray, "time foot_joint 3"]) -> Float[np.ndarray, " time"]:
    """Metres by which the lowest foot joint is higher than any sole explains; 0 if a foot touches the floor."""
    greatest = np.array([SOLE[joint.rpartition("_")[2]][1] for joint in FOOT_JOINTS])
    return np.maximum(0.0, (feet[..., 2] - greatest).min(axis=1))
