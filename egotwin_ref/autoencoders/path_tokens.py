"""The given head path as tokens, for CameraCtrl: four frames in a token, without learning and without loss."""

from collections.abc import Mapping

import torch
from torch import Tensor

from egotwin_ref.model.configs import PATH_CHANNELS

from .motion_vae import RATE, MotionVAE, grouped, latents_of


class PathTokens(MotionVAE):
    """4K + 1 frames of features ↔ K + 1 tokens of 4 · dim numbers, with the methods of a motion VAE.

    Token 0 is frame 0 four times, as `ConvMotionVAE` has it.

    Raises:
        ValueError: C_m is not 4 · dim.
    """

    def __init__(self, dim: int, groups: Mapping[str, slice], channels: int = PATH_CHANNELS) -> None:
        super().__init__(dim, groups, channels)
        if channels != RATE * dim:
            raise ValueError(
                f"a token is {RATE} frames of {dim} numbers, so it has {RATE * dim} channels, not {channels}"
            )

    def noise_shape(self, batch: int, frames: int = 81) -> tuple[int, int, int]:
        """Shape of the tokens of a batch of paths."""
        return batch, latents_of(frames), self.channels

    def posterior(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """The numbers themselves, with a variance of almost 0."""
        latents_of(features.shape[1])
        mean = grouped(self.normalised(features))
        return mean, torch.full_like(mean, -12.0)

    def draw(self, raw: Tensor) -> Tensor:
        """Normalised features (B, 4K + 1, dim)."""
        return raw.unflatten(-1, (RATE, -1)).flatten(1, 2)[:, RATE - 1 :]
