"""Two-bone inverse kinematics and limb frames in the XSens identity pose. Metres, world, any leading axes.

The law of cosines places the middle joint; a pole vector says to which side it bends.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from egobench.types import Side

SLACK = 0.999
"""A limb is never stretched beyond this share of its length, so that its plane stays defined."""


class Limb(NamedTuple):
    """Unit vectors of a bent limb, world."""

    upper: Float[np.ndarray, "*time 3"]
    """Along the first bone."""
    lower: Float[np.ndarray, "*time 3"]
    """Along the second bone."""
    normal: Float[np.ndarray, "*time 3"]
    """Of the limb's plane: (root → target) × bend direction."""


def unit(vectors: Float[np.ndarray, "*time 3"]) -> Float[np.ndarray, "*time 3"]:
    """Vectors scaled to length 1."""
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def two_bone(
    root: Float[np.ndarray, "*time 3"],
    target: Float[np.ndarray, "*time 3"],
    lengths: tuple[float, float],
    pole: Float[np.ndarray, "*time 3"],
) -> Limb:
    """Directions of two bones that lead from `root` to `target` and bend towards `pole`.

    If the target is out of reach, the limb points towards it: bones never stretch.
    """
    first, second = lengths
    line = target - root
    distance = np.linalg.norm(line, axis=-1, keepdims=True)
    axis = line / np.maximum(distance, 1e-9)
    reach = np.clip(distance, 1.001 * abs(first - second) + 1e-6, SLACK * (first + second))
    bend = unit(pole - np.sum(pole * axis, axis=-1, keepdims=True) * axis)
    cosine = (first**2 + reach**2 - second**2) / (2.0 * first * reach)
    upper = cosine * axis + np.sqrt(np.maximum(1.0 - cosine**2, 0.0)) * bend
    lower = unit(reach * axis - first * upper)
    return Limb(upper, lower, np.cross(axis, bend))


def leg_frame(bone: Float[np.ndarray, "*time 3"], limb: Limb) -> Float[np.ndarray, "*time 3 3"]:
    """Segment → world of a thigh or shank along `bone`: the bone is local -z, the knee's hinge local +y."""
    hinge = -limb.normal
    return np.stack([np.cross(hinge, -bone), hinge, -bone], axis=-1)


def arm_frame(
    bone: Float[np.ndarray, "*time 3"], limb: Limb, side: Side, twist: Float[np.ndarray, "*time"] | float = 0.0
) -> Float[np.ndarray, "*time 3 3"]:
    """Segment → world of an upper arm, forearm or hand along `bone`.

    The bone is local +y on the left and -y on the right, the elbow's hinge local z; a positive `twist` (radians
    about local y) turns the palm from facing inward to facing down or forward.
    """
    sign = 1.0 if side == "left" else -1.0
    y, z = sign * bone, sign * limb.normal
    x = np.cross(y, z)
    cosine, sine = np.cos(twist)[..., None], np.sin(twist)[..., None]
    return np.stack([cosine * x - sine * z, y, sine * x + cosine * z], axis=-1)
