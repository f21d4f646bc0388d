"""Control `reference`: the recorded truth as a model's output. A better score would exploit the metric."""

from dataclasses import dataclass
from typing import ClassVar

from egobench import Condition, Sample

from .lookup import clip_of


@dataclass(frozen=True)
class ReferenceControl:
    """Returns the clip's own reference video and motion.

    Expected: at the floor of every metric. An outside model that did this would be caught by a held-out split.
    """

    is_control: ClassVar[bool] = True

    def load(self, device: str) -> "ReferenceControl":
        """Nothing to load."""
        del device  # no network
        return self

    def sample(self, condition: Condition, *, seed: int) -> Sample:
        """The reference; every seed gives the same."""
        del seed  # the truth has none
        reference = clip_of(condition.split, condition.clip_id).reference
        return Sample(reference.video, reference.motion)
