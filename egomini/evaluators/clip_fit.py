"""Fits and checks `egomini-clip`: frames of a split against their captions.

The fit is contrastive, on clean and degraded frames of a clip and on its caption. The loss is symmetric InfoNCE over a
batch of clips (arXiv 2103.00020, figure 3). The degradations are typical of generators and codecs (blur, low
resolution, noise, colour and exposure drift). So the features describe the content and not only the image quality.
Half of the frames stay clean.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from jaxtyping import UInt8

from egobench.errors import BadInputError
from egobench.fit.base import FitRequest, Fitter, Fitting, summary
from egobench.fit.training import Recipe, Report, half_precision, seeded, train
from egobench.metrics.clip_sim import ClipSim
from egobench.progress import Progress
from egobench.stats.pairing import SHUFFLE_SEED, shuffled_partners
from egobench.types import Split
from egomini.evaluators.clip import EgominiClip, build_network, prepare


@dataclass(frozen=True)
class ClipRecipe(Recipe):
    """All settings that change the weights. In one step, each clip gives one frame."""

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
    """Trains from the recipe's seed, or from `checkpoint` if it exists, and returns the state (float32 tensors).

    Args:
        frames: some frames of each clip, without the conditioning frame.
        texts: one caption per clip.
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
    """Degrades about `share` of normalised images (N, 3, H, W): blur, lower resolution, noise, shifted colour."""
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


POOL = 32
"""Number of captions that a frame is compared with in the card's retrieval check. A smaller split uses all captions."""
FRAMES_PER_CLIP = 10
"""Number of frames of each clip that are kept in memory."""


class ClipFit(Fitter):
    """Image and text towers of `egomini-clip`."""

    evaluator: ClassVar[str] = "egomini-clip"

    recipe: ClassVar[type[Recipe]] = ClipRecipe

    def prepare(self, request: FitRequest, recipe: ClipRecipe, train: Split, val: Split, progress: Progress) -> Fitting:
        """Reads some frames of each clip, and its caption."""
        frames, texts = _frames_and_texts(train, FRAMES_PER_CLIP, progress)
        return Fitting(
            lambda checkpoint, report: fit_clip(frames, texts, recipe, checkpoint, report),
            settings={"frames_per_clip": FRAMES_PER_CLIP},
        )

    def check(self, weights: Path, split: Split, progress: Progress) -> dict[str, Any]:
        """Retrieval and clip-sim of a split's reference, with its own captions and with shuffled captions."""
        loaded, metric = EgominiClip(weights).load("cpu"), ClipSim()
        rows = split.infos()
        sequences = [row.sequence for row in rows]
        progress.stage(f"checking on {split.name}", len(rows))
        texts = [loaded.text(row.text) for row in rows]
        partner = shuffled_partners(sequences, SHUFFLE_SEED)[0]
        own, other, hits = [], [], []
        rng, pool = np.random.default_rng(0), min(POOL, len(rows))
        for place, row in enumerate(rows):
            features = loaded.frames(split.clip(row.clip_id).reference.video)
            own.append(metric(frames=features, text=texts[place]))
            other.append(metric(frames=features, text=texts[partner[place]]))
            others = rng.choice(np.delete(np.arange(len(rows)), place), pool - 1, replace=False)
            rivals = [metric(frames=features, text=texts[i]) for i in others]
            hits.append(float(own[-1] > max(rivals)))
            progress.advance()
        progress.done()
        return {
            "split": split.name,
            "digest": split.digest,
            "caption_top1_of_32": {**summary(hits, sequences), "chance": 1 / pool},
            "clip_sim_reference": summary(own, sequences),
            "clip_sim_shuffled_captions": summary(other, sequences),
        }


def _frames_and_texts(split: Split, per_clip: int, progress: Progress) -> tuple[np.ndarray, list[str]]:
    """Frames (clip, item, H, W, 3) uint8, spread over each clip, without the conditioning frame; and the captions."""
    rows = split.infos()
    first = split.clip(rows[0].clip_id).reference.video.frames
    if len(first) <= per_clip:
        raise BadInputError(f"{split.name} has {len(first)} frames a clip; more than {per_clip} are needed")
    chosen = np.linspace(1, len(first) - 1, per_clip).round().astype(int)
    frames = np.empty((len(rows), per_clip, *first.shape[1:]), np.uint8)
    progress.stage(f"reading {split.name}", len(rows))
    for place, row in enumerate(rows):
        frames[place] = split.clip(row.clip_id).reference.video.frames[chosen]
        progress.advance()
    progress.done()
    return frames, [row.text for row in rows]
