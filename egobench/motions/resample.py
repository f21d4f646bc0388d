"""Another rate: positions linearly or by cubics, rotations along the shortest way (slerp), by times, not strides.

Seconds, metres. There is no low-pass filter: frame k of the result is the pose at time k / fps.
"""

import numpy as np
from jaxtyping import Bool, Float
from scipy.interpolate import make_interp_spline
from scipy.spatial.transform import Rotation, Slerp

from egobench.errors import BadInputError
from egobench.motions.axes import check_length
from egobench.types import Motion


def resample(motion: Motion, fps: float | int, *, smooth: bool = False) -> Motion:
    """A motion at another rate, from its first frame to the last that still lies within it.

    Between two frames joints turn evenly about one axis.

    Args:
        smooth: positions follow cubic splines, for who takes their derivatives (four frames at least); else joints go
            straight and evenly from frame to frame, which adds no wiggle to a file.

    Raises:
        BadInputError: `motion-rate`: no positive number; `motion-frames`: too long.
    """
    times = np.arange(len(motion.positions)) / motion.fps
    at = frame_times(times[-1], fps)
    quaternions = Rotation.from_matrix(motion.rotations.reshape(-1, 3, 3)).as_quat()
    known = np.ones(motion.positions.shape[:2], dtype=bool)
    positions, rotations = poses_at(
        at, times, motion.positions, quaternions.reshape(*motion.positions.shape[:2], 4), known
    )
    if smooth:
        positions = make_interp_spline(times, motion.positions, k=3, axis=0)(at)
    return Motion(positions=positions, rotations=rotations, fps=fps, skeleton=motion.skeleton)


def frame_times(seconds: float, fps: float | int) -> Float[np.ndarray, " frame"]:
    """Times of the frames from 0 to `seconds`, a microsecond of rounding allowed.

    Raises:
        BadInputError: `motion-rate`: no positive number; `motion-frames`: too long.
    """
    if not (np.isfinite(fps) and fps > 0):
        raise BadInputError(f"{fps} frames per second; a positive number is needed", code="motion-rate")
    count = min((seconds + 1e-6) * fps, 1e15)
    at = np.arange(check_length(int(count) + 1, "motion")) / fps
    return np.minimum(at, seconds)


def poses_at(
    at: Float[np.ndarray, " frame"],
    times: Float[np.ndarray, " time"],
    positions: Float[np.ndarray, "time joint 3"],
    quaternions: Float[np.ndarray, "time joint 4"],
    known: Bool[np.ndarray, "time joint"],
) -> tuple[Float[np.ndarray, "frame joint 3"], Float[np.ndarray, "frame joint 3 3"]]:
    """Positions and rotation matrices at given times.

    Args:
        at: seconds, within `times`.
        times: seconds of the given poses, ascending.
        quaternions: x, y, z, w.
        known: where the quaternion may be used; each joint needs one at least.
    """
    frames, joints = len(at), positions.shape[1]
    columns = [np.interp(at, times, column) for column in positions.reshape(len(times), -1).T]
    rotations = np.empty((frames, joints, 3, 3))
    for joint in range(joints):
        use = known[:, joint]
        turns = Rotation.from_quat(quaternions[use, joint])
        if len(turns) == 1:
            rotations[:, joint] = turns.as_matrix()
        else:
            own = times[use]
            rotations[:, joint] = Slerp(own, turns)(np.clip(at, own[0], own[-1])).as_matrix()
    return np.stack(columns, axis=-1).reshape(frames, joints, 3), rotations
