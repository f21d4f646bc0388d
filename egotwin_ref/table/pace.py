"""Samples per second of trainings on this machine: a few steps of each kind on random data, with real optimisers."""

import time
from collections.abc import Iterable
from dataclasses import replace

import torch
from torch import nn

from egotwin_ref.loading.bundle import build_motion_vae, build_video_vae, representation_of
from egotwin_ref.model.configs import PRESETS, VARIANTS
from egotwin_ref.model.diffusion import Schedule
from egotwin_ref.model.network import EgoTwin, is_motion
from egotwin_ref.training.latents import Latents
from egotwin_ref.training.objective import DiffusionLoss
from egotwin_ref.training.recipes import Recipe, Recipes
from egotwin_ref.training.stepping import EAGER_STEPS, Loss, State, Step
from egotwin_ref.training.vae_losses import MotionVAELoss, VideoVAELoss

from .plan import Kind, Work

VOCABULARY, CLIPS = 200, 8


def paces(variant: str, preset: str, recipes: Recipes, works: Iterable[Work], device: str) -> dict[Kind, float]:
    """Kind → samples/s, in float32 without compilation; on CUDA with captured steps, as in a training.

    Args:
        works: the trainings to measure, one of each kind.
    """
    rates: dict[Kind, float] = {}
    for work in works:
        module, loss = _built(work.kind, variant, preset, recipes, device)
        rates[work.kind] = _pace(module, loss, work.recipe, device)
    return rates


def _built(kind: Kind, variant: str, preset: str, recipes: Recipes, device: str) -> tuple[nn.Module, Loss]:
    size, row, recipe = PRESETS[preset], VARIANTS[variant], getattr(recipes, kind)
    generator = torch.Generator().manual_seed(0)
    if kind == "video_vae":
        picture = build_video_vae(size).to(device)
        shape = (CLIPS, size.video_frames, *size.frame_size, 3)
        frames = torch.randint(256, shape, generator=generator, dtype=torch.uint8).to(device)
        hands = torch.zeros(CLIPS, size.video_frames, 2).numpy()
        return picture, VideoVAELoss(picture, frames, hands, recipe.batch, recipes.kl_video)
    if kind == "motion_vae":
        features = torch.randn(CLIPS, size.motion_frames, representation_of(row).dim, generator=generator)
        body = build_motion_vae(size, row).to(device)
        return body, MotionVAELoss(body, features.to(device), recipe.batch, recipes.kl_motion, recipes.spread)
    row = VARIANTS["egotwin"] if kind == "base" else row
    network = size.network
    patch = network.patch if kind == "fine" else size.coarse_patch or network.patch
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = EgoTwin(replace(network, patch=patch), row, VOCABULARY)
    for name, parameter in model.named_parameters():
        parameter.requires_grad_({"base": not is_motion(name), "motion": is_motion(name)}.get(kind, True))
    tokens = build_motion_vae(size, row).noise_shape(CLIPS)
    latents = Latents(
        torch.randn(CLIPS, network.latent_frames, network.video_channels, *network.latent_size, generator=generator),
        torch.randn(tokens, generator=generator),
        torch.randint(VOCABULARY, (CLIPS, network.text_tokens), generator=generator),
        torch.zeros(network.text_tokens, dtype=torch.int64),
    ).to(device)
    with_video, with_motion = kind != "motion" and "video" in row.makes, kind != "base"
    schedule = Schedule.cogvideox(size.snr_shift)
    return model.to(device), DiffusionLoss(
        model, schedule, latents, recipe.batch, recipes.draws, with_video, with_motion
    )


def _pace(module: nn.Module, loss: Loss, recipe: Recipe, device: str) -> float:
    state = State(module, recipe, device)
    state.set_rates(0.0)
    step, generator = Step(loss, state, device, None), torch.Generator(device)
    on_gpu = device.startswith("cuda")
    first, counted = (EAGER_STEPS + 2, 5) if on_gpu else (1, 2)
    began = 0.0
    for number in range(first + counted):
        if number == first:
            if on_gpu:
                torch.cuda.synchronize()
            began = time.monotonic()
        step(number, generator.manual_seed(number))
    if on_gpu:
        torch.cuda.synchronize()
    return counted * recipe.batch / max(1e-9, time.monotonic() - began)
