"""Tests whether a motion fits its own video better than that of another seed.

    python benchmarks/egotwin/two_seeds.py RUN RESEEDED [--apart 0.1]

RUN is a finished run of a model, RESEEDED one of `--model reseeded`: the same videos beside motions of other seeds.
Prints how much worse the second is in consistency, paired by clip, over all clips and over those whose two heads are
apart; elsewhere both motions are the same motion, and no metric could tell.
"""

import argparse
import math
from pathlib import Path

import numpy as np

from egobench.files.motion import read_motion
from egobench.geometry.skeleton import XSENS23
from egobench.stats.bootstrap import cluster_mean_interval
from egobench.store.tables import read_scores

METRICS = {"trans-err": "m", "rot-err": "deg"}


def scores(run: Path) -> dict[tuple[str, str], float]:
    """(metric, clip) → value, of the clips that have one."""
    return {(row.metric, row.clip): row.value for row in read_scores(run / "scores.parquet") if row.value is not None}


def head(run: Path, clip: str) -> np.ndarray:
    """Positions of the head (T, 3), metres, of the clip's first sample."""
    path = sorted((run / "samples" / clip).rglob("motion.npz"))[0]
    return read_motion(path, fps=16.0, skeleton="xsens23").positions[:, XSENS23.index("head")]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("reseeded", type=Path)
    parser.add_argument("--apart", type=float, default=0.1, help="root mean square distance of the heads, metres")
    options = parser.parse_args()
    both = [scores(options.run), scores(options.reseeded)]
    clips = sorted(path.name for path in (options.run / "samples").iterdir())
    gaps = {clip: np.linalg.norm(head(options.run, clip) - head(options.reseeded, clip), axis=1) for clip in clips}
    far = [clip for clip, gap in gaps.items() if np.sqrt(np.mean(gap**2)) > options.apart]
    for name, chosen in (("all clips", clips), (f"heads more than {options.apart} m apart", far)):
        for metric, unit in METRICS.items():
            used = [clip for clip in chosen if all((metric, clip) in found for found in both)]
            worse = np.array([both[1][metric, clip] - both[0][metric, clip] for clip in used])
            interval = cluster_mean_interval(worse, np.array([clip.rpartition("-")[0] for clip in used]))
            low, high = interval or (math.nan, math.nan)
            print(f"{name}: {metric} {worse.mean():+.4f} [{low:+.4f}, {high:+.4f}] {unit}, {len(used)} clips")


if __name__ == "__main__":
    main()
