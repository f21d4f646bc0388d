"""Fits `egomini-clip`: frames of a clip against its caption, contrastively, on clean and degraded frames.

Loss: symmetric InfoNCE over a batch of clips (arXiv 2103.00020, figure 3). Degradations are what
generators and codecs do (blur, low resolution, noise, colour and exposure drift), so that the features
judge content and not cleanliness alone; half of the frames stay clean.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8

from egobench.extractors.egomini_clip import build_network, prepare
from egobench.fitting.training import Recipe, Report, half_precision, seeded, train


@dataclass(frozen=True)
class ClipRecipe(Recipe):
    """Everything that changes the weights; a clip of a step gives one frame."""

    steps: int = 1600
    batch: int = 128
    warmup: int = 100
    degraded: float = 0.5
    """Share of frames that are degraded."""


def fit_clip(
    frames: UInt8[np.ndarray, "clip item height width 3"],
    texts: Sequence[str],
    recipe: ClipRecipe,
    checkpoint: Path,
    report: Report,
) -> dict[str, Any]:
    """Trains from the recipe's seed, or from `checkpoint` where one lies, and returns the state (float32 tensors).

    Args:
        frames: some frames of each clip, conditioning frame excluded.
        texts: one caption a clip.
        checkpoint: see `fitting.train`.
        report: called with (steps done, mean loss since the last call).
    """
    import torch
    from torch.nn import functional

    network, tokenizer = seeded(build_network, recipe.seed)
    tokens = tokenizer(list(texts))
    target = torch.arange(min(recipe.batch, len(frames)))

    def loss_of_step(step: int, rng: np.random.Generator) -> Any:
        chosen = rng.choice(len(frames), size=len(target), replace=False)
        picked = torch.from_numpy(frames[chosen, rng.integers(0, frames.shape[1], len(chosen))])
        images = degrade(prepare(picked), recipe.degraded, torch.Generator().manual_seed(recipe.seed * 2**20 + step))
        with half_precision():
            image_features, text_features, scale = network(images, tokens[chosen])[:3]
            logits = scale.float() * image_features.float() @ text_features.float().T
        return (functional.cross_entropy(logits, target) + functional.cross_entropy(logits.T, target)) / 2

    def after_step() -> None:
        network.logit_scale.clamp_(0, float(np.log(100)))

    return train(network, loss_of_step, recipe, checkpoint, report, after_step)


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
