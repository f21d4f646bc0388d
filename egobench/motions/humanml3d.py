"""HumanML3D vectors ↔ `Motion` (Guo et al., CVPR 2022): 263 numbers a frame for 22 joints, 251 for KIT-ML's 21.

Their world has y up and bodies that face +z. r(t) is the turn about y that takes the heading at t to +z; in a frame:

    yaw        1         half of the angle by which r turns from t to t+1, radians
    velocity   2         of the root along x and z from t to t+1, metres a frame, turned by r(t+1)
    height     1         of the root, metres
    places     3 (J-1)   of the joints, less the root's x and z (not y), turned by r(t)
    turns      6 (J-1)   per joint, relative to the joint before it in its chain (see `humanml3d_turns.Layout`)
    steps      3 J       of all joints from t to t+1, world, metres a frame, turned by r(t)
    contacts   4         left ankle, left toe, right ankle, right toe (`Layout.feet`): 1 where it hardly steps

T poses give T-1 vectors (steps need the next pose), and T-1 vectors give T-1 poses back. The vectors know neither the
first place nor the first heading: a motion read from them starts over the origin, facing +x in our world.
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
"""Squared step of a foot joint, m² a frame, under which it counts as standing: 0.89 m/s at 20 frames per second."""
HEADING_SMOOTHING = 20.0
"""Frames: standard deviation of the Gaussian over which the heading is smoothed."""


def decode(
    vectors: Any,
    *,
    fps: float | int | None = None,
    metres: float | int = 1.0,
    bones_from: Literal["places", "turns"] = "places",
) -> Motion:
    """Vectors as they come out of a model, *after* undoing the normalisation (× Std + Mean).

    Positions come from yaw, velocity, height and places, as in the literature. Rotations say where each bone points
    and nothing more, since more is not in the vectors: a joint gets the heading, then the shortest turn from the T
    pose that points its bone that way (of several, the bone towards the head). A joint that ends a chain turns with
    its parent, so a head here never looks aside: rotations of this skeleton cannot carry a camera.

    The published turns were made from the same positions, but with a smoothed first heading that reading takes for
    zero: where a body turns by 90° in its first second, all their bones are off by 53° to the end of the clip. So
    directions of bones come from the places unless the turns are asked for.

    Args:
        vectors: (T, 263) or (T, 251).
        fps: frames per second; None for the data set's, 20 or 12.5.
        metres: length of the vectors' unit; KIT-ML's is not the metre.
        bones_from: whether directions of bones come from `places` (positions) or from the chained six-number `turns`.

    Raises:
        BadInputError: `humanml3d-shape`, `humanml3d-nonfinite` (or beyond 1e5), `humanml3d-turn` (asked for, and its
            columns span no plane).
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
    """Vectors, as `decode`, or joints (T, 22, 3) and (T, 21, 3), as `decode_joints`; the shape tells.

    Raises:
        BadInputError: theirs.
    """
    read = decode_joints if np.ndim(array) == 3 else decode
    return read(array, fps=fps, metres=metres)


def decode_joints(joints: Any, *, fps: float | int | None = None, metres: float | int = 1.0) -> Motion:
    """Joints as HumanML3D's `new_joints` has them, and as models that make positions write them: y up, not normalised.

    They keep their place. Rotations say where each bone points and nothing more (see `decode`); the heading is that of
    hips and shoulders, smoothed as there.

    Args:
        joints: (T, 22, 3), or (T, 21, 3) of KIT-ML; floats.
        fps: frames per second; None for the data set's, 20 or 12.5.
        metres: length of their unit; KIT-ML's is not the metre.

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
    """A motion's vectors, T-1 of them; the inverse of `decode` up to the first place and heading.

    Differs from the paper: the body is neither retargeted to their reference person nor put on the floor; the yaw is
    right where the heading passes ±180° (there theirs turns the wrong way for one frame); and the first heading is
    zero after smoothing, not before it (see `decode`). Only positions are used; rotations of the motion are not.

    Args:
        motion: on a skeleton with the joints of `humanml3d22` (so SMPL's too) or `kit21`, metres, z up.
        contact_step2: see `CONTACT_STEP2`; at another rate than 20 the same speed is 0.002 (20 / fps)².

    Raises:
        BadInputError: `humanml3d-skeleton`; `motion-frames`: fewer than two.
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
    """Sums of all earlier rows."""
    return np.concatenate([np.zeros((1, 1)), np.cumsum(steps[:-1], axis=0)])


def _heading(skeleton: Skeleton, positions: Float[np.ndarray, "time joint 3"]) -> Float[np.ndarray, " time"]:
    """Angle from +z to the way the hips and shoulders face, about y, radians, unwrapped."""
    right, left = (
        sum(positions[:, skeleton.index(f"{side}_{part}")] for part in ("upper_leg", "upper_arm"))
        for side in ("right", "left")
    )
    across = np.asarray(right - left)
    across /= np.maximum(np.linalg.norm(across, axis=-1, keepdims=True), 1e-12)
    ahead = gaussian_filter1d(np.cross([0.0, 1.0, 0.0], across), HEADING_SMOOTHING, axis=0, mode="nearest")
    return np.unwrap(np.arctan2(ahead[:, 0], ahead[:, 2]))
