"""Checks conventions that arrays do not state: byte order, quaternion order, axes, direction of rotations.

The body shows whether they hold. Each bone has a constant direction in the frame of the joint where it starts, and this
direction is known (`egobench.motions.identity_pose`). `misfit` measures how far a motion departs from both facts. It is
0 if positions and rotations describe one body in our convention. A motion that does not fit is refused only if one
known mistake explains it. If no known mistake explains it, it is a poor motion: it is scored, with a warning. Models,
submissions, converted files and splits all pass `look_over`.
"""

import numpy as np
from jaxtyping import Float

from egobench.errors import BadInputError
from egobench.geometry.body import rest_offsets
from egobench.geometry.skeleton import Skeleton, get_skeleton
from egobench.motions.axes import find_up
from egobench.motions.identity_pose import rest_error
from egobench.motions.mistakes import guesses, turn_between
from egobench.motions.precision import coarse_steps
from egobench.types import Motion

FINE, GOOD, BAD = 0.02, 0.15, 0.35
"""Limits of the misfit. Below FINE, no mistake is looked for. Below GOOD, a motion fits our convention; from BAD on, it
does not."""
WITHOUT_TWIST = frozenset({"humanml3d22", "kit21"})
"""Skeletons whose rotations lack the twist about a bone, so that hips and shoulders may not follow them."""
ASKEW_DEG = 8.0
"""Angle between positions and rotations that gives a warning. Samples of the reference model have up to 1°."""
MOST_FRAMES = 128
"""Largest number of frames, evenly spread, on which conventions are checked. A mistake affects all frames."""
FASTEST, ISOLATED, ABSURD = 20.0, 8.0, 100.0
"""A step of the body is a jump if its speed is above 20 m/s and above 8 × the median of the clip. Above 100 m/s, it is
a jump in any clip. (A sprinter runs at 12 m/s. White noise, which is a control, has no isolated steps.)"""


def look_over(motion: Motion) -> list[tuple[str, str]]:
    """Checks all conventions of a motion, wherever the motion comes from.

    Args:
        motion: one that passed `egobench.check_motion`.

    Returns:
        (code, text) of warnings: `motion-rotation-fit`, `motion-precision`.

    Raises:
        BadInputError: `motion-up`, `motion-teleport`; codes of `check_conventions`.
    """
    find_up(get_skeleton(motion.skeleton), motion.positions, "z")
    check_conventions(motion)
    check_steps(motion)
    return [*fit_warning(motion), *precision_warning(motion)]


def check_byte_order(array: np.ndarray, name: str) -> None:
    """Refuses numbers that are plausible only with reversed bytes. Raises BadInputError `motion-byte-order`."""
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


def check_conventions(motion: Motion) -> None:
    """Refuses a motion that one known mistake explains. If several do, the one with the smallest misfit is reported.

    Raises:
        BadInputError: `motion-quaternion-order`, `motion-rotation-inverse`, `motion-rotation-local`, `motion-yaw`,
            `motion-axes`, `motion-handedness`, `motion-rest`.
    """
    skeleton = get_skeleton(motion.skeleton)
    positions, rotations = _spread_frames(motion)
    given = misfit(skeleton, positions, rotations)
    if given < FINE:
        return
    least, best = min(GOOD, given / 2), None
    for guess in guesses(skeleton, positions, rotations):
        found = misfit(skeleton, guess.positions, guess.rotations)
        if found < least - 1e-9:  # on a tie, the first one stays: the most common mistake
            least, best = found, guess
    if best is not None:
        text = f"{best.text} (misfit {least:.2f} against {given:.2f})"
        raise BadInputError(f"motion: {text}", code=best.code)


def fit_warning(motion: Motion) -> list[tuple[str, str]]:
    """Returns a warning if positions do not follow the rotations or are turned against them."""
    skeleton, arrays = get_skeleton(motion.skeleton), _spread_frames(motion)
    if skeleton.name in WITHOUT_TWIST:
        return []
    found = misfit(skeleton, *arrays)
    if found >= BAD:
        return [("motion-rotation-fit", f"misfit of bones and joints is {found:.2f}; below {GOOD:g} is usual")]
    turn = turn_between(skeleton, *arrays)
    if turn > ASKEW_DEG:
        text = f"positions are turned by {turn:.0f}° against the rotations; below {ASKEW_DEG:g}° is usual"
        return [("motion-rotation-fit", text)]
    return []


M_FID_MOVES = {"float16": 0.002, "bfloat16": 0.01}
"""Measured change of m-fid if all motions of a run are rounded (docs/submissions.md)."""


def precision_warning(motion: Motion) -> list[tuple[str, str]]:
    """Returns a warning if positions were rounded to half precision. It names the rounding step."""
    coarse = coarse_steps(motion.positions)
    if coarse is None:
        return []
    moved = f"on egomini-test that moves m-fid by up to {M_FID_MOVES[coarse.kind]:g}"
    return [("motion-precision", f"{coarse.words}; jerk and foot-skate are undefined, {moved}")]


def misfit(
    skeleton: Skeleton, positions: Float[np.ndarray, "time joint 3"], rotations: Float[np.ndarray, "time joint 3 3"]
) -> float:
    """How far positions and rotations contradict each other, 0 … 2. This is the sum of two parts. The first is the
    spread of the bones' directions in their joints' frames, divided by the bones' lengths (0 … 1). The second is the
    difference between the implied rest pose and ours (0 … 1)."""
    parents = list(skeleton.parents[1:])
    steps = positions[:, 1:] - positions[:, parents]
    rest = rest_offsets(skeleton, positions, rotations)
    expected = np.einsum("tjab,jb->tja", rotations[:, parents], rest[1:])
    length = max(float(np.linalg.norm(steps, axis=-1).mean()), 1e-9)
    spread = float(np.linalg.norm(steps - expected, axis=-1).mean()) / length
    return min(spread, 1.0) + rest_error(skeleton, rest)


def _spread_frames(motion: Motion) -> tuple[np.ndarray, np.ndarray]:
    step = -(-len(motion.positions) // MOST_FRAMES)
    return motion.positions[::step], motion.rotations[::step]


def _sensible(array: np.ndarray) -> bool:
    """Whether the numbers could be metres or rotations."""
    with np.errstate(invalid="ignore", over="ignore"):
        sizes = np.abs(array.astype(np.float64))
    return bool(np.isfinite(sizes).all() and sizes.max() < 1e4 and sizes.max() > 1e-3)
