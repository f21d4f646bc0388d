"""First figures of a row where it was trained: samples of test clips against their own motion, kept as latents.

The numbers of a paper come from `egobench run`; these say within a minute whether a row is worth taking home.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor

from egobench import Motion, Video
from egobench.errors import Undefined
from egobench.metrics.rot_err import RotErr
from egobench.metrics.trans_err import TransErr
from egomini.camera.head_camera import make_camera
from egomini.evaluators.odometry import EgominiOdometry
from egomini.splits.arrays import ClipArrays
from egomini.splits.generate import FPS_MOTION, FPS_VIDEO
from egotwin_ref.adapters.model import clip_seed
from egotwin_ref.autoencoders.reconstruction import psnr, reconstructed
from egotwin_ref.loading.bundle import Bundle, Inputs
from egotwin_ref.model.sampling import Mode, sample
from egotwin_ref.training.clips import LEAST_HAND

BATCH = 64


def sampled(
    bundle: Bundle, clips: ClipArrays, places: Sequence[int], steps: int, file: Path | None
) -> tuple[list[Video | None], list[Motion]]:
    """One sample of each clip, unguided, by the seed of `egobench run`.

    Args:
        file: where the latents are kept (bfloat16 safetensors), in the order of `places`.
    """
    mode: Mode = "tm2v" if "motion" not in bundle.variant.makes else "t2vm"
    videos: list[Video | None] = []
    motions: list[Motion] = []
    kept: dict[str, list[Tensor]] = {"video": [], "motion": []}
    for start in range(0, len(places), BATCH):
        chosen = list(places[start : start + BATCH])
        inputs = _inputs(clips, chosen, mode)
        seeds = [clip_seed(clips.ids[place], 0) for place in chosen]
        found = sample(bundle.model, bundle.schedule, bundle.given(inputs), seeds, mode, steps)
        for name, part in zip(kept, found, strict=True):
            if name in bundle.variant.makes:
                kept[name].append(part.bfloat16().cpu())
        made = bundle.decoded(inputs, *found, mode)
        videos += [None] * len(chosen) if made.frames is None else [Video(part, FPS_VIDEO) for part in made.frames]
        motions += [Motion(p, R, FPS_MOTION) for p, R in zip(made.positions, made.rotations, strict=True)]
    if file is not None:
        save_file({name: torch.cat(parts).contiguous() for name, parts in kept.items() if parts}, file)
    return videos, motions


def scores(
    videos: Sequence[Video | None], motions: Sequence[Motion], references: Sequence[Motion], device: str
) -> dict:
    """Mean `rot-err` (deg) and `trans-err` (m) of the clips on which they have a meaning; empty without a video."""
    estimator, camera = EgominiOdometry().load(device), make_camera(64)
    errors: dict[str, list[float]] = {"rot-err": [], "trans-err": []}
    for video, motion, reference in zip(videos, motions, references, strict=True):
        if video is None:
            continue
        path = estimator.camera(video, camera)
        for metric in (RotErr(), TransErr()):
            try:
                value = metric(path, motion, camera, reference).value
            except Undefined:
                continue
            if value is not None:
                errors[metric.name].append(float(value))
    return {name: float(np.mean(values)) for name, values in errors.items() if values}


def recorded(clips: ClipArrays, places: Sequence[int]) -> tuple[list[Video | None], list[Motion]]:
    """The truth in the same form: its scores are the floor."""
    videos: list[Video | None] = [Video(np.array(clips.frames[place]), FPS_VIDEO) for place in places]
    motions = [
        Motion(clips.positions[place].astype(float), clips.rotations[place].astype(float), FPS_MOTION)
        for place in places
    ]
    return videos, motions


def pictures(vae: Any, clips: ClipArrays) -> dict[str, float]:
    """dB of the video VAE: mean over clips, and over the frames that show a hand."""
    frames = np.array(clips.frames)
    drawn = reconstructed(vae, frames)
    with_hand = np.array(clips.hand_share).max(axis=2) > LEAST_HAND
    error = (frames.astype(np.float32) - drawn) ** 2
    of_frames = 10 * np.log10(255.0**2 / np.maximum(error.mean(axis=(2, 3, 4)), 1e-9))
    hands = float(of_frames[with_hand].mean()) if with_hand.any() else float("nan")
    return {"dB": float(psnr(frames, drawn).mean()), "dB in frames with hands": hands}


def _inputs(clips: ClipArrays, chosen: list[int], mode: Mode) -> Inputs:
    poses = None if mode == "tm2v" else 1
    return Inputs(
        [clips.texts[place] for place in chosen],
        np.stack([clips.frames[place][:1] for place in chosen]),
        np.stack([clips.positions[place][:poses] for place in chosen]),
        np.stack([clips.rotations[place][:poses] for place in chosen]),
    )
