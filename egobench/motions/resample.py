"""Resamples motions: positions linearly or by cubic splines, rotations along the shortest way (slerp).

Times are in seconds and positions in metres. Poses are interpolated at times; frames are not just skipped. There is no
low-pass filter: frame k of the result is the pose at time k / fps.
"""

import numpy as np
from jaxtyping import Bool, Float
from scipy.interpolate import make_interp_spline
from scipy.spatial.transform import Rotation, Slerp

from egobench.errors import BadInputError
from egobench.motions.axes import check_length
from egobench.types import Motion


def resample(motion: Motion, fps: float | int, *, smooth: bool = False) -> Motion:
    """Resamples a motion to another rate. The last new frame still lies within the motion.

    Between two frames, each joint rotates evenly about one axis.

    Args:
        smooth: if True, positions follow cubic splines, for callers that compute derivatives; at least four frames are
            needed. If False, joints move straight and evenly from frame to frame, which adds no oscillation.

    Raises:
        BadInputError: `motion-rate`: `fps` is not a positive number; `motion-frames`: the result is too long.
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
    """Times of the frames from 0 to `seconds`. A rounding error of one microsecond is allowed.

    Raises:
        BadInputError: `motion-rate`: `fps` is not a positive number; `motion-frames`: the result is too long.
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
        known: True where the quaternion may be used; each joint needs at least one.
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
