"""Bodies that many tests move: an XSens skeleton of a 1.75 m person by round numbers."""

from collections.abc import Callable

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from egobench.geometry.skeleton import XSENS23, forward_kinematics
from egobench.types import Motion

ANKLE_HEIGHT, TOE_HEIGHT = 0.08, 0.025
OFFSETS = {
    "l5": (0.0, 0.0, 0.10),
    "l3": (0.0, 0.0, 0.11),
    "t12": (0.0, 0.0, 0.10),
    "t8": (0.0, 0.0, 0.10),
    "neck": (0.0, 0.0, 0.14),
    "head": (0.0, 0.0, 0.09),
    "shoulder": (0.0, 0.03, 0.08),
    "upper_arm": (0.0, 0.14, 0.0),
    "forearm": (0.0, 0.29, 0.0),
    "hand": (0.0, 0.25, 0.0),
    "upper_leg": (0.0, 0.09, 0.0),
    "lower_leg": (0.0, 0.0, -0.42),
    "foot": (0.0, 0.0, -0.42),
    "toe": (0.14, 0.0, TOE_HEIGHT - ANKLE_HEIGHT),
}


def _offsets() -> np.ndarray:
    rows = np.zeros((len(XSENS23), 3))
    for joint in XSENS23.joints[1:]:
        side, _, part = joint.partition("_")
        rows[XSENS23.index(joint)] = OFFSETS[part if side in ("left", "right") else joint]
        if side == "right":
            rows[XSENS23.index(joint), 1] *= -1
    return rows


@pytest.fixture(scope="session")
def standing() -> Callable[..., Motion]:
    """Makes a person who stands at the origin facing +x with the soles on the floor and the arms stretched out."""

    def make(frames: int = 81, fps: float = 16.0) -> Motion:
        rotations = np.tile(np.eye(3), (frames, len(XSENS23), 1, 1))
        root = np.tile([0.0, 0.0, ANKLE_HEIGHT + 0.84], (frames, 1))
        return Motion(forward_kinematics(XSENS23, _offsets(), root, rotations), rotations, fps)

    return make


@pytest.fixture(scope="session")
def swaying() -> Callable[..., Motion]:
    """Makes a person who rocks smoothly in every joint and drifts through the room; exact at any rate."""

    def make(fps: float = 16.0, seconds: float = 5.0) -> Motion:
        times = np.arange(round(seconds * fps) + 1) / fps
        phases = np.random.default_rng(0).uniform(0, 2 * np.pi, (len(XSENS23), 3))
        angles = 0.15 * np.sin(2 * np.pi * 0.4 * times[:, None, None] + phases)
        rotations = Rotation.from_rotvec(angles.reshape(-1, 3)).as_matrix().reshape(len(times), -1, 3, 3)
        root = np.stack([0.3 * times, 0.2 * np.sin(times), 0.95 + 0.02 * np.sin(2 * times)], axis=-1)
        return Motion(forward_kinematics(XSENS23, _offsets(), root, rotations), rotations, fps)

    return make


@pytest.fixture(scope="session")
def moved() -> Callable[..., Motion]:
    """Moves a motion: `yaw` radians about +z, then a shift in metres."""

    def move(motion: Motion, yaw: float = 0.0, shift: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> Motion:
        turn = Rotation.from_euler("z", yaw).as_matrix()
        return Motion(motion.positions @ turn.T + np.asarray(shift), turn @ motion.rotations, motion.fps)

    return move
