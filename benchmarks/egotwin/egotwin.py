"""Speed of the EgoTwin reference, and what its VAEs lose.

    python benchmarks/egotwin/egotwin.py                                        # small: training of all rows, sampling
    python benchmarks/egotwin/egotwin.py --preset mini --device cuda            # the other preset, on a GPU
    python benchmarks/egotwin/egotwin.py --quality 64                           # what the shipped VAEs lose

Prints the rate of matrix products here, and for each row and precision the seconds of a training step, as
`egotwin_ref.training.loop.train` takes it, with the share of that rate that the network's products reach; then seconds
per sampled clip at 10, 20 and 50 steps with the share spent in the network. Best of several repetitions; run it on an
idle machine, and read the load that it prints. `--quality` prints instead what the VAEs lose, and what noise costs.
"""

import argparse
import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from egotwin_quality import quality
from torch.utils.flop_counter import FlopCounterMode

from egobench import BadInputError, open_split
from egotwin_ref.adapters.model import EgoTwinModel
from egotwin_ref.loading.bundle import Inputs
from egotwin_ref.model.configs import PRESETS, VARIANTS
from egotwin_ref.model.diffusion import Schedule
from egotwin_ref.model.network import EgoTwin, compile_blocks
from egotwin_ref.model.tokens import motion_tokens
from egotwin_ref.training.latents import Latents
from egotwin_ref.training.objective import DiffusionLoss
from egotwin_ref.training.precision import autocast, fast_dtype
from egotwin_ref.training.recipes import RECIPES
from egotwin_ref.training.stepping import EAGER_STEPS, State, Step

VOCABULARY, CLIPS = 200, 64


def best(work: Callable[[], object], repeats: int, device: str = "cpu", warm: int = 1) -> float:
    """Seconds of the fastest of `repeats` calls, after some to warm up."""

    def finished() -> float:
        if device.startswith("cuda"):
            torch.cuda.synchronize()
        return time.perf_counter()

    for _ in range(warm):
        work()
    seconds = []
    for _ in range(repeats):
        began = finished()
        work()
        seconds.append(finished() - began)
    return min(seconds)


def products(dtype: torch.dtype, device: str) -> float:
    """GFLOP/s of a square matrix product."""
    size = 8192 if device.startswith("cuda") else 1024
    left, right = torch.randn(2, size, size, device=device).to(dtype)
    return 2 * size**3 / best(lambda: left @ right, 5, device) / 1e9


def random_latents(preset: str, row: str) -> Latents:
    """Of 64 clips, as stage 3 of a row reads them."""
    network, generator = PRESETS[preset].network, torch.Generator().manual_seed(0)
    tokens = motion_tokens(network, VARIANTS[row]), network.motion_size(VARIANTS[row])
    return Latents(
        torch.randn(CLIPS, network.latent_frames, network.video_channels, *network.latent_size, generator=generator),
        torch.randn(CLIPS, *tokens, generator=generator),
        torch.randint(VOCABULARY, (CLIPS, network.text_tokens), generator=generator),
        torch.zeros(network.text_tokens, dtype=torch.int64),
    )


def training(
    preset: str, row: str, dtype: torch.dtype | None, device: str, batch: int | None, repeats: int
) -> tuple[float, float, int, str]:
    """Seconds of a step of stage 3; GFLOP of the network, forward and backward; clips; what did not work as a graph."""
    size, variant, recipe = PRESETS[preset], VARIANTS[row], RECIPES[preset]
    recipe = recipe.fine if size.coarse_patch else recipe.joint
    recipe = replace(recipe, batch=batch or recipe.batch)
    torch.manual_seed(0)
    model = EgoTwin(size.network, variant, vocabulary=VOCABULARY).to(device)
    schedule, latents = Schedule.cogvideox(size.snr_shift), random_latents(preset, row).to(device)
    loss = DiffusionLoss(model, schedule, latents, recipe.batch, with_video="video" in variant.makes)
    generator = torch.Generator(device)
    with FlopCounterMode(display=False) as counter, autocast(device, dtype):
        loss(0, generator.manual_seed(0))[0].backward()
    if device.startswith("cuda"):  # as `egobench train` does
        compile_blocks(model)
    state = State(model, recipe, device)
    take = Step(loss, state, device, dtype)

    def step() -> None:
        state.set_rates(recipe.share(state.step))
        take(state.step, generator.manual_seed(state.step))
        state.step += 1

    seconds = best(step, repeats, device, warm=EAGER_STEPS + 1 if state.can_capture else 1)
    return seconds, counter.get_total_flops() / 1e9, recipe.batch, take.why_not or ""


def trainings(preset: str, rows: list[str], device: str, batch: int | None, repeats: int) -> None:
    """A table: a line for each row and precision."""
    fast = fast_dtype(device)
    for dtype in (None, fast) if fast else (None,):
        peak = products(dtype or torch.float32, device)
        name = str(dtype or torch.float32).removeprefix("torch.")
        print(f"{preset}, {name} on {device}: matrix products {peak:.0f} GFLOP/s; a step of training:")
        for row in rows:
            seconds, cost, clips, why_not = training(preset, row, dtype, device, batch, repeats)
            note = f"; one kernel after another: {why_not}" if device.startswith("cuda") and why_not else ""
            print(
                f"  {row:10s} {1000 * seconds:7.1f} ms, {clips / seconds:7.1f} clips/s of {cost / clips:.2f} GFLOP: "
                f"{cost / seconds / peak:.0%} of the products' rate{note}",
                flush=True,
            )


def sampling(model: EgoTwinModel, steps: int, clips: int, device: str) -> tuple[float, float]:
    """Seconds per clip, clips one by one as a run samples them, and the share spent in the transformer."""
    bundle = model.load(device).bundle
    split = open_split("egomini-smoke")
    conditions = [split.clip(info.clip_id).condition for info in split.infos()[:clips]]
    inside = 0.0
    began_call = 0.0

    def now() -> float:
        if device.startswith("cuda"):
            torch.cuda.synchronize()
        return time.perf_counter()

    def before(*_: object) -> None:
        nonlocal began_call
        began_call = now()

    def after(*_: object) -> None:
        nonlocal inside
        inside += now() - began_call

    bundle.model.register_forward_pre_hook(before)
    bundle.model.register_forward_hook(after)
    began = now()
    for number, condition in enumerate(conditions):
        pose = condition.first_pose
        inputs = Inputs([condition.text], condition.first_frame[None, None], pose.positions[None], pose.rotations[None])
        bundle.sample(inputs, [number], steps=steps)
    spent = now() - began
    return spent / len(conditions), inside / spent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", choices=list(RECIPES), default="small")
    parser.add_argument("--variants", nargs="+", choices=list(VARIANTS), default=list(VARIANTS), metavar="ROW")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--batch", type=int, help="clips a step; by default the recipe's")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--quality", type=int, metavar="CLIPS", help="instead: what the VAEs lose of so many clips")
    parser.add_argument("--weights", type=Path, help="folder of weights; by default the shipped ones")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if PRESETS[options.preset].video_vae == "cogvideox":
        parser.error(f"--preset {options.preset} needs CogVideoX's weights; mini and small are measured here")
    if options.quality:
        quality(options.preset, options.variants, options.weights, options.quality)
        return
    print(f"threads {options.threads}, load {np.round(os.getloadavg(), 1)}, torch {torch.__version__}")
    trainings(options.preset, options.variants, options.device, options.batch, options.repeats)
    try:
        model = EgoTwinModel(preset=options.preset, weights=options.weights)
    except BadInputError as error:
        print(f"sampling: {error}")
        return
    for steps in (10, 20, 50):
        seconds, share = sampling(replace(model, steps=steps), steps, 4, options.device)
        print(f"sampling, {steps} steps: {seconds:.2f} s per clip, {share:.0%} of it in the network")


if __name__ == "__main__":
    main()
