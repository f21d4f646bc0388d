"""Motion VAEs that nobody has yet, trained beside `rows.py` in a process of their own, while it draws and compiles.

They need no pictures, so their clips are there in seconds. They get as many steps as fit into `--seconds`, at most the
recipe's; their cards say how many.
"""

import argparse
import sys
from multiprocessing import get_context
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parent)]

import numpy as np  # noqa: E402  no torch up here: the drawing processes import this file too
import world  # noqa: E402

from egomini.splits.arrays import clip_ids, recipe_digest  # noqa: E402
from egomini.splits.generate import pose_clip  # noqa: E402


def motions(sequence: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Positions and rotations of a recording's clips, float32, as they are drawn."""
    posed = (pose_clip(world.TRAIN, sequence, window) for window in range(world.TRAIN.clips_per_sequence))
    return [(clip.positions.astype(np.float32), clip.rotations.astype(np.float32)) for clip, _, _ in posed]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="+", help="whose VAEs are wanted, one each")
    parser.add_argument("--folder", type=Path, required=True, help="the preset's")
    parser.add_argument("--clips", type=int, default=8_000)
    parser.add_argument("--seconds", type=float, default=60.0, help="of training, for all together")
    parser.add_argument("--workers", type=int, default=8, help="drawing processes")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--toy", action="store_true", help="16 clips, two steps")
    options = parser.parse_args()
    clips, workers = (16, 1) if options.toy else (options.clips, options.workers)
    sequences = range(-(-clips // world.TRAIN.clips_per_sequence))
    with get_context("spawn").Pool(workers) as pool:
        drawn = [clip for clips in pool.map(motions, sequences, chunksize=4) for clip in clips]
    ids = clip_ids(world.TRAIN, sequences)
    print(f"{len(drawn)} motions", flush=True)

    import shared_stages  # imports torch

    positions, rotations = (np.stack(part) for part in zip(*drawn, strict=True))
    shared_stages.make_motion_vaes(options, ids, positions, rotations, recipe_digest(world.TRAIN, sequences))


if __name__ == "__main__":
    main()
