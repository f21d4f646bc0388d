"""Translation error: does the video's camera go where the head of the body goes? Metres."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from egobench.geometry.alignment import Placement, anchor, place, rotation_gauge, similarity
from egobench.geometry.head_camera import HeadCameraPath
from egobench.geometry.path_errors import (
    distances_to_middle,
    farthest,
    position_errors,
    relative_errors,
    rms_over_frames,
)
from egobench.metrics.base import Better, ClipScore, Need
from egobench.metrics.path_pair import (
    LEAST_MARGIN,
    STILL_SHARE,
    PathPair,
    in_json,
    or_none,
    pair_paths,
    stands_still,
    tally,
    why_null,
)
from egobench.metrics.path_summary import path_summary
from egobench.types import Camera, CameraPath, Motion

FLOORS = 5.0
LEAST_MOVED = 0.10
"""Metres: a clip is observable if its reference moves at least this, and `FLOORS` times the floor."""
NO_SPREAD = 1e-6
"""Metres: an error has no share of less."""
SUCCESS = (0.02, 0.05, 0.1, 0.2, 0.5)
"""Metres."""
COMPANIONS = (
    *("measured_m", "sim3_m", "se3_m", "anchored_m", "of_spread", "scale", "relative_1_frame_m", "relative_1_s_m"),
    *("null_m", "spread_m", "moved_m"),
)


@dataclass(frozen=True)
class TransErr:
    """Root mean square, over video frames, of the distance between estimated camera and camera on the head, m.

    The camera on the head is T_world_head @ T_head_camera, the lever arm fixed per split. The estimator's path is laid
    on it by the rotation of `rot-err` (from orientations), a shift and, *only if the estimator has no scale*, the best
    scale of at least 0. The value is over all frames of all clips. A clip without positions costs its null error, the
    RMS spread of its own motion's path or of the reference's, whichever is larger. A frame that is not registered costs
    the same, and no less than the RMS of the registered ones. A sample that moves less than a tenth of what
    its reference moves costs at least the reference's null error. `detail` has the literature's alignments by positions
    (`sim3`, `se3`), the first frame laid on the first frame, the share of the spread, the error of movements over 1
    frame and 1 s, all over the registered frames, and how far head and reference move (farthest two frames).

    Source: EgoTwin (arXiv:2508.13013), translation error; `sim3` and `se3`: Umeyama, PAMI 1991; relative errors: Sturm
    et al., IROS 2012.
    Differs from the paper: its estimator, alignment, unit and what it does with failed clips are not public. A free
    scale lets a wrong path shrink to a point and score the spread at worst, so a metric estimator gets none.
    How it can be fooled: move little. What moves a little more than a tenth of its reference is measured, and a short
    way is missed by little: read `of_spread` and the observable clips. Where the estimator has no scale, a wrong path
    costs the spread at most. A video that the estimator cannot read costs no more than one that never moves, so a wrong
    path, or a wildly wrong frame, may cost more than none: read `statuses`.
    """

    name: ClassVar[str] = "trans-err"
    version: ClassVar[int] = 1
    unit: ClassVar[str] = "m"
    better: ClassVar[Better] = "lower"
    preset_kind: ClassVar[str] = "estimators"
    needs_positions: ClassVar[bool] = True

    preset: str = "egomini-odometry"
    """Catalogue name of an estimator of camera paths."""

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
            reference: the recorded motion; without it a sample that stands still is not told from one that should.

        Raises:
            Undefined, BadInputError: as `pair_paths`.
        """
        pair = pair_paths(path, motion, camera, reference)
        moved, spread = _moving(pair.head)
        expected, reference_null = (None, None) if pair.reference is None else _moving(pair.reference)
        has_positions = not pair.is_lost and pair.status != "rotation_only"
        errors, companions = _compare(pair) if has_positions else (None, {})
        is_still = stands_still(moved, expected, LEAST_MOVED)
        found = tally(errors, spread, reference_null, rms_over_frames, is_still=is_still)
        detail = {
            "status": pair.status,
            "coverage": pair.coverage,
            "counted": found.counted,
            **why_null(pair, found.counted),
            "null_m": found.null,
            "spread_m": spread,
            "moved_m": moved,
            "reference_moved_m": expected,
            **companions,
        }
        return ClipScore(found.value, detail)

    def summary(self, scores: Sequence[ClipScore], floor: float | None) -> Mapping[str, Any]:
        """Means by status, over observable clips and per frame; the success curve."""
        return path_summary(
            scores,
            companions=COMPANIONS,
            over_time="error_by_frame_m",
            moved="moved_m",
            least_moved=LEAST_MOVED if floor is None else max(LEAST_MOVED, FLOORS * float(floor)),
            thresholds=SUCCESS,
        )

    def record(self) -> Mapping[str, Any]:
        """What decides the value, besides the estimator, the camera and the clips."""
        return {
            "metric": self.name,
            "version": self.version,
            "preset": self.preset,
            "gauge": "chordal mean of orientations over registered frames",
            "alignment": "shift; and a scale >= 0 only if the estimator has none",
            "frames": "all, root mean square",
            "lost_frames": "RMS spread of motion or reference; at least the registered frames' RMS",
            "still": f"moves < {STILL_SHARE} of a reference that moves >= {LEAST_MOVED} m: at least its null error",
            "observable": f"reference moves >= max({LEAST_MOVED} m, {FLOORS} floors)",
        }


def _moving(head: HeadCameraPath) -> tuple[float, float]:
    """Metres: the distance of the two farthest frames, and the RMS distance to the mean position."""
    to_middle = distances_to_middle(head.positions, np.ones(len(head.positions), dtype=bool))
    return float(farthest(head.positions)), float(rms_over_frames(to_middle))


def _compare(pair: PathPair) -> tuple[np.ndarray | None, dict[str, Any]]:
    """Error per frame in metres (None where no gauge is the best one) and the companions."""
    head, x, registered = pair.head, pair.positions, pair.registered
    y, with_scale = head.positions, not pair.is_metric
    gauge = rotation_gauge(head.R, pair.R, registered)
    placement = place(gauge.R, y, x, registered, with_scale=with_scale)
    errors = position_errors(gauge.R, placement, y, x, registered)
    fits = [similarity(y, x, registered, with_scale=free) for free in (True, False)]
    sim3, se3 = (position_errors(fit.R, Placement(fit.scale, fit.shift), y, x, registered) for fit in fits)
    anchored = position_errors(*anchor(head.R, pair.R, y, x, registered, with_scale=with_scale), y, x, registered)
    spread = float(rms_over_frames(distances_to_middle(y[registered], registered[registered])))
    measured = float(rms_over_frames(errors))
    detail = {
        "alignment": "shift and scale" if with_scale else "shift",
        "measured_m": measured,
        "sim3_m": float(rms_over_frames(sim3)),
        "se3_m": float(rms_over_frames(se3)),
        "position_rank": int(fits[0].rank),
        "anchored_m": float(rms_over_frames(anchored)),
        "of_spread": measured / spread if spread > NO_SPREAD else None,
        "scale": float(placement.scale) if with_scale else None,
        "relative_1_frame_m": _relative(pair, 1, placement.scale),
        "relative_1_s_m": _relative(pair, pair.one_second, placement.scale),
        "gauge_margin": float(gauge.margin),
        "error_by_frame_m": in_json(errors),
    }
    return (errors if gauge.margin > LEAST_MARGIN else None), detail


def _relative(pair: PathPair, step: int | None, scale: np.ndarray) -> float | None:
    if step is None:
        return None
    head = pair.head
    found = relative_errors(head.R, pair.R, head.positions, pair.positions, pair.registered, step=step, scale=scale)
    return or_none(rms_over_frames(found.translation))
