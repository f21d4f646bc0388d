"""The wearer's drawn body: capsules on the skeleton. Metres, world. The head is left out, since the camera is in it.

Each hand is a palm of four bones, four fingers and a thumb, from the wrist outward along `palm_direction`; in the
identity pose palms face down and thumbs forward (the XSens convention).
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from egobench.geometry.skeleton import XSENS23
from egobench.types import SIDES
from egomini.world.pixels import PixelId
from egomini.world.primitives import Capsules
from egomini.world.scene import Surface, Wearer
from egomini.world.textures import plain, scaled

HAND_SCALE = 1.2
"""Hands are drawn a little larger, so that they can be seen at 64 × 64."""
REFERENCE_HEIGHT = 1.75
"""Metres: the standing height that the radii below belong to."""
_SPREAD = (0.033, 0.011, -0.011, -0.033)
"""Metres towards the thumb of index, middle, ring and little finger."""
_FINGER = (0.070, 0.080, 0.073, 0.056)
"""Metres of each finger beyond the palm."""
_PALM = 0.088

_TRUNK: tuple[tuple[str, str, float, float], ...] = (
    ("pelvis", "t8", 0.085, 0.085),
    ("pelvis", "t8", 0.03, 0.1),
    ("pelvis", "t8", -0.03, 0.1),
    ("pelvis", "t8", -0.085, 0.085),
)
"""From, to, metres to the left, radius: capsules side by side, so that the chest is flat."""


class _Builder:
    """Collects capsules for all frames."""

    def __init__(self, positions: np.ndarray, rotations: np.ndarray, scale: float) -> None:
        self.positions, self.rotations, self.scale = positions, rotations, scale
        self.starts: list[np.ndarray] = []
        self.ends: list[np.ndarray] = []
        self.radii: list[float] = []
        self.codes: list[int] = []
        self.surfaces: list[Surface] = []

    def point(self, joint: str, offset: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> Float[np.ndarray, "time 3"]:
        """World points of `offset` (scaled metres) in a joint's frame."""
        index = XSENS23.index(joint)
        return self.positions[:, index] + self.rotations[:, index] @ (self.scale * np.asarray(offset))

    def add(self, start: np.ndarray, end: np.ndarray, radius: float, code: PixelId, surface: Surface) -> None:
        self.starts.append(start)
        self.ends.append(end)
        self.radii.append(radius * self.scale)
        self.codes.append(int(code))
        self.surfaces.append(surface)


def _add_hand(body: _Builder, side: str, skin: Surface) -> None:
    joint, code = f"{side}_hand", PixelId.LEFT_HAND if side == "left" else PixelId.RIGHT_HAND
    outward = XSENS23.palm_direction[joint][1]

    def at(thumbward: float, along: float, down: float = 0.0) -> np.ndarray:
        return body.point(joint, (HAND_SCALE * thumbward, HAND_SCALE * along * outward, -HAND_SCALE * down))

    nails = plain(scaled(skin.color_a, 0.8))
    for spread, length in zip(_SPREAD, _FINGER, strict=True):
        knuckle = at(spread, _PALM)
        body.add(at(0.6 * spread, 0.01), knuckle, 0.0155 * HAND_SCALE, code, skin)
        middle = at(1.1 * spread, _PALM + 0.55 * length, 0.006)
        body.add(knuckle, middle, 0.0105 * HAND_SCALE, code, skin)
        body.add(middle, at(1.15 * spread, _PALM + 0.95 * length, 0.020), 0.0095 * HAND_SCALE, code, nails)
    body.add(at(0.020, 0.015), at(0.066, 0.078, 0.012), 0.0135 * HAND_SCALE, code, skin)


def _add_side(body: _Builder, side: str, wearer: Wearer, skin: Surface, shoe: Surface) -> None:
    arm = PixelId.LEFT_ARM if side == "left" else PixelId.RIGHT_ARM
    shoulder, elbow = body.point(f"{side}_upper_arm"), body.point(f"{side}_forearm")
    wrist = body.point(f"{side}_hand")
    body.add(body.point(f"{side}_shoulder", (-0.05, 0.0, -0.05)), shoulder, 0.045, PixelId.BODY, wearer.sleeve)
    body.add(shoulder, elbow, 0.050, arm, wearer.sleeve)
    body.add(elbow, elbow + 0.90 * (wrist - elbow), 0.040, arm, wearer.sleeve)
    body.add(elbow + 0.88 * (wrist - elbow), wrist, 0.030, arm, skin)
    _add_hand(body, side, skin)
    hip, knee = body.point(f"{side}_upper_leg"), body.point(f"{side}_lower_leg")
    ankle, toe = body.point(f"{side}_foot"), body.point(f"{side}_toe")
    body.add(hip, knee, 0.078, PixelId.BODY, wearer.trousers)
    body.add(knee, ankle, 0.056, PixelId.BODY, wearer.trousers)
    body.add(0.7 * ankle + 0.3 * toe, toe, 0.042, PixelId.BODY, shoe)
    body.add(toe, toe + 0.35 * (toe - ankle) * np.array([1.0, 1.0, 0.0]), 0.038, PixelId.BODY, shoe)


@dataclass(frozen=True)
class BodyShape:
    """The drawn body per frame."""

    capsules: Capsules
    codes: tuple[int, ...]
    """`PixelId` of each capsule."""
    surfaces: tuple[Surface, ...]
    """Paint of each capsule."""


def body_shape(
    wearer: Wearer, positions: Float[np.ndarray, "time joint 3"], rotations: Float[np.ndarray, "time joint 3 3"]
) -> BodyShape:
    """Capsules of the wearer's trunk, arms, hands, legs and shoes per frame (world, metres)."""
    body = _Builder(positions, rotations, wearer.height / REFERENCE_HEIGHT)
    skin, shoe = plain(wearer.skin), plain(wearer.shoe)
    for start, end, left, radius in _TRUNK:
        low, high = body.point(start, (-0.01, left, 0.05)), body.point(end, (-0.03, left, -0.05))
        body.add(low, high, radius, PixelId.BODY, wearer.sleeve)
    for side in SIDES:
        _add_side(body, side, wearer, skin, shoe)
    capsules = Capsules(np.stack(body.starts, axis=1), np.stack(body.ends, axis=1), np.array(body.radii))
    return BodyShape(capsules, tuple(body.codes), tuple(body.surfaces))
