"""Bodies for the motion-file tests: rest offsets by joint name for any skeleton, and a smooth dance of them."""

import numpy as np
from scipy.spatial.transform import Rotation

from egobench.geometry.skeleton import Skeleton, forward_kinematics
from egobench.types import Motion

SPINE, TOE = (0.0, 0.0, 0.13), (0.14, 0.0, -0.05)
OFFSETS = {
    "shoulder": (0.0, 0.06, 0.08),
    "upper_arm": (0.0, 0.13, 0.0),
    "forearm": (0.0, 0.28, 0.0),
    "hand": (0.0, 0.25, 0.0),
    "knuckles": (0.0, 0.08, 0.0),
    "upper_leg": (0.0, 0.09, -0.05),
    "lower_leg": (0.0, 0.0, -0.41),
    "foot": (0.0, 0.0, -0.41),
    "midfoot": (0.05, 0.0, -0.05),
    "toe": TOE,
}


def rest_offsets(skeleton: Skeleton) -> np.ndarray:
    """Offsets parent → joint in the T pose, metres, our axes."""
    rows = np.zeros((len(skeleton), 3))
    for index, joint in enumerate(skeleton.joints[1:], start=1):
        side, _, part = joint.partition("_")
        rows[index] = OFFSETS[part] if side in ("left", "right") else SPINE
        if side == "right":
            rows[index, 1] *= -1
    return rows


def dancing(skeleton: Skeleton, frames: int = 60, fps: float = 20.0, seed: int = 0, turns: float = 1.0) -> Motion:
    """A body that rocks in every joint, walks in an arc and turns about itself `turns` times."""
    rng = np.random.default_rng(seed)
    times = np.arange(frames) / fps
    phases = rng.uniform(0, 2 * np.pi, (len(skeleton), 3))
    angles = 0.2 * np.sin(2 * np.pi * 0.5 * times[:, None, None] + phases)
    own = Rotation.from_rotvec(angles.reshape(-1, 3)).as_matrix().reshape(frames, -1, 3, 3)
    yaw = Rotation.from_euler("z", 2 * np.pi * turns * np.arange(frames)[:, None] / frames).as_matrix()
    rotations = yaw[:, None] @ own
    root = np.stack([0.5 * times, 0.3 * np.sin(times), 0.95 + 0.02 * np.sin(3 * times)], axis=-1)
    positions = forward_kinematics(skeleton, rest_offsets(skeleton), root, rotations)
    return Motion(positions, rotations, fps, skeleton.name)


def standing(skeleton: Skeleton, frames: int = 5, fps: float = 20.0) -> Motion:
    """The T pose, facing +x, at the origin."""
    rotations = np.tile(np.eye(3), (frames, len(skeleton), 1, 1))
    root = np.tile([0.0, 0.0, 0.95], (frames, 1))
    return Motion(forward_kinematics(skeleton, rest_offsets(skeleton), root, rotations), rotations, fps, skeleton.name)
