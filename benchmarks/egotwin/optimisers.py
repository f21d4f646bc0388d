"""AdamW against Muon in stage 3, from the same weights on the same draws: losses at equal clips and at equal seconds.

    python benchmarks/egotwin/optimisers.py --work work/egotwin --seconds 200

Needs a folder in which `egobench train egotwin --stage 2` is done. Both run one after the other on one thread.
"""

import argparse
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from egotwin_ref.training.clips import Clips
from egotwin_ref.training.loop import LoopOptions, Recipe
from egotwin_ref.training.recipes import MINI
from egotwin_ref.training.stages import Stages
from egotwin_ref.training.stepping import State, Step

Losses = list[tuple[float, float, float]]
"""Seconds so far, video's loss, motion's, after every step."""


def trained(stages: Stages, recipe: Recipe, seconds: float) -> Losses:
    """Steps at a constant rate, after the warm-up, until the time is up."""
    model = stages.network(recipe.seed, stages.motion())
    state = State(model, recipe)
    take, generator = Step(stages.loss(model, recipe), state, "cpu", None), torch.Generator()
    losses: Losses = []
    began = time.monotonic()
    while not losses or losses[-1][0] < seconds:
        state.set_rates(min(1.0, (state.step + 1) / recipe.warmup))
        parts = take(state.step, generator.manual_seed(state.step))
        state.step += 1
        losses.append((time.monotonic() - began, parts["video"].item(), parts["motion"].item()))
    return losses


def line(name: str, rows: Sequence[tuple[float, float, float]]) -> str:
    """The last twenty of these steps, as a line."""
    last = rows[-20:]
    video, motion = (sum(row[column] for row in last) / len(last) for column in (1, 2))
    return f"  {name:6s} {len(rows):4d} steps, {rows[-1][0]:4.0f} s: video {video:.4f}, motion {motion:.4f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, default=Path("work/egotwin"), help="as given to `egobench train`")
    parser.add_argument("--seconds", type=float, default=200.0, help="of each training")
    options = parser.parse_args()
    torch.set_num_threads(1)
    folder = options.work / "mini"
    clips, held_out = (
        next(Clips.load(path.parent) for path in sorted((folder / "clips").glob(f"{name}-*/clips.json")))
        for name in ("egomini-train", "egomini-val")
    )
    stages = Stages("mini", "egotwin", folder, clips, held_out, MINI, LoopOptions())
    recipe = replace(MINI.joint, warmup=20)
    runs = {
        name: trained(stages, replace(recipe, muon=rate), options.seconds)
        for name, rate in (("AdamW", None), ("Muon", recipe.muon))
    }
    least = min(len(rows) for rows in runs.values())
    print(f"Stage 3 from stage 2's weights, batches of {recipe.batch}, means of twenty steps")
    print("after as many clips")
    for name, rows in runs.items():
        print(line(name, rows[:least]))
    print("after as many seconds")
    for name, rows in runs.items():
        print(line(name, [row for row in rows if row[0] <= options.seconds] or rows))


if __name__ == "__main__":
    main()
