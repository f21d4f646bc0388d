"""Axes and units of motion files: which axis is up, which unit is used, and the transform into our world.

Our world is in metres with z up. A person in the identity pose faces +x. The bodies of SMPL, HumanML3D and most BVH
files face +z with y up. `Y_UP` transforms their coordinates into ours.
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
"""Maps coordinates (x left, y up, z forward) to ours (x forward, y left, z up)."""
MAX_FRAMES = 500_000
"""Largest number of frames of a motion. It is checked before any array of that length is made."""
UPRIGHT = 0.5
"""Torso and legs count as upright along an axis if the cosine of their angle to it is above this value."""


class MotionFileWarning(UserWarning):
    """A motion file is unusual, but it is read. The command line prints the warning as a note."""


def check_length(frames: int, path: Path | str) -> int:
    """Returns the number of frames if it is within bounds.

    Raises:
        BadInputError: `motion-frames`: no frames, or more than `MAX_FRAMES`.
    """
    if not 0 < frames <= MAX_FRAMES:
        advice = "; a lower rate (to_fps) or a piece of it would do" if frames else ""
        raise BadInputError(
            f"{path}: {frames} frames; between 1 and {MAX_FRAMES} are read{advice}", code="motion-frames"
        )
    return frames


def within_bounds(array: np.ndarray) -> Bool[np.ndarray, "..."]:
    """True where a number is finite and within ±1e5, so that sums and products of a few of them do not overflow."""
    if array.dtype.kind not in "fiu":
        return np.zeros(array.shape, dtype=bool)
    return np.asarray(np.abs(array) <= np.float64(FARTHEST))  # in float16 the bound would be infinite


def upright_shares(skeleton: Skeleton, positions: Float[np.ndarray, "time joint 3"]) -> dict[str, float]:
    """Share of the frames (0 … 1) in which torso and legs both point along an axis. Keys: x, y, z, -x, -y, -z."""
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
    """Finds the axis that is up. A stated axis is checked against the body; for `auto`, the body decides.

    The head is above the feet, so the up axis is the one along which torso and legs point. A stated axis is refused
    only if the body is upright along another axis in at least 95% of the frames and along the stated axis in at most
    5%. A person who lies flat along one axis in all frames is therefore refused as well.

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
    """Transforms positions and rotations (joint → world) into a world with z up. Data with z up stay as they are."""
    if up == "z":
        return positions, rotations
    return positions @ Y_UP.T, Y_UP @ rotations
