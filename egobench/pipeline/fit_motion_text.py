"""Fits and checks `motion-text` on any split: any skeleton with named joints, any rate."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from egobench.data.open import open_split
from egobench.extractors.fit_motion_text import MotionTextRecipe, fit_motion_text
from egobench.extractors.motion_features import MotionLayout
from egobench.extractors.motion_text import RATE, MotionText, layout_metadata
from egobench.geometry.skeleton import get_skeleton
from egobench.pipeline.fit_base import FitRequest, fit_and_save, write_card
from egobench.pipeline.motion_health import check_motion_text
from egobench.pipeline.progress import Progress
from egobench.types import Split


@dataclass(frozen=True)
class MotionTextFit:
    """Motion and text towers of `motion-text`, on the split's own skeleton."""

    evaluator: ClassVar[str] = "motion-text"

    def fit(self, request: FitRequest, progress: Progress) -> Path:
        """Fits and returns the card's path."""
        train, val = open_split(request.split), open_split(request.val)
        layout = MotionLayout(get_skeleton(train.facts["skeleton"]), RATE)
        recipe = request.recipe(MotionTextRecipe)
        features = _features(train, layout, progress)
        texts = [row.text for row in train.infos()]
        card = fit_and_save(
            request,
            train,
            recipe,
            lambda checkpoint, report: fit_motion_text(features, texts, layout, recipe, checkpoint, report),
            progress,
            metadata=layout_metadata(layout),
            rate=layout.rate,
        )
        card["skeleton"] = layout.skeleton.name
        return write_card(request, card, self.check(request.weights, val, progress))

    def check(self, weights: Path, split: Split, progress: Progress) -> dict[str, Any]:
        """Health of the evaluator on a split's reference; see `motion_health`."""
        return check_motion_text(MotionText(weights), split, progress)


def _features(split: Split, layout: MotionLayout, progress: Progress) -> np.ndarray:
    """(clip, frame, feature) float16: a millimetre is kept up to 2 m, and 8,000 clips need a quarter of a gigabyte."""
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
