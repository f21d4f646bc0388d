"""Which guidance a row is sampled with.

    python benchmarks/egotwin/guidance.py --variant ROW --preset small --weights FOLDER

Walks one grid for every row (the text's strength w_t, then the partner's w_m = w_v; grid and rule are in
`egotwin_ref.table.guidance_choice`) on clips spread evenly over egomini-val, prints every pair with standard errors
over clips, and says the choice. With `--out FILE` it writes that as JSON after every pair, and the same command goes on
from there. egomini-val is for choosing: no score is reported on it.

    python benchmarks/egotwin/guidance.py --task tm2v 1,1 1,2 1,3      these pairs of w_t,w_m alone; nothing is chosen
"""

import argparse
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch

from egobench import Clip, EgoBenchError, Motion, Split, Video, open_split
from egobench.extractors.motion_text import MotionText
from egobench.files.atomic import make_folder, write_json
from egobench.metrics.mm_dist import MmDist
from egobench.metrics.rot_err import RotErr
from egobench.metrics.trans_err import TransErr
from egobench.plan.devices import resolve_device
from egomini.evaluators.odometry import EgominiOdometry
from egotwin_ref.adapters.model import EgoTwinModel, clip_seed
from egotwin_ref.loading.bundle import Bundle, Inputs
from egotwin_ref.model.configs import PRESETS, VARIANTS
from egotwin_ref.model.sampling import TABLE, Guidance, Mode
from egotwin_ref.table.guidance_choice import (
    PARTNER,
    TEXT,
    UNITS,
    Mean,
    Scale,
    Tried,
    best,
    columns_of,
    has_partner,
    mismatched,
    walk,
)
from egotwin_ref.table.guidance_file import content_of, read_tried
from egotwin_ref.table.plan import task_of

BATCH = 32
"""Clips that are sampled at once."""


class Judge:
    """Scores samples of some clips, column by column."""

    def __init__(self, clips: Sequence[Clip], columns: Sequence[str], device: str) -> None:
        self.clips, self.columns = clips, columns
        self.odometry, self.evaluator = EgominiOdometry().load(device), MotionText().load(device)
        self.consistency = {metric.name: metric for metric in (TransErr(), RotErr())}

    def scale(self) -> Scale:
        """Floor and chance on these clips."""
        recordings = [clip.info.sequence for clip in self.clips]
        recorded = [(clip.reference.video, clip.reference.motion) for clip in self.clips]
        mixed = [(recorded[own][0], recorded[other][1]) for own, other in enumerate(mismatched(recordings))]
        return Scale.of(self.scores(recorded), self.scores(mixed))

    def scores(self, made: Sequence[tuple[Video | None, Motion]]) -> dict[str, list[float]]:
        """A number per column and clip; NaN where a metric or what it rests on refuses the sample."""
        rows = [self._of(clip, *sample) for clip, sample in zip(self.clips, made, strict=True)]
        return {name: [row.get(name, np.nan) for row in rows] for name in self.columns}

    def _of(self, clip: Clip, video: Video | None, motion: Motion) -> dict[str, float]:
        scores: dict[str, float] = {}
        camera, text = clip.condition.camera, clip.condition.text
        looks = any(name in self.consistency for name in self.columns)
        path = self.odometry.camera(video, camera) if looks and video is not None else None
        for name in self.columns:
            try:
                if name == "mm-dist":
                    scores[name] = MmDist()(self.evaluator.motion(motion), self.evaluator.text(text))
                elif path is not None:
                    scores[name] = self.consistency[name](path, motion, camera, clip.reference.motion).value
            except EgoBenchError:
                continue
        return scores


@dataclass(frozen=True)
class Request:
    """All that decides the numbers."""

    variant: str
    train_seed: int
    preset: str
    task: Mode
    split: str
    split_digest: str
    clips: int
    steps: int
    weights_sha256: Mapping[str, str]
    text_grid: Sequence[float]
    partner_grid: Sequence[float]


def evenly(split: Split, count: int) -> list[str]:
    """`count` clips over the whole split, or all of a smaller one."""
    infos = split.infos()
    return [infos[k].clip_id for k in np.linspace(0, len(infos) - 1, min(count, len(infos))).round().astype(int)]


def inputs(clips: Sequence[Clip], mode: Mode) -> Inputs:
    """What is given of the clips in a mode."""
    frames = len(clips[0].reference.video.frames) if mode == "tv2m" else 1
    poses = len(clips[0].reference.motion.positions) if mode == "tm2v" else 1
    return Inputs(
        [clip.condition.text for clip in clips],
        np.stack([clip.reference.video.frames[:frames] for clip in clips]),
        np.stack([clip.reference.motion.positions[:poses] for clip in clips]),
        np.stack([clip.reference.motion.rotations[:poses] for clip in clips]),
    )


def sampled(bundle: Bundle, clips: Sequence[Clip], mode: Mode, steps: int, guidance: Guidance) -> list:
    """(video or None, motion) of each clip, with the noise of `egobench run` with seed 0."""
    made = []
    for start in range(0, len(clips), BATCH):
        part = clips[start : start + BATCH]
        seeds = [clip_seed(clip.condition.clip_id, 0) for clip in part]
        samples = bundle.sample(inputs(part, mode), seeds, mode, steps, guidance=guidance)
        for row, clip in enumerate(part):
            condition = clip.condition
            video = None if samples.frames is None else Video(samples.frames[row], condition.fps_video)
            made.append((video, Motion(samples.positions[row], samples.rotations[row], condition.fps_motion)))
    return made


def line(name: str, columns: Mapping[str, Mean], way: Mean | None = None) -> str:
    """A line of the table."""
    parts = [f"{column} {mean.value:7.3f} ± {mean.error:.3f} {UNITS[column]}" for column, mean in columns.items()]
    lost = max((mean.unscored for mean in columns.values()), default=0)
    parts += [f"way {way.value:6.3f} ± {way.error:.3f}"] if way else []
    parts += [f"{lost} clips not scored, counted as chance"] if lost else []
    return f"{name:>12}  {'  '.join(parts)}"


class LateError(Exception):
    """The time is up; what was tried is written."""


def choose(
    request: Request, measure: Callable[[Guidance], Tried], scale: Scale, out: Path | None, until: float
) -> None:
    """Walks the grid, writes after every pair, and prints the choice.

    Raises:
        LateError: `until`, a `time.monotonic()`, is past before the next pair.
    """
    if out is not None:
        make_folder(out.parent)
    before, done = read_tried(out, asdict(request)), []

    def once(guidance: Guidance) -> Tried:
        if guidance not in before and time.monotonic() > until:
            raise LateError
        pair = before.get(guidance) or measure(guidance)
        done.append(pair)
        print(line(f"{guidance.text:g},{guidance.partner:g}", pair.columns, pair.way), flush=True)
        if out is not None and guidance not in before:
            rest = [found for found in before.values() if found not in done]
            write_json(out, content_of(asdict(request), scale, [*done, *rest], is_done=False))
        return pair

    tried = walk(once, has_partner(VARIANTS[request.variant]), request.text_grid, request.partner_grid)
    if out is not None:
        write_json(out, content_of(asdict(request), scale, tried, is_done=True))
    chosen = best(tried)
    print(f"chosen: w_t {chosen.guidance.text:g}, partner {chosen.guidance.partner:g} (least way from floor to chance)")


def parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pairs", nargs="*", help="w_t,w_m: these alone, and no choice")
    parser.add_argument("--variant", choices=list(VARIANTS), default="egotwin")
    parser.add_argument("--train-seed", type=int, default=0)
    parser.add_argument("--preset", choices=list(PRESETS), default="small")
    parser.add_argument("--weights", type=Path, help="folder; by default what the package brings")
    parser.add_argument("--task", choices=list(TABLE), help="by default the row's own")
    parser.add_argument("--split", default="egomini-val")
    parser.add_argument("--clips", type=int, default=64)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, …")
    parser.add_argument("--threads", type=int, help="by default as torch has it")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="start no pair after so many")
    parser.add_argument("--out", type=Path, help="JSON file")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures and chooses; 0 also where the time was up."""
    options = parsed(arguments)
    until = time.monotonic() + 60 * options.minutes
    if options.threads:
        torch.set_num_threads(options.threads)
    row, split = VARIANTS[options.variant], open_split(options.split)
    mode: Mode = options.task or task_of(options.variant)
    settings = EgoTwinModel(options.variant, options.train_seed, options.preset, options.weights)
    settings.check_split(split)
    clips = [split.clip(name) for name in evenly(split, options.clips)]
    request = Request(
        options.variant, options.train_seed, options.preset, mode, split.name, split.digest, len(clips), options.steps,
        dict(settings.weights_sha256), TEXT, PARTNER,
    )  # fmt: skip
    device = resolve_device(options.device)
    judge, bundle = Judge(clips, columns_of(row, mode), device), settings.load(device).bundle
    scale = judge.scale()
    print(f"{options.variant}, {mode}, {len(clips)} clips of {split.name}, {options.steps} steps; ± standard error")
    for name, ends in (("recorded", scale.floor), ("chance", scale.chance)):
        print(line(name, ends), flush=True)

    def measure(guidance: Guidance) -> Tried:
        made = sampled(bundle, clips, mode, options.steps, guidance)
        return Tried.of(guidance, judge.scores(made), scale)

    for pair in options.pairs:
        tried = measure(Guidance(*map(float, pair.split(","))))
        print(line(pair, tried.columns, tried.way), flush=True)
    if options.pairs:
        return 0
    try:
        choose(request, measure, scale, options.out, until)
    except LateError:
        print("stopped; the same command goes on")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
