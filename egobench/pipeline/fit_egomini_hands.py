"""Fits and checks `egomini-hands`: frames of the embedded world against what its renderer knows of every pixel."""

import multiprocessing
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from jaxtyping import UInt8

from egobench.data.egomini.pixels import PixelId
from egobench.data.egomini.splits import SPECS
from egobench.data.egomini.truth_ids import draw_ids
from egobench.data.open import open_split
from egobench.errors import BadInputError
from egobench.estimators.egomini_hands import THRESHOLD, EgominiHands
from egobench.estimators.fit_egomini_hands import (
    HandsRecipe,
    LabelledFrames,
    fit_egomini_hands,
    hands_seen,
    shift_threshold,
)
from egobench.estimators.view import RESOLUTION
from egobench.fitting.weights import save_state
from egobench.pipeline.filmed import read_filmed
from egobench.pipeline.fit_base import FitRequest, fit_and_save, write_card
from egobench.pipeline.hands_health import check_egomini_hands
from egobench.pipeline.progress import Progress
from egobench.types import Split

if TYPE_CHECKING:
    import torch

CLASS_OF_ID = np.zeros(max(PixelId) + 1, np.uint8)
"""Place in `hands_network.CLASSES` of what the renderer calls a pixel."""
CLASS_OF_ID[[PixelId.LEFT_HAND, PixelId.RIGHT_HAND, PixelId.LEFT_ARM, PixelId.RIGHT_ARM]] = 1, 2, 3, 4
CLIPS_A_JOB = 20


@dataclass(frozen=True)
class HandsFit:
    """The network of `egomini-hands`."""

    evaluator: ClassVar[str] = "egomini-hands"

    def fit(self, request: FitRequest, progress: Progress) -> Path:
        """Fits and returns the card's path.

        Raises:
            BadInputError: `split-form`: a split whose pixels nobody knows, or of another size than 64 × 64.
        """
        train, val = open_split(request.split), open_split(request.val)
        recipe = request.recipe(HandsRecipe)
        rows = [row.clip_id for row in train.infos()]
        rows = rows[:: max(1, len(rows) // recipe.clips)][: recipe.clips]
        clips = LabelledFrames(read_filmed(train, rows, RESOLUTION, progress).frames, _classes(train, rows, progress))
        filmed = read_filmed(val, [row.clip_id for row in val.infos()], RESOLUTION, progress)
        visible, decided = hands_seen(filmed.hands)

        def run(checkpoint: Path, report: Any) -> "dict[str, torch.Tensor]":
            state = fit_egomini_hands(clips, recipe, checkpoint, report)
            save_state(request.weights, state)  # what is looked at is what will be stored
            loaded = EgominiHands(request.weights).load("cpu")
            scores = np.stack([loaded.look(frames)[0] for frames in filmed.frames])
            return shift_threshold(state, scores[decided], visible[decided], THRESHOLD)

        card = fit_and_save(request, train, recipe, run, progress, threshold_chosen_on=val.name)
        return write_card(request, card, self.check(request.weights, val, progress))

    def check(self, weights: Path, split: Split, progress: Progress) -> dict[str, Any]:
        """Hits and false alarms on a split's reference, as it is and spoilt; see `hands_health`."""
        return check_egomini_hands(EgominiHands(weights), split, progress)


def _classes(split: Split, clip_ids: Sequence[str], progress: Progress) -> UInt8[np.ndarray, "clip time 64 64"]:
    """Class of every pixel, drawn again."""
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
