"""Motion features to latents and back: the base class of the motion VAEs, and the paper's causal convolutional VAE.

They have the methods of `video_vae.GroupVAE`. Token 0 depends on frame 0 alone, so a given first pose has an exact,
clean token. It also has statistics of its own, since it encodes one pose and every other token several.
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from .causal_conv import CausalConv, Residual, Twice
from .linear_code import linear_code, zero

RATE = 4
"""Motion frames in a latent of `ConvMotionVAE`: two 2 × stages."""
LOGVAR = (-12.0, 4.0)
"""Limits of the posterior's log-variance."""
FIRST_LOGVAR = -6.0
"""Initial log-variance: noise of 0.05, where the means have a standard deviation of 1."""
LEAST_STD = 0.02
"""Least standard deviation that a latent channel is divided by: channels that vary less carry nothing."""

LOSS_GROUPS: Mapping[str, Sequence[str]] = {
    "head 3D": ("h_p", "dh_p"),
    "head 6D": ("h_r", "dh_r"),
    "root 3D": ("dr_p", "r_h"),
    "root turn": ("dr_a",),
    "joint 3D": ("j_p", "j_v", "c_f"),
    "joint 6D": ("j_r",),
}
"""Loss groups c, and the feature groups in each. Head-centric features have the paper's four, and root-centric features
the four that correspond."""


class MotionVAE(nn.Module):
    """Base class: normalisation of features and of latents, and the loss. A subclass adds the networks.

    Args:
        dim: feature channels.
        groups: channels of each feature group (`representation.groups`).
        channels: C_m.

    Raises:
        ValueError: a feature group is in none, or in several, of `LOSS_GROUPS`.
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
            raise ValueError(f"feature groups are {sorted(groups)}; each has to be in one of LOSS_GROUPS")
        self.register_buffer("feature_mean", torch.zeros(dim))
        self.register_buffer("feature_std", torch.ones(dim))
        self.register_buffer("latent_mean", torch.zeros(2, channels))  # row 0 of token 0, row 1 of the others
        self.register_buffer("latent_std", torch.ones(2, channels))

    def encode(self, features: Tensor) -> Tensor:
        """Normalised latents (B, tokens, C_m) of features (B, T, dim): the posterior's mean. ValueError: bad shape."""
        mean, _ = self.posterior(features)
        mean_of, std_of = (_by_token(part, mean.shape[1]) for part in (self.latent_mean, self.latent_std))
        return (mean - mean_of) / std_of

    def decode(self, z: Tensor) -> Tensor:
        """Features (B, T, dim) of normalised latents (B, tokens, C_m). ValueError: bad shape."""
        if z.ndim != 3 or z.shape[2] != self.channels:
            raise ValueError(f"motion latents are (B, tokens, {self.channels}); these are {tuple(z.shape)}")
        mean_of, std_of = (_by_token(part, z.shape[1]) for part in (self.latent_mean, self.latent_std))
        decoded = self.draw(z * std_of + mean_of)
        return decoded.float() * self.feature_std + self.feature_mean

    def noise_shape(self, batch: int) -> tuple[int, int, int]:
        """Shape of the latents of a batch of motions."""
        raise NotImplementedError

    def loss(
        self, features: Tensor, noise: Tensor, kl_weight: float, spread: float = 0.0
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """(1/4) Σ_c [L_rec^c + λ_KL L_KL^c], and its terms: the error of each group c, and "kl".

        L_rec^c is the mean squared error of the group's normalised features. The paper also gives each group a KL. Here
        one latent encodes all four groups, so L_KL^c is the same for all of them and enters once (nats per latent
        value).

        Args:
            features: (B, T, dim).
            noise: standard normal (B, tokens, C_m).
            kl_weight: λ_KL.
            spread: extra noise beyond the posterior's, in units of each channel's standard deviation over the batch.
                A transformer's latents are never exact, and a decoder trained with such noise tolerates their errors.

        Raises:
            ValueError: `spread` is given with a single motion, which has no standard deviation.
        """
        if spread and len(features) < 2:
            raise ValueError(
                f"spread is in units of a batch's standard deviation, so it needs 2 motions; there is {len(features)}"
            )
        mean, logvar = self.posterior(features)
        variance = logvar.exp()
        if spread:
            first, others = (part.detach().flatten(0, 1).var(dim=0) for part in (mean[:, :1], mean[:, 1:]))
            variance = variance + spread**2 * _by_token(torch.stack([first, others]), mean.shape[1])
        decoded = self.draw(mean + variance.sqrt() * noise).float()
        error = (decoded - self.normalised(features)).square().mean(dim=(0, 1))
        terms = {
            name: torch.cat([error[self.groups[group]] for group in members]).mean()
            for name, members in self.loss_groups.items()
        }
        kl = 0.5 * (mean.square() + logvar.exp() - 1 - logvar).mean()
        total = torch.stack(list(terms.values())).mean() + kl_weight * kl
        return total, {name: term.detach() for name, term in {**terms, "kl": kl}.items()}

    @torch.no_grad()
    def fit_features(self, features: Tensor) -> None:
        """Sets a mean per channel and one standard deviation per group: its channels' mean, as HumanML3D."""
        std = features.std(dim=(0, 1))
        self.feature_mean.copy_(features.mean(dim=(0, 1)))
        for group in self.groups.values():
            self.feature_std[group] = std[group].mean().clamp(min=1e-6)

    @torch.no_grad()
    def fit_latents(self, features: Tensor) -> None:
        """Sets the latents' mean and standard deviation per channel to those of these motions (B, T, dim)."""
        mean, _ = self.posterior(features)
        for row, tokens in enumerate((mean[:, 0], mean[:, 1:].flatten(0, 1))):
            self.latent_mean[row] = tokens.mean(dim=0)
            self.latent_std[row] = tokens.std(dim=0).clamp(min=LEAST_STD)

    def loss_weights(self) -> Tensor:
        """Weight of each channel's squared error in the sum of L_rec^c (dim,)."""
        weights = torch.ones(self.dim)
        for members in self.loss_groups.values():
            size = sum(self.groups[group].stop - self.groups[group].start for group in members)
            for group in members:
                weights[self.groups[group]] = 1 / size
        return weights

    def normalised(self, features: Tensor) -> Tensor:
        """Features minus their mean, in units of their group's standard deviation. ValueError: not (B, T, dim)."""
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
    """The paper's motion VAE: causal convolutions over time. 4K + 1 frames ↔ K + 1 latents, so 81 ↔ 21.

    Latent j depends on frames ≤ 4j, so latent 0 depends on frame 0 alone. Frame n is decoded from latents ≤ ⌈n / 4⌉.
    A linear path, parallel to the convolutions, leads from the four frames of a latent to it and back. `fit_features`
    sets it to the frames' principal components. Training starts from these, and the convolutions learn the rest.

    Args:
        width: channels at the latents' rate; three quarters and half of that number at 2 and 4 times the rate.
        blocks: residual blocks at the frames' rate, at half and at a quarter of it; the decoder has the same.
    """

    def __init__(
        self,
        dim: int,
        groups: Mapping[str, slice],
        channels: int,
        width: int = 208,
        blocks: tuple[int, int, int] = (1, 1, 2),
    ) -> None:
        super().__init__(dim, groups, channels)
        half, three_quarters = width // 2, 3 * width // 4
        self.encoder = nn.Sequential(
            nn.Linear(dim, half),
            *[Residual(half) for _ in range(blocks[0])],
            CausalConv(half, three_quarters, stride=2),
            *[Residual(three_quarters) for _ in range(blocks[1])],
            CausalConv(three_quarters, width, stride=2),
            *[Residual(width) for _ in range(blocks[2])],
            nn.RMSNorm(width),
            zero(nn.Linear(width, 2 * channels)),
        )
        self.decoder = nn.Sequential(
            nn.Linear(channels, width),
            *[Residual(width) for _ in range(blocks[2])],
            Twice(width, three_quarters),
            *[Residual(three_quarters) for _ in range(blocks[1])],
            Twice(three_quarters, half),
            *[Residual(half) for _ in range(blocks[0])],
            nn.RMSNorm(half),
            zero(nn.Linear(half, dim)),
        )
        self.analysis = nn.Linear(RATE * dim, channels, bias=False)
        self.synthesis = nn.Linear(channels, RATE * dim, bias=False)

    def noise_shape(self, batch: int, frames: int = 81) -> tuple[int, int, int]:
        """Shape of the latents of a batch of motions of 4K + 1 frames."""
        return batch, latents_of(frames), self.channels

    @torch.no_grad()
    def fit_features(self, features: Tensor) -> None:
        """As the base class, and sets the linear paths to principal components of four frames (`linear_code`)."""
        super().fit_features(features)
        groups = grouped(self.normalised(features)).flatten(0, 1)
        analysis, synthesis = linear_code(groups, self.loss_weights().repeat(RATE), self.channels)
        self.analysis.weight.copy_(analysis)
        self.synthesis.weight.copy_(synthesis)

    def posterior(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-variance (B, K + 1, C_m)."""
        normalised = self.normalised(features)
        latents_of(features.shape[1])
        mean, logvar = self.encoder(normalised).float().chunk(2, dim=-1)
        return mean + self.analysis(grouped(normalised)), (logvar + FIRST_LOGVAR).clamp(*LOGVAR)

    def draw(self, raw: Tensor) -> Tensor:
        """Normalised features (B, 4K + 1, dim)."""
        linear = self.synthesis(raw).unflatten(-1, (RATE, -1)).flatten(1, 2)
        return self.decoder(raw) + linear[:, RATE - 1 :]


def grouped(frames: Tensor) -> Tensor:
    """(B, 4K + 1, dim) → (B, K + 1, 4 dim); the first group is frame 0, four times."""
    padded = torch.cat([frames[:, :1].expand(-1, RATE - 1, -1), frames], dim=1)
    return padded.unflatten(1, (-1, RATE)).flatten(2)


def _by_token(statistics: Tensor, tokens: int) -> Tensor:
    """Statistics (2, C) of token 0 and of the others → (tokens, C). No index tensor is used: it would be on the CPU."""
    return torch.cat([statistics[:1], statistics[1:].expand(tokens - 1, -1)])


def latents_of(frames: int) -> int:
    """Number of latents of a motion with this number of frames. ValueError: not 4K + 1."""
    if frames % RATE != 1:
        raise ValueError(f"a motion has 4K + 1 frames; this one has {frames}")
    return 1 + frames // RATE
