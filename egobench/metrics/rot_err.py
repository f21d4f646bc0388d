"""Rotation error: does the video's camera turn as the head of the body does? Degrees."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Float

from egobench.geometry.alignment import anchor, rotation_gauge
from egobench.geometry.head_camera import HeadCameraPath
from egobench.geometry.path_errors import frobenius_errors, mean_over_frames, relative_errors, rotation_errors
from egobench.geometry.rotation import angles_to_constant, largest_turn
from egobench.metrics.base import Better
from egobench.metrics.path_metric import Movement, PathMetric
from egobench.metrics.path_pair import LEAST_MARGIN, STILL_SHARE, PathPair, in_json, or_none

FLOORS = 5.0
"""A clip is observable if its reference turns at least so many times the floor."""
LEAST_TURN = 5.0
"""Degrees: a reference that turns less may be answered by standing still."""
SUCCESS = (1.0, 2.0, 5.0, 10.0, 20.0)
"""Degrees."""
COMPANIONS = (
    *("measured_deg", "radians", "frobenius", "relative_1_frame_deg", "relative_1_s_deg", "anchored_deg"),
    *("null_deg", "turned_deg"),
)


@dataclass(frozen=True)
class RotErr(PathMetric):
    """Mean over video frames of the angle between the estimated camera and the camera on the body's head, degrees.

    The camera on the head is T_world_head @ T_head_camera; T_head_camera is fixed per split. The estimator's world has
    its own heading. One rotation per clip takes it out, the chordal mean of R_motion R_estimateᵀ over the registered
    frames: orientations decide it, and not positions. The value is the mean over all frames of all clips. A clip
    without a path counts with its null error, which is the mean angle to the best constant rotation: of its own motion
    or of the reference's, whichever is larger. A frame that is not registered counts the same, and no less than the
    mean of the registered ones. A sample that turns less than a tenth of what its reference turns counts at least the
    reference's null error. `detail` has the error in radians and as Frobenius norm over the registered frames, the
    error of the rotation over 1 frame and over 1 s (which needs no alignment), the error with the first frames aligned,
    and how far head and reference turn (largest angle between two frames).

    Source: EgoTwin (arXiv:2508.13013), rotation error; gauge: Hartley et al., Rotation Averaging, IJCV 2013; relative
    errors: Sturm et al., IROS 2012.
    Differs from the paper: its estimator, alignment, unit and what it does with failed clips are not public. Aligning
    by positions, as SLAM tools do, would inflate the error of short paths ten times and more; see `trans-err` for it.
    How it can be fooled: by turning little. A sample that turns a little more than a tenth of its reference is
    measured, and the error of a small turn is small: read the value beside `null_deg` and over the observable clips. A
    video that the estimator cannot read counts no more than one that never turns, so a wrong path, or one very wrong
    frame, may count more than no path: read `statuses`.
    """

    name: ClassVar[str] = "rot-err"
    version: ClassVar[int] = 1
    unit: ClassVar[str] = "deg"
    better: ClassVar[Better] = "lower"
    preset_kind: ClassVar[str] = "estimators"
    verb = "turned"
    least_movement = LEAST_TURN
    companions = COMPANIONS
    thresholds = SUCCESS

    def movement(self, head: HeadCameraPath) -> Movement:
        """Degrees: the largest angle between two frames, and the mean angle to the best constant rotation."""
        to_constant = angles_to_constant(head.R, np.ones(len(head.R), dtype=bool))
        return Movement(float(np.degrees(largest_turn(head.R))), float(np.degrees(to_constant.mean())))

    def aggregate(self, errors: Float[np.ndarray, " time"]) -> Float[np.ndarray, ""]:
        return mean_over_frames(errors)

    def least_observable(self, floor: float | None) -> float | None:
        return None if floor is None else FLOORS * float(floor)

    def compare(self, pair: PathPair) -> tuple[Float[np.ndarray, " time"] | None, dict[str, Any]]:
        """Error per frame in degrees (None where no gauge is the best one) and the companions."""
        R, head, registered = pair.R, pair.head, pair.registered
        gauge = rotation_gauge(head.R, R, registered)
        errors = np.degrees(rotation_errors(gauge.R, head.R, R, registered))
        first, _ = anchor(head.R, R, head.positions, pair.positions, registered, with_scale=False)
        anchored = np.degrees(rotation_errors(first, head.R, R, registered))
        measured = float(mean_over_frames(errors))
        detail = {
            "measured_deg": measured,
            "radians": float(np.radians(measured)),
            "frobenius": float(mean_over_frames(frobenius_errors(gauge.R, head.R, R, registered))),
            "relative_1_frame_deg": _relative(pair, 1),
            "relative_1_s_deg": _relative(pair, pair.one_second),
            "anchored_deg": float(mean_over_frames(anchored)),
            "gauge_margin": float(gauge.margin),
            "error_by_frame_deg": in_json(errors),
        }
        return (errors if gauge.margin > LEAST_MARGIN else None), detail

    def definition(self) -> Mapping[str, Any]:
        return {
            "gauge": "chordal mean of orientations over registered frames",
            "frames": "all, mean of angles",
            "lost_frames": "mean angle to a constant, of motion or reference; at least the registered frames' mean",
            "still": f"turns < {STILL_SHARE} of a reference that turns >= {LEAST_TURN} deg: at least its null error",
            "observable": f"reference turns >= {FLOORS} floors",
        }


def _relative(pair: PathPair, step: int | None) -> float | None:
    if step is None:
        return None
    head = pair.head
    errors = relative_errors(head.R, pair.R, head.positions, pair.positions, pair.registered, step=step)
    return or_none(np.degrees(mean_over_frames(errors.rotation)))
