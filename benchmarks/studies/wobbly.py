"""A stand-in for a model that samples: the recorded truth, blurred, shaken and bent anew for every clip and seed.

The controls of the suite give one sample per clip whatever the seed, so they cannot say how often a gate cries wolf
between two runs of one model. This one can: `egobench run --model wobbly:Wobbly --seeds 2` (from this folder).
"""

from dataclasses import dataclass

import numpy as np
from egobench_baselines import corrupt_motion, corrupt_video
from egobench_baselines.lookup import clip_of

from egobench import Condition, Motion, Sample


@dataclass(frozen=True)
class Wobbly:
    """Strengths are drawn per clip and seed, so that two seeds differ as two samples of a network do."""

    size: float = 1.0
    """Multiplies every strength."""

    def load(self, device: str) -> "Wobbly":
        """Nothing to load."""
        del device
        return self

    def sample(self, condition: Condition, *, seed: int) -> Sample:
        """The clip's reference with faults of random strength."""
        reference = clip_of(condition.split, condition.clip_id).reference
        rng = np.random.default_rng([seed, *condition.clip_id.encode()])
        motion = wobble(reference.motion, rng, self.size)
        blur, noise = self.size * rng.lognormal(0.0, 0.4, 2)
        video = corrupt_video.noise(corrupt_video.blur(reference.video, 0.5 * blur, rng), 6.0 * noise, rng)
        return Sample(video, motion)


def wobble(motion: Motion, rng: np.random.Generator, size: float = 1.0) -> Motion:
    """A motion that drifts, turns and trembles by amounts of this draw."""
    bend, drift, jitter = size * rng.lognormal(0.0, 0.4, 3)
    motion = corrupt_motion.yaw_drift(motion, rng.choice([-1.0, 1.0]) * 3.0 * bend, rng)
    motion = corrupt_motion.lateral_drift(motion, rng.choice([-1.0, 1.0]) * 0.03 * drift, rng)
    return corrupt_motion.jitter(motion, 0.002 * jitter, rng)
