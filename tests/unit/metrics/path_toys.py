"""A person who walks through a room looking about, a camera, and estimators that know the truth up to what is asked."""

from dataclasses import replace

import numpy as np
from scipy.spatial.transform import Rotation

from egobench.geometry.border import motion_arrays
from egobench.geometry.head_camera import head_camera_path
from egobench.types import Camera, CameraPath, Motion

LENS = np.array([[0.0, -0.5, np.sqrt(0.75), 0.1], [-1, 0, 0, 0], [0, -np.sqrt(0.75), -0.5, 0.08], [0, 0, 0, 1]])
"""Camera → head: 10 cm ahead of the joint and 8 cm above it, looking 30° down."""
CAMERA = Camera(np.array([[32.0, 0, 32], [0, 32, 32], [0, 0, 1]]), 64, 64, LENS)
ELSEWHERE = np.eye(4)
ELSEWHERE[:3, :3], ELSEWHERE[:3, 3] = Rotation.from_euler("zyx", [2.0, 0.4, -1.1]).as_matrix(), [3.0, -7.0, 2.0]
"""Where an estimator may have put its world."""


def looking_about(standing, frames=81, walk=1.0, turn=1.0):
    """Walks a curve of about 2 m while looking left, right and up: the whole body turns about its head's vertical."""
    motion: Motion = standing(frames)
    times = np.arange(frames) / motion.fps
    yaw = turn * (0.5 * np.exp(-(((times - 1.6) / 0.5) ** 2)) - 0.3 * np.exp(-(((times - 3.3) / 0.7) ** 2)))
    pitch = turn * 0.15 * np.sin(1.3 * times)
    R = Rotation.from_euler("zy", np.stack([yaw, pitch], axis=1)).as_matrix()
    way = walk * np.stack([0.4 * times, 0.25 * np.sin(times), 0.02 * np.sin(9 * times)], axis=-1)
    positions = np.einsum("tab,tjb->tja", R, motion.positions) + way[:, None]
    return replace(motion, positions=positions, rotations=R[:, None] @ motion.rotations)


def seen(motion, camera=CAMERA, *, degrees=0.0, metres=0.0, scale=None, seed=0, frames=41, status="ok"):
    """The true path in another world, with noise per frame; `scale` of its unit where it is not metric."""
    rng = np.random.default_rng(seed)
    head = head_camera_path(motion_arrays(motion), camera, frames)
    noise = Rotation.from_rotvec(np.radians(degrees) * rng.normal(size=(frames, 3))).as_matrix()
    poses = np.tile(np.eye(4), (frames, 1, 1))
    poses[:, :3, :3] = head.R @ noise
    poses[:, :3, 3] = head.positions + metres * rng.normal(size=(frames, 3))
    poses = ELSEWHERE @ poses
    poses[:, :3, 3] *= 1.0 if scale is None else scale
    return CameraPath(poses, np.ones(frames, dtype=bool), status, "", scale is None)


def without(path, lost):
    """The path with some frames lost."""
    registered = path.registered & ~lost
    poses = np.where(registered[:, None, None], path.T_world_camera, np.eye(4))
    status = "ok" if registered.mean() >= 0.9 else "partial" if registered.sum() >= 2 else "failed"
    return replace(path, T_world_camera=poses, registered=registered, status=status)


def nothing_seen(frames=41, status="failed"):
    """What an estimator gives that found nothing."""
    poses = np.tile(np.eye(4), (frames, 1, 1))
    return CameraPath(poses, np.zeros(frames, dtype=bool), status, "no features", True)


def standing_still(frames=41):
    """What an estimator gives that saw a still picture."""
    return replace(nothing_seen(frames), registered=np.ones(frames, dtype=bool), status="ok", reason="")
