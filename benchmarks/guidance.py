"""What guidance does to consistency: `python benchmarks/guidance.py [--task tm2v] [--clips 64] 1,1 1,2 2,2 …`.

Each pair is w_t,w_m: the strength of the text and of the other modality (`Guidance`). Prints `rot-err` and `trans-err`
of the samples and of the same clips' recorded video against recorded motion (the floor), as means over the clips of a
split with a standard error. egomini-val is for choosing a strength: no score is reported on it. What ships is 1,1.
"""

import argparse
from pathlib import Path

import numpy as np
import torch

from egobench import Motion, Split, Video, open_split
from egobench.estimators.egomini_odometry import EgominiOdometry
from egobench.metrics.rot_err import RotErr
from egobench.metrics.trans_err import TransErr
from egotwin_ref.adapter import clip_seed
from egotwin_ref.bundle import Bundle, Inputs
from egotwin_ref.sampling import TABLE, Guidance, Mode

BATCH = 32


def evenly(split: Split, count: int) -> list[str]:
    """`count` clips over the whole split."""
    infos = split.infos()
    return [infos[index].clip_id for index in np.linspace(0, len(infos) - 1, count).round().astype(int)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pairs", nargs="+", help="w_t,w_m")
    parser.add_argument("--task", choices=list(TABLE), default="t2vm")
    parser.add_argument("--variant", default="egotwin")
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--split", default="egomini-val")
    parser.add_argument("--clips", type=int, default=64)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--threads", type=int, default=1)
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    mode: Mode = asked.task
    split = open_split(asked.split)
    clips = [split.clip(name) for name in evenly(split, asked.clips)]
    estimator = EgominiOdometry().load("cpu")
    metrics = RotErr(), TransErr()
    bundle = Bundle.load("mini", asked.variant, asked.weights)

    def score(video: Video, motion: Motion, clip) -> list[float]:
        camera, reference = clip.condition.camera, clip.reference.motion
        path = estimator.camera(video, camera)
        return [metric(path, motion, camera, reference).value for metric in metrics]

    def show(name: str, scores: list[list[float]]) -> None:
        values = np.array(scores)
        error = values.std(0, ddof=1) / len(values) ** 0.5
        print(
            f"{name:>12}  rot-err {values[:, 0].mean():6.2f} ± {error[0]:.2f}  trans-err {values[:, 1].mean():.3f} "
            f"± {error[1]:.3f}",
            flush=True,
        )

    show("recorded", [score(clip.reference.video, clip.reference.motion, clip) for clip in clips])
    for pair in asked.pairs:
        guidance = Guidance(*map(float, pair.split(",")))
        scores = []
        for start in range(0, len(clips), BATCH):
            part = clips[start : start + BATCH]
            made = bundle.sample(inputs(part, mode), seeds(part), mode, asked.steps, guidance=guidance)
            for row, clip in enumerate(part):
                video = Video(made.frames[row], clip.condition.fps_video)
                motion = Motion(made.positions[row], made.rotations[row], clip.reference.motion.fps)
                scores.append(score(video, motion, clip))
        show(pair, scores)


def inputs(clips: list, mode: Mode) -> Inputs:
    """What is given of the clips in a mode."""
    frames = len(clips[0].reference.video.frames) if mode == "tv2m" else 1
    poses = len(clips[0].reference.motion.positions) if mode == "tm2v" else 1
    return Inputs(
        [clip.condition.text for clip in clips],
        np.stack([clip.reference.video.frames[:frames] for clip in clips]),
        np.stack([clip.reference.motion.positions[:poses] for clip in clips]),
        np.stack([clip.reference.motion.rotations[:poses] for clip in clips]),
    )


def seeds(clips: list) -> list[int]:
    """Those of `egobench run` with seed 0."""
    return [clip_seed(clip.condition.clip_id, 0) for clip in clips]


if __name__ == "__main__":
    main()
