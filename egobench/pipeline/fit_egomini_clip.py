"""Fits and checks `egomini-clip`: frames of a split against their captions."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from egobench.data.open import open_split
from egobench.errors import BadInputError
from egobench.extractors.egomini_clip import EgominiClip
from egobench.extractors.fit_egomini_clip import ClipRecipe, fit_clip
from egobench.metrics.clip_sim import ClipSim
from egobench.pipeline.fit_base import FitRequest, fit_and_save, summary, write_card
from egobench.pipeline.progress import Progress
from egobench.stats.pairing import SHUFFLE_SEED, shuffled_partners
from egobench.types import Split

POOL = 32
"""Captions a frame is matched against in the card's retrieval check."""
FRAMES_PER_CLIP = 10
"""Frames of each clip that are kept in memory."""


@dataclass(frozen=True)
class ClipFit:
    """Image and text towers of `egomini-clip`."""

    evaluator: ClassVar[str] = "egomini-clip"

    def fit(self, request: FitRequest, progress: Progress) -> Path:
        """Fits and returns the card's path."""
        train, val = open_split(request.split), open_split(request.val)
        frames, texts = _frames_and_texts(train, FRAMES_PER_CLIP, progress)
        recipe = request.recipe(ClipRecipe)
        card = fit_and_save(
            request,
            train,
            recipe,
            lambda checkpoint, report: fit_clip(frames, texts, recipe, checkpoint, report),
            progress,
            frames_per_clip=FRAMES_PER_CLIP,
        )
        return write_card(request, card, self.check(request.weights, val, progress))

    def check(self, weights: Path, split: Split, progress: Progress) -> dict[str, Any]:
        """Retrieval and clip-sim of a split's reference, own against shuffled captions."""
        loaded, metric = EgominiClip(weights).load("cpu"), ClipSim()
        rows = split.infos()
        sequences = [row.sequence for row in rows]
        progress.stage(f"checking on {split.name}", len(rows))
        texts = [loaded.text(row.text) for row in rows]
        partner = shuffled_partners(sequences, SHUFFLE_SEED)[0]
        own, other, hits = [], [], []
        rng = np.random.default_rng(0)
        for place, row in enumerate(rows):
            features = loaded.frames(split.clip(row.clip_id).reference.video)
            own.append(metric(frames=features, text=texts[place]))
            other.append(metric(frames=features, text=texts[partner[place]]))
            pool = [texts[i] for i in rng.choice(np.delete(np.arange(len(rows)), place), POOL - 1, replace=False)]
            rivals = [metric(frames=features, text=text) for text in pool]
            hits.append(float(own[-1] > max(rivals)))
            progress.advance()
        progress.done()
        return {
            "split": split.name,
            "digest": split.digest,
            "caption_top1_of_32": {**summary(hits, sequences), "chance": 1 / POOL},
            "clip_sim_reference": summary(own, sequences),
            "clip_sim_shuffled_captions": summary(other, sequences),
        }


def _frames_and_texts(split: Split, per_clip: int, progress: Progress) -> tuple[np.ndarray, list[str]]:
    """(clip, item, H, W, 3) uint8: frames spread over each clip, the conditioning frame left out."""
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
