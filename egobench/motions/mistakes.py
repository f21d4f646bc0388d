"""Known mistakes of convention. Each is undone on a motion; `conventions.misfit` then decides which one was made."""

import itertools
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from egobench.geometry.body import rest_offsets
from egobench.geometry.rotation import nearest_rotation
from egobench.geometry.skeleton import Skeleton, chained_rotations
from egobench.motions.identity_pose import bone_directions

LEAST_TURN = 20.0
"""Smallest angle between positions and rotations, degrees, that is called a mistake."""
SNAP = 10.0
"""A rotation is named by the axes if it differs from them by less than this angle, degrees."""

AXES = np.array(
    [
        np.diag(signs) @ np.eye(3)[list(order)]
        for order in itertools.permutations(range(3))
        for signs in itertools.product((1.0, -1.0), repeat=3)
    ]
)
"""The 48 ways to permute and negate axes."""


class Guess(NamedTuple):
    """A motion with one mistake undone."""

    code: str
    text: str
    """Description of the mistake."""
    positions: Float[np.ndarray, "time joint 3"]
    rotations: Float[np.ndarray, "time joint 3 3"]


def guesses(
    skeleton: Skeleton, positions: Float[np.ndarray, "time joint 3"], rotations: Float[np.ndarray, "time joint 3 3"]
) -> Iterator[Guess]:
    """Yields the motion with each mistake undone, the most common mistake first."""
    said = "quaternions fit the positions only when read as"
    for order, other in zip(("x, y, z, w", "w, x, y, z"), _reordered(rotations), strict=True):
        yield Guess("motion-quaternion-order", f"{said} {order}", positions, other)
    text = "rotations fit the positions only when transposed"
    yield Guess("motion-rotation-inverse", text, positions, rotations.swapaxes(-1, -2))
    text = "rotations fit the positions only when multiplied along the tree"
    yield Guess("motion-rotation-local", text, positions, chained_rotations(skeleton, rotations))
    for A in _worlds(skeleton, positions, rotations):
        code, what = name_of(A)
        yield Guess(code, f"positions are {what} against their rotations", positions @ A, rotations)
    sides = _other_side(skeleton)
    text = "joints of the left and the right side are exchanged in positions against rotations"
    yield Guess("motion-handedness", text, positions[:, sides], rotations)
    for axis, signs in zip("xyz", np.eye(3), strict=True):
        M = np.eye(3) - 2 * np.diag(signs)
        text = f"rotations fit the positions only when mirrored ({axis} negated)"
        yield Guess("motion-handedness", text, positions, M @ rotations @ M)
    for P in AXES:
        if np.linalg.det(P) > 0 and not np.diag(P).all():  # P and -P do the same; mirrors were tried above
            text = f"rotations fit the positions only with other axes: theirs are {_order(P)}"
            yield Guess("motion-axes", text, positions, P.T @ rotations @ P)
    yield from _rests(skeleton, positions, rotations)


def name_of(A: Float[np.ndarray, "3 3"]) -> tuple[str, str]:
    """Code and description of the transform (rotation or mirror) that takes correct positions to wrong ones."""
    P = _nearest_axes(A)
    if P is not None and (np.abs(P) == np.eye(3)).all() and np.linalg.det(P) < 0:
        negated = [axis for axis, sign in zip("xyz", np.diag(P), strict=True) if sign < 0]
        return "motion-handedness", f"mirrored ({', '.join(negated)} negated)"
    is_yaw = np.linalg.det(A) > 0 and A[2, 2] > np.cos(np.radians(SNAP))
    if is_yaw:
        degrees = np.degrees(np.arctan2(A[1, 0] - A[0, 1], A[0, 0] + A[1, 1]))
        return "motion-yaw", f"turned by {round(float(degrees))}° about z"
    if P is not None:
        return "motion-axes", f"in other axes ({_order(P)} for x, y, z)"
    if np.linalg.det(A) < 0:
        return "motion-handedness", "mirrored"
    turn = Rotation.from_matrix(A).as_rotvec(degrees=True)
    axis = np.round(turn / np.linalg.norm(turn), 2) + 0.0
    return "motion-axes", f"turned by {np.linalg.norm(turn):.0f}° about ({', '.join(f'{each:g}' for each in axis)})"


def turn_between(
    skeleton: Skeleton, positions: Float[np.ndarray, "time joint 3"], rotations: Float[np.ndarray, "time joint 3 3"]
) -> float:
    """Angle, 0 … 180°, between positions and those implied by the rotations; 0 for a user-defined skeleton."""
    covariance = _covariance(skeleton, positions, rotations)
    if covariance is None:
        return 0.0
    cosine = (np.trace(nearest_rotation(covariance).R) - 1) / 2
    return float(np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0))))


def _worlds(skeleton: Skeleton, positions: np.ndarray, rotations: np.ndarray) -> Iterator[Float[np.ndarray, "3 3"]]:
    """The rotation and the mirror that best take the positions implied by the rotations to the given positions."""
    covariance = _covariance(skeleton, positions, rotations)
    if covariance is None:
        yield from (P for P in AXES if (np.eye(3) != P).any())
    else:
        yield from _best(covariance)


def _covariance(skeleton: Skeleton, positions: np.ndarray, rotations: np.ndarray) -> Float[np.ndarray, "3 3"] | None:
    """Covariance of the given bones with those that the rotations imply; None if the identity pose is unknown."""
    directions = bone_directions(skeleton)
    if directions is None:
        return None
    parents = list(skeleton.parents[1:])
    steps = positions[:, 1:] - positions[:, parents]
    expected = np.einsum("tjab,jb->tja", rotations[:, parents], directions[1:])
    return np.einsum("tja,tjb->ab", steps, expected)


def _rests(skeleton: Skeleton, positions: np.ndarray, rotations: np.ndarray) -> Iterator[Guess]:
    """Undoes joint axes that differ from ours, as in an identity pose that faces another way."""
    directions = bone_directions(skeleton)
    if directions is None:
        return
    rest = rest_offsets(skeleton, positions, rotations)
    for C in _best(rest.T @ directions):
        if np.linalg.det(C) < 0:
            text = "left and right of the body are exchanged against its own rotations"
            yield Guess("motion-handedness", text, positions, rotations @ C)
        else:
            text = f"the body's identity pose is {name_of(C)[1]} against ours (faces +x, left is +y, up is +z)"
            yield Guess("motion-rest", text, positions, rotations @ C)


def _best(covariance: Float[np.ndarray, "3 3"]) -> Iterator[Float[np.ndarray, "3 3"]]:
    """The rotation and the mirror with the largest trace of covarianceᵀ A; no rotation below `LEAST_TURN`."""
    U, _, Vt = np.linalg.svd(covariance)
    for last in (1.0, -1.0):
        A = U @ np.diag([1.0, 1.0, last]) @ Vt
        if np.linalg.det(A) < 0 or np.trace(A) < 1 + 2 * np.cos(np.radians(LEAST_TURN)):
            yield A


def _nearest_axes(A: Float[np.ndarray, "3 3"]) -> Float[np.ndarray, "3 3"] | None:
    P = AXES[int(np.einsum("kab,ab->k", AXES, A).argmax())]
    return P if np.trace(P.T @ A) > 1 + 2 * np.cos(np.radians(SNAP)) else None


def _order(P: Float[np.ndarray, "3 3"]) -> str:
    """The order of our coordinates in the given motion, such as y, x, z."""
    columns = np.abs(P).argmax(axis=1)
    return ", ".join(("-" if P[row, column] < 0 else "") + "xyz"[column] for row, column in enumerate(columns))


def _other_side(skeleton: Skeleton) -> list[int]:
    """Index of each joint's counterpart on the other side of the body, or of the joint itself if there is none."""
    names = {"left": "right", "right": "left"}
    found = []
    for joint in skeleton.joints:
        side, _, part = joint.partition("_")
        other = f"{names[side]}_{part}" if side in names else joint
        found.append(skeleton.joints.index(other if other in skeleton.joints else joint))
    return found


def _reordered(rotations: Float[np.ndarray, "time joint 3 3"]) -> Iterator[Float[np.ndarray, "time joint 3 3"]]:
    """The rotations that result if the same four numbers are read in the other order."""
    xyzw = Rotation.from_matrix(rotations.reshape(-1, 3, 3)).as_quat()
    for shift in (1, -1):
        yield Rotation.from_quat(np.roll(xyzw, shift, axis=-1)).as_matrix().reshape(rotations.shape)
