"""Motion features of `motion-text`: named joints of any skeleton, at one rate, in heading frames. Metres, z up.

The first frame's heading frame has its origin on the floor under the root, and +x points where the root faces. So the
features do not depend on where the clip begins or which way it faces.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float, Int
from scipy.spatial.transform import Rotation

from egobench.errors import BadInputError
from egobench.geometry.border import motion_arrays
from egobench.geometry.skeleton import Skeleton
from egobench.motions.resample import resample
from egobench.types import Motion

FEWEST_FRAMES = 4
"""Least number of frames of a motion, because positions are interpolated by cubics."""
TRACKED = "head"
"""Joint whose speed and turning are features besides those of the root, if the skeleton has a joint of that name."""


@dataclass(frozen=True)
class MotionLayout:
    """The order of the features; it is the same for every motion of one skeleton."""

    skeleton: Skeleton
    rate: float
    """Frames per second to which motions are resampled."""

    @cached_property
    def tracked(self) -> tuple[int, ...]:
        """Indices of the root and, if there is one, the head."""
        root = self.skeleton.parents.index(-1)
        joints = self.skeleton.joints
        return (root, joints.index(TRACKED)) if TRACKED in joints and joints.index(TRACKED) != root else (root,)

    @cached_property
    def groups(self) -> Mapping[str, slice]:
        """Feature group → its columns. A group has one unit and one scale."""
        joints, tracked = len(self.skeleton), len(self.tracked)
        widths = {"place": 3 * joints, "rotation": 6 * joints, "body": 3 * joints}
        widths |= {"speed": 3 * tracked, "turning": 3 * tracked}
        ends = np.cumsum(list(widths.values())).tolist()
        return {name: slice(end - width, end) for (name, width), end in zip(widths.items(), ends, strict=True)}

    @property
    def width(self) -> int:
        """Number of features per frame."""
        return self.groups["turning"].stop

    def features(self, motion: Motion) -> Float[np.ndarray, "frame feature"]:
        """Features of a motion.

        In the first frame's heading frame: `place`, joint positions (m), and `rotation`, the first two columns of joint
        rotations. In each frame's own heading frame: `body`, positions (m), and `speed` (m/s) and `turning` (rad/s) of
        root and head.

        Raises:
            BadInputError: another skeleton (`motion-skeleton`), too few frames (`motion-frames`), or a damaged motion.
        """
        _, _, fps, skeleton = motion_arrays(motion)
        if skeleton.joints != self.skeleton.joints or skeleton.parents != self.skeleton.parents:
            raise BadInputError(
                f"motion has skeleton '{skeleton.name}' of {len(skeleton)} joints; these weights are for "
                f"'{self.skeleton.name}' of {len(self.skeleton)} joints (`egobench fit motion-text` "
                "makes others, and NAME:motion-text@FILE takes them)",
                code="motion-skeleton",
            )
        if len(motion.positions) < FEWEST_FRAMES:
            found = len(motion.positions)
            raise BadInputError(f"motion has {found} frames; at least {FEWEST_FRAMES} are needed", code="motion-frames")
        motion = in_heading_frame(
            resample(motion, self.rate, smooth=True) if fps != self.rate else motion, self.tracked[0]
        )
        positions, rotations = motion.positions, motion.rotations
        root, tracked = self.tracked[0], list(self.tracked)
        own = _yaw_matrices(heading(rotations[:, root]))
        floor = positions[:, root] * [1, 1, 0]
        body = np.einsum("tba,tjb->tja", own, positions - floor[:, None])
        speed = np.gradient(positions[:, tracked], axis=0) * self.rate
        parts = (
            positions,
            rotations[..., :2].swapaxes(-1, -2),
            body,
            np.einsum("tba,tjb->tja", own, speed),
            np.einsum("tba,tjb->tja", own, _angular_speed(rotations[:, tracked], self.rate)),
        )
        return np.concatenate([part.reshape(len(positions), -1) for part in parts], axis=1)

    @cached_property
    def mirror(self) -> tuple[Int[np.ndarray, " feature"], Float[np.ndarray, " feature"]]:
        """(order, sign): `features[:, order] * sign` are the features of the mirrored motion, left and right swapped.

        `left_…` and `right_…` joints change places. The mirror is the body's own plane of symmetry.
        """
        swap = {"left": "right", "right": "left"}
        names = list(self.skeleton.joints)
        others = []
        for name in names:
            side, _, part = name.partition("_")
            other = f"{swap[side]}_{part}" if side in swap else name
            others.append(names.index(other) if other in names else names.index(name))
        joints, tracked = np.array(others), np.arange(len(self.tracked))
        polar, axial = [1.0, -1.0, 1.0], [-1.0, 1.0, -1.0]
        columns = [*polar, *(-value for value in polar)]
        blocks = ((joints, polar), (joints, columns), (joints, polar), (tracked, polar), (tracked, axial))
        orders, signs, start = [], [], 0
        for which, sign in blocks:
            orders.append(start + (which[:, None] * len(sign) + np.arange(len(sign))).ravel())
            signs.append(np.tile(sign, len(which)))
            start += len(which) * len(sign)
        return np.concatenate(orders), np.concatenate(signs)


def heading(rotations: Float[np.ndarray, "*batch 3 3"]) -> Float[np.ndarray, "*batch"]:
    """Yaw of a body, radians about +z: the twist of its rotation about the vertical.

    Unlike the direction of the body's x axis on the floor, it stays defined when the body bends down.
    """
    return np.arctan2(rotations[..., 1, 0] - rotations[..., 0, 1], rotations[..., 0, 0] + rotations[..., 1, 1])


def in_heading_frame(motion: Motion, root: int) -> Motion:
    """The motion in its first frame's heading frame. Heights do not change."""
    to_own = _yaw_matrices(heading(motion.rotations[:1, root]))[0].T
    origin = motion.positions[0, root] * [1, 1, 0]
    return Motion((motion.positions - origin) @ to_own.T, to_own @ motion.rotations, motion.fps, motion.skeleton)


def _angular_speed(rotations: Float[np.ndarray, "time joint 3 3"], rate: float) -> Float[np.ndarray, "time joint 3"]:
    """World angular velocity, rad/s, by central differences (one-sided at the ends)."""
    frames = np.arange(len(rotations))
    after, before = np.minimum(frames + 1, frames[-1]), np.maximum(frames - 1, 0)
    steps = (rotations[after] @ rotations[before].swapaxes(-1, -2)).reshape(-1, 3, 3)
    vectors = Rotation.from_matrix(steps).as_rotvec().reshape(len(frames), -1, 3)
    return vectors * (rate / (after - before))[:, None, None]


def _yaw_matrices(yaw: Float[np.ndarray, " time"]) -> Float[np.ndarray, "time 3 3"]:
    cos, sin, zero = np.cos(yaw), np.sin(yaw), np.zeros_like(yaw)
    rows = ((cos, -sin, zero), (sin, cos, zero), (zero, zero, zero + 1))
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)
