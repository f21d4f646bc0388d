"""Many camera paths against evo: `egobench.geometry` in one batch, evo clip by clip, in one process on one thread.

    python benchmarks/alignment.py [--clips 10000] [--looped 1000] [--quick]

Both get the same poses and compute the same eight numbers per clip: RMS distance after alignment with scale, without
scale and by the first frame, mean angle after alignment, RMS relative rotation and translation over 1 frame and over 8.
evo runs on some of the clips only, and its time is multiplied (`--looped 10000` runs it on all). Times are CPU seconds
(`time.process_time`) of the best of `--repeats`, interleaved, with poses in memory. evo's include its path objects,
which it needs for each clip. The time of the suite's own alignment (rotation from orientations, scale at least 0) is
printed too.
"""

import argparse
import contextlib
import os
import tempfile
import time

import numpy as np
from scipy.spatial.transform import Rotation
from threadpoolctl import threadpool_limits

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
NAMES = ("sim3 m", "se3 m", "anchored m", "angle deg", "rot 1 deg", "rot 8 deg", "trans 1 m", "trans 8 m")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=10_000, help=f"paths of {FRAMES} poses")
    parser.add_argument("--looped", type=int, default=1_000, help="clips that evo is looped over")
    parser.add_argument("--repeats", type=int, default=3, help="timed runs of each; the fastest is printed")
    parser.add_argument("--quick", action="store_true", help="a tenth of the size, to see that it runs")
    options = parser.parse_args()
    threadpool_limits(1)
    clips, looped = (number // 10 if options.quick else number for number in (options.clips, options.looped))
    target, source = made_paths(clips)
    registered = np.ones((clips, FRAMES), dtype=bool)
    evo = peer()
    seconds: dict[str, list[float]] = {"egobench": [], "own": [], "evo": []}
    for _ in range(options.repeats):
        start = time.process_time()
        suite = batched(target, source, registered)
        seconds["egobench"].append(time.process_time() - start)
        start = time.process_time()
        suite_alignment(target, source, registered)
        seconds["own"].append(time.process_time() - start)
        if evo is not None:
            start = time.process_time()
            of_evo = np.array([evo(target[k], source[k]) for k in range(looped)])
            seconds["evo"].append(time.process_time() - start)
    best = {name: min(times) if times else None for name, times in seconds.items()}
    print(f"{clips} clips of {FRAMES} poses, 8 numbers each; load of the machine {os.getloadavg()[0]:.1f}")
    print(f"  egobench, one batch              {best['egobench']:9.3f} s CPU")
    print(f"  egobench, the suite's alignment  {best['own']:9.3f} s CPU")
    if best["evo"] is None:
        print("  evo is not installed")
        return
    whole = best["evo"] * clips / looped
    print(f"  evo, {looped} clips looped         {best['evo']:9.3f} s CPU, × {clips / looped:g} = {whole:.1f} s")
    print(f"  ratio {whole / best['egobench']:.0f}")
    apart = np.abs(suite[:looped] - of_evo).max(axis=0)
    print(f"  farthest apart over {looped} clips: {apart.max():.1e}")
    for name, value, gap in zip(NAMES, suite[:looped].mean(axis=0), apart, strict=True):
        print(f"    {name:12} mean {value:.9f}  apart {gap:.1e}")


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


def batched(target: np.ndarray, source: np.ndarray, registered: np.ndarray) -> np.ndarray:
    """The eight numbers of all clips, (clip, 8)."""
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


def suite_alignment(target: np.ndarray, source: np.ndarray, registered: np.ndarray) -> np.ndarray:
    """The values of `rot-err` and `trans-err`, (clip, 2)."""
    (R_y, y), (R_x, x) = parts(target), parts(source)
    gauge = rotation_gauge(R_y, R_x, registered)
    placement = place(gauge.R, y, x, registered, with_scale=True)
    angles = mean_over_frames(rotation_errors(gauge.R, R_y, R_x, registered))
    return np.stack([angles, rms_over_frames(position_errors(gauge.R, placement, y, x, registered))], axis=-1)


def peer():
    """evo's eight numbers of one clip; None if it is not installed. It writes settings to the home folder."""
    os.environ["HOME"] = tempfile.mkdtemp()
    with contextlib.suppress(ImportError):
        from evo.core import metrics, trajectory

        return lambda target, source: by_evo(metrics, trajectory, target, source)
    return None


def by_evo(metrics, trajectory, target: np.ndarray, source: np.ndarray) -> list[float]:
    def error(metric, estimate, kind) -> float:
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


if __name__ == "__main__":
    main()
