"""Reconstruction of frames by a video VAE, and its error."""

import numpy as np
import torch

from .video_vae import VideoVAE, to_pixels, to_unit


@torch.no_grad()
def reconstructed(vae: VideoVAE, frames: np.ndarray, batch: int = 8) -> np.ndarray:
    """The VAE's reconstruction of uint8 frames (n, T, H, W, 3), in the same shape.

    Args:
        batch: clips that the VAE takes at once.
    """
    parts = []
    for start in range(0, len(frames), batch):
        part = to_unit(torch.from_numpy(np.array(frames[start : start + batch])).to(vae.device))
        parts.append(to_pixels(vae.decode(vae.encode(part))).cpu().numpy())
    return np.concatenate(parts)


def psnr(reference: np.ndarray, sample: np.ndarray) -> np.ndarray:
    """Peak signal-to-noise ratio in dB of each clip (n,), from its mean squared error over frames, pixels, colours."""
    error = (reference.astype(np.float32) - sample.astype(np.float32)) ** 2
    return 10 * np.log10(255.0**2 / np.maximum(error.reshape(len(error), -1).mean(1), 1e-9))
