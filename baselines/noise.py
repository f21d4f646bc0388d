"""Control `noise`: independent uniform pixels and independent random joint rotations. It should be worst everywhere."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.spatial.transform import Rotation

from egobench import Condition, Motion, Sample, Video, forward_kinematics, get_skeleton


@dataclass(frozen=True)
class NoiseControl:
    """White noise of the right shape: valid rotations, the wearer's own bone lengths, no relation between frames.

    Expected: worst on realism and on physics; bone lengths and the agreement of positions with rotations stay
    exact, since noise is drawn on rotations.
    """

    is_control: ClassVar[bool] = True

    root_spread: float = 0.5
    """Standard deviation of the root's position about its first one, metres."""

    def load(self, device: str) -> "NoiseControl":
        """Nothing to load."""
        del device  # no network
        return self

    def sample(self, condition: Condition, *, seed: int) -> Sample:
        """Draws video, then root, then rotations from one generator of (seed, clip)."""
        rng = np.random.default_rng([seed, *condition.clip_id.encode()])
        size = (condition.num_video_frames, condition.camera.height, condition.camera.width, 3)
        video = Video(rng.integers(0, 256, size, dtype=np.uint8), condition.fps_video)
        pose, count = condition.first_pose, condition.num_motion_frames
        skeleton = get_skeleton(pose.skeleton)
        root = pose.positions[0, 0] + self.root_spread * rng.normal(size=(count, 3))
        rotations = Rotation.random(count * len(skeleton), rng=rng).as_matrix().reshape(count, len(skeleton), 3, 3)
        positions = forward_kinematics(skeleton, _bones(skeleton.parents, pose), root, rotations)
        return Sample(video, Motion(positions, rotations, condition.fps_motion, pose.skeleton))


def _bones(parents: tuple[int, ...], pose: Motion) -> np.ndarray:
    """Bone offsets in the parents' frames, metres, from one pose."""
    offsets = np.zeros((len(parents), 3))
    for joint, parent in enumerate(parents):
        if parent >= 0:
            step = pose.positions[0, joint] - pose.positions[0, parent]
            offsets[joint] = pose.rotations[0, parent].T @ step
    return offsets
