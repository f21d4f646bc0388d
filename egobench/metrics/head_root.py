"""Head-to-root consistency: do the joint rotations carry the head where the positions say it is? m; world metres."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np

from egobench.errors import Undefined
from egobench.geometry.body import chain, rest_offsets
from egobench.geometry.border import motion_arrays
from egobench.metrics.base import Better, MotionMetric
from egobench.types import Motion


@dataclass(frozen=True)
class HeadRoot(MotionMetric):
    """Mean distance between the head as given and the head rebuilt from the root through the spine's rotations, m.

    The bones' rest offsets are those that fit the clip best: the mean over time of R_parentᵀ (p_joint - p_parent). A
    body posed by forward kinematics scores 0; positions and rotations that a model predicts separately do not.

    Source: EgoTwin's motive for a head-centric representation, that a head recovered through the chain from the root
    gathers error (arXiv:2508.13013); the measure is ours.
    Differs from the paper: the paper measures the head only against the video.
    How it can be fooled: a frozen body scores 0, whatever its rotations are, since any constant offset fits. The
    head's own rotation does not enter: no joint hangs on it.
    """

    name: ClassVar[str] = "head-root"
    version: ClassVar[int] = 1
    unit: ClassVar[str] = "m"
    better: ClassVar[Better] = "lower"

    def __call__(self, motion: Motion) -> float:
        """Scores one clip.

        Raises:
            Undefined: a single frame, whose offsets always fit.
            BadInputError: codes of `motion_arrays`.
        """
        positions, rotations, _, skeleton = motion_arrays(motion)
        if len(positions) < 2:
            raise Undefined("one frame always fits its own offsets; 2 are needed")
        offsets = rest_offsets(skeleton, positions, rotations)
        joints = chain(skeleton, "head")
        rebuilt = positions[:, joints[0]]
        for parent, joint in pairwise(joints):
            rebuilt = rebuilt + rotations[:, parent] @ offsets[joint]
        return float(np.mean(np.linalg.norm(rebuilt - positions[:, joints[-1]], axis=-1)))

    def definition(self) -> Mapping[str, Any]:
        return {"offsets": "mean over the clip, per bone"}
