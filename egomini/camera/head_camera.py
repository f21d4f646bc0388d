"""The camera of the embedded world: a pinhole on the glasses, rigid on the head joint.

Frames: head x forward, y left, z up; camera x right, y down, z forward (OpenCV). Metres, pixels.
"""

import numpy as np
from jaxtyping import Float

from egobench.geometry.skeleton import XSENS23
from egobench.types import Camera

FIELD_OF_VIEW = np.deg2rad(90.0)
PITCH_DOWN = np.deg2rad(15.0)
LEVER_ARM = (0.085, 0.0, 0.075)
"""Camera centre in the head joint's frame, metres: 8.5 cm ahead of and 7.5 cm above the top of the neck."""


def _head_from_camera() -> Float[np.ndarray, "4 4"]:
    cos, sin = np.cos(PITCH_DOWN), np.sin(PITCH_DOWN)
    right, down, forward = (0.0, -1.0, 0.0), (-sin, 0.0, -cos), (cos, 0.0, -sin)
    transform = np.eye(4)
    transform[:3, :3] = np.stack([right, down, forward], axis=-1)
    transform[:3, 3] = LEVER_ARM
    return transform


T_HEAD_CAMERA: Float[np.ndarray, "4 4"] = _head_from_camera()


def make_camera(resolution: int) -> Camera:
    """Square camera of `resolution` pixels with a 90° field of view."""
    focal = resolution / 2 / np.tan(FIELD_OF_VIEW / 2)
    intrinsics = np.array([[focal, 0, resolution / 2], [0, focal, resolution / 2], [0, 0, 1]])
    return Camera(intrinsics=intrinsics, width=resolution, height=resolution, T_head_camera=T_HEAD_CAMERA)


def head_path(
    positions: Float[np.ndarray, "time joint 3"], rotations: Float[np.ndarray, "time joint 3 3"]
) -> Float[np.ndarray, "time 4 4"]:
    """`T_world_head` of an XSens motion: the head joint's place and rotation."""
    head = XSENS23.index("head")
    T_world_head = np.tile(np.eye(4), (len(positions), 1, 1))
    T_world_head[:, :3, :3] = rotations[:, head]
    T_world_head[:, :3, 3] = positions[:, head]
    return T_world_head


def camera_path(
    positions: Float[np.ndarray, "time joint 3"],
    rotations: Float[np.ndarray, "time joint 3 3"],
    camera: Camera,
) -> Float[np.ndarray, "time 4 4"]:
    """`T_world_camera = T_world_head @ T_head_camera` per motion frame."""
    return head_path(positions, rotations) @ camera.T_head_camera
