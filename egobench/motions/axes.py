"""Words and axes of other people's motion files: which axis is up, which unit, and the way into our world.

Ours: metres, z up, a person in the identity pose faces +x. The bodies of SMPL, HumanML3D and most BVH files face +z
with y up; `Y_UP` turns one into the other.
"""

from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float

from egobench.errors import BadInputError
from egobench.geometry.border import FARTHEST
from egobench.geometry.skeleton import Skeleton
from egobench.types import SIDES

Kind = Literal["auto", "egobench", "smpl", "smplx", "humanml3d", "bvh", "xsens"]
Up = Literal["auto", "y", "z"]
Unit = Literal["m", "cm", "mm", "in"]

METRES: dict[str, float] = {"m": 1.0, "cm": 0.01, "mm": 0.001, "in": 0.0254}
Y_UP = np.array([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
"""Takes coordinates (x left, y up, z forward) to ours (x forward, y left, z up)."""
MAX_FRAMES = 500_000
"""Bound on the length of a motion, checked before anything of that length is made."""
UPRIGHT = 0.5
"""Cosine to an axis from which torso and legs count as standing or sitting along it."""


class MotionFileWarning(UserWarning):
    """What is odd about a motion file that is read all the same; the command line prints it as a note."""


def check_length(frames: int, path: Path | str) -> int:
    """The number of frames, if it can be held.

    Raises:
        BadInputError: `motion-frames`: none, or more than `MAX_FRAMES`.
    """
    if not 0 < frames <= MAX_FRAMES:
        advice = "; a lower rate (to_fps) or a piece of it would do" if frames else ""
        raise BadInputError(
            f"{path}: {frames} frames; between 1 and {MAX_FRAMES} are read{advice}", code="motion-frames"
        )
    return frames


def within_bounds(array: np.ndarray) -> Bool[np.ndarray, "..."]:
    """Where an array holds finite numbers within ±1e5, so that no sum or product of a few of them overflows."""
    if array.dtype.kind not in "fiu":
        return np.zeros(array.shape, dtype=bool)
    return np.asarray(np.abs(array) <= np.float64(FARTHEST))  # in float16 the bound would be infinite


def upright_shares(skeleton: Skeleton, positions: Float[np.ndarray, "time joint 3"]) -> dict[str, float]:
    """Share of the frames (0 … 1) in which torso and legs both point along an axis: keys x, y, z, -x, -y, -z."""
    feet = positions[:, [skeleton.index(f"{side}_foot") for side in SIDES]].mean(axis=1)
    torso = positions[:, skeleton.index("head")] - positions[:, 0]
    legs = positions[:, 0] - feet
    shares = {}
    for axis, letter in enumerate("xyz"):
        for sign, name in ((1.0, letter), (-1.0, f"-{letter}")):
            along = [sign * part[:, axis] > UPRIGHT * np.linalg.norm(part, axis=-1) for part in (torso, legs)]
            shares[name] = float(np.mean(along[0] & along[1]))
    return shares


def find_up(skeleton: Skeleton, positions: Float[np.ndarray, "time joint 3"], up: Up) -> Literal["y", "z"]:
    """The axis that is up: what was said, held against the body, or where nothing was said what the body shows.

    The head is above the feet, so the axis is the one along which torso and legs point. A stated axis is refused only
    if the body is upright along another in nearly all frames and along the stated one in nearly none; someone who lies
    flat along an axis from the first frame to the last is therefore refused as well.

    Raises:
        BadInputError: `motion-up`.
    """
    shares = upright_shares(skeleton, positions)
    best = max(shares, key=lambda axis: shares[axis])
    found = ", ".join(f"{axis} in {share:.0%}" for axis, share in shares.items() if share >= 0.005)
    seen = f"the body stands along {found or 'no axis in 0%'} of the frames"
    if up != "auto":
        if best == up or shares[best] < 0.95 or shares[up] > 0.05:
            return up
        right = f"; up={best!r} would be right" if best in ("y", "z") else f"; turn it, since {best} is up in it"
        raise BadInputError(f"motion: {up} was said to be up, but {seen}{right}", code="motion-up")
    if best == "y" and shares["y"] > 2 * shares["z"]:
        return "y"
    if best == "z" and shares["z"] > 2 * shares["y"]:
        return "z"
    if best not in ("y", "z") and shares[best] >= 0.5:
        text = f"motion: {seen}; turn it so that y or z is up"
    else:
        text = f"motion: which axis is up cannot be seen ({seen}); say up='y' or up='z'"
    raise BadInputError(text, code="motion-up")


def into_world(
    positions: Float[np.ndarray, "time joint 3"],
    rotations: Float[np.ndarray, "time joint 3 3"],
    up: Literal["y", "z"],
) -> tuple[Float[np.ndarray, "time joint 3"], Float[np.ndarray, "time joint 3 3"]]:
    """Positions, and rotations joint → world, in a world with z up; z up stays as it is."""
    if up == "z":
        return positions, rotations
    return positions @ Y_UP.T, Y_UP @ rotations
