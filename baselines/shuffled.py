"""Control `shuffled`: real video and real motion that belong neither to the text nor to each other. It is *chance*."""

from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import numpy as np

from egobench import SHUFFLE_SEED, Condition, Sample, shuffled_partners

from .lookup import clip_of, places_of, rows_of


@dataclass(frozen=True)
class ShuffledControl:
    """For each clip, the video of a second sequence and the motion of a third.

    Both assignments are permutations of the split, so a metric of sets sees exactly the reference sets, and its value
    does not depend on pairs. Expected: near the reference on realism, at chance on every metric of whether text, video
    and motion belong together.
    """

    is_control: ClassVar[bool] = True

    def load(self, device: str) -> "ShuffledControl":
        """Nothing to load."""
        del device  # no network
        return self

    def sample(self, condition: Condition, *, seed: int) -> Sample:
        """Another clip's video, a third clip's motion; every seed gives the same."""
        del seed  # the permutation is part of the protocol
        rows, place = rows_of(condition.split), places_of(condition.split)[condition.clip_id]
        video, motion = _partners(condition.split)
        return Sample(
            clip_of(condition.split, rows[video[place]].clip_id).reference.video,
            clip_of(condition.split, rows[motion[place]].clip_id).reference.motion,
        )


@lru_cache(maxsize=4)
def _partners(locator: str) -> tuple[np.ndarray, np.ndarray]:
    return shuffled_partners([row.sequence for row in rows_of(locator)], SHUFFLE_SEED)
