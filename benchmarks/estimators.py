"""How far camera estimators are off on recorded video of a split, where the path is known: errors, statuses, seconds.

    python benchmarks/estimators.py [--split egomini-hd] [--estimators colmap rotation-chain] [--clips 24] [--every 1]
        [--hands egomini-hands] [--processes 1]

Rotation: mean angle over registered frames, worlds laid on one another by orientations. Translation: RMSE with that
turn, a shift and a scale. Then medians and 90th percentiles by stratum, and by look where every second room is rich in
texture (egomini-hd). `--hands ''` masks nothing. With more processes the same clips are shared among them; only the
seconds of the whole are then of interest.
"""

import argparse
import os
import time
from concurrent.futures import ProcessPoolExecutor
from itertools import groupby
from multiprocessing import get_context

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from egobench import open_split
from egobench.catalog import ESTIMATORS
from egobench.geometry.alignment import place, rotation_gauge
from egobench.geometry.border import motion_arrays
from egobench.geometry.head_camera import head_camera_path
from egobench.geometry.path_errors import (
    distances_to_middle,
    mean_over_frames,
    position_errors,
    rms_over_frames,
    rotation_errors,
)

LOADED: dict[tuple[str, str], object] = {}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--split", default="egomini-hd")
    parser.add_argument("--estimators", nargs="+", default=["colmap", "rotation-chain"])
    parser.add_argument("--clips", type=int, help="only the first so many")
    parser.add_argument("--every", type=int, default=1, help="only every so manieth clip")
    parser.add_argument("--hands", help="hand estimator whose mask is used; empty for none")
    parser.add_argument("--processes", type=int, default=1)
    options = parser.parse_args()
    clips = [info.clip_id for info in open_split(options.split).infos()][: options.clips : options.every]
    for name in options.estimators:
        jobs = [(options.split, clip_id, name, options.hands) for clip_id in clips]
        with ProcessPoolExecutor(options.processes, mp_context=get_context("spawn")) as pool:
            list(pool.map(load, [(name, options.hands)] * options.processes))
            began = time.perf_counter()
            rows = []
            for row in pool.map(look, jobs):
                rows.append(row)
                print(as_line(row), flush=True)
            wall = time.perf_counter() - began
        summarise(name, rows, rich_every_second=options.split == "egomini-hd")
        print(f"{len(rows)} clips in {wall:.1f} s with {options.processes} processes\n")


def load(key: tuple[str, str | None]) -> object:
    """The loaded estimator, one per process."""
    name, hands = key
    if key not in LOADED:
        settings = {} if hands is None else {"hands": hands}
        LOADED[key] = ESTIMATORS.load(name)(**settings).load("cpu")
    return None


def look(job: tuple[str, str, str, str | None]) -> dict:
    """One estimate and its errors."""
    split, clip_id, name, hands = job
    load((name, hands))
    clip = open_split(split).clip(clip_id)
    video, camera = clip.reference.video, clip.condition.camera
    began = time.perf_counter()
    path = LOADED[name, hands].camera(video, camera, clip_id=clip_id)
    seconds = time.perf_counter() - began
    truth = head_camera_path(motion_arrays(clip.reference.motion), camera, len(video.frames))
    R, x, seen = path.T_world_camera[:, :3, :3], path.T_world_camera[:, :3, 3], path.registered
    Q = rotation_gauge(truth.R, R, seen).R
    placement = place(Q, truth.positions, x, seen, with_scale=not path.is_metric)
    has_positions = path.status in ("ok", "partial")
    return {
        "clip": clip_id,
        "stratum": clip.info.stratum,
        "status": path.status,
        "frames": int(seen.sum()),
        "degrees": float(np.degrees(mean_over_frames(rotation_errors(Q, truth.R, R, seen)))),
        "mm": float(1e3 * rms_over_frames(position_errors(Q, placement, truth.positions, x, seen)))
        if has_positions
        else np.nan,
        "spread": float(1e3 * rms_over_frames(distances_to_middle(truth.positions, np.ones_like(seen)))),
        "focal": np.nan if path.focal_ratio is None else path.focal_ratio,
        "seconds": seconds,
        "reason": path.reason,
    }


def as_line(row: dict) -> str:
    return (
        f"{row['clip']:<14}{row['stratum']:<7}{row['status']:<14}{row['frames']:>3} frames{row['degrees']:>8.3f}°"
        f"{row['mm']:>8.1f} mm of {row['spread']:6.0f}  f {row['focal']:.4f}{row['seconds']:>7.1f} s  {row['reason']}"
    )


def summarise(name: str, rows: list[dict], *, rich_every_second: bool) -> None:
    print(
        f"\n{name:<24}{'n':>4}{'ok':>4}{'rot.only':>9}{'lost':>5}{'° median':>10}{'p90':>8}{'mm median':>11}{'p90':>8}"
        f"{'s':>7}"
    )
    groups = {"all": rows}
    for stratum, members in groupby(sorted(rows, key=lambda row: row["stratum"]), key=lambda row: row["stratum"]):
        groups[stratum] = list(members)
    if rich_every_second:
        groups |= {"rich": rows[::2], "plain": rows[1::2]}
        groups |= {
            f"{look} {kind}": [row for row in groups[look] if row["stratum"] == kind]
            for look in ("rich", "plain")
            for kind in ("walk", "look", "still")
        }
    for group, members in groups.items():
        status = [row["status"] for row in members]
        kept = sum(one in ("ok", "partial") for one in status), status.count("rotation_only")
        degrees, mm, seconds = (np.array([row[key] for row in members]) for key in ("degrees", "mm", "seconds"))
        figures = [*quantiles(degrees), *quantiles(mm)]
        print(
            f"{group:<24}{len(members):>4}{kept[0]:>4}{kept[1]:>9}{len(members) - sum(kept):>5}"
            f"{figures[0]:>10.3f}{figures[1]:>8.3f}{figures[2]:>11.1f}{figures[3]:>8.1f}{np.median(seconds):>7.2f}"
        )


def quantiles(values: np.ndarray) -> tuple[float, float]:
    known = values[~np.isnan(values)]
    return (float(np.median(known)), float(np.quantile(known, 0.9))) if len(known) else (np.nan, np.nan)


if __name__ == "__main__":
    main()
