"""Motion features to latents and back: what the motion VAEs have in common, and the paper's causal convolutional one.

They have the methods of `video_vae.GroupVAE`. Token 0 is made of frame 0 alone, so a given first pose has an exact,
clean token of its own. Its statistics are its own too: it is one pose, where another token is many.
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

RATE = 4
"""Motion frames in a latent of `ConvMotionVAE`: two 2 × stages."""
LOGVAR = (-12.0, 4.0)
"""The posterior's log-variance is held within these."""
LEAST_STD = 0.02
"""Latent channels that vary less than this carry nothing; they are not blown up to variance 1."""

LOSS_GROUPS: Mapping[str, Sequence[str]] = {
    "head 3D": ("h_p", "dh_p"),
    "head 6D": ("h_r", "dh_r"),
    "root": ("dr_a", "dr_p", "r_h"),
    "joint 3D": ("j_p", "j_v"),
    "joint 6D": ("j_r",),
    "contacts": ("c_f",),
}
"""The groups c of the loss and the features in each; head-centric features have the paper's four, root-centric ones
the four that correspond."""


class MotionVAE(nn.Module):
    """What both have in common: normalisation of features and of latents, and the loss. A subclass adds the networks.

    Args:
        dim: feature channels.
        groups: channels of each feature group (`representation.groups`).
        channels: C_m.

    Raises:
        ValueError: a feature group that is in none, or in several, of `LOSS_GROUPS`.
    """

    feature_mean: Tensor
    feature_std: Tensor
    latent_mean: Tensor
    latent_std: Tensor

    def __init__(self, dim: int, groups: Mapping[str, slice], channels: int) -> None:
        super().__init__()
        self.dim, self.groups, self.channels = dim, dict(groups), channels
        self.loss_groups = {
            name: [group for group in members if group in groups]
            for name, members in LOSS_GROUPS.items()
            if any(group in groups for group in members)
        }
        if sorted(group for members in self.loss_groups.values() for group in members) != sorted(groups):
            raise ValueError(f"feature groups {sorted(groups)}; every one has to be in one of LOSS_GROUPS")
        self.register_buffer("feature_mean", torch.zeros(dim))
        self.register_buffer("feature_std", torch.ones(dim))
        self.register_buffer("latent_mean", torch.zeros(2, channels))  # of token 0, of the others
        self.register_buffer("latent_std", torch.ones(2, channels))

    def encode(self, features: Tensor) -> Tensor:
        """Normalised latents (B, tokens, C_m) of features (B, T, dim): the posterior's mean. ValueError: bad shape."""
        mean, _ = self.posterior(features)
        rows = _statistics(mean.shape[1])
        return (mean - self.latent_mean[rows]) / self.latent_std[rows]

    def decode(self, z: Tensor) -> Tensor:
        """Features (B, T, dim) of normalised latents (B, tokens, C_m). ValueError: bad shape."""
        if z.ndim != 3 or z.shape[2] != self.channels:
            raise ValueError(f"motion latents are (B, tokens, {self.channels}); these are {tuple(z.shape)}")
        rows = _statistics(z.shape[1])
        drawn = self.draw(z * self.latent_std[rows] + self.latent_mean[rows])
        return drawn.float() * self.feature_std + self.feature_mean

    def loss(self, features: Tensor, noise: Tensor, kl_weight: float) -> tuple[Tensor, dict[str, Tensor]]:
        """(1/4) Σ_c [L_rec^c + λ_KL L_KL^c], and its terms: the error of each group c, and "kl".

        L_rec^c is the mean squared error of the group's normalised features. The paper also gives each group a KL; as
        one latent carries all four, L_KL^c is the same for all of them and enters once (nats per latent value).

        Args:
            features: (B, T, dim).
            noise: standard normal (B, tokens, C_m).
            kl_weight: λ_KL.
        """
        mean, logvar = self.posterior(features)
        drawn = self.draw(mean + torch.exp(0.5 * logvar) * noise).float()
        error = (drawn - self.normalised(features)).square().mean(dim=(0, 1))
        terms = {
            name: torch.cat([error[self.groups[group]] for group in members]).mean()
            for name, members in self.loss_groups.items()
        }
        kl = 0.5 * (mean.square() + logvar.exp() - 1 - logvar).mean()
        total = torch.stack(list(terms.values())).mean() + kl_weight * kl
        return total, {name: term.detach() for name, term in {**terms, "kl": kl}.items()}

    @torch.no_grad()
    def fit_features(self, features: Tensor) -> None:
        """Sets the features' mean per channel and one deviation per group, the mean of its channels', as HumanML3D."""
        std = features.std(dim=(0, 1))
        self.feature_mean.copy_(features.mean(dim=(0, 1)))
        for group in self.groups.values():
            self.feature_std[group] = std[group].mean().clamp(min=1e-6)

    @torch.no_grad()
    def fit_latents(self, features: Tensor) -> None:
        """Sets the latents' mean and deviation per channel to those of these motions (B, T, dim)."""
        mean, _ = self.posterior(features)
        for row, tokens in enumerate((mean[:, 0], mean[:, 1:].flatten(0, 1))):
            self.latent_mean[row] = tokens.mean(dim=0)
            self.latent_std[row] = tokens.std(dim=0).clamp(min=LEAST_STD)

    def normalised(self, features: Tensor) -> Tensor:
        """Features in units of their group's deviation. ValueError: not (B, T, dim)."""
        if features.ndim != 3 or features.shape[2] != self.dim:
            raise ValueError(f"motion features are (B, T, {self.dim}); these are {tuple(features.shape)}")
        return (features - self.feature_mean) / self.feature_std

    def posterior(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-variance (B, tokens, C_m)."""
        raise NotImplementedError

    def draw(self, raw: Tensor) -> Tensor:
        """Normalised features (B, T, dim) of latents that are not normalised."""
        raise NotImplementedError


class ConvMotionVAE(MotionVAE):
    """The paper's: causal convolutions over time. 4K + 1 frames ↔ K + 1 latents, so 81 ↔ 21.

    Latent j sees frames ≤ 4j, so latent 0 is frame 0; frame n is drawn from latents ≤ ⌈n / 4⌉.

    Args:
        width: channels at the latents' rate; three quarters and half of it at 2 and 4 times that rate.
        blocks: residual blocks at the frames' rate, at half and at a quarter of it; the decoder has the same.
    """

    def __init__(
        self,
        dim: int,
        groups: Mapping[str, slice],
        channels: int,
        width: int = 224,
        blocks: tuple[int, int, int] = (1, 1, 2),
    ) -> None:
        super().__init__(dim, groups, channels)
        half, three_quarters = width // 2, 3 * width // 4
        self.encoder = nn.Sequential(
            nn.Linear(dim, half),
            *[_Residual(half) for _ in range(blocks[0])],
            _CausalConv(half, three_quarters, stride=2),
            *[_Residual(three_quarters) for _ in range(blocks[1])],
            _CausalConv(three_quarters, width, stride=2),
            *[_Residual(width) for _ in range(blocks[2])],
            nn.RMSNorm(width),
            nn.Linear(width, 2 * channels),
        )
        self.decoder = nn.Sequential(
            nn.Linear(channels, width),
            *[_Residual(width) for _ in range(blocks[2])],
            _Twice(width, three_quarters),
            *[_Residual(three_quarters) for _ in range(blocks[1])],
            _Twice(three_quarters, half),
            *[_Residual(half) for _ in range(blocks[0])],
            nn.RMSNorm(half),
            _CausalConv(half, dim),
        )

    def noise_shape(self, batch: int, frames: int = 81) -> tuple[int, int, int]:
        """Shape of the latents of a batch of motions of 4K + 1 frames."""
        return batch, _latents(frames), self.channels

    def posterior(self, features: Tensor) -> tuple[Tensor, Tensor]:
        normalised = self.normalised(features)
        _latents(features.shape[1])
        mean, logvar = self.encoder(normalised).float().chunk(2, dim=-1)
        return mean, logvar.clamp(*LOGVAR)

    def draw(self, raw: Tensor) -> Tensor:
        return self.decoder(raw)


class _CausalConv(nn.Module):
    """Convolution over time of (B, T, C): output n sees inputs n · stride - 2 … n · stride; before the first is it."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.stride, self.linear = stride, nn.Linear(3 * inputs, outputs)

    def forward(self, x: Tensor) -> Tensor:
        steps = x.shape[1]
        padded = torch.cat([x[:, :1].expand(-1, 2, -1), x], dim=1)
        return self.linear(torch.cat([padded[:, i : i + steps : self.stride] for i in range(3)], dim=-1))


class _Twice(nn.Module):
    """T inputs to 2 T - 1 outputs; output n sees inputs ⌈n / 2⌉ and the two before it."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = _CausalConv(inputs, 2 * outputs)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x).unflatten(-1, (2, -1)).flatten(1, 2)[:, 1:]


class _Residual(nn.Module):
    """Two convolutions beside a straight path; the norm is per frame, since one over time would look ahead."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.RMSNorm(width), nn.SiLU(), _CausalConv(width, width),
            nn.RMSNorm(width), nn.SiLU(), _CausalConv(width, width),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x)


def _statistics(tokens: int) -> list[int]:
    """Row of the latents' statistics for each token."""
    return [0] + [1] * (tokens - 1)


def _latents(frames: int) -> int:
    if frames % RATE != 1:
        raise ValueError(f"a motion has 4K + 1 frames; this one has {frames}")
    return 1 + frames // RATE
