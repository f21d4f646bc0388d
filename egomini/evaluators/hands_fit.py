"""Fits and checks `egomini-hands`: frames of the embedded world against the renderer's label of every pixel.

A hand counts as seen if it has 4 pixels of 64 × 64 or more, from the wrist outward. With one to three pixels it is
neither seen nor unseen. Frames are also shown mirrored, where left and right change names, and with faults of the
picture.
"""

import multiprocessing
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from jaxtyping import Bool, Float, UInt8

from egobench.errors import BadInputError
from egobench.files.network_weights import save_state
from egobench.fit.base import FitRequest, Fitter, Fitting
from egobench.fit.training import Recipe, Report, half_precision, seeded, train
from egobench.fit.video_faults import spoil_somehow
from egobench.progress import Progress
from egobench.types import Split
from egomini.evaluators.estimator import RESOLUTION
from egomini.evaluators.filmed import read_filmed
from egomini.evaluators.hands import THRESHOLD, EgominiHands, prepare_frames
from egomini.evaluators.hands_health import check_egomini_hands, hands_seen
from egomini.splits.frozen import SPECS
from egomini.splits.truth_ids import draw_ids
from egomini.world.pixels import PixelId

if TYPE_CHECKING:
    import torch

FRAMES_A_CLIP = 8
MIRRORED = np.array([0, 2, 1, 4, 3], np.uint8)
"""Class of each pixel class in the mirrored picture."""
PREFERENCE = 2.0
"""A frame with hands or sleeves is shown 1 + PREFERENCE times as often as one without."""
MOST_TINT = 0.35
"""Greatest share by which a colour is made stronger or weaker. It stands for other skins, sleeves and lights."""
RARE = 4.0
"""Weight in the loss of a pixel that shows a hand or a sleeve."""


@dataclass(frozen=True)
class HandsRecipe(Recipe):
    """All settings that change the weights. A batch is `batch` clips with a few frames of each."""

    steps: int = 2400
    batch: int = 16
    learning_rate: float = 2e-3
    weight_decay: float = 0.02
    warmup: int = 100
    faulty: float = 0.4
    """Share of clips with a fault of the picture."""
    tinted: float = 0.5
    """Share of clips in other colours."""
    clips: int = 3000
    """Number of clips of the split that are used, evenly spread over it."""


@dataclass(frozen=True)
class LabelledFrames:
    """Videos of one length, with the class of each pixel."""

    frames: UInt8[np.ndarray, "clip time 64 64 3"]
    pixels: UInt8[np.ndarray, "clip time 64 64"]
    """Index in `hands_network.CLASSES`."""


def fit_egomini_hands(
    clips: LabelledFrames, recipe: HandsRecipe, checkpoint: Path, report: Report
) -> "dict[str, torch.Tensor]":
    """Trains from the recipe's seed, or from `checkpoint` if it exists, and returns the state."""
    import torch

    from egomini.evaluators.hands_network import HandsNetwork

    network = seeded(HandsNetwork, recipe.seed).to(memory_format=torch.channels_last)

    def loss_of_step(step: int, rng: np.random.Generator) -> Any:
        del step  # the random generator already depends on it
        chosen = rng.choice(len(clips.frames), size=min(recipe.batch, len(clips.frames)), replace=False)
        shown = [_shown(clips, int(clip), recipe, rng) for clip in chosen]
        frames = torch.from_numpy(np.concatenate([frames for frames, _ in shown]))
        with half_precision():
            seen = network(prepare_frames(frames))
        return _loss(seen, np.concatenate([pixels for _, pixels in shown]))

    return train(network, loss_of_step, recipe, checkpoint, report)


def _shown(
    clips: LabelledFrames, clip: int, recipe: HandsRecipe, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Some frames of a clip in the form for one step, and the classes of their pixels."""
    count = clips.frames.shape[1]
    odds = 1.0 + PREFERENCE * (clips.pixels[clip] > 0).any(axis=(1, 2))
    at = np.sort(rng.choice(count, size=min(FRAMES_A_CLIP, count), replace=False, p=odds / odds.sum()))
    frames, pixels = clips.frames[clip][at], clips.pixels[clip][at]
    if rng.random() < recipe.tinted:
        tint = rng.uniform(1 - MOST_TINT, 1 + MOST_TINT, 3).astype(np.float32)
        frames = np.clip(np.round(frames * tint), 0, 255).astype(np.uint8)
    if rng.random() < 0.5:
        frames, pixels = frames[:, :, ::-1], MIRRORED[pixels[:, :, ::-1]]
    if rng.random() < recipe.faulty:
        frames = spoil_somehow(frames, rng)
    return np.ascontiguousarray(frames), np.ascontiguousarray(pixels)


def _loss(seen: Any, pixels: np.ndarray) -> Any:
    """Cross-entropy of pixel classes, plus cross-entropy of hand visibility where it is decided."""
    import torch
    from torch.nn import functional

    weights = torch.tensor([1.0, RARE, RARE, RARE, RARE])
    of_pixels = functional.cross_entropy(seen.pixels, torch.from_numpy(pixels).long(), weights)
    shares = np.stack([(pixels == side).mean(axis=(1, 2)) for side in (1, 2)], axis=-1)
    visible, decided = (torch.from_numpy(part).float() for part in hands_seen(shares))
    of_hands = functional.binary_cross_entropy_with_logits(seen.presence, visible, reduction="none")
    return of_pixels + 0.5 * (of_hands * decided).mean()


def shift_threshold(
    state: "dict[str, torch.Tensor]",
    scores: Float[np.ndarray, "time 2"],
    visible: Bool[np.ndarray, "time 2"],
    threshold: float,
) -> "dict[str, torch.Tensor]":
    """The state with shifted scores, so that F1 over both sides is best at `threshold`.

    Args:
        scores: of the network before the shift on a validation split, only where visibility is decided.
        visible: the truth for these scores.
    """
    order = np.argsort(-scores, axis=None)
    hits = np.cumsum(visible.ravel()[order])
    f1 = 2 * hits / (np.arange(1, len(order) + 1) + visible.sum())
    best = int(np.argmax(f1))
    ranked = scores.ravel()[order]
    cut = np.clip((ranked[best] + ranked[min(best + 1, len(order) - 1)]) / 2, 1e-6, 1 - 1e-6)
    moved = np.log(threshold / (1 - threshold)) - np.log(cut / (1 - cut))
    return {**state, "presence.bias": state["presence.bias"] + float(moved)}


CLASS_OF_ID = np.zeros(max(PixelId) + 1, np.uint8)
"""Pixel id of the renderer → index in `hands_network.CLASSES`."""
CLASS_OF_ID[[PixelId.LEFT_HAND, PixelId.RIGHT_HAND, PixelId.LEFT_ARM, PixelId.RIGHT_ARM]] = 1, 2, 3, 4
CLIPS_A_JOB = 20


class HandsFit(Fitter):
    """The network of `egomini-hands`."""

    evaluator: ClassVar[str] = "egomini-hands"

    recipe: ClassVar[type[Recipe]] = HandsRecipe

    def prepare(
        self, request: FitRequest, recipe: HandsRecipe, train: Split, val: Split, progress: Progress
    ) -> Fitting:
        """Reads frames and the classes of their pixels. It also reads the frames of `val`, where the threshold is set.

        Raises:
            BadInputError: `split-form`: the pixel classes of the split are not known, or its size is not 64 × 64.
        """
        rows = [row.clip_id for row in train.infos()]
        rows = rows[:: max(1, len(rows) // recipe.clips)][: recipe.clips]
        clips = LabelledFrames(read_filmed(train, rows, RESOLUTION, progress).frames, _classes(train, rows, progress))
        filmed = read_filmed(val, [row.clip_id for row in val.infos()], RESOLUTION, progress)
        visible, decided = hands_seen(filmed.hands)

        def run(checkpoint: Path, report: Report) -> "dict[str, torch.Tensor]":
            state = fit_egomini_hands(clips, recipe, checkpoint, report)
            save_state(request.weights, state)  # the scores below come from the weights as they are stored
            loaded = EgominiHands(request.weights).load("cpu")
            scores = np.stack([loaded.look(frames)[0] for frames in filmed.frames])
            return shift_threshold(state, scores[decided], visible[decided], THRESHOLD)

        return Fitting(run, settings={"threshold_chosen_on": val.name})

    def check(self, weights: Path, split: Split, progress: Progress) -> dict[str, Any]:
        """Hits and false alarms on a split's reference, clean and with faults; see `hands_health`."""
        return check_egomini_hands(EgominiHands(weights), split, progress)


def _classes(split: Split, clip_ids: Sequence[str], progress: Progress) -> UInt8[np.ndarray, "clip time 64 64"]:
    """Class of every pixel, from a new rendering."""
    if split.name not in SPECS:
        text = f"'{split.name}' does not say what each pixel shows; a split of the embedded world is needed"
        raise BadInputError(text, code="split-form")
    jobs = [clip_ids[start : start + CLIPS_A_JOB] for start in range(0, len(clip_ids), CLIPS_A_JOB)]
    drawn = []
    progress.stage(f"drawing {split.name} again", len(clip_ids))
    with ProcessPoolExecutor(os.cpu_count(), mp_context=multiprocessing.get_context("spawn")) as pool:
        for ids in pool.map(draw_ids, [split.name] * len(jobs), jobs):
            drawn.append(CLASS_OF_ID[ids])
            progress.advance(len(ids))
    progress.done()
    return np.concatenate(drawn)
