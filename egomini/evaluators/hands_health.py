"""Tests a hand detector: hits and false alarms per side on a split's reference, clean and with faults.

A hand counts as seen if it has 4 pixels of 64 × 64 or more in the renderer's id buffer, from the wrist outward and with
occlusion. Frames and sides with one to three pixels are left out, and their share is reported.
"""

from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from egobench.errors import BadInputError
from egobench.progress import Progress
from egobench.stats.binary import Counts, agreement
from egobench.types import SIDES, Split
from egomini.evaluators.filmed import read_filmed
from egomini.evaluators.hands import THRESHOLD, EgominiHands
from egomini.evaluators.odometry_health import CODEC_CRF, LADDER_CLIPS, LADDERS, spoil_clip

LEAST_PIXELS = 4
"""Least number of pixels, at 64 × 64, for a hand to count as seen."""


def hands_seen(shares: Float[np.ndarray, "*time 2"]) -> tuple[Bool[np.ndarray, "*time 2"], Bool[np.ndarray, "*time 2"]]:
    """From the share of pixels per hand: whether the hand is seen, and whether this is decided."""
    pixels = np.round(np.asarray(shares) * 64 * 64)
    return pixels >= LEAST_PIXELS, (pixels >= LEAST_PIXELS) | (pixels == 0)


def check_egomini_hands(estimator: EgominiHands, split: Split, progress: Progress) -> dict[str, Any]:
    """All figures, JSON-ready."""
    estimator.check(split.facts)
    rows, loaded, fps = split.infos(), estimator.load("cpu"), split.facts["fps_video"]
    filmed = read_filmed(split, [row.clip_id for row in rows], split.facts["width"], progress)
    if np.isnan(filmed.hands).any():
        raise BadInputError(f"{split.name} does not know its hands", code="split-form")
    visible, decided = hands_seen(filmed.hands)
    chosen = np.unique(np.linspace(0, len(rows) - 1, LADDER_CLIPS).round().astype(int))
    steps = [(kind, strength) for kind, strengths in LADDERS.items() for strength in strengths]
    steps += [("codec", float(crf)) for crf in CODEC_CRF]
    progress.stage(f"checking on {split.name}", len(rows) + len(steps) * len(chosen))

    def scores_of(clips: Any, kind: str, strength: float) -> Float[np.ndarray, "clip time 2"]:
        scores = []
        for clip in clips:
            scores.append(loaded.look(spoil_clip(filmed.frames[clip], kind, strength, fps, int(clip)))[0])
            progress.advance()
        return np.stack(scores)

    clean = scores_of(range(len(rows)), "none", 0.0)
    ladders: dict[str, list[dict[str, Any]]] = {}
    for kind, strength in steps:
        seen = scores_of(chosen, kind, strength) >= THRESHOLD
        figures = {side: _figures(seen, visible[chosen], decided[chosen], at) for at, side in enumerate(SIDES)}
        ladders.setdefault(kind, []).append({"strength": strength, **figures})
    progress.done()
    seen = clean >= THRESHOLD
    return {
        "split": split.name,
        "digest": split.digest,
        "clips": len(rows),
        "threshold": THRESHOLD,
        "seen_from_pixels": LEAST_PIXELS,
        "undecided": round(float(1 - decided.mean()), 4),
        "sides": {side: _figures(seen, visible, decided, at) for at, side in enumerate(SIDES)},
        "ladders": ladders,
    }


def _figures(
    seen: Bool[np.ndarray, "clip time 2"],
    visible: Bool[np.ndarray, "clip time 2"],
    decided: Bool[np.ndarray, "clip time 2"],
    side: int,
) -> dict[str, Any]:
    """F1, recall, false alarms and MCC of one side."""
    says, truth = seen[..., side][decided[..., side]], visible[..., side][decided[..., side]]
    counts = Counts(*(int((a & b).sum()) for a, b in ((says, truth), (says, ~truth), (~says, truth), (~says, ~truth))))
    found: dict[str, Any] = agreement(counts)
    unseen = counts.false_positive + counts.true_negative
    found["false_alarms"] = counts.false_positive / unseen if unseen else None
    kept = ("f1", "recall", "precision", "false_alarms", "mcc", "prevalence")
    return {key: None if found[key] is None else round(found[key], 4) for key in kept}
