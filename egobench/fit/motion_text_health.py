"""Checks whether a motion-text evaluator can judge motions. The card shows the results on a split's reference.

Retrieval must be far above chance, and at chance for shuffled captions. Every step of noise must make it worse. Place,
heading and frame rate of a clip must not change it. `stats.alarm` looks for a model that beats the reference.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from egobench.data.source import split_source
from egobench.extractors.motion_text import MotionText
from egobench.fit.base import summary
from egobench.progress import Progress
from egobench.stats.frechet import frechet_distance
from egobench.stats.pairing import SHUFFLE_SEED, shuffled_partners
from egobench.stats.retrieval import POOL, Retrieval, retrieve
from egobench.types import ClipInfo, Motion, Split

NOISE_CM = (1, 2, 5, 10, 20)
"""Standard deviations of the noise ladder, centimetres, per joint, axis and frame."""
ACTED_FPS = 20.0
"""Second frame rate, at which the clips of the embedded world are performed again."""
SAME_ACT_METRES = 0.002
"""A clip performed at another rate is the same act if no joint is farther away than this at any common time."""


def check_motion_text(extractor: MotionText, split: Split, progress: Progress) -> dict[str, Any]:
    """Runs all checks; the result is JSON-ready. It takes ten evaluations of every motion."""
    loaded, rows = extractor.load("cpu"), split.infos()
    rng = np.random.default_rng(0)
    versions: dict[str, list[np.ndarray]] = {}
    acted: list[tuple[int, np.ndarray]] = []
    progress.stage(f"checking on {split.name}", len(rows))
    for place, row in enumerate(rows):
        motion = split.clip(row.clip_id).reference.motion
        for name, version in _versions(motion, rng).items():
            versions.setdefault(name, []).append(loaded.motion(version))
        again = _acted_again(split, row, motion)
        if again is not None:
            acted.append((place, loaded.motion(again)))
        progress.advance()
    progress.done()
    motions = {name: np.stack(found).astype(np.float64) for name, found in versions.items()}
    texts = np.stack([loaded.text(row.text) for row in rows]).astype(np.float64)
    return {
        "split": split.name,
        "digest": split.digest,
        "clips": len(rows),
        **_retrieval(texts, motions["reference"], rows),
        "noise_ladder": _ladder(texts, motions, rows),
        "moved_and_turned": _difference(motions["reference"], motions["moved"]),
        "half_the_rate": _difference(motions["reference"], motions["half rate"]),
        **_acted_difference(motions["reference"], acted),
        "feature_length": round(float(np.linalg.norm(motions["reference"][0])), 3),
    }


def _versions(motion: Motion, rng: np.random.Generator) -> dict[str, Motion]:
    """The motion unchanged, moved and turned, with every second frame, and with noise."""
    turn = Rotation.from_euler("z", rng.uniform(0, 2 * np.pi)).as_matrix()
    shift = np.append(rng.uniform(-20, 20, 2), 0.0)
    moved = replace(motion, positions=motion.positions @ turn.T + shift, rotations=turn @ motion.rotations)
    noise = rng.standard_normal(motion.positions.shape)
    noisy = {f"{cm} cm": replace(motion, positions=motion.positions + cm / 100 * noise) for cm in NOISE_CM}
    half = replace(motion, positions=motion.positions[::2], rotations=motion.rotations[::2], fps=motion.fps / 2)
    return {"reference": motion, "moved": moved, "half rate": half, **noisy}


def _acted_again(split: Split, row: ClipInfo, motion: Motion) -> Motion | None:
    """A clip as it would have been recorded at another rate. None if it is unknown or becomes another act."""
    source = split_source(split.name)
    again = source.at_rate(row.clip_id, motion, ACTED_FPS) if source else None
    if again is None:
        return None
    common = again.positions[:: round(ACTED_FPS / 4)] - motion.positions[:: round(motion.fps / 4)]
    return again if np.abs(common).max() <= SAME_ACT_METRES else None


def _retrieval(texts: np.ndarray, motions: np.ndarray, rows: Sequence[ClipInfo]) -> dict[str, Any]:
    """Retrieval with own and with shuffled captions, in pools of 32 (or of all clips, if there are fewer)."""
    sequences = [row.sequence for row in rows]
    found = _retrieve(texts, motions, rows)
    other = shuffled_partners(sequences, SHUFFLE_SEED)[1]
    shuffled = _retrieve(texts, motions[other], rows)
    places = range(found.hits.shape[1])
    return {
        "pool": min(POOL, len(rows)),
        "r_precision_reference": {f"top{k + 1}": summary(found.hits[:, k], sequences) for k in places},
        "r_precision_shuffled_captions": {f"top{k + 1}": summary(shuffled.hits[:, k], sequences) for k in places},
        "chance": {f"top{k + 1}": round(float(shuffled.chance[k]), 4) for k in places},
        "mm_dist_reference": summary(np.linalg.norm(texts - motions, axis=1), sequences),
        "mm_dist_shuffled_captions": summary(np.linalg.norm(texts - motions[other], axis=1), sequences),
    }


def _ladder(texts: np.ndarray, motions: dict[str, np.ndarray], rows: Sequence[ClipInfo]) -> dict[str, Any]:
    """m-fid, r-precision and mm-dist of the reference with noise; whether m-fid always rises and r-precision never
    rises."""
    steps, reference = [], motions["reference"]
    for cm in (0, *NOISE_CM):
        noisy = motions[f"{cm} cm"] if cm else reference
        steps.append(
            {
                "noise_cm": cm,
                "m_fid": round(frechet_distance(reference, noisy), 4),
                "r_precision": round(float(_retrieve(texts, noisy, rows).hits[:, -1].mean()), 4),
                "mm_dist": round(float(np.linalg.norm(texts - noisy, axis=1).mean()), 4),
            }
        )
    rising = all(np.diff([step["m_fid"] for step in steps]) > 0)
    falling = all(np.diff([step["r_precision"] for step in steps]) <= 0)
    return {"steps": steps, "m_fid_rises": bool(rising), "r_precision_never_rises": bool(falling)}


def _difference(reference: np.ndarray, other: np.ndarray) -> dict[str, float]:
    """Difference between features of the same clips: Euclidean distance (largest and mean) and m-fid."""
    distances: Float[np.ndarray, " clip"] = np.linalg.norm(other - reference, axis=1)
    largest, mean = round(float(distances.max()), 6), round(float(distances.mean()), 6)
    return {"largest": largest, "mean": mean, "m_fid": round(frechet_distance(reference, other), 6)}


def _acted_difference(reference: np.ndarray, acted: Sequence[tuple[int, np.ndarray]]) -> dict[str, Any]:
    if len(acted) < 2:
        return {}
    places = [place for place, _ in acted]
    features = np.stack([feature for _, feature in acted]).astype(np.float64)
    return {f"performed_at_{ACTED_FPS:g}_fps": {**_difference(reference[places], features), "clips": len(acted)}}


def _retrieve(texts: np.ndarray, motions: np.ndarray, rows: Sequence[ClipInfo]) -> Retrieval:
    clips, captions = [row.clip_id for row in rows], [row.text for row in rows]
    return retrieve(texts, motions, clips, captions, pool=min(POOL, len(rows)), seed=0)
