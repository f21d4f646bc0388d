"""Feet against the floor at z = 0: how deep they sink in, how high they hang above. m; world metres, z up."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Float

from egobench.geometry.border import motion_arrays
from egobench.geometry.contact import SOLE, float_heights, foot_positions, penetration_depths
from egobench.metrics.base import Better, MotionMetric
from egobench.types import Motion


@dataclass(frozen=True)
class _FloorMetric(MotionMetric):
    """Mean over all frames of how far the feet are under or over the floor, m."""

    @abstractmethod
    def heights(self, feet: Float[np.ndarray, "time foot_joint 3"]) -> Float[np.ndarray, " time"]:
        """Metres, at least 0, of the feet in each frame."""

    def __call__(self, motion: Motion) -> float:
        """Scores one clip; never undefined. Raises BadInputError with the codes of `motion_arrays`."""
        positions, _, _, skeleton = motion_arrays(motion)
        return float(np.mean(self.heights(foot_positions(skeleton, positions))))


@dataclass(frozen=True)
class FloorPenetration(_FloorMetric):
    """Mean over all frames of the depth of the deepest foot joint under the floor, m.

    A joint is inside the foot, so the ball of the foot counts below z = 0.01 m and the ankle below 0.03 m; every foot
    has more flesh than that under these joints. A person who stands, walks or jumps on the floor has exactly 0.

    Source: UniEgoMotion (Patel et al. 2025) and others, who use mesh vertices.
    Differs from the paper: EgoTwin reports no body metric. Joints and sole heights in place of a mesh, the mean over
    frames in place of a sum.
    How it can be fooled: by hovering; read it beside `floor-float`. Other body parts may be in the floor. It needs the
    split's convention that the floor is at z = 0; stairs count as floating, a pit as sinking.
    """

    name: ClassVar[str] = "floor-penetration"
    version: ClassVar[int] = 1
    unit: ClassVar[str] = "m"
    better: ClassVar[Better] = "lower"

    def heights(self, feet: Float[np.ndarray, "time foot_joint 3"]) -> Float[np.ndarray, " time"]:
        return penetration_depths(feet)

    def definition(self) -> Mapping[str, Any]:
        return {
            "least_height_m": {part: low for part, (low, _) in SOLE.items()},
        }


@dataclass(frozen=True)
class FloorFloat(_FloorMetric):
    """Mean over all frames of the height of the lowest foot joint over where a standing foot has it, m.

    The ball of the foot is at most 0.05 m above the sole and the ankle 0.13 m; the joint that exceeds its own bound
    least counts. 0 while any foot is on the floor.

    Source: the floating measure of PhysDiff (Yuan et al. 2023), there 5 mm over the lowest mesh vertex.
    Differs from the paper: EgoTwin reports no body metric. Joints and sole heights in place of a mesh.
    How it can be fooled: by sinking; read it beside `floor-penetration`. A jump, or a seat with the feet off the floor,
    counts although nothing is wrong: compare with the reference's own value. Floating by less than the slack of the
    sole heights (2 to 4 cm for most wearers) is not seen.
    """

    name: ClassVar[str] = "floor-float"
    version: ClassVar[int] = 1
    unit: ClassVar[str] = "m"
    better: ClassVar[Better] = "lower"

    def heights(self, feet: Float[np.ndarray, "time foot_joint 3"]) -> Float[np.ndarray, " time"]:
        return float_heights(feet)

    def definition(self) -> Mapping[str, Any]:
        return {
            "greatest_height_m": {part: high for part, (_, high) in SOLE.items()},
        }
