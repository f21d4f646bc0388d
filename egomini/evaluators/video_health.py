"""Tests whether a video evaluator detects faults of a video: ladders of faults on a split's reference, in its own fvd.

Each step adds one fault at one strength to every clip and measures the distance to the clean clips. The faults of time
do not change any picture, so a distance between single frames cannot detect them.
"""

from typing import Any

import numpy as np

from egobench.fit.video_faults import PictureFault, TimeFault, frame_order, spoil_pictures
from egobench.progress import Progress
from egobench.stats.frechet import frechet_distance
from egobench.stats.pairing import SHUFFLE_SEED, disjoint_halves
from egobench.types import Split, Video
from egomini.evaluators.video import EgominiVideo

TIME_LADDERS: dict[TimeFault, tuple[float, ...]] = {
    "freeze": (0.25, 0.5, 0.75, 1.0),
    "shuffle": (0.05, 0.15, 0.4, 1.0),
    "reverse": (1.0,),
    "fast": (1.0,),
    "slow": (1.0,),
}
PICTURE_LADDERS: dict[PictureFault, tuple[float, ...]] = {
    "blur": (0.2, 0.4, 0.7, 1.0),
    "noise": (0.1, 0.25, 0.5, 1.0),
    "drift": (0.25, 0.5, 1.0),
}


def check_egomini_video(extractor: EgominiVideo, split: Split, progress: Progress) -> dict[str, Any]:
    """All ladders, JSON-ready. It evaluates every clip twenty times."""
    loaded, rows = extractor.load("cpu"), split.infos()
    reference: list[np.ndarray] = []
    spoilt: dict[tuple[str, float], list[np.ndarray]] = {}
    progress.stage(f"checking on {split.name}", len(rows))
    for place, row in enumerate(rows):
        video = split.clip(row.clip_id).reference.video
        reference.append(loaded.clip(video)[0])
        for key, frames in _versions(video.frames, np.random.default_rng([0, place])).items():
            spoilt.setdefault(key, []).append(loaded.clip(Video(frames, video.fps))[0])
        progress.advance()
    progress.done()
    clean = np.stack(reference).astype(np.float64)
    first, second = disjoint_halves([row.sequence for row in rows], SHUFFLE_SEED)
    ladders: dict[str, Any] = {}
    for (kind, strength), features in spoilt.items():
        distance = frechet_distance(clean, np.stack(features).astype(np.float64))
        ladders.setdefault(kind, []).append({"strength": strength, "fvd": round(distance, 4)})
    return {
        "split": split.name,
        "digest": split.digest,
        "clips": len(rows),
        "floor_between_halves": round(frechet_distance(clean[first], clean[second]), 4),
        "spread": round(float(clean.var(axis=0, ddof=1).sum()), 4),
        "ladders": ladders,
        "rises": {kind: _rises(steps) for kind, steps in ladders.items()},
    }


def _versions(frames: np.ndarray, rng: np.random.Generator) -> dict[tuple[str, float], np.ndarray]:
    """The video at every step of every ladder."""
    times = {(kind, step): frames[frame_order(kind, step, len(frames), rng)] for kind, step in _steps(TIME_LADDERS)}
    pictures = {(kind, step): spoil_pictures(frames, kind, step, rng) for kind, step in _steps(PICTURE_LADDERS)}
    return {**times, **pictures}


def _steps(ladders: Any) -> list[tuple[Any, float]]:
    return [(kind, step) for kind, steps in ladders.items() for step in steps]


def _rises(steps: list[dict[str, float]]) -> bool:
    return bool(all(np.diff([0.0, *(step["fvd"] for step in steps)]) > 0))
