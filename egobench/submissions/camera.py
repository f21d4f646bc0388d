"""The optional `camera` (T, 4, 4), world ← camera per motion frame, and `intrinsics` (3, 3) of a motion file.

No metric reads them: the head's path and the split's lever arm give the camera of a motion. They are checked, since a
camera that is far from that place shows a mistake in one of them.
"""

import numpy as np
from jaxtyping import Float

from egobench.errors import BadInputError
from egobench.geometry.border import FARTHEST, ROTATION_TOLERANCE
from egobench.geometry.skeleton import get_skeleton
from egobench.submissions.form import Form
from egobench.types import Motion

INTRINSICS_TOLERANCE = 0.02
"""As a share of the image's width."""
OFF_M, OFF_DEG = 0.05, 10.0
"""Largest median distance and angle of a camera from the place that head and lever arm give; beyond it there is a
warning."""


def check_camera(
    camera: np.ndarray | None, intrinsics: np.ndarray | None, motion: Motion, form: Form
) -> list[tuple[str, str]]:
    """Warnings as (code, text); empty if the arrays are absent or right.

    Raises:
        BadInputError: `camera-shape`, `camera-nonfinite`, `camera-rigid`, `camera-intrinsics`.
    """
    if intrinsics is not None:
        K = _floats(intrinsics, "intrinsics", (3, 3))
        if form.intrinsics is not None and np.abs(K - form.intrinsics).max() > INTRINSICS_TOLERANCE * form.width:
            given, expected = (np.round(each, 2).tolist() for each in (K, form.intrinsics))
            raise BadInputError(f"camera: intrinsics are {given}; {expected} is needed", code="camera-intrinsics")
    if camera is None:
        return []
    poses = _floats(camera, "camera", (len(motion.positions), 4, 4))
    rotations = np.clip(poses[:, :3, :3], -2, 2)
    rigid = np.abs(rotations.swapaxes(-1, -2) @ rotations - np.eye(3)).max(axis=(-1, -2)) <= ROTATION_TOLERANCE
    with np.errstate(all="ignore"):  # a matrix of tiny numbers may underflow
        rigid &= np.linalg.det(rotations) > 0
    rigid &= np.abs(poses[:, 3] - [0, 0, 0, 1]).max(axis=-1) <= ROTATION_TOLERANCE
    rigid &= np.abs(poses[:, :3, 3]).max(axis=-1) <= FARTHEST
    if not rigid.all():
        text = f"camera: the matrix of frame {int(np.argmin(rigid))} is no rigid movement world ← camera"
        raise BadInputError(text, code="camera-rigid")
    return [] if form.T_head_camera is None else _off_head(poses, motion, form.T_head_camera)


def _off_head(
    poses: Float[np.ndarray, "time 4 4"], motion: Motion, T_head_camera: Float[np.ndarray, "4 4"]
) -> list[tuple[str, str]]:
    head = get_skeleton(motion.skeleton).index("head")
    R_world_camera = motion.rotations[:, head] @ T_head_camera[:3, :3]
    places = motion.positions[:, head] + motion.rotations[:, head] @ T_head_camera[:3, 3]
    off_m = float(np.median(np.linalg.norm(poses[:, :3, 3] - places, axis=-1)))
    traces = np.einsum("tab,tab->t", R_world_camera, poses[:, :3, :3])
    off_deg = float(np.median(np.degrees(np.arccos(np.clip((traces - 1) / 2, -1, 1)))))
    if off_m <= OFF_M and off_deg <= OFF_DEG:
        return []
    return [("camera-head", f"the camera is {off_m:.2g} m and {off_deg:.3g}° from where the head puts it (median)")]


def _floats(array: np.ndarray, name: str, shape: tuple[int, ...]) -> np.ndarray:
    if array.shape != shape or array.dtype.kind != "f":
        text = f"camera: {name} is {array.dtype} {array.shape}; floats {shape} are needed"
        raise BadInputError(text, code="camera-shape")
    array = array.astype(np.float64)
    if not np.isfinite(array).all():
        raise BadInputError(f"camera: {name} is not finite", code="camera-nonfinite")
    return array
