"""Fits and checks `motion-text` on any split: any skeleton with named joints, any frame rate.

The fit is contrastive: it compares motions with captions. It uses motions both as they are and mirrored.

Loss: symmetric InfoNCE over a batch of clips (arXiv 1807.03748, 2103.00020 figure 3). Two clips of a batch with the
same caption are not negatives of each other. In the caption of a mirrored motion, left and right are swapped.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from jaxtyping import Float

from egobench.extractors.motion_features import MotionLayout
from egobench.extractors.motion_text import RATE, TEXT_LENGTH, MotionText, layout_metadata
from egobench.extractors.tokens import build_tokenizer
from egobench.fit.base import FitRequest, Fitter, Fitting
from egobench.fit.motion_text_health import check_motion_text
from egobench.fit.training import Recipe, Report, half_precision, seeded, train
from egobench.geometry.skeleton import get_skeleton
from egobench.progress import Progress
from egobench.types import Split

if TYPE_CHECKING:
    import torch

SMALLEST_STD = 1e-3
"""Smallest standard deviation of a feature group, in its unit. Constant groups are thus not scaled up."""


@dataclass(frozen=True)
class MotionTextRecipe(Recipe):
    """All settings that change the weights."""

    steps: int = 1000
    learning_rate: float = 1e-3
    mirrored: float = 0.5
    """Share of motions that are mirrored; use 0 if `left` and `right` in the captions are not sides."""
    dropout: float = 0.1


def fit_motion_text(
    features: Float[np.ndarray, "clip frame feature"],
    texts: Sequence[str],
    layout: MotionLayout,
    recipe: MotionTextRecipe,
    checkpoint: Path,
    report: Report,
) -> "dict[str, torch.Tensor]":
    """Trains from the recipe's seed, or from `checkpoint` if it exists, and returns the state.

    Args:
        features: features of `layout`, any float type.
        texts: one caption per clip.
        checkpoint: see `egobench.fit.training.train`.
        report: called with (steps done, mean loss since the last call).
    """
    import torch

    from egobench.extractors.motion_network import MotionTextNetwork

    tokenizer = build_tokenizer(TEXT_LENGTH)
    network = seeded(lambda: MotionTextNetwork(layout.width, tokenizer.vocab_size, recipe.dropout), recipe.seed)
    mean, std = statistics(features, layout)
    network.mean.copy_(torch.from_numpy(mean))
    network.std.copy_(torch.from_numpy(std))
    tokens = torch.stack([tokenizer(list(texts)), tokenizer([swap_sides(text) for text in texts])])
    captions = np.unique([*texts, *map(swap_sides, texts)], return_inverse=True)[1].reshape(2, -1)
    order, sign = (torch.from_numpy(part) for part in layout.mirror)

    def loss_of_step(step: int, rng: np.random.Generator) -> Any:
        del step  # the generator is seeded by the step
        chosen = rng.choice(len(features), size=min(recipe.batch, len(features)), replace=False)
        mirrored = (rng.random(len(chosen)) < recipe.mirrored).astype(int)
        seen = torch.from_numpy(features[chosen]).float()
        flipped = seen[:, :, order] * sign.float()
        seen = torch.where(torch.from_numpy(mirrored == 1)[:, None, None], flipped, seen)
        with half_precision():
            motions = network.encode_motion(seen)
            words = network.encode_text(tokens[mirrored, chosen])
        return contrast(words, motions, network.log_scale.exp(), captions[mirrored, chosen])

    def after_step() -> None:
        network.log_scale.clamp_(0, float(np.log(100)))

    return train(network, loss_of_step, recipe, checkpoint, report, after_step)


def contrast(words: Any, motions: Any, scale: Any, captions: np.ndarray) -> Any:
    """Symmetric InfoNCE of two sets of features, both (N, d), over cosines times `scale`.

    `captions` numbers each row's caption. Rows with the same number are not negatives of each other.
    """
    import torch
    from torch.nn import functional

    cosines = functional.normalize(words, dim=1) @ functional.normalize(motions, dim=1).T
    twins = (captions[:, None] == captions) & ~np.eye(len(captions), dtype=bool)
    logits = (scale * cosines).masked_fill(torch.from_numpy(twins), -torch.inf)
    target = torch.arange(len(captions))
    return (functional.cross_entropy(logits, target) + functional.cross_entropy(logits.T, target)) / 2


def statistics(
    features: Float[np.ndarray, "clip frame feature"], layout: MotionLayout
) -> tuple[Float[np.ndarray, " feature"], Float[np.ndarray, " feature"]]:
    """(mean, std), float32: one mean per feature, and one root-mean-square deviation per feature group."""
    count = features.shape[0] * features.shape[1]
    mean = np.zeros(layout.width)
    square = np.zeros(layout.width)
    for clip in features:  # one at a time: the whole set in float64 would be gigabytes
        mean += clip.astype(np.float64).sum(axis=0) / count
    for clip in features:
        square += ((clip.astype(np.float64) - mean) ** 2).sum(axis=0) / count
    std = np.empty(layout.width)
    for columns in layout.groups.values():
        std[columns] = max(SMALLEST_STD, float(np.sqrt(square[columns].mean())))
    return mean.astype(np.float32), std.astype(np.float32)


def swap_sides(text: str) -> str:
    """The caption of the mirrored motion: the words `left` and `right` are swapped."""
    swapped = {"left": "right", "right": "left"}
    return re.sub(r"\b(left|right)\b", lambda found: swapped[found[0].lower()], text, flags=re.IGNORECASE)


class MotionTextFit(Fitter):
    """Motion and text towers of `motion-text`, for the split's own skeleton."""

    evaluator: ClassVar[str] = "motion-text"

    recipe: ClassVar[type[Recipe]] = MotionTextRecipe

    def prepare(
        self, request: FitRequest, recipe: MotionTextRecipe, train: Split, val: Split, progress: Progress
    ) -> Fitting:
        """Reads features and captions for the split's own skeleton."""
        layout = MotionLayout(get_skeleton(train.facts["skeleton"]), RATE)
        features = _features(train, layout, progress)
        texts = [row.text for row in train.infos()]
        return Fitting(
            lambda checkpoint, report: fit_motion_text(features, texts, layout, recipe, checkpoint, report),
            settings={"rate": layout.rate},
            metadata=layout_metadata(layout),
            facts={"skeleton": layout.skeleton.name},
        )

    def check(self, weights: Path, split: Split, progress: Progress) -> dict[str, Any]:
        """Checks the evaluator on a split's reference; see `egobench.fit.motion_text_health`."""
        return check_motion_text(MotionText(weights), split, progress)


def _features(split: Split, layout: MotionLayout, progress: Progress) -> np.ndarray:
    """(clip, frame, feature) in float16: this resolves 1 mm up to 2 m, and 8,000 clips need a quarter of a gigabyte."""
    rows = split.infos()
    features = None
    progress.stage(f"reading {split.name}", len(rows))
    for place, row in enumerate(rows):
        found = layout.features(split.clip(row.clip_id).reference.motion)
        if features is None:
            features = np.empty((len(rows), *found.shape), np.float16)
        features[place] = found
        progress.advance()
    progress.done()
    assert features is not None, "a split has clips"
    return features
