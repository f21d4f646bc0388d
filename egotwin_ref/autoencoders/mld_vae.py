"""MLD's motion VAE, for the baseline VidMLD: one latent for the whole motion, and one token for the first pose."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from .linear_code import linear_code, zero
from .motion_vae import FIRST_LOGVAR, LOGVAR, MotionVAE

SLOW = 10
"""Number of cosines over time that the linear path represents a motion with: up to 0.9 Hz in five seconds."""


class GlobalMotionVAE(MotionVAE):
    """MLD's motion VAE: a transformer with long skip connections; one latent is the whole motion, one the first pose.

    Tokens are (B, 2, C_m): the pose, from frame 0 alone, and the motion. Two things differ from MLD. The decoder
    attends to the two tokens and to the frames that it decodes in one sequence (MLD's code calls this `all_encoder`),
    and all motions have the same length. As in `ConvMotionVAE`, training starts from a linear path that is parallel to
    the networks: principal components of the pose, and those of the motion's slow part after what the pose predicts of
    it is subtracted. The path itself is not trained.

    Args:
        frames: T.
        width: of the transformers.
        layers: of the encoder, and of the decoder; an odd number.
    """

    cosines: Tensor

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
            zero(nn.Linear(2 * width, 2 * channels)),
        )  # fmt: skip
        self.embed = nn.Linear(dim, width)
        self.encoder = _SkipTransformer(1 + frames, width, layers, heads)
        self.summary = zero(nn.Linear(width, 2 * channels))
        self.unpack = nn.Linear(channels, width)
        self.decoder = _SkipTransformer(2 + frames, width, layers, heads)
        self.output = zero(nn.Linear(width, dim))
        self.pose_analysis = nn.Linear(dim, channels, bias=False)
        self.pose_synthesis = nn.Linear(channels, SLOW * dim, bias=False)
        self.analysis = nn.Linear(SLOW * dim, channels, bias=False)
        self.synthesis = nn.Linear(channels, SLOW * dim, bias=False)
        for linear in (self.pose_analysis, self.pose_synthesis, self.analysis, self.synthesis):
            linear.requires_grad_(False)  # the optimiser's steps are too large for these small weights
        time = torch.arange(frames) + 0.5
        cosines = torch.cos(torch.pi / frames * time * torch.arange(SLOW)[:, None]) * (2 / frames) ** 0.5
        cosines[0] *= 0.5**0.5
        self.register_buffer("cosines", cosines, persistent=False)  # (SLOW, T), orthonormal rows

    def noise_shape(self, batch: int) -> tuple[int, int, int]:
        """Shape of the latents of a batch of motions."""
        return batch, 2, self.channels

    @torch.no_grad()
    def fit_features(self, features: Tensor) -> None:
        """As the base class, and sets the linear paths, see above."""
        super().fit_features(features)
        normalised, weights = self.normalised(features), self.loss_weights()
        analysis, _ = linear_code(normalised[:, 0], weights, self.channels)
        self.pose_analysis.weight.copy_(analysis)
        slow, pose = self._slow(normalised), self.pose_analysis(normalised[:, 0])
        ridge = 1e-3 * len(pose) * torch.eye(self.channels)
        from_pose = torch.linalg.solve(pose.T @ pose + ridge, pose.T @ slow)
        self.pose_synthesis.weight.copy_(from_pose.T)
        analysis, synthesis = linear_code(slow - pose @ from_pose, weights.repeat(SLOW), self.channels)
        self.analysis.weight.copy_(analysis)
        self.synthesis.weight.copy_(synthesis)

    def posterior(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-variance (B, 2, C_m)."""
        normalised = self.normalised(features)
        if features.shape[1] != self.frames:
            raise ValueError(f"this motion VAE is for {self.frames} frames; the motion has {features.shape[1]}")
        encoded = self.encoder(F.pad(self.embed(normalised), (0, 0, 1, 0)))  # token 0 gathers the motion
        tokens = torch.stack([self.pose(normalised[:, 0]), self.summary(encoded[:, 0])], dim=1).float()
        mean, logvar = tokens.chunk(2, dim=-1)
        pose = self.pose_analysis(normalised[:, 0])
        motion = self.analysis(self._slow(normalised) - self.pose_synthesis(pose))
        return mean + torch.stack([pose, motion], dim=1), (logvar + FIRST_LOGVAR).clamp(*LOGVAR)

    def draw(self, raw: Tensor) -> Tensor:
        """Normalised features (B, T, dim)."""
        if raw.shape[1] != 2:
            raise ValueError(f"this motion VAE has 2 tokens, pose and motion; these are {raw.shape[1]}")
        decoded = self.output(self.decoder(F.pad(self.unpack(raw), (0, 0, 0, self.frames)))[:, 2:])
        slow = self.pose_synthesis(raw[:, 0]) + self.synthesis(raw[:, 1])
        return decoded + self.cosines.T @ slow.unflatten(-1, (SLOW, -1))

    def _slow(self, normalised: Tensor) -> Tensor:
        """Cosine coefficients (B, SLOW · dim)."""
        return (self.cosines @ normalised).flatten(1)


class _SkipTransformer(nn.Module):
    """Transformer encoder of (B, N, width); layer i is also an input of layer -i, as in a U-Net."""

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
