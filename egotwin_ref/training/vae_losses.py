"""Stage 1: the losses of the video VAE, on windows of 17 frames, and of the motion VAE."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from egotwin_ref.autoencoders.motion_vae import MotionVAE
from egotwin_ref.autoencoders.video_vae import GroupVAE, to_unit

from .clips import LEAST_HAND

WINDOW = 17
"""Frames of a training window: one single frame and four groups of four."""


class VideoVAELoss:
    """Loss of the video VAE, on windows from anywhere in the clips, so that any frame can be a first frame.

    Args:
        frames: uint8 (n, T, H, W, 3): mapped from disk, or on the training's device (`on_device`).
        hands: (n, T, 2), see `Clips.hand_share`.
        batch: windows per step.
        kl_weight: weight of the KL, in nats per latent value. It is small, since the transformer needs sharp latents
            more than Gaussian ones.
        share: share of the windows that are taken around a frame with a hand. Hands are small and in few frames, and no
            transformer can generate what the VAE cannot decode.
    """

    def __init__(
        self,
        vae: GroupVAE,
        frames: np.ndarray | Tensor,
        hands: np.ndarray,
        batch: int,
        kl_weight: float = 1e-5,
        share: float = 0.4,
    ) -> None:
        self.vae, self.frames, self.batch, self.kl_weight, self.share = vae, frames, batch, kl_weight, share
        self.shown = torch.from_numpy(np.argwhere(np.array(hands).max(axis=2) > LEAST_HAND)).to(vae.device)
        """(m, 2): index of clip and frame, of each frame with a hand."""

    def __call__(self, step: int, generator: torch.Generator) -> tuple[Tensor, Mapping[str, Tensor]]:
        del step
        return self.of(self.draw(generator))

    def draw(self, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Draws windows (B, 17, 3, H, W) in [-1, 1], half of them mirrored, and noise."""
        device = generator.device
        clips, starts = self.places(generator)
        windows = to_unit(self._read(clips, starts).to(device))
        is_mirrored = torch.rand(self.batch, generator=generator, device=device) < 0.5
        windows = torch.where(is_mirrored[:, None, None, None, None], windows.flip(-1), windows)
        height, width = (side // self.vae.block for side in windows.shape[-2:])
        shape = (self.batch, 1 + (WINDOW - 1) // 4, self.vae.channels, height, width)
        return windows, torch.randn(shape, generator=generator, device=device)

    def of(self, batch: tuple[Tensor, Tensor]) -> tuple[Tensor, Mapping[str, Tensor]]:
        """The loss of a batch, and its parts."""
        return self.vae.loss(*batch, self.kl_weight)

    def places(self, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Clip and first frame of each window (B,)."""

        def integers(below: int) -> Tensor:
            return torch.randint(below, (self.batch,), generator=generator, device=generator.device)

        last = self.frames.shape[1] - WINDOW
        clips, starts = integers(len(self.frames)), integers(last + 1)
        with_hand = torch.rand(self.batch, generator=generator, device=generator.device) < self.share
        if not len(self.shown):
            return clips, starts
        some, before = self.shown[integers(len(self.shown))], integers(WINDOW)
        return torch.where(with_hand, some[:, 0], clips), torch.where(
            with_hand, (some[:, 1] - before).clamp(0, last), starts
        )

    def _read(self, clips: Tensor, starts: Tensor) -> Tensor:
        if isinstance(self.frames, Tensor):
            return self.frames[clips[:, None], starts[:, None] + torch.arange(WINDOW, device=starts.device)]
        rows = zip(clips.tolist(), starts.tolist(), strict=True)
        return torch.from_numpy(np.stack([self.frames[clip, start : start + WINDOW] for clip, start in rows]))


def on_device(frames: np.ndarray, device: str) -> np.ndarray | Tensor:
    """The frames in the GPU's memory, if a third of it can hold them; else unchanged."""
    if not device.startswith("cuda") or 3 * frames.nbytes > torch.cuda.get_device_properties(device).total_memory:
        return frames
    copied = torch.empty(frames.shape, dtype=torch.uint8, device=device)
    for start in range(0, len(frames), 512):
        copied[start : start + 512] = torch.from_numpy(np.array(frames[start : start + 512]))
    return copied


class MotionVAELoss:
    """Loss of the motion VAE, in two halves as `objective.DiffusionLoss`.

    Args:
        features: (n, T, dim), on the device of the training.
        batch: motions per step.
        kl_weight: λ_KL.
        spread: see `MotionVAE.loss`.
    """

    def __init__(self, vae: MotionVAE, features: Tensor, batch: int, kl_weight: float, spread: float) -> None:
        self.vae, self.features, self.batch = vae, features, batch
        self.kl_weight, self.spread = kl_weight, spread

    def __call__(self, step: int, generator: torch.Generator) -> tuple[Tensor, Mapping[str, Tensor]]:
        del step
        return self.of(self.draw(generator))

    def draw(self, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Draws motions (B, T, dim) and noise (B, tokens, C_m)."""
        device = generator.device
        chosen = torch.randint(len(self.features), (self.batch,), generator=generator, device=device)
        noise = torch.randn(self.vae.noise_shape(self.batch), generator=generator, device=device)
        return self.features[chosen], noise

    def of(self, batch: tuple[Tensor, Tensor]) -> tuple[Tensor, Mapping[str, Tensor]]:
        """The loss of a batch, and its parts."""
        return self.vae.loss(*batch, self.kl_weight, self.spread)
