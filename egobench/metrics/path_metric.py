"""What `trans-err` and `rot-err` share: the error of an estimated camera path, and what a run says beside its mean.

Both compare the camera that an estimator saw in the sample's video with the camera on the head of the sample's body.
"""

from abc import abstractmethod
from array import array
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
    wanted = {"status", "counted", "coverage", moved, f"reference_{moved}", *companions}
    values, column, series = array("d"), {name: [] for name in wanted}, []
    for score in scores:  # each is read once, and of many from a file
        values.append(score.value)
        series.append(_series(score.detail.get(over_time)))
        for name, found in column.items():
            found.append(score.detail.get(name))
    values = np.array(values, dtype=np.float64)
    status = np.array([str(each) for each in column["status"]])
    coverage = np.array(column["coverage"], dtype=np.float64)
    measured = np.array([each == "measured" for each in column["counted"]], dtype=bool) & (coverage >= COMPLETE)
    return {
        "statuses": {name: _part(values, np.asarray(status == name)) for name in sorted(set(status.tolist()))},
        "counted": dict(sorted(Counter(str(each) for each in column["counted"]).items())),
        "coverage_of_frames": float(np.mean(coverage)),
        "ok": _part(values, np.asarray(status == "ok")),
        "companions": {key: _mean(column[key]) for key in companions},
        "over_time": _over_time(series),
        "observable": _observable(values, column[moved], column[f"reference_{moved}"], least_moved),
        "success": {f"{value:g}": float(np.mean((values < value) & measured)) for value in thresholds},
    }


def _part(values: np.ndarray, chosen: np.ndarray) -> dict[str, Any]:
    return {"n": int(chosen.sum()), "mean": float(values[chosen].mean()) if chosen.any() else None}


def _mean(values: Sequence[float | None]) -> dict[str, Any]:
    known = [value for value in values if value is not None]
    return {"n": len(known), "mean": float(np.mean(known)) if known else None}


def _series(errors: Sequence[float | None] | None) -> np.ndarray | None:
    """(time,) error per video frame; NaN where it is not known."""
    return None if errors is None else np.array([np.nan if each is None else each for each in errors])


def _over_time(series: Sequence[np.ndarray | None]) -> dict[str, list[Any]]:
    """Median, 90th percentile and number of clips, per video frame; of registered frames only."""
    known = [row for row in series if row is not None]
    frames = range(max((len(row) for row in known), default=0))
    parts = [_of_frame(np.array([row[k] for row in known if k < len(row) and not np.isnan(row[k])])) for k in frames]
    return {name: [part[name] for part in parts] for name in ("median", "p90", "n")}


def _of_frame(errors: np.ndarray) -> dict[str, Any]:
    if not errors.size:
        return {"median": None, "p90": None, "n": 0}
    return {"median": float(np.median(errors)), "p90": float(np.quantile(errors, 0.9)), "n": int(errors.size)}


def _observable(
    values: np.ndarray, moved: Sequence[Any], reference_moved: Sequence[Any], least: float | None
) -> dict[str, Any]:
    if least is None:
        return {"least": None, "share": None, "n": None, "mean": None}
    gone = [own if other is None else other for own, other in zip(moved, reference_moved, strict=True)]
    chosen = np.asarray(np.array(gone, dtype=np.float64) >= least)
    return {"least": least, "share": float(chosen.mean()), **_part(values, chosen)}
