"""Field of view: is the video drawn with the camera that the split declares? Percent."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from egobench.errors import Undefined
from egobench.metrics.base import Better, ClipMetric, ClipScore, Need
from egobench.metrics.path_pair import check_path
from egobench.types import LOST, CameraPath


@dataclass(frozen=True)
class FovDrift(ClipMetric):
    """100 · |ln(estimated / declared focal length)|, near enough the percentage by which the focal length is off.

    The logarithm gives twice and half the same value. `detail` has the ratio; below 1, the video is drawn with a wider
    view than declared. The metric is undefined where the estimator does not refine the focal length or lost the clip.

    Source: ours. It is known from structure from motion that a wrong focal length bends a camera path.
    Differs from the paper: EgoTwin reports no field of view.
    How it can be fooled: by movement from which no focal length can be estimated (standing still, walking straight
    ahead). The estimator then keeps the declared one, or gives none. One ratio stands for the whole clip, so a view
    that widens and narrows again does not show.
    """

    name: ClassVar[str] = "fov-drift"
    version: ClassVar[int] = 1
    unit: ClassVar[str] = "%"
    better: ClassVar[Better] = "lower"
    preset_kind: ClassVar[str] = "estimators"

    preset: str = "colmap"
    """Catalogue name of an estimator of camera paths that refines the focal length."""

    def needs(self) -> Mapping[str, Need]:
        """The camera path of the sample's video."""
        return {"path": Need("sample", "camera-path", self.preset)}

    def __call__(self, path: CameraPath) -> ClipScore:
        """Scores one clip.

        Raises:
            Undefined: the estimator gives no focal length, or lost the clip.
            BadInputError: codes of `check_path`.
        """
        check_path(path)
        if path.status in LOST:
            raise Undefined(f"the estimator lost the clip ({path.status}: {path.reason or 'no reason given'})")
        if path.focal_ratio is None:
            raise Undefined("the estimator does not refine the focal length here")
        ratio = float(path.focal_ratio)
        return ClipScore(100.0 * abs(math.log(ratio)), {"focal_ratio": ratio, "status": path.status})

    def summary(self, scores: Sequence[ClipScore], floor: float | None) -> Mapping[str, Any]:
        """Which way the focal length is off, over the defined clips."""
        ratios = np.array([score.detail["focal_ratio"] for score in scores], dtype=np.float64)
        return {"focal_ratio": {"median": float(np.median(ratios)), "mean": float(ratios.mean()), "n": len(scores)}}

    def definition(self) -> Mapping[str, Any]:
        return {
            "distance": "100 |ln(estimated / declared focal length)|",
        }
