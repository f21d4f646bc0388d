"""Stage 1, the picture's half: trains the video VAE on windows of 17 frames, and compresses all clips once."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from .video_vae import GroupVAE, VideoVAE, to_pixels, to_unit

WINDOW = 17
"""Frames of a training window: one alone and four groups."""


class VideoVAELoss:
    """Loss of a step: windows from anywhere in the clips, so that every frame is a first frame now and then.

    Args:
        frames: uint8 (n, T, H, W, 3), possibly on disk.
        batch: windows a step.
        kl_weight: of the KL in nats per latent value; little, since the transformer needs sharp latents more than
            Gaussian ones.
    """

    def __init__(self, vae: GroupVAE, frames: np.ndarray, batch: int, kl_weight: float = 1e-5) -> None:
        self.vae, self.frames, self.batch, self.kl_weight = vae, frames, batch, kl_weight

    def __call__(self, step: int, generator: torch.Generator) -> tuple[Tensor, Mapping[str, Tensor]]:
        del step
        clips = torch.randint(len(self.frames), (self.batch,), generator=generator).tolist()
        starts = torch.randint(self.frames.shape[1] - WINDOW + 1, (self.batch,), generator=generator).tolist()
        mirrored = torch.rand(self.batch, generator=generator) < 0.5
        read = [self.frames[clip, start : start + WINDOW] for clip, start in zip(clips, starts, strict=True)]
        windows = to_unit(torch.from_numpy(np.stack(read)))
        windows = torch.where(mirrored[:, None, None, None, None], windows.flip(-1), windows)
        height, width = windows.shape[-2] // 16, windows.shape[-1] // 16
        shape = (self.batch, 1 + (WINDOW - 1) // 4, self.vae.channels, height, width)
        noise = torch.randn(shape, generator=generator)
        device = self.vae.device
        return self.vae.loss(windows.to(device), noise.to(device), self.kl_weight)


@torch.no_grad()
def video_latents(vae: VideoVAE, frames: np.ndarray, batch: int = 16) -> Tensor:
    """Normalised latents (n, K + 1, C_v, h, w), bfloat16, of uint8 frames (n, T, H, W, 3)."""
    parts = []
    for start in range(0, len(frames), batch):
        part = torch.from_numpy(np.array(frames[start : start + batch]))
        parts.append(vae.encode(to_unit(part).to(vae.device)).to(torch.bfloat16).cpu())
    return torch.cat(parts)


@torch.no_grad()
def reconstructed(vae: VideoVAE, frames: np.ndarray, batch: int = 8) -> np.ndarray:
    """What the VAE makes of uint8 frames (n, T, H, W, 3), the same shape."""
    parts = []
    for start in range(0, len(frames), batch):
        part = to_unit(torch.from_numpy(np.array(frames[start : start + batch]))).to(vae.device)
        parts.append(to_pixels(vae.decode(vae.encode(part))).cpu().numpy())
    return np.concatenate(parts)


def psnr(reference: np.ndarray, sample: np.ndarray) -> np.ndarray:
    """Peak signal-to-noise ratio in dB of each clip (n,), from its mean squared error over frames, pixels, colours."""
    error = (reference.astype(np.float32) - sample.astype(np.float32)) ** 2
    return 10 * np.log10(255.0**2 / np.maximum(error.reshape(len(error), -1).mean(1), 1e-9))
