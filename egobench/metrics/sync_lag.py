"""Synchrony: do head and picture turn at the same moment? Milliseconds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from egobench.errors import Undefined
from egobench.geometry.synchrony import angular_speed, correlation_lag
from egobench.metrics.base import Better, ClipMetric, ClipScore, Need
from egobench.metrics.path_pair import pair_paths
from egobench.types import Camera, CameraPath, Motion

LARGEST_LAG = 1.0
"""Seconds: longer lags are not looked for."""
LEAST_VARIATION = 2.0
"""Degrees per second: standard deviation of an angular speed below which nothing marks a moment."""
LEAST_CORRELATION = 0.5
"""A weaker peak may be anywhere."""
LEAST_OVERLAP = 0.5
"""Share of the frames that overlap at every shift."""


@dataclass(frozen=True)
class SyncLag(ClipMetric):
    """Time by which the camera's turning comes before or after the head's: |lag| of the peak of their correlation, ms.

    The metric takes the angular speed of the estimated camera and of the camera on the head, from video frame to video
    frame. It computes Pearson's correlation of the two at every shift up to 1 s, over the frames that overlap (at least
    half of them). The lag is the place of the peak; a parabola through the peak and its neighbours gives the fraction
    of a frame. No alignment is needed. `detail` has the correlation, and the lag with its sign (positive: the video
    comes after the body). The metric is undefined where the estimator lost the clip, where camera or head turns evenly
    or not at all (the speed's standard deviation is under 2 degrees per s), where the correlation rises up to the
    longest shift, and where its peak is under 0.5.

    Source: ours; the correlation of angular speeds is how recordings are synchronised in hand-eye calibration.
    Differs from the paper: EgoTwin reports no synchrony; its errors compare frame with frame and hide a shift in time.
    How it can be fooled: by turning evenly or hardly at all, which marks no moment. Such clips are undefined, so read
    their number. A rhythmic nod may be matched one period late. Where video and body belong to different recordings,
    the lag is arbitrary and not large: read it beside the correlation.
    """

    name: ClassVar[str] = "sync-lag"
    version: ClassVar[int] = 1
    unit: ClassVar[str] = "ms"
    better: ClassVar[Better] = "lower"
    preset_kind: ClassVar[str] = "estimators"

    preset: str = "egomini-odometry"
    """Catalogue name of an estimator of camera paths."""

    def needs(self) -> Mapping[str, Need]:
        """The camera path of the sample's video, the sample's motion, the split's camera."""
        return {
            "path": Need("sample", "camera-path", self.preset),
            "motion": Need("sample", "motion"),
            "camera": Need("condition", "camera"),
        }

    def __call__(self, path: CameraPath, motion: Motion, camera: Camera) -> ClipScore:
        """Scores one clip.

        Raises:
            Undefined: as the class says, with the number found; also as `pair_paths`.
            BadInputError: as `pair_paths`.
        """
        pair = pair_paths(path, motion, camera)
        if pair.is_lost:
            raise Undefined(f"the estimator lost the clip ({pair.status}: {path.reason or 'no reason given'})")
        fps = pair.head.fps
        seen, made = angular_speed(pair.R, fps), angular_speed(pair.head.R, fps)
        valid = pair.registered[:-1] & pair.registered[1:]
        for name, speed in (("camera", seen[valid]), ("head", made)):
            varies = float(np.degrees(np.std(speed))) if speed.size else 0.0
            if varies < LEAST_VARIATION:
                raise Undefined(f"the {name}'s turning varies by {varies:.2g} deg/s; {LEAST_VARIATION:g} are needed")
        overlap = max(round(LEAST_OVERLAP * len(seen)), 3)
        largest = min(round(LARGEST_LAG * fps), len(seen) - overlap)
        if largest < 2:
            raise Undefined(f"{len(seen) + 1} frames are too few to be shifted against each other")
        peak = correlation_lag(seen, made, valid, largest=largest, least_overlap=overlap)
        if np.isnan(peak.correlation):
            raise Undefined(f"too few of the frames are registered in a row ({int(valid.sum())} of {valid.size} steps)")
        if peak.correlation < LEAST_CORRELATION:
            text = f"the angular speeds correlate by {float(peak.correlation):.2f} at best"
            raise Undefined(f"{text}; {LEAST_CORRELATION:g} is needed")
        if not peak.is_inside:
            raise Undefined(f"the correlation has no peak within {1000 * largest / fps:.0f} ms")
        lag = 1000.0 * float(peak.lag) / fps
        detail = {
            "lag_ms": lag,
            "correlation": float(peak.correlation),
            "status": pair.status,
            "coverage": pair.coverage,
        }
        return ClipScore(abs(lag), detail)

    def summary(self, scores: Sequence[ClipScore], floor: float | None) -> Mapping[str, Any]:
        """The lag with its sign, and how sure it is; over the defined clips."""
        lags = np.array([score.detail["lag_ms"] for score in scores], dtype=np.float64)
        return {
            "signed_lag_ms": {"median": float(np.median(lags)), "mean": float(lags.mean()), "n": len(scores)},
            "median_ms": float(np.median(np.abs(lags))),
            "correlation": float(np.mean([score.detail["correlation"] for score in scores])),
        }

    def definition(self) -> Mapping[str, Any]:
        return {
            "series": "angular speed between video frames",
            "largest_lag_s": LARGEST_LAG,
            "least_variation_deg_per_s": LEAST_VARIATION,
            "least_correlation": LEAST_CORRELATION,
            "least_overlap": LEAST_OVERLAP,
            "fraction": "parabola",
        }
