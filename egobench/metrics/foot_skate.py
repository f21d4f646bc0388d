"""Foot skate: how fast the foot that carries the body slides over the floor. m/s; world metres, z up."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from egobench.errors import Undefined
from egobench.geometry.border import motion_arrays
from egobench.geometry.contact import NEAR_GROUND, STANDING_QUANTILE, foot_positions, support_speeds
from egobench.metrics.base import Better, MotionMetric
from egobench.motions.precision import refuse_coarse
from egobench.types import Motion


@dataclass(frozen=True)
class FootSkate(MotionMetric):
    """Mean horizontal speed of the supporting foot joint over the steps that have one, m/s.

    A foot joint (ankle or ball) may carry the body while it is within 5 cm of its standing height; the slowest of
    these joints is the support. The standing height is measured in the clip itself, so hovering does not hide sliding.

    Source: the skate ratio of GMD (Karunratanakul et al. 2023) and the contact velocity of later work, both made a
    speed in m/s.
    Differs from the paper: EgoTwin reports no body metric. Others sum over frames, count in mm per frame or give the
    share of frames above a speed; here it is a mean, in m/s, and no speed threshold decides what contact is.
    How it can be fooled: a body that never moves scores 0, and so does one that plants a foot and drags the other.
    It says nothing about where the person goes, and guidance can optimise it. Do not rank by it; use it as an alarm.
    """

    name: ClassVar[str] = "foot-skate"
    version: ClassVar[int] = 1
    unit: ClassVar[str] = "m/s"
    better: ClassVar[Better] = "lower"

    def __call__(self, motion: Motion) -> float:
        """Scores one clip.

        Raises:
            Undefined: no foot joint is near the ground in two successive frames; positions in half precision, in
                which a foot that slides slowly stands still.
            BadInputError: codes of `motion_arrays`.
        """
        positions, _, fps, skeleton = motion_arrays(motion)
        refuse_coarse(positions, "speeds of a foot")
        speeds = support_speeds(foot_positions(skeleton, positions), fps)
        if speeds.size == 0:
            raise Undefined(f"no foot stays near the ground for two successive frames of {len(positions)}")
        return float(np.mean(speeds))

    def definition(self) -> Mapping[str, Any]:
        return {
            "support": "slowest foot joint near the ground at both ends of a step",
            "near_ground_m": NEAR_GROUND,
            "standing_quantile": STANDING_QUANTILE,
        }
