"""Jerk: how abruptly the joints are accelerated, the usual measure of jitter. m/s³; world metres."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from egobench.errors import Undefined
from egobench.geometry.border import motion_arrays
from egobench.metrics.base import Better, MotionMetric
from egobench.motions.precision import refuse_coarse
from egobench.types import Motion


@dataclass(frozen=True)
class Jerk(MotionMetric):
    """Mean over joints and time of |third difference of the position| · fps³, m/s³.

    Source: Flash & Hogan 1985 for jerk as the measure of smoothness; the third difference is general practice.
    Differs from the paper: EgoTwin reports no body metric. A mean, in seconds, so that length and rate of a clip do
    not enter (a rate too low for the movement still hides jerk: compare equal rates).
    How it can be fooled: by a frozen or smoothed motion. Less than the reference's own value is not better movement.
    """

    name: ClassVar[str] = "jerk"
    version: ClassVar[int] = 1
    unit: ClassVar[str] = "m/s³"
    better: ClassVar[Better] = "lower"

    def __call__(self, motion: Motion) -> float:
        """Scores one clip.

        Raises:
            Undefined: fewer than four frames; positions in half precision, whose steps are all that it would see.
            BadInputError: codes of `motion_arrays`.
        """
        positions, _, fps, _ = motion_arrays(motion)
        if len(positions) < 4:
            raise Undefined(f"{len(positions)} frames have no third difference; 4 are needed")
        refuse_coarse(positions, "third differences")
        return float(np.mean(np.linalg.norm(np.diff(positions, n=3, axis=0), axis=-1)) * fps**3)

    def definition(self) -> Mapping[str, Any]:
        return {"joints": "all", "difference": "third, forward"}
