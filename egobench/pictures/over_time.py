"""Errors over the time of a clip, from the errors per frame that `trans-err` and `rot-err` store.

A measured frame has its own error. Other frames have the error that the metric assigns: a frame that the estimator
lost, every frame of a video that it could not read, every frame of a sample that stands still where its reference
moves. So the mean of a row's `rot-err` over time is its value in the table; `trans-err` takes the root mean square.
"""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from egobench.pictures.picture_rows import PictureRow, why_not_scored
from egobench.stats.bootstrap import cluster_mean_interval


@dataclass(frozen=True)
class PathMetric:
    """Names of the parts of a camera-path metric in the detail of a clip."""

    name: str
    unit: str
    title: str
    by_frame: str
    """Error per video frame, None where the frame is not registered."""
    measured: str
    """The clip's error over its registered frames."""
    null: str
    """The clip's error if no path is found."""


PATH_METRICS = (
    PathMetric("trans-err", "m", "translation error", "error_by_frame_m", "measured_m", "null_m"),
    PathMetric("rot-err", "deg", "rotation error", "error_by_frame_deg", "measured_deg", "null_deg"),
)


@dataclass(frozen=True)
class Course:
    """One metric of one row over the time of the clip."""

    label: str
    color: str
    is_reference: bool
    metric: str
    unit: str
    estimator: str
    """The estimator of the video's path."""
    times_s: Float[np.ndarray, " time"]
    mean: Float[np.ndarray, " time"]
    """Over clips × seeds, in `unit`."""
    low: Float[np.ndarray, " time"] | None
    """Lower end of the 95 % interval by sequence; None for fewer than two sequences."""
    high: Float[np.ndarray, " time"] | None
    clips: int
    """Number of rows (clip × seed) in every mean."""
    measured: Int[np.ndarray, " time"]
    """Number of rows whose frame was measured; the others have the error that the metric assigns."""


def metric_label(rows: Sequence[PictureRow], name: str) -> str:
    """The label under which a metric is drawn for all rows: its plain name, or one with a preset if no row has that."""
    labels = {label for row in rows for label in row.results if label.partition(":")[0] == name}
    return min(labels, default=name)


def error_course(row: PictureRow, kind: PathMetric, label: str, *, draws: int = 2000) -> Course | str:
    """A row's errors over time, or a sentence that says why there are none.

    Args:
        label: label of the metric in the run.
        draws: number of bootstrap draws for the band.

    Raises:
        BadInputError: a damaged table.
    """
    if reason := why_not_scored(row, label):
        return reason
    facts = row.manifest["split"]["facts"]
    sequences = {(item.clip, item.seed): item.sequence for item in row.items}
    frames = int(facts["num_video_frames"])
    errors_of_rows, measured, groups = [], [], []
    for score in row.scores(label):
        if score.status != "ok" or score.value is None:
            continue
        if not score.detail:
            return f"{label} kept no errors by frame; a run of this version keeps them"
        errors, is_measured = clip_errors(json.loads(score.detail), score.value, kind, frames)
        errors_of_rows.append(errors)
        measured.append(is_measured)
        groups.append(sequences[score.clip, score.seed])
    values, owners = np.array(errors_of_rows), np.array(groups)
    ends = [cluster_mean_interval(column, owners, draws) for column in values.T]
    low, high = (None, None) if ends[0] is None else np.array(ends).T
    return Course(
        label=row.label,
        color=row.color,
        is_reference=row.is_reference,
        metric=label,
        unit=kind.unit,
        estimator=", ".join(row.manifest["protocols"][row.results[label]["protocol"]].get("estimators", {})),
        times_s=np.arange(frames) / float(facts["fps_video"]),
        mean=values.mean(axis=0),
        low=low,
        high=high,
        clips=len(values),
        measured=np.array(measured).sum(axis=0),
    )


def clip_errors(
    detail: Mapping[str, Any], value: float, kind: PathMetric, frames: int
) -> tuple[Float[np.ndarray, " time"], np.ndarray]:
    """Error per video frame of one clip as the metric counts it, and which frames were measured.

    Args:
        detail: detail of the clip's score.
        value: the clip's value, in the metric's unit.
    """
    series = detail.get(kind.by_frame)
    if series is None or detail.get("counted", "measured") != "measured":
        return np.full(frames, value), np.zeros(frames, dtype=bool)
    errors = np.array([np.nan if error is None else error for error in series], dtype=np.float64)
    lost = max(float(detail[kind.null]), float(detail[kind.measured]))
    return np.where(np.isnan(errors), lost, errors), ~np.isnan(errors)


def courses_csv(courses: Sequence[Course]) -> str:
    """A line per row, metric and video frame; numbers in full."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    head = ("model", "metric", "unit", "frame", "time_s", "mean", "ci95_low", "ci95_high", "clips", "measured")
    writer.writerow(head)
    for course in courses:
        for frame, time_s in enumerate(course.times_s):
            ends = ("", "") if course.low is None or course.high is None else (course.low[frame], course.high[frame])
            numbers = [repr(float(number)) if number != "" else "" for number in (time_s, course.mean[frame], *ends)]
            names = (course.label, course.metric, course.unit, frame)
            writer.writerow((*names, *numbers, course.clips, int(course.measured[frame])))
    return text.getvalue()
