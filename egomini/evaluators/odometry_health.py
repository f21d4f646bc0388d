"""Tests a camera estimator: its errors on a split's reference, against a clip's own motion and another clip's motion.

The errors are those of rot-err and trans-err for a metric estimator: one rotation aligns the orientations with the
truth, then one shift, without scale. They are the mean angle (degrees) and the root mean square distance (m) per clip.
The errors of a camera that stands still are given for comparison. Ladders add faults to every video and keep its
motion. Time ladders make the motion wrong.
"""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from egobench.files.video import read_video, write_video
from egobench.fit.base import summary
from egobench.fit.video_faults import PictureFault, frame_order, spoil_pictures
from egobench.geometry.alignment import place, rotation_gauge
from egobench.geometry.path_errors import mean_over_frames, position_errors, rms_over_frames, rotation_errors
from egobench.progress import Progress
from egobench.stats.pairing import SHUFFLE_SEED, shuffled_partners
from egobench.types import Camera, Split, Video
from egomini.evaluators.filmed import Filmed, read_filmed
from egomini.evaluators.odometry import EgominiOdometry, LoadedEgominiOdometry

LADDERS: dict[PictureFault, tuple[float, ...]] = {
    "blur": (0.25, 0.5, 1.0),
    "noise": (0.1, 0.25, 0.5),
    "coarse": (0.25, 0.75),
    "drift": (0.5, 1.0),
}
CODEC_CRF = (24, 32, 40)
"""Quality levels (crf) of H.264, 4:2:0."""
FREEZE = (0.25, 0.5, 1.0)
"""Share of the clip, at its end, in which the video stands still while the body moves on."""
LADDER_CLIPS = 32
"""Number of clips on the ladders, evenly spread over the split."""


def check_egomini_odometry(estimator: EgominiOdometry, split: Split, progress: Progress) -> dict[str, Any]:
    """All figures, JSON-ready. It takes about 12 s for a hundred clips, and as much for the ladders."""
    estimator.check(split.facts)
    rows, loaded = split.infos(), estimator.load("cpu")
    filmed = read_filmed(split, [row.clip_id for row in rows], split.facts["width"], progress)
    video_camera = split.clip(rows[0].clip_id).condition.camera
    fps, sequences = split.facts["fps_video"], [row.sequence for row in rows]
    progress.stage(f"checking on {split.name}", len(rows))
    found = []
    for frames in filmed.frames:
        found.append(_path(loaded, frames, fps, video_camera))
        progress.advance()
    progress.done()
    poses = np.stack(found)
    own, still = path_errors(filmed.camera, poses), np.broadcast_to(np.eye(4), poses.shape)
    stranger = shuffled_partners(sequences, SHUFFLE_SEED)[1]
    strata = np.array([row.stratum for row in rows])
    return {
        "split": split.name,
        "digest": split.digest,
        "clips": len(rows),
        "own_motion": _figures(own, sequences),
        "strangers_motion": _figures(path_errors(filmed.camera[stranger], poses), sequences),
        "camera_said_to_stand": _figures(path_errors(filmed.camera, still), sequences),
        "share_nearer_to_own_than_strangers": _nearer(own, path_errors(filmed.camera[stranger], poses)),
        "strata": {
            str(name): {"clips": int((strata == name).sum()), **_figures(own[strata == name], None)}
            for name in np.unique(strata)
        },
        "ladders": _ladders(loaded, filmed, fps, video_camera, progress),
    }


def path_errors(
    true: Float[np.ndarray, "clip time 4 4"], found: Float[np.ndarray, "clip time 4 4"]
) -> Float[np.ndarray, "clip 2"]:
    """Per clip: mean angle in degrees, and root mean square distance in metres."""
    all_frames = np.ones(true.shape[:2], dtype=bool)
    R_true, R_found = true[..., :3, :3], found[..., :3, :3]
    R = rotation_gauge(R_true, R_found, all_frames).R
    placement = place(R, true[..., :3, 3], found[..., :3, 3], all_frames, with_scale=False)
    angles = mean_over_frames(rotation_errors(R, R_true, R_found, all_frames))
    distances = rms_over_frames(position_errors(R, placement, true[..., :3, 3], found[..., :3, 3], all_frames))
    return np.stack([np.rad2deg(angles), distances], axis=-1)


def _path(loaded: LoadedEgominiOdometry, frames: np.ndarray, fps: float, camera: Camera) -> np.ndarray:
    return loaded.camera(Video(frames, fps), camera).T_world_camera


def _figures(errors: Float[np.ndarray, "clip 2"], sequences: Sequence[str] | None) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    for name, values in (("rotation_deg", errors[:, 0]), ("translation_m", errors[:, 1])):
        whole = summary(values, sequences) if sequences is not None else {"value": round(float(values.mean()), 4)}
        figures[name] = {**whole, "median": round(float(np.median(values)), 4)}
    return figures


def _nearer(own: np.ndarray, other: np.ndarray) -> dict[str, float]:
    shares = (own < other).mean(axis=0)
    return {"rotation": round(float(shares[0]), 4), "translation": round(float(shares[1]), 4)}


def _ladders(
    loaded: LoadedEgominiOdometry, filmed: Filmed, fps: float, camera: Camera, progress: Progress
) -> dict[str, list[dict[str, Any]]]:
    chosen = np.unique(np.linspace(0, len(filmed.frames) - 1, LADDER_CLIPS).round().astype(int))
    steps: list[tuple[str, float]] = [("none", 0.0)]
    steps += [(kind, strength) for kind, strengths in LADDERS.items() for strength in strengths]
    steps += [("codec", crf) for crf in CODEC_CRF] + [("freeze", share) for share in FREEZE]
    ladders: dict[str, list[dict[str, Any]]] = {}
    progress.stage("ladders", len(steps))
    for kind, strength in steps:
        spoilt = [spoil_clip(filmed.frames[clip], kind, strength, fps, int(clip)) for clip in chosen]
        poses = np.stack([_path(loaded, frames, fps, camera) for frames in spoilt])
        figures = path_errors(filmed.camera[chosen], poses).mean(axis=0)
        row = {"strength": strength, "rotation_deg": round(figures[0], 4), "translation_m": round(figures[1], 4)}
        ladders.setdefault(kind, []).append(row)
        progress.advance()
    progress.done()
    return ladders


def spoil_clip(frames: np.ndarray, kind: str, strength: float, fps: float, seed: int) -> np.ndarray:
    """One step of a ladder: a fault of `video_faults`, `codec` (H.264 at that crf), or `none`."""
    rng = np.random.default_rng([0, seed])
    if kind == "codec":
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "video.mp4"
            write_video(path, frames, fps, lossless=False, crf=int(strength))
            return read_video(path).frames
    if kind == "freeze":
        return frames[frame_order("freeze", strength, len(frames), rng)]
    return spoil_pictures(frames, kind, strength, rng)  # pyright: ignore[reportArgumentType]
