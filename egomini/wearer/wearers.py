"""Bodies of the embedded world: bone lengths in the XSens-23 order, habits and colours, from a name and a seed.

Identity pose: facing +x, arms along y, left is +y. Metres. Proportions after Winter's segment table
(Biomechanics and Motor Control of Human Movement, ch. 4), varied by a few per cent.
"""

import zlib

import numpy as np
from jaxtyping import Float

from egobench.geometry.skeleton import XSENS23
from egobench.types import SIDES
from egomini.world.scene import Surface, Wearer

ANKLE_SHARE = 0.045
"""Height of the ankle over the sole, per metre of stature."""
TOE_SHARE = 0.0145
"""Height of the ball of the foot over the sole, per metre of stature."""
PALM = 0.08
"""Metres from wrist to palm."""
SPINE_SHARES = {"l5": 0.155, "l3": 0.164, "t12": 0.153, "t8": 0.153, "neck": 0.225, "head": 0.150}
"""Share of each bone in the length from pelvis to head joint."""
SLEEVES = (
    *((0.10, 0.18, 0.55), (0.60, 0.08, 0.08), (0.05, 0.38, 0.18), (0.75, 0.62, 0.10), (0.40, 0.12, 0.45)),
    *((0.80, 0.80, 0.82), (0.08, 0.08, 0.10), (0.05, 0.45, 0.50), (0.85, 0.35, 0.08), (0.30, 0.30, 0.34)),
)
TROUSERS = ((0.05, 0.07, 0.16), (0.10, 0.10, 0.11), (0.32, 0.25, 0.15), (0.22, 0.24, 0.26), (0.08, 0.16, 0.10))
SKINS = ((0.82, 0.58, 0.44), (0.72, 0.46, 0.31), (0.55, 0.33, 0.20), (0.36, 0.20, 0.11), (0.20, 0.10, 0.06))
SHOES = ((0.04, 0.04, 0.04), (0.70, 0.70, 0.68), (0.30, 0.14, 0.06), (0.45, 0.05, 0.06))


def make_wearer(name: str, seed: int) -> Wearer:
    """The wearer called `name` in the world of `seed`; the same pair gives the same body."""
    rng = np.random.default_rng([seed, zlib.crc32(name.encode())])
    height = float(rng.uniform(1.5, 1.95))
    return Wearer(
        name=name,
        height=height,
        offsets=_offsets(height, rng),
        step_length=float(height * rng.uniform(0.36, 0.43)),
        cadence=float(rng.uniform(1.6, 2.0) * np.sqrt(1.75 / height)),
        arm_swing=float(rng.uniform(0.15, 0.40)),
        head_bob=float(rng.uniform(0.008, 0.022)),
        sleeve=_cloth(SLEEVES, rng),
        trousers=_cloth(TROUSERS, rng),
        skin=_shade(SKINS, rng, 0.08),
        shoe=_shade(SHOES, rng, 0.15),
    )


def standing_hip(wearer: Wearer) -> float:
    """Height of the hips with straight legs, metres."""
    upper, lower = leg_lengths(wearer)
    return upper + lower + ANKLE_SHARE * wearer.height


def leg_lengths(wearer: Wearer) -> tuple[float, float]:
    """Thigh and shank, metres."""
    return _length(wearer, "left_lower_leg"), _length(wearer, "left_foot")


def arm_lengths(wearer: Wearer) -> tuple[float, float]:
    """Upper arm, and forearm with the hand held straight up to the palm, metres."""
    return _length(wearer, "left_forearm"), _length(wearer, "left_hand") + PALM


def _length(wearer: Wearer, joint: str) -> float:
    return float(np.linalg.norm(wearer.offsets[XSENS23.index(joint)]))


def _offsets(height: float, rng: np.random.Generator) -> Float[np.ndarray, "joint 3"]:
    vary = lambda share, spread: height * share * rng.uniform(1.0 - spread, 1.0 + spread)  # noqa: E731
    crown = vary(0.085, 0.08)
    thigh, shank = vary(0.245, 0.03), vary(0.246, 0.03)
    ankle, toe = ANKLE_SHARE * height, TOE_SHARE * height
    trunk = height - crown - thigh - shank - ankle
    upper_arm, forearm = vary(0.166, 0.05), vary(0.146, 0.05)
    hips, clavicle, shoulder = vary(0.050, 0.08), vary(0.016, 0.1), vary(0.083, 0.08)
    foot, shoulder_rise = vary(0.075, 0.05), vary(0.050, 0.05)
    offsets = np.zeros((len(XSENS23), 3))
    for joint, share in SPINE_SHARES.items():
        offsets[XSENS23.index(joint)] = [0.0, 0.0, share * trunk]
    for side in SIDES:
        sign = 1.0 if side == "left" else -1.0
        for joint, offset in {
            "shoulder": (0.0, sign * clavicle, shoulder_rise),
            "upper_arm": (0.0, sign * shoulder, 0.0),
            "forearm": (0.0, sign * upper_arm, 0.0),
            "hand": (0.0, sign * forearm, 0.0),
            "upper_leg": (0.0, sign * hips, 0.0),
            "lower_leg": (0.0, 0.0, -thigh),
            "foot": (0.0, 0.0, -shank),
            "toe": (foot, 0.0, toe - ankle),
        }.items():
            offsets[XSENS23.index(f"{side}_{joint}")] = offset
    return offsets


def _shade(
    palette: tuple[tuple[float, float, float], ...], rng: np.random.Generator, spread: float
) -> tuple[float, float, float]:
    base = np.asarray(palette[rng.integers(len(palette))])
    red, green, blue = np.clip(base * rng.uniform(1.0 - spread, 1.0 + spread, 3), 0.01, 0.95)
    return float(red), float(green), float(blue)


def _cloth(palette: tuple[tuple[float, float, float], ...], rng: np.random.Generator) -> Surface:
    color = _shade(palette, rng, 0.15)
    darker = (0.6 * color[0], 0.6 * color[1], 0.6 * color[2])
    return Surface("stripes" if rng.random() < 0.25 else "plain", color, darker, 0.08)
