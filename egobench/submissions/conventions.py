"""Conventions that a file cannot state and often breaks: byte order, quaternion order, direction of rotations, hands.

A body shows them. Its bones keep their direction in the frames of their own joints, and in every built-in skeleton's
identity pose the head is up (+z), the feet are down and left is +y. `misfit` measures both: 0 where positions and
rotations are of one body in our convention. A motion that does not fit is refused only where one known mistake explains
it; one that nothing explains is a poor motion, to be scored, and a warning.
"""

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from egobench.errors import BadInputError
from egobench.geometry.body import chain, rest_offsets
from egobench.geometry.skeleton import SKELETONS, Skeleton, get_skeleton
from egobench.types import Motion

GOOD, BAD = 0.15, 0.35
"""Misfits under which a motion is in our convention, and over which it is certainly not."""
FASTEST, ISOLATED, ABSURD = 20.0, 8.0, 100.0
"""A body's step is a jump above 20 m/s if it is 8 × the clip's median step, and above 100 m/s in any clip. (A sprinter
runs 12 m/s; white noise, which is a control, has no isolated steps.)"""
BUILT_IN = frozenset(SKELETONS)
MIRRORS = [np.diag(signs) for signs in ((1.0, -1.0, 1.0), (-1.0, 1.0, 1.0), (1.0, 1.0, -1.0))]


def check_byte_order(array: np.ndarray, name: str) -> None:
    """Refuses numbers that make sense only with their bytes reversed. Raises BadInputError `motion-byte-order`."""
    if array.size and not _sensible(array) and _sensible(array.byteswap()):
        text = f"{name} are {array.dtype.str}, but make sense only as {array.dtype.newbyteorder().str}"
        raise BadInputError(f"motion: {text}", code="motion-byte-order")


def check_steps(motion: Motion) -> None:
    """Refuses a body that jumps. Raises BadInputError `motion-teleport`."""
    speeds = np.linalg.norm(np.diff(motion.positions[:, 0], axis=0), axis=-1) * motion.fps
    if len(speeds) == 0:
        return
    worst, usual = float(speeds.max()), float(np.median(speeds))
    if worst > ABSURD or (worst > FASTEST and worst > ISOLATED * usual):
        frame = int(speeds.argmax())
        raise BadInputError(
            f"motion: the body moves {worst / motion.fps:.3g} m ({worst:.3g} m/s) from frame {frame} to {frame + 1}, "
            f"and {usual:.2g} m/s in the median",
            code="motion-teleport",
        )


def check_conventions(motion: Motion, wxyz: Float[np.ndarray, "time joint 4"] | None = None) -> None:
    """Refuses a motion that one known mistake explains.

    Args:
        wxyz: the quaternions that the rotations were read from, if they were.

    Raises:
        BadInputError: `motion-quaternion-order`, `motion-rotation-inverse`, `motion-rotation-local`,
            `motion-handedness`.
    """
    skeleton = get_skeleton(motion.skeleton)
    positions, rotations = motion.positions, motion.rotations
    given = misfit(skeleton, positions, rotations)
    if given < GOOD:
        return
    guesses = [
        ("motion-rotation-inverse", "rotations fit the positions only when transposed", rotations.swapaxes(-1, -2)),
        ("motion-rotation-local", "rotations fit only when multiplied along the tree", _along(skeleton, rotations)),
    ]
    if wxyz is not None:
        other = Rotation.from_quat(wxyz.reshape(-1, 4)).as_matrix().reshape(rotations.shape)
        text = "quaternions fit the positions only when read as x, y, z, w"
        guesses.insert(0, ("motion-quaternion-order", text, other))
    for code, text, guess in guesses:
        _refuse_if(code, text, given, misfit(skeleton, positions, guess))
    text = "positions and rotations fit only when one of them is mirrored"
    for mirror in MIRRORS:
        _refuse_if("motion-handedness", text, given, misfit(skeleton, positions @ mirror, rotations))
        turned = mirror @ rotations @ mirror
        _refuse_if("motion-handedness", text, given, misfit(skeleton, positions @ mirror, turned))


def fit_warning(motion: Motion) -> list[tuple[str, str]]:
    """Says it if positions do not follow rotations."""
    found = misfit(get_skeleton(motion.skeleton), motion.positions, motion.rotations)
    if found < BAD:
        return []
    return [("motion-rotation-fit", f"misfit of bones and joints is {found:.2f}; below {GOOD:g} is usual")]


def misfit(
    skeleton: Skeleton, positions: Float[np.ndarray, "time joint 3"], rotations: Float[np.ndarray, "time joint 3 3"]
) -> float:
    """How badly positions and rotations belong together, 0 … 2: the spread of the bones' directions in their joints'
    frames over their lengths (0 … 1), plus how far the implied rest pose is from ours (0 … 1)."""
    parents = list(skeleton.parents[1:])
    steps = positions[:, 1:] - positions[:, parents]
    rest = rest_offsets(skeleton, positions, rotations)
    told = np.einsum("tjab,jb->tja", rotations[:, parents], rest[1:])
    length = max(float(np.linalg.norm(steps, axis=-1).mean()), 1e-9)
    spread = float(np.linalg.norm(steps - told, axis=-1).mean()) / length
    return min(spread, 1.0) + _rest_error(skeleton, rest)


def _rest_error(skeleton: Skeleton, rest: Float[np.ndarray, "joint 3"]) -> float:
    """Worst of (1 - cosine) / 2 between axes of the implied rest pose and ours; 0 for a skeleton of one's own."""
    if skeleton.name not in BUILT_IN:
        return 0.0

    def reach(joint: str) -> Float[np.ndarray, " 3"]:
        return rest[list(chain(skeleton, joint))].sum(axis=0)

    left, right = (reach(f"{side}_hand") + reach(f"{side}_upper_leg") for side in ("left", "right"))
    feet = reach("left_foot") + reach("right_foot")
    axes = ((reach("head"), 2, 1), (feet, 2, -1), (left - right, 1, 1))
    cosines = [sign * vector[axis] / max(float(np.linalg.norm(vector)), 1e-9) for vector, axis, sign in axes]
    return float(max((1 - cosine) / 2 for cosine in cosines))


def _refuse_if(code: str, text: str, given: float, found: float) -> None:
    if found < GOOD and found < given / 2:
        raise BadInputError(f"motion: {text} (misfit {found:.2f} against {given:.2f})", code=code)


def _along(skeleton: Skeleton, local: Float[np.ndarray, "time joint 3 3"]) -> Float[np.ndarray, "time joint 3 3"]:
    """Rotations relative to the parents, multiplied along the tree."""
    world = [local[:, 0]]
    for joint, parent in enumerate(skeleton.parents[1:], start=1):
        world.append(world[parent] @ local[:, joint])
    return np.stack(world, axis=1)


def _sensible(array: np.ndarray) -> bool:
    """Whether numbers could be metres or rotations."""
    with np.errstate(invalid="ignore", over="ignore"):
        sizes = np.abs(array.astype(np.float64))
    return bool(np.isfinite(sizes).all() and sizes.max() < 1e4 and sizes.max() > 1e-3)
