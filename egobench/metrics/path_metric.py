"""What `trans-err` and `rot-err` share: the error of an estimated camera path, and what a run says beside its mean.

Both compare the camera that an estimator saw in the sample's video with the camera on the head of the sample's body.
"""

from abc import abstractmethod
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np
from jaxtyping import Float

from egobench.geometry.head_camera import HeadCameraPath
from egobench.metrics.base import ClipMetric, ClipScore, Need
from egobench.metrics.path_pair import PathPair, pair_paths, stands_still, tally, why_null
from egobench.types import Camera, CameraPath, Motion

COMPLETE = 0.9
"""Least coverage of a success."""


class Movement(NamedTuple):
    """How much a camera on a head moves."""

    largest: float
    """Between any two frames."""
    null: float
    """Error of a camera that never moves against it."""


@dataclass(frozen=True)
class PathMetric(ClipMetric):
    """An error of the camera's path, in metres or degrees.

    A subclass measures movement (`movement`) and errors per frame (`compare`). Keys of `detail` end in its unit.
    """

    verb: ClassVar[str]
    """Start of the key of how far a clip moves: `moved` for `moved_m`."""
    own_null: ClassVar[str]
    """Key under which the sample's own null error stands; empty, the default, for none."""
    own_null = ""
    least_movement: ClassVar[float]
    """A reference that moves less may be answered by standing still."""
    companions: ClassVar[tuple[str, ...]]
    """Keys of `detail` whose means the result holds."""
    thresholds: ClassVar[tuple[float, ...]]
    """Of the success curve."""

    preset: str = "egomini-odometry"
    """Catalogue name of an estimator of camera paths."""

    @abstractmethod
    def movement(self, head: HeadCameraPath) -> Movement:
        """How much the camera on a head moves."""

    @abstractmethod
    def compare(self, pair: PathPair) -> tuple[Float[np.ndarray, " time"] | None, dict[str, Any]]:
        """Error per frame, NaN where not registered (None where no gauge is the best one), and the companions."""

    @abstractmethod
    def aggregate(self, errors: Float[np.ndarray, " time"]) -> Float[np.ndarray, ""]:
        """Errors per frame (NaN where unknown) → one number."""

    @abstractmethod
    def least_observable(self, floor: float | None) -> float | None:
        """How far an observable clip moves; None where that is not known without the floor."""

    def is_measurable(self, pair: PathPair) -> bool:
        """Whether the estimated path can be compared."""
        return not pair.is_lost

    def needs(self) -> Mapping[str, Need]:
        """The camera path of the sample's video, both motions, the split's camera."""
        return {
            "path": Need("sample", "camera-path", self.preset),
            "motion": Need("sample", "motion"),
            "camera": Need("condition", "camera"),
            "reference": Need("reference", "motion"),
        }

    def __call__(self, path: CameraPath, motion: Motion, camera: Camera, reference: Motion | None = None) -> ClipScore:
        """Scores one clip.

        Args:
            reference: the recorded motion; without it, standing still counts as right.

        Raises:
            Undefined, BadInputError: as `pair_paths`.
        """
        pair = pair_paths(path, motion, camera, reference)
        own = self.movement(pair.head)
        recorded = None if pair.reference is None else self.movement(pair.reference)
        errors, companions = self.compare(pair) if self.is_measurable(pair) else (None, {})
        expected, reference_null = recorded or (None, None)
        is_still = stands_still(own.largest, expected, self.least_movement)
        score = tally(errors, own.null, reference_null, self.aggregate, is_still=is_still)
        detail = {
            "status": pair.status,
            "coverage": pair.coverage,
            "counted": score.counted,
            **why_null(pair, score.counted),
            f"null_{self.unit}": score.null,
            **({self.own_null: own.null} if self.own_null else {}),
            f"{self.verb}_{self.unit}": own.largest,
            f"reference_{self.verb}_{self.unit}": expected,
            **companions,
        }
        return ClipScore(score.value, detail)

    def summary(self, scores: Sequence[ClipScore], floor: float | None) -> Mapping[str, Any]:
        """Means by status, over observable clips and per frame; the success curve."""
        return path_summary(
            scores,
            companions=self.companions,
            over_time=f"error_by_frame_{self.unit}",
            moved=f"{self.verb}_{self.unit}",
            least_moved=self.least_observable(floor),
            thresholds=self.thresholds,
        )


def path_summary(
    scores: Sequence[ClipScore],
    *,
    companions: Sequence[str],
    over_time: str,
    moved: str,
    least_moved: float | None,
    thresholds: Sequence[float],
) -> dict[str, Any]:
    """Details of a result.

    Args:
        scores: of the defined clips.
        companions: keys of `ClipScore.detail` whose means are given.
        over_time: key of the error per frame.
        moved: key of how far a clip moves; that of the reference (`reference_…`) is taken where there is one, so that
            all models have the same clips in the stratum.
        least_moved: how far an observable clip moves; None where the floor is not known.
        thresholds: of the success curve, in the metric's unit.
    """
    values = np.array([score.value for score in scores], dtype=np.float64)
    details = [score.detail for score in scores]
    status = np.array([str(detail["status"]) for detail in details])
    ok = np.asarray(status == "ok")
    return {
        "statuses": {name: _part(values, np.asarray(status == name)) for name in sorted(set(status.tolist()))},
        "counted": dict(sorted(Counter(str(detail["counted"]) for detail in details).items())),
        "coverage_of_frames": float(np.mean([detail["coverage"] for detail in details])),
        "ok": _part(values, ok),
        "companions": {key: _mean([detail.get(key) for detail in details]) for key in companions},
        "over_time": _over_time([detail.get(over_time) for detail in details]),
        "observable": _observable(values, details, moved, least_moved),
        "success": {f"{value:g}": _success(scores, value) for value in thresholds},
    }


def _part(values: np.ndarray, chosen: np.ndarray) -> dict[str, Any]:
    return {"n": int(chosen.sum()), "mean": float(values[chosen].mean()) if chosen.any() else None}


def _mean(values: Sequence[float | None]) -> dict[str, Any]:
    known = [value for value in values if value is not None]
    return {"n": len(known), "mean": float(np.mean(known)) if known else None}


def _over_time(series: Sequence[Sequence[float | None] | None]) -> dict[str, list[Any]]:
    """Median, 90th percentile and number of clips, per video frame; of registered frames only."""
    known = [np.array([np.nan if value is None else value for value in row]) for row in series if row is not None]
    frames = max((len(row) for row in known), default=0)
    columns = [np.array([row[k] for row in known if k < len(row) and not np.isnan(row[k])]) for k in range(frames)]
    return {
        "median": [float(np.median(column)) if column.size else None for column in columns],
        "p90": [float(np.quantile(column, 0.9)) if column.size else None for column in columns],
        "n": [int(column.size) for column in columns],
    }


def _observable(
    values: np.ndarray, details: Sequence[Mapping[str, Any]], moved: str, least: float | None
) -> dict[str, Any]:
    if least is None:
        return {"least": None, "share": None, "n": None, "mean": None}
    gone = [
        detail[moved] if detail.get(f"reference_{moved}") is None else detail[f"reference_{moved}"]
        for detail in details
    ]
    chosen = np.asarray(np.array(gone, dtype=np.float64) >= least)
    return {"least": least, "share": float(chosen.mean()), **_part(values, chosen)}


def _success(scores: Sequence[ClipScore], threshold: float) -> float:
    """Share of all scored clips below the threshold, measured on at least 90 % of their frames."""
    return float(
        np.mean(
            [
                score.value < threshold
                and score.detail["counted"] == "measured"
                and score.detail["coverage"] >= COMPLETE
                for score in scores
            ]
        )
    )
