"""The compact form of a rigid-body motion, as integers.

Root positions in steps of 0.1 mm, joint → world rotations as unit quaternions (xyzw, w ≥ 0) in steps of
1/32767. A generator rounds a motion before it draws the video, so the integers are exact.
"""

import numpy as np
from jaxtyping import Float, Int16, Int32
from scipy.spatial.transform import Rotation

COMPACT_KEYS = ("root", "quats", "offsets")
"""Names of the arrays in `motion.npz`."""
ROOT_STEP = 1e-4
"""Metres."""
QUAT_STEPS = 32767
MAX_ROUNDS = 16


def quantise(
    root_xyz: Float[np.ndarray, "time 3"], rotations: Float[np.ndarray, "time joint 3 3"]
) -> tuple[Int32[np.ndarray, "time 3"], Int16[np.ndarray, "time joint 4"]]:
    """Rounds a motion to integers that are a fixed point: `quantise(dequantise(x))` gives x again.

    One rounding is not enough, since renormalising a rounded quaternion can move it by a whole step. So it is repeated.
    """
    steps = _encode(rotations.reshape(-1, 3, 3))
    restless = np.arange(len(steps))
    for attempt in range(MAX_ROUNDS):
        again = _encode(_decode(steps[restless]))
        moved = np.any(again != steps[restless], axis=1)
        restless, again = restless[moved], again[moved]
        if not len(restless):
            break
        if attempt > MAX_ROUNDS // 2:  # two neighbours that round to each other: leave the cycle
            largest = (np.arange(len(again)), np.argmax(np.abs(again), axis=1))
            again[largest] -= np.sign(again[largest])
        steps[restless] = again
    return np.round(root_xyz / ROOT_STEP).astype(np.int32), steps.reshape(*rotations.shape[:2], 4)


def dequantise(
    root: Int32[np.ndarray, "time 3"], quats: Int16[np.ndarray, "time joint 4"]
) -> tuple[Float[np.ndarray, "time 3"], Float[np.ndarray, "time joint 3 3"]]:
    """Root positions in metres and rotation matrices.

    Raises:
        ValueError: a zero quaternion, or arrays of other shapes.
    """
    if root.ndim != 2 or root.shape[1] != 3 or quats.ndim != 3 or quats.shape[::2] != (len(root), 4):
        raise ValueError(f"root {root.shape} and quats {quats.shape}; expected (T, 3) and (T, J, 4)")
    return root * ROOT_STEP, _decode(quats.reshape(-1, 4)).reshape(*quats.shape[:2], 3, 3)


def _encode(matrices: Float[np.ndarray, "item 3 3"]) -> Int16[np.ndarray, "item 4"]:
    return np.round(Rotation.from_matrix(matrices).as_quat(canonical=True) * QUAT_STEPS).astype(np.int16)


def _decode(steps: Int16[np.ndarray, "item 4"]) -> Float[np.ndarray, "item 3 3"]:
    return Rotation.from_quat(steps.astype(np.float64)).as_matrix()
