"""Fits `egomini-clip`: frames of a clip against its caption, contrastively, on clean and degraded frames.

Loss: symmetric InfoNCE over a batch of clips (arXiv 2103.00020, figure 3). Degradations are what
generators and codecs do (blur, low resolution, noise, colour and exposure drift), so that the features
judge content and not cleanliness alone; half of the frames stay clean.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8

from egobench.extractors.egomini_clip import build_network, prepare
from egobench.files.atomic import atomic_path


@dataclass(frozen=True)
class ClipRecipe:
    """Everything that changes the weights."""

    steps: int = 1600
    """Optimiser steps."""
    batch: int = 128
    """Clips a step, one frame each."""
    learning_rate: float = 1.5e-3
    weight_decay: float = 0.1
    warmup: int = 100
    """Steps of linear warm-up before the cosine decay."""
    degraded: float = 0.5
    """Share of frames that are degraded."""
    seed: int = 0


def fit_clip(
    frames: UInt8[np.ndarray, "clip item height width 3"],
    texts: Sequence[str],
    recipe: ClipRecipe,
    checkpoint: Path,
    report: Callable[[int, float], None],
) -> dict[str, Any]:
    """Trains from the recipe's seed, or from `checkpoint` where one lies, and returns the state (float32 tensors).

    Args:
        frames: some frames of each clip, conditioning frame excluded.
        texts: one caption a clip.
        checkpoint: written every 100 steps; read only if it was made by the same recipe.
        report: called with (steps done, mean loss since the last call).
    """
    import torch
    from torch.nn import functional

    torch.manual_seed(recipe.seed)
    network, tokenizer = build_network()
    tokens = tokenizer(list(texts))
    decayed = [p for p in network.parameters() if p.ndim >= 2]
    plain = [p for p in network.parameters() if p.ndim < 2]
    groups = [{"params": decayed, "weight_decay": recipe.weight_decay}, {"params": plain, "weight_decay": 0.0}]
    optimiser = torch.optim.AdamW(groups, lr=recipe.learning_rate, betas=(0.9, 0.98))
    step, losses, saved = _restore(checkpoint, recipe, network, optimiser), [], time.monotonic()
    network.train()
    while step < recipe.steps:
        rng = np.random.default_rng([recipe.seed, step])
        chosen = rng.choice(len(frames), size=min(recipe.batch, len(frames)), replace=False)
        picked = torch.from_numpy(frames[chosen, rng.integers(0, frames.shape[1], len(chosen))])
        images = degrade(prepare(picked), recipe.degraded, torch.Generator().manual_seed(recipe.seed * 2**20 + step))
        for group in optimiser.param_groups:
            group["lr"] = recipe.learning_rate * _schedule(step, recipe)
        image_features, text_features, scale = network(images, tokens[chosen])[:3]
        logits = scale * image_features @ text_features.T
        target = torch.arange(len(chosen))
        loss = (functional.cross_entropy(logits, target) + functional.cross_entropy(logits.T, target)) / 2
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        with torch.no_grad():
            network.logit_scale.clamp_(0, float(np.log(100)))
        step += 1
        losses.append(loss.item())
        if step % 100 == 0 or step == recipe.steps or time.monotonic() - saved > 120:
            _save(checkpoint, recipe, network, optimiser, step)
            report(step, float(np.mean(losses)))
            losses, saved = [], time.monotonic()
    return {name: value.detach() for name, value in network.state_dict().items()}


def degrade(images: Any, share: float, generator: Any) -> Any:
    """Blurs, shrinks, adds noise and shifts colour on about `share` of normalised images (N, 3, H, W)."""
    import torch
    from torch.nn import functional

    count = len(images)

    def uniform(low: float, high: float, *shape: int) -> Any:
        return low + (high - low) * torch.rand(shape, generator=generator)

    chosen = torch.rand(count, generator=generator) < share
    worse = images
    factor = (1.0, 0.75, 0.5, 0.375)[int(torch.randint(4, (1,), generator=generator))]
    if factor < 1:
        worse = functional.interpolate(worse, scale_factor=factor, mode="bilinear", antialias=True)
        worse = functional.interpolate(worse, images.shape[-2:], mode="bilinear")
    blurred = functional.avg_pool2d(functional.pad(worse, (1, 1, 1, 1), mode="replicate"), 3, stride=1)
    worse = torch.lerp(worse, blurred, uniform(0, 1, count, 1, 1, 1))
    gain, shift = uniform(0.8, 1.2, count, 3, 1, 1), uniform(-0.3, 0.3, count, 3, 1, 1)
    noise = torch.randn(images.shape, generator=generator) * uniform(0, 0.4, count, 1, 1, 1)
    return torch.where(chosen[:, None, None, None], worse * gain + shift + noise, images)


def _schedule(step: int, recipe: ClipRecipe) -> float:
    if step < recipe.warmup:
        return (step + 1) / recipe.warmup
    share = (step - recipe.warmup) / max(1, recipe.steps - recipe.warmup)
    return 0.5 * (1 + float(np.cos(np.pi * share))) + 1e-3


def _save(path: Path, recipe: ClipRecipe, network: Any, optimiser: Any, step: int) -> None:
    import torch

    state = {"recipe": asdict(recipe), "step": step, "network": network.state_dict(), "optim": optimiser.state_dict()}
    with atomic_path(path) as temporary:
        torch.save(state, temporary)


def _restore(path: Path, recipe: ClipRecipe, network: Any, optimiser: Any) -> int:
    import torch

    if not path.is_file():
        return 0
    state = torch.load(path, weights_only=True)  # never unpickles code
    if state["recipe"] != asdict(recipe):
        return 0
    network.load_state_dict(state["network"])
    optimiser.load_state_dict(state["optim"])
    return int(state["step"])
