"""The palms of a moving body in the picture of the camera on its head. World metres, pixels.

Sides are in the order left, right. A pixel is (x right, y down), the image spans 0 … width and 0 … height.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from egobench.geometry.border import MotionArrays, camera_arrays
from egobench.geometry.head_camera import head_camera_path, video_times
from egobench.geometry.path_errors import farthest
from egobench.types import SIDES, Camera

PALM_FROM_WRIST = 0.08
"""Distance of the palm from the wrist along the hand, metres."""
NEAREST = 0.05
"""Least distance of a visible point in front of the camera, metres."""
BORDER = 0.05
"""Width of a band on both sides of the image's border, as a share of its width and height. A palm in the band counts
neither as visible nor as hidden, since a hand is larger than its palm."""


class PalmViews(NamedTuple):
    """Palms per frame and side in the wearer's camera."""

    pixels: Float[np.ndarray, "time side 2"]
    """NaN where the palm is not in front of the camera."""
    visible: Bool[np.ndarray, "time side"]
    """In front of the camera and inside the image, beyond the band around its border."""
    ignored: Bool[np.ndarray, "time side"]
    """In front of the camera and within the band."""


def palm_points(motion: MotionArrays) -> Float[np.ndarray, "time side 3"]:
    """World positions of both palms: the wrist and 8 cm along the hand.

    The skeleton gives the direction along the hand (`Skeleton.palm_direction`), which turns with the hand. If it does
    not, the direction is that of the forearm.

    Raises:
        UnknownNameError: a skeleton without hands.
    """
    palms = []
    for side in SIDES:
        wrist = motion.skeleton.index(f"{side}_hand")
        direction = motion.skeleton.palm_direction.get(f"{side}_hand")
        if direction is not None:
            along = motion.rotations[:, wrist] @ np.asarray(direction)
        else:
            forearm = motion.positions[:, wrist] - motion.positions[:, motion.skeleton.index(f"{side}_forearm")]
            along = forearm / np.maximum(np.linalg.norm(forearm, axis=-1, keepdims=True), 1e-9)
        palms.append(motion.positions[:, wrist] + PALM_FROM_WRIST * along)
    return np.stack(palms, axis=1)


def palms_in_camera(motion: MotionArrays, camera: Camera) -> Float[np.ndarray, "time side 3"]:
    """Both palms in the axes of the camera on the head (right, down, forward), metres. Raises as `view_palms`."""
    path = head_camera_path(motion, camera, len(motion.positions))
    return np.einsum("tba,tsb->tsa", path.R, palm_points(motion) - path.positions[:, None])


def palms_travel(motion: MotionArrays, camera: Camera) -> float:
    """Distance in metres between the two farthest places of one palm in the camera's axes, for the palm that moves
    more."""
    palms = palms_in_camera(motion, camera)
    return max(float(farthest(palms[:, side])) for side in range(len(SIDES)))


def view_palms(motion: MotionArrays, camera: Camera) -> PalmViews:
    """Projects the palms into the camera on the head, `T_world_camera = T_world_head @ T_head_camera`.

    Raises:
        UnknownNameError: a skeleton without head or hands.
        BadInputError: codes of `head_camera_path`.
    """
    K, _ = camera_arrays(camera)
    palms = palms_in_camera(motion, camera)
    in_front = palms[..., 2] > NEAREST
    depth = np.where(in_front, palms[..., 2], 1.0)[..., None]
    pixels = np.where(in_front[..., None], (palms / depth) @ K[:2].T, np.nan)
    size = np.array([camera.width, camera.height], dtype=np.float64)
    with np.errstate(invalid="ignore"):
        inward = np.minimum(pixels, size - pixels) / size
    inward = np.where(in_front, inward.min(axis=-1), -np.inf)
    visible = inward >= BORDER
    return PalmViews(pixels, visible, (inward > -BORDER) & ~visible)


def view_palms_in_video(motion: MotionArrays, camera: Camera, num_video_frames: int) -> PalmViews:
    """As `view_palms`, at the times of the video frames. Raises as it does."""
    at = motion_frames_of(num_video_frames, len(motion.positions))
    return view_palms(motion._replace(positions=motion.positions[at], rotations=motion.rotations[at]), camera)


def motion_frames_of(num_video_frames: int, num_motion_frames: int) -> Int[np.ndarray, " time"]:
    """Motion frame nearest to the time of each video frame (`video_times`)."""
    return np.floor(video_times(num_video_frames, num_motion_frames) + 0.5).astype(np.int64)
