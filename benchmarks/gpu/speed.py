"""Which way of taking a step is the fastest here: one kernel after the other, captured as a graph, compiled too.

The answer depends on the card and on torch, and a way that fails must not cost the training: each is tried for some
steps on random latents, and the fastest of those that work is taken.
"""

import time
from dataclasses import dataclass, replace

import torch
from torch import nn

from egobench.files.time_limit import time_limit
from egotwin_ref.loading.bundle import build_motion_vae, representation_of
from egotwin_ref.model.configs import PRESETS, VARIANTS
from egotwin_ref.model.diffusion import Schedule
from egotwin_ref.model.network import EgoTwin, compile_blocks, is_motion
from egotwin_ref.model.tokens import motion_tokens
from egotwin_ref.training.latents import Latents
from egotwin_ref.training.loop import LoopOptions
from egotwin_ref.training.objective import DiffusionLoss
from egotwin_ref.training.recipes import Recipe
from egotwin_ref.training.stepping import EAGER_STEPS, Loss, State, Step
from egotwin_ref.training.vae_losses import MotionVAELoss


@dataclass(frozen=True)
class Way:
    """How a step is taken."""

    name: str
    compile: bool
    capture: bool


WAYS = (
    Way("captured", False, True),
    Way("compiled and captured", True, True),
    Way("one kernel after the other", False, False),
)
"""The last is for where none of the others works."""


def fastest(
    preset: str, recipe: Recipe, habits: LoopOptions, steps: int, seconds: float
) -> tuple[LoopOptions, list[str]]:
    """The habits of the fastest way, and a line for each way that was tried.

    Args:
        steps: that are timed, after those in which a way warms up.
        seconds: that one way may take; torch may think about a compilation for minutes.
    """
    rates: list[tuple[float, Way]] = []
    lines = []
    for way in WAYS if habits.device.startswith("cuda") else WAYS[-1:]:
        if way == WAYS[-1] and rates:
            break
        try:
            with time_limit(seconds):
                chosen = replace(habits, compile=way.compile, capture=way.capture)
                rate, why_not = rate_of(preset, "egotwin", recipe, chosen, steps)
        except Exception as error:  # whatever it is, the other ways are still there
            lines.append(f"{way.name}: failed, {type(error).__name__}: {' '.join(str(error).split())[:300]}")
            continue
        lines.append(f"{way.name}: {rate:,.0f} samples/s" + (f" (not captured: {why_not})" if why_not else ""))
        rates.append((rate, way))
    best = max(rates, key=lambda pair: pair[0])[1] if rates else WAYS[-1]
    return replace(habits, compile=best.compile, capture=best.capture), lines


def rate_of(
    preset: str, variant: str, recipe: Recipe, habits: LoopOptions, steps: int, with_motion: bool = True
) -> tuple[float, str | None]:
    """Samples/s of a row's network on random latents, and why its steps were not captured, if they were to be.

    Compiles what a training of the row would, so that it has not to.
    """
    size, row, device = PRESETS[preset], VARIANTS[variant], habits.device
    network = size.network
    torch.manual_seed(0)
    model = EgoTwin(network, row, vocabulary=300).to(device)
    if habits.compile:
        compile_blocks(model)
    shape = (network.latent_frames, network.video_channels, *network.latent_size)
    motion = (motion_tokens(network, row), network.motion_size(row))
    latents = Latents(
        torch.randn(64, *shape).bfloat16(),
        torch.randn(64, *motion).bfloat16(),
        torch.randint(2, 300, (64, network.text_tokens)),
        torch.zeros(network.text_tokens, dtype=torch.int64),
    ).to(device)
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(with_motion or not is_motion(name))
    loss = DiffusionLoss(
        model, Schedule.cogvideox(size.snr_shift), latents, recipe.batch, with_motion=with_motion
    )  # fmt: skip
    return _timed(model, loss, recipe, habits, steps)


def rate_of_vae(preset: str, variant: str, recipe: Recipe, habits: LoopOptions, steps: int) -> tuple[float, str | None]:
    """Motions/s of a row's motion VAE on random features, and why its steps were not captured, if they were to be."""
    size, row = PRESETS[preset], VARIANTS[variant]
    vae = build_motion_vae(size, row).to(habits.device)
    features = torch.randn(recipe.batch, size.motion_frames, representation_of(row).dim, device=habits.device)
    return _timed(vae, MotionVAELoss(vae, features, recipe.batch, 0.0, 0.1), recipe, habits, steps)


def _timed(model: nn.Module, loss: Loss, recipe: Recipe, habits: LoopOptions, steps: int) -> tuple[float, str | None]:
    device = habits.device
    state = State(model, recipe, device)
    take = Step(loss, state, device, habits.autocast, habits.capture)
    generator = torch.Generator(device)
    warm = EAGER_STEPS + 2 if device.startswith("cuda") else 1
    began = 0.0
    for step in range(warm + steps):
        if step == warm:
            _wait(device)
            began = time.perf_counter()
        state.set_rates(1e-3)
        take(step, generator.manual_seed(step))
    _wait(device)
    why_not = take.why_not if habits.capture and device.startswith("cuda") else None
    return steps * recipe.batch / (time.perf_counter() - began), why_not


def _wait(device: str) -> None:
    if device.startswith("cuda"):
        torch.cuda.synchronize()
