"""Videos whose camera path is known: a box room with noise on its walls, seen through a pinhole camera."""

from functools import cache

import cv2
import numpy as np
from scipy.spatial.transform import Rotation

from egobench.types import Camera, Video

HALF = np.array([2.0, 2.5, 1.5])
"""Half the room's size, metres; the camera starts at its middle, x right, y down, z forward."""


def camera(size: int = 160) -> Camera:
    """90° wide."""
    return Camera(np.array([[size / 2, 0, size / 2], [0, size / 2, size / 2], [0, 0, 1.0]]), size, size, np.eye(4))


@cache
def _walls() -> list[np.ndarray]:
    rng = np.random.default_rng(7)
    coarse, fine = rng.integers(0, 256, (2, 6, 96, 96, 3), dtype=np.uint8)
    walls = []
    for k in range(6):
        large = cv2.resize(coarse[k, :24, :24], (768, 768), interpolation=cv2.INTER_NEAREST)
        small = cv2.resize(fine[k], (768, 768), interpolation=cv2.INTER_CUBIC)
        walls.append(cv2.addWeighted(large, 0.6, small, 0.4, 0))
    return walls


def view(T_world_camera: np.ndarray, size: int = 160) -> np.ndarray:
    """One frame, drawn at twice the size and averaged."""
    large = 2 * size
    at = (np.arange(large) + 0.5) * 2 / large - 1
    x, y = np.meshgrid(at, at)
    rays = np.stack([x, y, np.ones_like(x)], axis=-1) @ T_world_camera[:3, :3].T
    centre, half = T_world_camera[:3, 3], HALF[[0, 2, 1]]
    with np.errstate(divide="ignore"):
        reach = (np.sign(rays) * half - centre) / rays
    axis = reach.argmin(axis=-1)
    points = centre + rays * reach.min(axis=-1)[..., None]
    side = 2 * axis + (np.take_along_axis(rays, axis[..., None], axis=-1)[..., 0] > 0)
    frame = np.zeros((large, large, 3), np.uint8)
    for k, wall in enumerate(_walls()):
        other = [i for i in range(3) if i != k // 2]
        u, v = ((points[..., i] / half[i] + 1) / 2 * 766 for i in other)
        drawn = cv2.remap(wall, u.astype(np.float32), v.astype(np.float32), cv2.INTER_LINEAR)
        frame[side == k] = drawn[side == k]
    return cv2.resize(frame, (size, size), interpolation=cv2.INTER_AREA)


def video(poses: np.ndarray, size: int = 160) -> Video:
    """Frames seen from poses (time, 4, 4)."""
    return Video(np.stack([view(pose, size) for pose in poses]), 8.0)


def poses(turns: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """Rotation vectors in degrees and metres (time, 3) → camera → world (time, 4, 4)."""
    found = np.tile(np.eye(4), (len(turns), 1, 1))
    found[:, :3, :3] = Rotation.from_rotvec(turns, degrees=True).as_matrix()
    found[:, :3, 3] = positions
    return found


def turning(frames: int = 12, degrees: float = 2.0) -> np.ndarray:
    """Turns to the right, so many degrees a frame; does not move."""
    turns = np.zeros((frames, 3))
    turns[:, 1] = degrees * np.arange(frames)
    return poses(turns, np.zeros((frames, 3)))


def walking(frames: int = 12) -> np.ndarray:
    """Forward and aside, 8 and 4 cm a frame, turning by 1° a frame."""
    steps = np.arange(frames)[:, None]
    return poses(steps * [0.1, 1.0, 0.0], steps * [0.04, 0.005, 0.08] - [0.2, 0.0, 0.5])
