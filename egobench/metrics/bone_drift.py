"""Bone drift: how much the bones change their length during a clip. m; needs no frame of reference."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from egobench.errors import Undefined
from egobench.geometry.body import bone_lengths
from egobench.geometry.border import motion_arrays
from egobench.metrics.base import Better, MotionMetric
from egobench.types import Motion


@dataclass(frozen=True)
class BoneDrift(MotionMetric):
    """Mean over bones of the standard deviation over time of the bone's length, m.

    The standard deviation (ddof 0), not max - min: a range grows with the number of frames, and one bad frame is all
    of it.

    Source: general practice for motions given as joint positions.
    Differs from the paper: EgoTwin reports no body metric.
    How it can be fooled: bones of a wrong but constant length score 0, and so does any body posed by forward
    kinematics; it then says nothing.
    """

    name: ClassVar[str] = "bone-drift"
    version: ClassVar[int] = 1
    unit: ClassVar[str] = "m"
    better: ClassVar[Better] = "lower"

    def __call__(self, motion: Motion) -> float:
        """Scores one clip.

        Raises:
            Undefined: a single frame.
            BadInputError: codes of `motion_arrays`.
        """
        positions, _, _, skeleton = motion_arrays(motion)
        if len(positions) < 2:
            raise Undefined("one frame has no drift; 2 are needed")
        return float(np.mean(np.std(bone_lengths(skeleton, positions), axis=0)))

    def definition(self) -> Mapping[str, Any]:
        return {"bones": "all", "spread": "standard deviation, ddof 0"}
