"""Control `static`: the first frame and the first pose, held still."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from egobench import Condition, Motion, Sample, Video


@dataclass(frozen=True)
class StaticControl:
    """Repeats the condition's first frame and first pose.

    Expected: perfect on smoothness and skating, poor on every metric that needs movement. A metric that it wins rewards
    standing still.
    """

    is_control: ClassVar[bool] = True

    def load(self, device: str) -> "StaticControl":
        """Nothing to load."""
        del device  # no network
        return self

    def sample(self, condition: Condition, *, seed: int) -> Sample:
        """A still clip; every seed gives the same."""
        del seed  # nothing is drawn
        pose = condition.first_pose
        motion = Motion(
            np.repeat(pose.positions, condition.num_motion_frames, axis=0),
            np.repeat(pose.rotations, condition.num_motion_frames, axis=0),
            condition.fps_motion,
            pose.skeleton,
        )
        frames = np.repeat(condition.first_frame[None], condition.num_video_frames, axis=0)
        return Sample(Video(frames, condition.fps_video), motion)
