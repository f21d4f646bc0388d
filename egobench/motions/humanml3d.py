"""Converts between HumanML3D vectors and `Motion` (Guo et al., CVPR 2022).

A frame has 263 numbers for 22 joints, or 251 for the 21 joints of KIT-ML. The world of the vectors has y up, and bodies
face +z. r(t) is the rotation about y that takes the heading at t to +z. A frame holds:

    yaw        1         half of the angle by which r turns from t to t+1, radians
    velocity   2         of the root along x and z from t to t+1, metres per frame, rotated by r(t+1)
    height     1         of the root, metres
    places     3 (J-1)   positions of the joints minus the root's x and z (not y), rotated by r(t)
    turns      6 (J-1)   of each joint relative to the previous one in its chain (see `humanml3d_turns.Layout`)
    steps      3 J       of all joints from t to t+1, world, metres per frame, rotated by r(t)
    contacts   4         left ankle, left toe, right ankle, right toe (`Layout.feet`): 1 where it hardly moves

T poses give T-1 vectors, because steps need the next pose. T-1 vectors give T-1 poses back. The vectors contain neither
the first position nor the first heading. A motion decoded from them starts above the origin and faces +x in our world.
"""

from typing import Any, Literal

import numpy as np
from jaxtyping import Float
from scipy.ndimage import gaussian_filter1d

from egobench.errors import BadInputError
from egobench.geometry.skeleton import Skeleton, get_skeleton
from egobench.motions.axes import Y_UP, check_length, find_up, into_world, within_bounds
from egobench.motions.humanml3d_turns import LAYOUTS, about_y, bone_directions, bone_turns, joint_rotations
from egobench.types import Motion

CONTACT_STEP2 = 0.002
"""A foot joint counts as standing below this squared step, m² per frame: 0.89 m/s at 20 frames per second."""
HEADING_SMOOTHING = 20.0
"""Standard deviation, in frames, of the Gaussian that smooths the heading."""


def decode(
    vectors: Any,
    *,
    fps: float | int | None = None,
    metres: float | int = 1.0,
    bones_from: Literal["places", "turns"] = "places",
) -> Motion:
    """Decodes vectors as a model outputs them, *after* the normalisation is undone (× Std + Mean).

    Positions come from yaw, velocity, height and places, as in the literature. The vectors contain only the direction
    of each bone, so the rotations contain no more than that. A joint gets the heading, then the shortest rotation from
    the T pose that points its bone in this direction. If a joint has several bones, the one towards the head is used. A
    joint at the end of a chain turns with its parent, so the head never looks aside. Rotations of this skeleton
    therefore cannot carry a camera.

    The published turns were computed from the same positions, but with a smoothed first heading. A reader takes this
    heading as zero. If a body turns by 90° in its first second, all bones decoded from the turns are off by 53° until
    the end of the clip. The directions of bones therefore come from the places by default.

    Args:
        vectors: (T, 263) or (T, 251).
        fps: frames per second; None for the data set's rate, 20 or 12.5.
        metres: length of the vectors' unit in metres. The unit of KIT-ML is not the metre.
        bones_from: source of the bones' directions: `places` (positions) or the chained six-number `turns`.

    Raises:
        BadInputError: `humanml3d-shape`, `humanml3d-nonfinite` (or beyond 1e5), `humanml3d-turn` (`turns` is chosen,
            and the columns of one do not span a plane).
    """
    array = np.asarray(vectors)
    layout = LAYOUTS.get(array.shape[-1] if array.ndim == 2 else 0)
    if layout is None or array.dtype.kind != "f":
        raise BadInputError(
            f"humanml3d: vectors are {array.dtype} of shape {array.shape}; floats (T, 263) or (T, 251) are needed",
            code="humanml3d-shape",
        )
    check_length(len(array), "humanml3d")
    sound = within_bounds(array).all(axis=1)
    if not sound.all():
        bad = f"{int((~sound).sum())} of {len(array)} vectors are not finite, or beyond 1e5"
        raise BadInputError(f"humanml3d: {bad}, first vector {int(np.argmin(sound))}", code="humanml3d-nonfinite")
    array = array.astype(np.float64)
    yaw, velocity, height, places, turns, _, _ = layout.split(array)
    heading = -2 * _sums(yaw)[:, 0]
    out = about_y(heading)
    planar = np.stack([velocity[:, 0], np.zeros(len(array)), velocity[:, 1]], axis=-1)
    moved = np.einsum("tab,tb->ta", out[1:], planar[:-1])
    root = np.concatenate([np.zeros((1, 3)), np.cumsum(moved, axis=0)])
    joints = np.einsum("tab,tjb->tja", out, places.reshape(len(array), -1, 3)) + root[:, None]
    root[:, 1:2] = height
    positions = np.concatenate([root[:, None], joints], axis=1) * metres
    if bones_from == "turns":
        bones = bone_directions(layout, heading, turns.reshape(len(array), -1, 6))
    else:
        bones = positions - positions[:, [max(parent, 0) for parent in layout.skeleton.parents]]
    rotations = joint_rotations(layout, heading, bones)
    positions, _ = into_world(positions, rotations, "y")
    return Motion(positions, rotations, float(layout.fps if fps is None else fps), layout.skeleton.name)


def decode_any(array: Any, *, fps: float | int | None = None, metres: float | int = 1.0) -> Motion:
    """Decodes vectors as `decode` does, or joints (T, 22, 3) and (T, 21, 3) as `decode_joints` does. The shape decides.

    Raises:
        BadInputError: the codes of these two functions.
    """
    read = decode_joints if np.ndim(array) == 3 else decode
    return read(array, fps=fps, metres=metres)


def decode_joints(joints: Any, *, fps: float | int | None = None, metres: float | int = 1.0) -> Motion:
    """Decodes joints as in HumanML3D's `new_joints` and as position models write them: y up, not normalised.

    The joints keep their positions. The rotations contain only the direction of each bone (see `decode`). The heading
    is that of hips and shoulders, smoothed as in `encode`.

    Args:
        joints: (T, 22, 3), or (T, 21, 3) of KIT-ML; floats.
        fps: frames per second; None for the data set's rate, 20 or 12.5.
        metres: length of the joints' unit in metres. The unit of KIT-ML is not the metre.

    Raises:
        BadInputError: `humanml3d-shape`, `humanml3d-nonfinite` (or beyond 1e5), `motion-frames`.
    """
    array = np.asarray(joints)
    numbers = array.shape[1:] if array.ndim == 3 else ()
    layout = next((layout for layout in LAYOUTS.values() if numbers == (len(layout.skeleton), 3)), None)
    if layout is None or array.dtype.kind != "f":
        raise BadInputError(
            f"humanml3d: joints are {array.dtype} of shape {array.shape}; floats (T, 22, 3) or (T, 21, 3) are needed",
            code="humanml3d-shape",
        )
    check_length(len(array), "humanml3d")
    if not within_bounds(array).all():
        raise BadInputError("humanml3d: joints are not finite, or beyond 1e5", code="humanml3d-nonfinite")
    theirs = array.astype(np.float64) * metres
    bones = theirs - theirs[:, [max(parent, 0) for parent in layout.skeleton.parents]]
    rotations = joint_rotations(layout, _heading(layout.skeleton, theirs), bones)
    positions, _ = into_world(theirs, rotations, find_up(layout.skeleton, theirs, "y"))
    return Motion(positions, rotations, float(layout.fps if fps is None else fps), layout.skeleton.name)


def encode(motion: Motion, *, contact_step2: float | int = CONTACT_STEP2) -> Float[np.ndarray, "time channel"]:
    """Encodes a motion of T frames as T-1 vectors. It inverts `decode` up to the first position and heading.

    Differs from the paper: The body is neither retargeted to the paper's reference person nor put on the floor. The yaw
    is right where the heading passes ±180°; the paper's yaw turns the wrong way there for one frame. The first heading
    is zero after smoothing, not before it (see `decode`). Only the positions of the motion are used, not its rotations.

    Args:
        motion: on a skeleton with the joints of `humanml3d22` (so also SMPL's) or `kit21`, metres, z up.
        contact_step2: see `CONTACT_STEP2`. At another rate than 20, the same speed is 0.002 (20 / fps)².

    Raises:
        BadInputError: `humanml3d-skeleton`; `motion-frames`: fewer than two frames.
    """
    layout = next((layout for layout in LAYOUTS.values() if _same_tree(layout.skeleton, motion.skeleton)), None)
    if layout is None:
        known = "humanml3d22, smpl22, smplx22, kit21"
        raise BadInputError(
            f"humanml3d: skeleton {motion.skeleton}; one of {known} is needed", code="humanml3d-skeleton"
        )
    if len(motion.positions) < 2:
        raise BadInputError("humanml3d: one frame; two at least are needed", code="motion-frames")
    positions = np.asarray(motion.positions, dtype=np.float64) @ Y_UP
    heading = _heading(layout.skeleton, positions)
    positions = positions @ about_y(-heading[:1])[0].T
    heading -= heading[0]
    out = about_y(heading)
    steps = np.diff(positions, axis=0)
    places = (positions - positions[:, :1] * [1, 0, 1])[:, 1:]
    feet = steps[:, [layout.skeleton.index(joint) for joint in layout.feet]]
    rows = [
        -(np.diff(heading)[:, None]) / 2,
        np.einsum("tba,tb->ta", out[1:], steps[:, 0])[:, [0, 2]],
        positions[:-1, 0, 1:2],
        np.einsum("tba,tjb->tja", out, places)[:-1],
        bone_turns(layout, heading, positions)[:-1],
        np.einsum("tba,tjb->tja", out[:-1], steps),
        np.sum(feet**2, axis=-1) < contact_step2,
    ]
    return np.concatenate([np.asarray(row, dtype=np.float64).reshape(len(steps), -1) for row in rows], axis=1)


def _same_tree(skeleton: Skeleton, name: str) -> bool:
    other = get_skeleton(name)
    return (other.joints, other.parents) == (skeleton.joints, skeleton.parents)


def _sums(steps: Float[np.ndarray, "time 1"]) -> Float[np.ndarray, "time 1"]:
    """Sum of all earlier rows, for each row."""
    return np.concatenate([np.zeros((1, 1)), np.cumsum(steps[:-1], axis=0)])


def _heading(skeleton: Skeleton, positions: Float[np.ndarray, "time joint 3"]) -> Float[np.ndarray, " time"]:
    """Angle about y from +z to the direction in which hips and shoulders face, radians, unwrapped."""
    right, left = (
        sum(positions[:, skeleton.index(f"{side}_{part}")] for part in ("upper_leg", "upper_arm"))
        for side in ("right", "left")
    )
    across = np.asarray(right - left)
    across /= np.maximum(np.linalg.norm(across, axis=-1, keepdims=True), 1e-12)
    ahead = gaussian_filter1d(np.cross([0.0, 1.0, 0.0], across), HEADING_SMOOTHING, axis=0, mode="nearest")
    return np.unwrap(np.arctan2(ahead[:, 0], ahead[:, 2]))
