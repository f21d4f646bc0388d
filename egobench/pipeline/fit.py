"""Fits an evaluator on a training split, checks it on a validation split, and writes weights with a card.

The card names what the weights were made from (split digest, recipe, seed), how long it took, and how
well they do what they are for. Test clips are never read here.
"""

import os
import platform
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from egobench.data.open import open_split
from egobench.errors import BadInputError, UnknownNameError
from egobench.extractors.egomini_clip import EgominiClip
from egobench.extractors.fit_egomini_clip import ClipRecipe, fit_clip
from egobench.files.atomic import atomic_path, make_folder, write_json
from egobench.files.digest import digest_file
from egobench.metrics.clip_sim import ClipSim
from egobench.registry import unknown
from egobench.stats.bootstrap import cluster_mean_interval
from egobench.stats.pairing import SHUFFLE_SEED, shuffled_partners
from egobench.types import Split

POOL = 32
"""Captions a frame is matched against in the card's retrieval check."""


class Progress(Protocol):
    """What a caller shows while fitting."""

    def stage(self, name: str, total: int) -> None:
        """A stage of `total` units begins."""
        ...

    def advance(self, n: int = 1, failed: bool = False) -> None:
        """`n` more units are done."""
        ...

    def done(self) -> None:
        """The stage is over."""
        ...


@dataclass(frozen=True)
class FitRequest:
    """What to fit, on what, where to."""

    evaluator: str
    """`egomini-clip`."""
    train: str = "egomini-train"
    """Split the weights are fitted on."""
    val: str = "egomini-val"
    """Split the card's checks are made on."""
    out: Path = Path("fitted")
    """Folder for the weights, the card and, until it is done, the checkpoint."""
    steps: int = 1600
    """Optimiser steps."""
    seed: int = 0
    """Seed of initial weights and of the order of clips."""
    frames_per_clip: int = 10
    """Frames of each clip that are kept in memory."""


def fit(request: FitRequest, progress: Progress) -> Path:
    """Fits and returns the card's path; interrupted, the same call goes on from the last checkpoint.

    Raises:
        UnknownNameError: no such evaluator or split.
        BadInputError: a split that is not on this machine.
    """
    if request.evaluator not in FITTED:
        raise UnknownNameError(unknown("evaluators that can be fitted", request.evaluator, FITTED))
    return FITTED[request.evaluator](request, progress)


def fit_egomini_clip(request: FitRequest, progress: Progress) -> Path:
    """Image and text towers of `egomini-clip`."""
    from safetensors.torch import save_file

    train, val = open_split(request.train), open_split(request.val)
    frames, texts = _frames_and_texts(train, request.frames_per_clip, progress)
    out = make_folder(request.out)
    recipe = ClipRecipe(steps=request.steps, seed=request.seed)
    curve: list[list[float]] = []
    progress.stage(f"fitting {request.evaluator}", recipe.steps)
    began, done = time.monotonic(), 0

    def report(step: int, loss: float) -> None:
        nonlocal done
        progress.advance(step - done)
        done = step
        curve.append([step, round(loss, 4)])

    checkpoint = out / f"{request.evaluator}.checkpoint"
    state = fit_clip(frames, texts, recipe, checkpoint, report)
    seconds = time.monotonic() - began
    progress.done()
    weights = out / f"{request.evaluator}.safetensors"
    with atomic_path(weights) as temporary:
        save_file({name: value.bfloat16().contiguous() for name, value in state.items()}, temporary)
    card = {
        "evaluator": request.evaluator,
        "sha256": digest_file(weights),
        "bytes": weights.stat().st_size,
        "licence": "Apache-2.0",
        "made_from": {"split": train.name, "digest": train.digest, "clips": len(texts)},
        "recipe": {**asdict(recipe), "frames_per_clip": request.frames_per_clip},
        "loss_curve": curve,
        "seconds_of_last_sitting": round(seconds),
        "machine": {"processor": platform.machine(), "cores": os.cpu_count()},
        "checks": check_egomini_clip(EgominiClip(weights), val, progress),
    }
    path = out / f"{request.evaluator}.card.json"
    write_json(path, card)
    checkpoint.unlink(missing_ok=True)
    return path


def check_egomini_clip(extractor: EgominiClip, split: Split, progress: Progress) -> dict[str, Any]:
    """Retrieval and clip-sim of a split's reference, own against shuffled captions."""
    loaded, metric = extractor.load("cpu"), ClipSim()
    rows = split.infos()
    sequences = [row.sequence for row in rows]
    groups = np.unique(sequences, return_inverse=True)[1]
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

    def summary(values: list[float]) -> dict[str, Any]:
        interval = cluster_mean_interval(np.array(values), groups, draws=2000, seed=0)
        return {"value": round(float(np.mean(values)), 4), "ci95": [round(end, 4) for end in interval or ()]}

    return {
        "split": split.name,
        "digest": split.digest,
        "caption_top1_of_32": {**summary(hits), "chance": 1 / POOL},
        "clip_sim_reference": summary(own),
        "clip_sim_shuffled_captions": summary(other),
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


FITTED: dict[str, Callable[[FitRequest, Progress], Path]] = {"egomini-clip": fit_egomini_clip}
"""Evaluators with a recipe."""
