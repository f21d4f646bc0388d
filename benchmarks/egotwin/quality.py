"""What EgoTwin's VAEs lose, and what noise in their latents costs.

python benchmarks/egotwin/quality.py [--clips 64] [--preset small] [--variants ROW …] [--weights FOLDER]
"""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from guidance import evenly
from torch import Tensor

from egobench import Clip, Video, open_split
from egobench.metrics.rot_err import RotErr
from egomini.evaluators.odometry import EgominiOdometry
from egotwin_ref.autoencoders.video_vae import VideoVAE, to_pixels, to_unit
from egotwin_ref.loading import weights
from egotwin_ref.loading.bundle import build_motion_vae, load_video_vae, motion_vae_name, representation_of
from egotwin_ref.loading.shipped import SHIPPED
from egotwin_ref.model.configs import PRESETS, VARIANTS, Variant
from egotwin_ref.model.representation import place
from egotwin_ref.model.skeleton import XSENS23
from egotwin_ref.training.clips import LEAST_HAND
from egotwin_ref.training.recipes import RECIPES

NOISES = (0.0, 0.1, 0.3)
"""s, in units of the normalised latents; on what a network makes, so not on the first pose's token nor on latent 0."""
BATCH = 8


def quality(preset: str, variants: Sequence[str], folder: Path | None, count: int) -> None:
    """Prints a line for each VAE that there are weights for, and each strength of noise."""
    folder = folder or SHIPPED / preset
    split = open_split("egomini-test")
    clips = [split.clip(name) for name in evenly(split, min(count, len(split.infos())))]
    print(f"{preset}, {len(clips)} clips of {split.name}; latents + s · noise")
    kinds = {motion_vae_name(VARIANTS[name]): VARIANTS[name] for name in variants}
    for name, row in kinds.items():
        path = folder / f"{name}.safetensors"
        if row.tokens == "path":
            continue  # never decoded: nothing is lost
        if path.is_file():
            body(preset, name, row, path, clips)
        else:
            print(f"{name}: no weights at {path}")
    path = folder / "video-vae.safetensors"
    if path.is_file():
        picture(load_video_vae(preset, path, None), clips)
    else:
        print(f"video-vae: no weights at {path}")


def with_noise(z: Tensor, strength: float) -> Tensor:
    """Latents (B, tokens, …), all but the first with noise, the same for every VAE with such latents."""
    noise = torch.randn(z.shape, generator=torch.Generator().manual_seed(0))
    noise[:, 0] = 0.0
    return z + strength * noise


@torch.no_grad()
def body(preset: str, name: str, row: Variant, path: Path, clips: Sequence[Clip]) -> None:
    """A motion VAE: means over clips and frames."""
    vae, motion = build_motion_vae(PRESETS[preset], row), representation_of(row)
    weights.load(path, vae, {"kind": name, "preset": preset})
    positions, rotations = (
        torch.from_numpy(np.stack([getattr(clip.reference.motion, part) for clip in clips]))
        for part in ("positions", "rotations")
    )
    world, head = motion.canonical_frame(positions, rotations), XSENS23.index(XSENS23.head)
    z = vae.eval().encode(motion.encode(positions, rotations))
    for strength in NOISES:
        decoded = place(world, *motion.decode(vae.decode(with_noise(z, strength))))
        off = (decoded[0] - positions).norm(dim=-1) * 1000
        turned = decoded[1][:, :, head].mT @ rotations[:, :, head].double()
        angle = torch.rad2deg(torch.acos(((turned.diagonal(dim1=-2, dim2=-1).sum(-1) - 1) / 2).clamp(-1, 1)))
        print(
            f"{name}, s = {strength}: head {angle.mean():.2f} degrees, {off[..., head].mean():.1f} mm; "
            f"joints {off.mean():.1f} mm"
        )


@torch.no_grad()
def picture(vae: VideoVAE, clips: Sequence[Clip]) -> None:
    """The video VAE: means over clips of dB, over all frames and over those that show a hand; rot-err of the video."""
    shown = [clip.reference.hand_pixels for clip in clips]
    hands = [np.zeros(0, bool) if share is None else share.max(axis=1) > LEAST_HAND for share in shown]
    score, floor = _Turns(), [clip.reference.video.frames for clip in clips]
    print(f"recorded video: rot-err {score(clips, floor):.2f} degrees")
    for strength in NOISES:
        drawn = []
        for start in range(0, len(clips), BATCH):
            part = torch.from_numpy(np.stack(floor[start : start + BATCH]))
            z = vae.encode(to_unit(part).to(vae.device)).cpu()
            drawn.extend(to_pixels(vae.decode(with_noise(z, strength).to(vae.device))).cpu().numpy())
        whole = [decibels(*pair) for pair in zip(floor, drawn, strict=True)]
        some = [decibels(x[hand], y[hand]) for x, y, hand in zip(floor, drawn, hands, strict=True) if hand.any()]
        print(
            f"video-vae, s = {strength}: {np.mean(whole):.2f} dB (lowest {np.min(whole):.2f}); frames with a hand "
            f"{np.mean(some) if some else np.nan:.2f} dB ({sum(int(hand.sum()) for hand in hands)} frames of "
            f"{len(some)} clips); rot-err {score(clips, drawn):.2f} degrees"
        )


def decibels(reference: np.ndarray, drawn: np.ndarray) -> float:
    """Peak signal-to-noise ratio of frames, from their mean squared error."""
    error = np.square(reference.astype(np.float32) - drawn).mean()
    return float(10 * np.log10(255.0**2 / max(error, 1e-9)))


class _Turns:
    """Mean rot-err of videos against the clips' recorded motion, where the odometry finds a path."""

    def __init__(self) -> None:
        self.odometry, self.metric = EgominiOdometry().load("cpu"), RotErr()

    def __call__(self, clips: Sequence[Clip], videos: Sequence[np.ndarray]) -> float:
        errors = []
        for clip, frames in zip(clips, videos, strict=True):
            camera, motion = clip.condition.camera, clip.reference.motion
            path = self.odometry.camera(Video(frames, clip.condition.fps_video), camera)
            errors.append(self.metric(path, motion, camera, motion).value)
        return float(np.mean(errors))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=64, help="of egomini-test, evenly spread")
    parser.add_argument("--preset", choices=list(RECIPES), default="small")
    parser.add_argument("--variants", nargs="+", choices=list(VARIANTS), default=list(VARIANTS), metavar="ROW")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--weights", type=Path, help="folder of weights; by default the shipped ones")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if PRESETS[options.preset].video_vae == "cogvideox":
        parser.error(f"--preset {options.preset} needs CogVideoX's weights; mini and small are measured here")
    quality(options.preset, options.variants, options.weights, options.clips)


if __name__ == "__main__":
    main()
