"""The path of the camera on the head of a moving body: the path that the video of the clip should show. Metres."""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from egobench.errors import BadInputError
from egobench.geometry.border import ROTATION_TOLERANCE, MotionArrays, camera_arrays
from egobench.geometry.rotation import interpolate_rotations, nearest_rotation
from egobench.types import Camera


class HeadCameraPath(NamedTuple):
    """Camera poses at the times of the video frames."""

    R: Float[np.ndarray, "time 3 3"]
    """Camera → world."""
    positions: Float[np.ndarray, "time 3"]
    """World, metres."""
    fps: float
    """Video frames per second, as it follows from the motion's rate and both lengths."""


def motion_frames_per_video_frame(num_video_frames: int, num_motion_frames: int) -> float:
    """Rate of the motion divided by that of the video, from their lengths only; both start at the same time.

    If the motion has a whole number of frames per video frame, up to a rest shorter than one video frame, the result is
    that number (81 and 41: 2; a motion of 82 frames ends half a video frame later). Else both also end at the same
    time.
    """
    steps, last = max(num_video_frames - 1, 1), num_motion_frames - 1
    whole = max(round(last / steps), 1)
    return float(whole) if 0 <= last - steps * whole < whole else last / steps


def video_times(num_video_frames: int, num_motion_frames: int) -> Float[np.ndarray, " time"]:
    """Time of each video frame in motion frames, 0 … last; by `motion_frames_per_video_frame`."""
    ratio = motion_frames_per_video_frame(num_video_frames, num_motion_frames)
    return np.minimum(np.arange(num_video_frames) * ratio, num_motion_frames - 1.0)


def head_camera_path(motion: MotionArrays, camera: Camera, num_video_frames: int) -> HeadCameraPath:
    """T_world_camera = T_world_head @ T_head_camera at the times of the video frames.

    Between motion frames, positions are interpolated linearly and rotations at constant angular velocity. In the
    shipped splits every video frame is a motion frame, so nothing is interpolated. Rotations are replaced by the
    nearest exact rotation, since files have float32.

    Raises:
        BadInputError: codes of `camera_arrays`; `camera-form` (T_head_camera is not rigid), `motion-rotation` (a
            rotation of the head is not orthonormal).
        UnknownNameError: a skeleton without a head.
    """
    _, T_head_camera = camera_arrays(camera)
    if not is_rotation(T_head_camera[:3, :3]):
        raise BadInputError("camera: T_head_camera is not rigid; a rotation and metres are needed", code="camera-form")
    head = motion.skeleton.index("head")
    given = motion.rotations[:, head]
    if not is_rotation(given):
        raise BadInputError("motion: a rotation of the head is not orthonormal", code="motion-rotation")
    parts = (given, motion.positions[:, head], T_head_camera)
    frozen = tuple(np.ascontiguousarray(part, dtype=np.float64).tobytes() for part in parts)
    return _path(*frozen, num_video_frames, float(motion.fps))


@lru_cache(maxsize=8)
def _path(rotations: bytes, positions: bytes, camera: bytes, num_video_frames: int, fps: float) -> HeadCameraPath:
    """The path from the head's (time, 3, 3) and (time, 3). Kept, since several metrics ask for that of one motion; its
    arrays cannot be changed."""
    given = np.frombuffer(rotations).reshape(-1, 3, 3)
    place, T_head_camera = np.frombuffer(positions).reshape(-1, 3), np.frombuffer(camera).reshape(4, 4)
    ratio = motion_frames_per_video_frame(num_video_frames, len(given))
    at = video_times(num_video_frames, len(given))
    R_head = interpolate_rotations(nearest_rotation(given).R, at)
    before = np.floor(at).astype(np.int64)
    after, share = np.minimum(before + 1, len(given) - 1), (at - before)[:, None]
    t_head = (1.0 - share) * place[before] + share * place[after]
    R_camera = nearest_rotation(T_head_camera[:3, :3]).R
    path = HeadCameraPath(R_head @ R_camera, t_head + R_head @ T_head_camera[:3, 3], fps / ratio if ratio > 0 else fps)
    for part in (path.R, path.positions):
        part.flags.writeable = False
    return path


def is_rotation(R: Float[np.ndarray, "*batch 3 3"]) -> bool:
    """All are orthonormal to 1e-3 and none is a mirror."""
    clipped = np.clip(R, -2.0, 2.0)  # huge entries are refused as well, without overflow
    gap = np.abs(np.swapaxes(clipped, -1, -2) @ clipped - np.eye(3)).max(initial=0.0)
    return bool(gap <= ROTATION_TOLERANCE and (np.linalg.det(clipped) > 0).all())
