"""Conventions that arrays cannot state and often break: byte order, quaternion order, axes, direction of rotations.

A body shows them. Its bones keep their direction in the frames of their own joints, and that direction is known
(`egobench.motions.identity_pose`). `misfit` measures both: 0 where positions and rotations are of one body in our
convention. A motion that does not fit is refused only where one known mistake explains it; one that nothing explains
is a poor motion, to be scored, and a warning. Models, submissions, converted files and splits all pass `look_over`.
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
"""Misfits under which nothing is asked, under which a motion is in our convention, and over which it is not."""
WITHOUT_TWIST = frozenset({"humanml3d22", "kit21"})
"""Skeletons whose rotations do not say how a bone is turned about itself, so that hips and shoulders may not follow."""
ASKEW_DEG = 8.0
"""Turn of positions against rotations above which a warning says so; samples of the reference model have up to 1°."""
MOST_FRAMES = 128
"""Frames, evenly spread, by which conventions are judged; a mistake is in all of them."""
FASTEST, ISOLATED, ABSURD = 20.0, 8.0, 100.0
"""A body's step is a jump above 20 m/s if it is 8 × the clip's median step, and above 100 m/s in any clip. (A sprinter
runs 12 m/s; white noise, which is a control, has no isolated steps.)"""


def look_over(motion: Motion) -> list[tuple[str, str]]:
    """Every check of conventions, for whatever brings a motion.

    Args:
        motion: one that `egobench.check_motion` let through.

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


def check_conventions(motion: Motion) -> None:
    """Refuses a motion that one known mistake explains; of several that do, the one that leaves least.

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
        if found < least - 1e-9:  # of equals the first, which is the commonest
            least, best = found, guess
    if best is not None:
        text = f"{best.text} (misfit {least:.2f} against {given:.2f})"
        raise BadInputError(f"motion: {text}", code=best.code)


def fit_warning(motion: Motion) -> list[tuple[str, str]]:
    """Says it if positions do not follow rotations, or are turned against them."""
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
"""What m-fid was seen to move by where all motions of a run were rounded (docs/submissions.md)."""


def precision_warning(motion: Motion) -> list[tuple[str, str]]:
    """Says it if positions were rounded to half precision, with the step that is left."""
    coarse = coarse_steps(motion.positions)
    if coarse is None:
        return []
    moved = f"on egomini-test that moves m-fid by up to {M_FID_MOVES[coarse.kind]:g}"
    return [("motion-precision", f"{coarse.words}; jerk and foot-skate are undefined, {moved}")]


def misfit(
    skeleton: Skeleton, positions: Float[np.ndarray, "time joint 3"], rotations: Float[np.ndarray, "time joint 3 3"]
) -> float:
    """How badly positions and rotations belong together, 0 … 2: the spread of the bones' directions in their joints'
    frames over their lengths (0 … 1), plus how far the implied rest pose is from ours (0 … 1)."""
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
    """Whether numbers could be metres or rotations."""
    with np.errstate(invalid="ignore", over="ignore"):
        sizes = np.abs(array.astype(np.float64))
    return bool(np.isfinite(sizes).all() and sizes.max() < 1e4 and sizes.max() > 1e-3)
