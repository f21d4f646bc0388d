"""Many camera paths beside evo: `egobench.geometry` in one batch, evo clip by clip. CPU seconds on one thread.

Both get the same poses and compute the same eight numbers a clip: RMS distance after alignment with scale, without
scale and by the first frame, mean angle after alignment, RMS relative rotation and translation over 1 frame and over 8.
evo's time has its path objects, which it needs for each clip. The suite's own alignment (rotation from orientations,
scale at least 0) is a third way. `apart` is the largest difference of a number between evo and the batch.
"""

import os
import tempfile
import time
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest
from facts import Facts
from scipy.spatial.transform import Rotation

from egobench.geometry.alignment import Placement, anchor, place, rotation_gauge, similarity
from egobench.geometry.path_errors import (
    mean_over_frames,
    position_errors,
    relative_errors,
    rms_over_frames,
    rotation_errors,
)

FRAMES = 41
STEPS = (1, 8)
EVO = "evo"
LOOPED = 100
"""Clips that evo does; its time a clip does not depend on their number."""
Ways = dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]]


@pytest.mark.benchmark(group="camera paths of 41 poses", timer=time.process_time)
@pytest.mark.parametrize("by", ["egobench, one batch", "egobench, the suite's alignment", EVO])
def bench_alignment(benchmark: Any, facts: Facts, by: str) -> None:
    target, source = made_paths(10_000)
    if by == EVO:
        facts.peer()
        target, source = target[:LOOPED], source[:LOOPED]
    ways: Ways = {"egobench, one batch": batched, "egobench, the suite's alignment": suite_alignment, EVO: looped}
    if by == EVO:
        load_evo()
    numbers = benchmark.pedantic(ways[by], (target, source), rounds=3, warmup_rounds=1)
    facts.per("clip", len(target))
    if by == EVO:
        facts.note(apart=float(np.abs(numbers - batched(target, source)).max()))


@cache
def made_paths(clips: int) -> tuple[np.ndarray, np.ndarray]:
    """Smooth head paths (clip, time, 4, 4) and noisy estimates of them in worlds and scales of their own."""
    rng = np.random.default_rng(0)
    positions = np.cumsum(rng.normal(size=(clips, FRAMES, 3)), axis=1) * [0.05, 0.05, 0.01]
    R = turns(np.cumsum(rng.normal(size=(clips, FRAMES, 3)), axis=1) * 0.05)
    world = turns(rng.normal(size=(clips, 1, 3)))
    scale = rng.uniform(0.2, 5.0, size=(clips, 1, 1))
    noisy = R @ turns(0.02 * rng.normal(size=(clips, FRAMES, 3)))
    moved = (positions + 0.02 * rng.normal(size=positions.shape)) * scale
    return poses(R, positions), poses(world @ noisy, (world @ moved[..., None])[..., 0] + 1.0)


def turns(vectors: np.ndarray) -> np.ndarray:
    return Rotation.from_rotvec(vectors.reshape(-1, 3)).as_matrix().reshape(*vectors.shape, 3)


def poses(R: np.ndarray, positions: np.ndarray) -> np.ndarray:
    made = np.tile(np.eye(4), (*positions.shape[:-1], 1, 1))
    made[..., :3, :3], made[..., :3, 3] = R, positions
    return made


def parts(path: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Contiguous rotations and positions."""
    return np.ascontiguousarray(path[..., :3, :3]), np.ascontiguousarray(path[..., :3, 3])


def batched(target: np.ndarray, source: np.ndarray) -> np.ndarray:
    """The eight numbers of all clips, (clip, 8)."""
    registered = np.ones(target.shape[:2], dtype=bool)
    (R_y, y), (R_x, x) = parts(target), parts(source)
    fits = [similarity(y, x, registered, with_scale=free) for free in (True, False)]
    laid = [position_errors(fit.R, Placement(fit.scale, fit.shift), y, x, registered) for fit in fits]
    first = anchor(R_y, R_x, y, x, registered, with_scale=False)
    laid.append(position_errors(*first, y, x, registered))
    angles = np.degrees(mean_over_frames(rotation_errors(fits[0].R, R_y, R_x, registered)))
    pairs = [relative_errors(R_y, R_x, y, x, registered, step=step) for step in STEPS]
    turned = [np.degrees(rms_over_frames(pair.rotation)) for pair in pairs]
    gone = [rms_over_frames(pair.translation) for pair in pairs]
    return np.stack([*(rms_over_frames(errors) for errors in laid), angles, *turned, *gone], axis=-1)


def suite_alignment(target: np.ndarray, source: np.ndarray) -> np.ndarray:
    """The values of `rot-err` and `trans-err`, (clip, 2)."""
    registered = np.ones(target.shape[:2], dtype=bool)
    (R_y, y), (R_x, x) = parts(target), parts(source)
    gauge = rotation_gauge(R_y, R_x, registered)
    placement = place(gauge.R, y, x, registered, with_scale=True)
    angles = mean_over_frames(rotation_errors(gauge.R, R_y, R_x, registered))
    return np.stack([angles, rms_over_frames(position_errors(gauge.R, placement, y, x, registered))], axis=-1)


@cache
def load_evo() -> tuple[Any, Any]:
    """evo's modules of metrics and of paths. It writes settings to the home folder, so it gets an empty one."""
    home, os.environ["HOME"] = os.environ.get("HOME"), tempfile.mkdtemp()
    try:
        reason = "evo is not installed"
        return pytest.importorskip("evo.core.metrics", reason=reason), pytest.importorskip("evo.core.trajectory")
    finally:
        os.environ.pop("HOME") if home is None else os.environ.update(HOME=home)


def looped(target: np.ndarray, source: np.ndarray) -> np.ndarray:
    """evo's eight numbers of all clips, one after the other, (clip, 8)."""
    return np.array([by_evo(*load_evo(), *pair) for pair in zip(target, source, strict=True)])


def by_evo(metrics: Any, trajectory: Any, target: np.ndarray, source: np.ndarray) -> list[float]:
    """evo's eight numbers of one clip."""

    def error(metric: Any, estimate: Any, kind: Any) -> float:
        metric.process_data((reference, estimate))
        return metric.get_statistic(kind)

    rmse, mean = metrics.StatisticsType.rmse, metrics.StatisticsType.mean
    place, angle = metrics.PoseRelation.translation_part, metrics.PoseRelation.rotation_angle_deg
    reference = trajectory.PosePath3D(poses_se3=list(target))
    numbers: list[float] = []
    for free in (True, False):
        estimate = trajectory.PosePath3D(poses_se3=list(source))
        estimate.align(reference, correct_scale=free)
        numbers.append(error(metrics.APE(place), estimate, rmse))
    anchored = trajectory.PosePath3D(poses_se3=list(source))
    anchored.align_origin(reference)
    numbers += [error(metrics.APE(place), anchored, rmse), error(metrics.APE(angle), estimate, mean)]
    raw = trajectory.PosePath3D(poses_se3=list(source))
    for relation in (angle, place):
        for step in STEPS:
            metric = metrics.RPE(relation, delta=step, delta_unit=metrics.Unit.frames, all_pairs=True)
            numbers.append(error(metric, raw, rmse))
    return numbers
