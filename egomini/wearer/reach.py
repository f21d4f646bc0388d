"""The bend and crouch that bring a palm to a point, by a small search over postures. Metres, radians."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from egobench.geometry.skeleton import XSENS23
from egobench.types import Side
from egomini.wearer.body import PELVIS_LEAN, STANCE_DROP, TRUNK, hip_back
from egomini.wearer.wearers import arm_lengths, standing_hip
from egomini.world.scene import Wearer

FARTHEST = 0.93
"""Share of the arm's length that a reach uses at most."""
NEAREST = 0.45
EASY_CROUCH = 0.13
EASY_LEAN = np.deg2rad(32.0)
_CROUCHES = np.linspace(0.0, 0.42, 13)
_LEANS = np.deg2rad(np.linspace(0.0, 48.0, 13))


class Posture(NamedTuple):
    """A bend of the body."""

    crouch: float
    lean: float


_SPINE = ("l5", "l3", "t12", "t8", "neck", "head")


def head_height(wearer: Wearer) -> float:
    """Of the standing head joint, metres."""
    return standing_hip(wearer) - STANCE_DROP + sum(float(wearer.offsets[XSENS23.index(j)][2]) for j in _SPINE)


def shoulders(wearer: Wearer, crouch: np.ndarray, lean: np.ndarray) -> Float[np.ndarray, "*posture 2"]:
    """(ahead, up) of the shoulders over the spot between the feet, for bends of the body."""
    ahead = -np.asarray(hip_back(crouch, lean))
    up = standing_hip(wearer) - STANCE_DROP - crouch
    shares = list(TRUNK.values())
    lengths = [wearer.offsets[XSENS23.index(joint)][2] for joint in _SPINE[:4]]
    lengths.append(wearer.offsets[XSENS23.index("left_shoulder")][2])
    for share, length in zip(shares, lengths, strict=True):
        pitch = lean * ((1.0 - share) * PELVIS_LEAN + share)
        ahead = ahead + length * np.sin(pitch)
        up = up + length * np.cos(pitch)
    return np.stack([ahead, up], axis=-1)


def shoulder_aside(wearer: Wearer, side: Side) -> float:
    """Metres to the left of the spine."""
    return float(sum(wearer.offsets[XSENS23.index(f"{side}_{joint}")][1] for joint in ("shoulder", "upper_arm")))


def posture_for(
    wearer: Wearer, targets: Float[np.ndarray, "target 3"], sides: tuple[Side, ...], *, may_crouch: bool = True
) -> Posture | None:
    """Smallest bend with which the hands reach all targets (ahead, left, up of the point between the feet), with one
    side for each target; None if no posture does."""
    crouch, lean = np.meshgrid(_CROUCHES, _LEANS, indexing="ij")
    points = shoulders(wearer, crouch, lean)
    fits = np.ones(crouch.shape, dtype=bool)
    length = sum(arm_lengths(wearer))
    for target, side in zip(targets, sides, strict=True):
        across = target[1] - shoulder_aside(wearer, side)
        distance = np.sqrt((target[0] - points[..., 0]) ** 2 + across**2 + (target[2] - points[..., 1]) ** 2)
        fits &= (distance < FARTHEST * length) & (distance > NEAREST * length)
    if not may_crouch:
        fits &= crouch == 0.0
    if not fits.any():
        return None
    cost = np.where(fits, (crouch / EASY_CROUCH) ** 2 + (lean / EASY_LEAN) ** 2, np.inf)
    best = np.unravel_index(np.argmin(cost), cost.shape)
    return Posture(float(crouch[best]), float(lean[best]))
