"""MM-Dist: how far is the motion from its own caption, in the space of a motion-text evaluator? In its units."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Float

from egobench.errors import BadInputError
from egobench.metrics.base import Better, ClipMetric, Need


@dataclass(frozen=True)
class MmDist(ClipMetric):
    """Euclidean distance between the features of a motion and of its caption, float64, not squared.

    Source: Guo et al. 2022 (CVPR, HumanML3D), there also "matching score"; the column is EgoTwin's (arXiv:2508.13013).
    Differs from the paper: EgoTwin's evaluator is not public, and the unit is that of one evaluator's weights; never
    compare two. Differences are taken before squaring, so that no rounding can make the root of a negative number.
    How it can be fooled: a mean motion lies near every caption; look at the chance beside it, and at `r-precision`.
    """

    name: ClassVar[str] = "mm-dist"
    version: ClassVar[int] = 1
    unit: ClassVar[str] = "feature"
    better: ClassVar[Better] = "lower"

    preset: str = "motion-text"
    """Catalogue name of an extractor of motions and captions."""

    def needs(self) -> Mapping[str, Need]:
        """Features of the sample's motion and of the caption, from one extractor."""
        return {
            "motion": Need("sample", "motion-features", self.preset),
            "text": Need("condition", "text", self.preset),
        }

    def __call__(self, motion: Float[np.ndarray, " _feature"], text: Float[np.ndarray, " _text_feature"]) -> float:
        """Scores one clip.

        Raises:
            BadInputError: features of different lengths (`features-dimension`) or not finite (`features-nonfinite`).
        """
        motion, text = np.asarray(motion, dtype=np.float64), np.asarray(text, dtype=np.float64)
        if motion.shape != text.shape:
            raise BadInputError(
                f"the motion has {motion.size} features, the text {text.size}; both must come from one extractor",
                code="features-dimension",
            )
        for name, array in (("motion", motion), ("text", text)):
            if not np.isfinite(array).all():
                raise BadInputError(f"{name} features are not finite", code="features-nonfinite")
        return float(np.linalg.norm(motion - text))

    def definition(self) -> Mapping[str, Any]:
        return {
            "distance": "Euclidean, float64",
        }
