"""Translation error: does the video's camera go where the head of the body goes? Metres."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Float

from egobench.geometry.alignment import Placement, anchor, place, rotation_gauge, similarity
from egobench.geometry.head_camera import HeadCameraPath
from egobench.geometry.path_errors import (
    distances_to_middle,
    farthest,
    position_errors,
    relative_errors,
    rms_over_frames,
)
from egobench.metrics.base import Better
from egobench.metrics.path_metric import Movement, PathMetric
from egobench.metrics.path_pair import LEAST_MARGIN, STILL_SHARE, PathPair, in_json, or_none

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
class TransErr(PathMetric):
    """Root mean square, over video frames, of the distance between estimated camera and camera on the head, m.

    The camera on the head is T_world_head @ T_head_camera; T_head_camera is fixed per split. The estimator's path is
    aligned with it by the rotation of `rot-err` (from orientations), a shift and, *only if the estimator has no scale*,
    the best scale of at least 0. The value is over all frames of all clips. A clip without positions counts with its
    null error, which is the RMS spread of its own motion's path or of the reference's, whichever is larger. A frame
    that is not registered counts the same, and no less than the RMS of the registered ones. A sample that moves less
    than a tenth of what its reference moves counts at least the reference's null error. `detail` has the literature's
    alignments by positions (`sim3`, `se3`), the error with the first frames aligned, the error's share of the spread,
    the error of movements over 1 frame and 1 s, all over the registered frames, and how far head and reference move
    (distance of the farthest two frames).

    Source: EgoTwin (arXiv:2508.13013), translation error; `sim3` and `se3`: Umeyama, PAMI 1991; relative errors: Sturm
    et al., IROS 2012.
    Differs from the paper: its estimator, alignment, unit and what it does with failed clips are not public. A free
    scale lets a wrong path shrink to a point and score the spread at worst, so a metric estimator gets none.
    How it can be fooled: by moving little. A sample that moves a little more than a tenth of its reference is measured,
    and the error of a short way is small: read `of_spread` and the observable clips. Where the estimator has no scale,
    a wrong path counts the spread at most. A video that the estimator cannot read counts no more than one that never
    moves, so a wrong path, or one very wrong frame, may count more than no path: read `statuses`.
    """

    name: ClassVar[str] = "trans-err"
    version: ClassVar[int] = 1
    unit: ClassVar[str] = "m"
    better: ClassVar[Better] = "lower"
    preset_kind: ClassVar[str] = "estimators"
    needs_positions: ClassVar[bool] = True
    verb = "moved"
    own_null = "spread_m"
    least_movement = LEAST_MOVED
    companions = COMPANIONS
    thresholds = SUCCESS

    def movement(self, head: HeadCameraPath) -> Movement:
        """Metres: the distance of the two farthest frames, and the RMS distance to the mean position."""
        to_middle = distances_to_middle(head.positions, np.ones(len(head.positions), dtype=bool))
        return Movement(float(farthest(head.positions)), float(rms_over_frames(to_middle)))

    def aggregate(self, errors: Float[np.ndarray, " time"]) -> Float[np.ndarray, ""]:
        return rms_over_frames(errors)

    def least_observable(self, floor: float | None) -> float | None:
        return LEAST_MOVED if floor is None else max(LEAST_MOVED, FLOORS * float(floor))

    def is_measurable(self, pair: PathPair) -> bool:
        return not pair.is_lost and pair.status != "rotation_only"

    def compare(self, pair: PathPair) -> tuple[Float[np.ndarray, " time"] | None, dict[str, Any]]:
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

    def definition(self) -> Mapping[str, Any]:
        return {
            "gauge": "chordal mean of orientations over registered frames",
            "alignment": "shift; and a scale >= 0 only if the estimator has none",
            "frames": "all, root mean square",
            "lost_frames": "RMS spread of motion or reference; at least the registered frames' RMS",
            "still": f"moves < {STILL_SHARE} of a reference that moves >= {LEAST_MOVED} m: at least its null error",
            "observable": f"reference moves >= max({LEAST_MOVED} m, {FLOORS} floors)",
        }


def _relative(pair: PathPair, step: int | None, scale: np.ndarray) -> float | None:
    if step is None:
        return None
    head = pair.head
    errors = relative_errors(head.R, pair.R, head.positions, pair.positions, pair.registered, step=step, scale=scale)
    return or_none(rms_over_frames(errors.translation))
