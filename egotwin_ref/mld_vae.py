"""MLD's motion VAE, for the baseline VidMLD: one latent for the whole motion, beside it the first pose as a token."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from .motion_vae import LOGVAR, MotionVAE


class GlobalMotionVAE(MotionVAE):
    """MLD's: a transformer with long skips, and one latent for the whole motion; the first pose is a token beside it.

    Tokens (B, 2, C_m): the pose, of frame 0 alone, and the motion. Unlike MLD's, the decoder attends to the two tokens
    and to the frames it draws in one sequence (MLD's code calls this `all_encoder`), and motions have one length.

    Args:
        frames: T.
        width: of the transformers.
        layers: odd; of the encoder, and of the decoder.
    """

    def __init__(
        self,
        dim: int,
        groups: Mapping[str, slice],
        channels: int,
        frames: int = 81,
        width: int = 128,
        layers: int = 5,
        heads: int = 4,
    ) -> None:
        super().__init__(dim, groups, channels)
        self.frames = frames
        self.pose = nn.Sequential(
            nn.Linear(dim, 2 * width), nn.SiLU(), nn.Linear(2 * width, 2 * width), nn.SiLU(),
            nn.Linear(2 * width, 2 * channels),
        )  # fmt: skip
        self.embed = nn.Linear(dim, width)
        self.encoder = _SkipTransformer(1 + frames, width, layers, heads)
        self.summary = nn.Linear(width, 2 * channels)
        self.unpack = nn.Linear(channels, width)
        self.decoder = _SkipTransformer(2 + frames, width, layers, heads)
        self.output = nn.Linear(width, dim)

    def noise_shape(self, batch: int) -> tuple[int, int, int]:
        """Shape of the latents of a batch of motions."""
        return batch, 2, self.channels

    def posterior(self, features: Tensor) -> tuple[Tensor, Tensor]:
        if features.shape[1] != self.frames:
            raise ValueError(f"this motion VAE is for {self.frames} frames; the motion has {features.shape[1]}")
        normalised = self.normalised(features)
        seen = self.encoder(F.pad(self.embed(normalised), (0, 0, 1, 0)))  # token 0 gathers the motion
        tokens = torch.stack([self.pose(normalised[:, 0]), self.summary(seen[:, 0])], dim=1).float()
        mean, logvar = tokens.chunk(2, dim=-1)
        return mean, logvar.clamp(*LOGVAR)

    def draw(self, raw: Tensor) -> Tensor:
        if raw.shape[1] != 2:
            raise ValueError(f"this motion VAE has 2 tokens, pose and motion; these are {raw.shape[1]}")
        return self.output(self.decoder(F.pad(self.unpack(raw), (0, 0, 0, self.frames)))[:, 2:])


class _SkipTransformer(nn.Module):
    """Transformer encoder of (B, N, width); layer i feeds layer -i as well, as in a U-Net."""

    def __init__(self, tokens: int, width: int, layers: int, heads: int) -> None:
        super().__init__()
        self.positions = nn.Parameter(0.02 * torch.randn(tokens, width))
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(width, heads, 2 * width, 0.0, "gelu", batch_first=True, norm_first=True)
            for _ in range(layers)
        )
        self.skips = nn.ModuleList(nn.Linear(2 * width, width) for _ in range(layers // 2))
        self.norm = nn.LayerNorm(width)

    def forward(self, x: Tensor) -> Tensor:
        x, kept = x + self.positions, []
        for i, layer in enumerate(self.layers):
            if i > len(self.layers) // 2:
                x = self.skips[i - len(self.layers) // 2 - 1](torch.cat([x, kept.pop()], dim=-1))
            x = layer(x)
            if i < len(self.layers) // 2:
                kept.append(x)
        return self.norm(x)
