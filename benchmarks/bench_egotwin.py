"""Speed of the EgoTwin reference: a training step of every row, sampling alone and in batches.

By the clock, with as many threads as there are cores; `--device cuda` measures a GPU. A step is all that
`egotwin_ref.training.loop.train` does in one: loss, gradients, AdamW and Muon, average. `share_of_products` is the
share of the rate of large matrix products that the network's own products reach, `in_network` the share of the time in
the transformer.
"""

import time
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import machine
import numpy as np
import pytest
import torch
from facts import Facts
from torch.utils.flop_counter import FlopCounterMode

from egobench import open_split
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
ROUNDS = 3
QUICK = ("small", "egotwin", "float32")
"""The step that is in the quick set."""
STEPS = [
    pytest.param(preset, row, precision, marks=() if (preset, row, precision) == QUICK else pytest.mark.slow)
    for preset, rows in (("mini", ["egotwin"]), ("small", list(VARIANTS)))
    for row in rows
    for precision in ("float32", "bfloat16")
]


@pytest.fixture(autouse=True)
def _all_cores() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(machine.usable_cores())
    yield
    torch.set_num_threads(before)


@pytest.mark.benchmark(group="large matrix products")
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def bench_products(benchmark: Any, facts: Facts, device: str, precision: str) -> None:
    work, flop = product(device, dtype_of(precision, device))
    benchmark.pedantic(synchronised(work, device), rounds=5, warmup_rounds=2)
    facts.note(gflop_per_s=flop / benchmark.stats.stats.min / 1e9)


@pytest.mark.benchmark(group="a training step of EgoTwin's rows")
@pytest.mark.parametrize(("preset", "row", "precision"), STEPS)
def bench_egotwin_step(benchmark: Any, facts: Facts, device: str, preset: str, row: str, precision: str) -> None:
    """Stage 3, on random latents, in the recipe's batch."""
    dtype = dtype_of(precision, device)
    take, state, clips, flop = training(preset, row, dtype, device)
    generator = torch.Generator(device)

    def step() -> None:
        state.set_rates(state.recipe.share(state.step))
        take(state.step, generator.manual_seed(state.step))
        state.step += 1

    warm = EAGER_STEPS + 1 if state.can_capture else 1
    benchmark.pedantic(synchronised(step, device), rounds=ROUNDS, warmup_rounds=warm)
    seconds = benchmark.stats.stats.min
    work, large = product(device, dtype)
    rate = large / fastest(synchronised(work, device))
    facts.per("clip", clips)
    facts.note(clips_per_s=clips / seconds, gflop_per_clip=flop / clips / 1e9, share_of_products=flop / seconds / rate)
    facts.note(not_captured=take.why_not or "")


@pytest.mark.benchmark(group="a clip sampled by EgoTwin")
@pytest.mark.parametrize("steps", [20, *(pytest.param(n, marks=pytest.mark.slow) for n in (10, 50))])
def bench_egotwin_sampling(benchmark: Any, facts: Facts, device: str, steps: int) -> None:
    """Clip by clip."""
    bundle, inside = watched_bundle(device)
    conditions = smoke_conditions()[:4]
    inside.clear()
    facts.per("clip", len(conditions))

    def sample() -> None:
        for number, condition in enumerate(conditions):
            bundle.sample(inputs_of([condition]), [number], steps=steps)

    benchmark.pedantic(synchronised(sample, device), rounds=1)
    facts.note(in_network=sum(inside) / benchmark.stats.stats.total)


@pytest.mark.benchmark(group="clips sampled by EgoTwin in 20 steps, in batches")
@pytest.mark.parametrize("by", ["1 clip", "8 clips", pytest.param("32 clips", marks=pytest.mark.slow)])
def bench_egotwin_batch(benchmark: Any, facts: Facts, device: str, by: str) -> None:
    size = int(by.split()[0])
    bundle, _ = watched_bundle(device)
    some = [smoke_conditions()[k % len(smoke_conditions())] for k in range(size)]
    if size == 1:
        facts.peer()
    facts.per("clip", size)
    sample = synchronised(lambda: bundle.sample(inputs_of(some), list(range(size)), steps=20), device)
    benchmark.pedantic(sample, rounds=3 if size == 1 else 1, warmup_rounds=1)


def dtype_of(precision: str, device: str) -> torch.dtype | None:
    """The argument of `autocast`; a device without bfloat16 skips the benchmark."""
    if precision == "bfloat16" and fast_dtype(device) is None:
        pytest.skip(f"{device} has no bfloat16")
    return torch.bfloat16 if precision == "bfloat16" else None


def synchronised(work: Callable[[], Any], device: str) -> Callable[[], None]:
    """The same work, which returns when the device has finished."""

    def finished() -> None:
        work()
        if device.startswith("cuda"):
            torch.cuda.synchronize()

    return finished


def product(device: str, dtype: torch.dtype | None) -> tuple[Callable[[], Any], float]:
    """A square matrix product, and its floating-point operations."""
    size = 8192 if device.startswith("cuda") else 1024
    left, right = torch.randn(2, size, size, device=device).to(dtype or torch.float32)
    return lambda: left @ right, 2.0 * size**3


def fastest(work: Callable[[], None]) -> float:
    """Seconds of the fastest of five calls."""
    work()
    seconds = []
    for _ in range(5):
        began = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - began)
    return min(seconds)


def training(preset: str, row: str, dtype: torch.dtype | None, device: str) -> tuple[Step, State, int, float]:
    """What takes a step of stage 3, its state, the clips of a step, and the network's operations in it."""
    size, variant, recipe = PRESETS[preset], VARIANTS[row], RECIPES[preset]
    recipe = recipe.fine if size.coarse_patch else recipe.joint
    torch.manual_seed(0)
    model = EgoTwin(size.network, variant, vocabulary=VOCABULARY).to(device)
    schedule, latents = Schedule.cogvideox(size.snr_shift), random_latents(preset, row).to(device)
    loss = DiffusionLoss(model, schedule, latents, recipe.batch, with_video="video" in variant.makes)
    with FlopCounterMode(display=False) as counter, autocast(device, dtype):
        loss(0, torch.Generator(device).manual_seed(0))[0].backward()
    if device.startswith("cuda"):  # as `egobench train` does
        compile_blocks(model)
    state = State(model, recipe, device)
    return Step(loss, state, device, dtype), state, recipe.batch, float(counter.get_total_flops())


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


@cache
def watched_bundle(device: str) -> tuple[Any, list[float]]:
    """The shipped networks, and a list that gets the seconds of every call of the transformer."""
    bundle = EgoTwinModel(preset="small").load(device).bundle
    inside: list[float] = []
    began: list[float] = []

    def now() -> float:
        if device.startswith("cuda"):
            torch.cuda.synchronize()
        return time.perf_counter()

    bundle.model.register_forward_pre_hook(lambda *_: began.append(now()))
    bundle.model.register_forward_hook(lambda *_: inside.append(now() - began.pop()))
    return bundle, inside


@cache
def smoke_conditions() -> list[Any]:
    """What the clips of egomini-smoke give."""
    split = open_split("egomini-smoke")
    return [split.clip(info.clip_id).condition for info in split.infos()]


def inputs_of(conditions: list[Any]) -> Inputs:
    """A batch of conditions."""
    poses = [condition.first_pose for condition in conditions]
    frames = np.stack([condition.first_frame for condition in conditions])[:, None]
    positions, rotations = (np.stack([getattr(pose, part) for pose in poses]) for part in ("positions", "rotations"))
    return Inputs([condition.text for condition in conditions], frames, positions, rotations)
