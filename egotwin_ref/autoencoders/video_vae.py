"""Video to latents and back: a causal VAE on groups of four frames, and CogVideoX's VAE with the same two methods.

Frame 0 is a group of its own and gives latent 0; frames 4k - 3 … 4k give latent k. Both VAEs are causal: a latent never
depends on later frames. Two-dimensional convolutions over groups do the same work as three-dimensional ones, and run
several times faster on CPUs.
"""

from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

GROUP = 4
"""Frames in a latent."""
LOGVAR = (-12.0, 4.0)
"""Limits of the posterior's log-variance."""
FIRST_LOGVAR = -6.0
"""Initial log-variance: a standard deviation of 5 %."""


class VideoVAE(Protocol):
    """The methods of both VAEs; shapes as in `GroupVAE`."""

    @property
    def device(self) -> torch.device:
        """Device of the weights."""
        ...

    def encode(self, frames: Tensor) -> Tensor:
        """Normalised latents of frames in [-1, 1]."""
        ...

    def decode(self, z: Tensor) -> Tensor:
        """Frames of normalised latents."""
        ...


class GroupVAE(nn.Module):
    """Compresses 4 × b × b (time, height, width): frames (B, 4K + 1, 3, H, W) in [-1, 1] ↔ z (B, K + 1, C_v, h, w).

    At first, a latent is the principal components of its b × b × 4 block of pixels (`fit_basis`); these alone already
    give recognisable frames. The networks learn what to add to the components, and to the frames decoded from them.

    `encode` gives the posterior's mean, scaled and rotated (`fit_latents`) so that noise of variance 1 suits every
    channel. The decoder gets latents k - `history` … k for group k; the first latent is repeated before the sequence.

    Args:
        channels: C_v.
        block: b, the side in pixels of the block that a latent covers: 8 or 16.
        width: channels at 1/4 of the frame's size; twice and three times that at 1/8 and 1/16.
        blocks: residual blocks at each size, in the encoder; the decoder has one more.
        history: number of earlier latents that the decoder gets.
    """

    latent_mean: Tensor
    latent_mix: Tensor
    latent_unmix: Tensor

    def __init__(self, channels: int, block: int = 16, width: int = 64, blocks: int = 1, history: int = 2) -> None:
        super().__init__()
        self.channels, self.block, self.history = channels, block, history
        widths = [width * times for times in range(1, {8: 2, 16: 3}[block] + 1)]  # at 1/4, 1/8 …
        self.project = nn.Conv2d(3 * GROUP, channels, block, stride=block)
        self.unproject = nn.ConvTranspose2d(channels, 3 * GROUP, block, stride=block)
        for linear in (self.project, self.unproject):  # the optimiser's steps are too large for these small weights
            linear.requires_grad_(False)
        down: list[nn.Module] = [nn.PixelUnshuffle(4)]  # (4 frames × 3 colours × 16, H/4, W/4)
        down += [nn.Conv2d(3 * GROUP * 16, width, 3, padding=1), *[_Residual(width) for _ in range(blocks)]]
        for wide, wider in pairwise(widths):
            down += [nn.Conv2d(wide, wider, 4, stride=2, padding=1), *[_Residual(wider) for _ in range(blocks)]]
        posterior = nn.Conv2d(widths[-1], 2 * channels, 3, padding=1)
        self.encoder = nn.Sequential(*down, _norm(widths[-1]), nn.SiLU(), posterior)
        up: list[nn.Module] = [nn.Conv2d((1 + history) * channels, widths[-1], 3, padding=1)]
        up += [_Residual(widths[-1]) for _ in range(blocks + 1)]
        for wider, wide in pairwise(widths[::-1]):
            up += [nn.Conv2d(wider, 4 * wide, 1), nn.PixelShuffle(2), *[_Residual(wide) for _ in range(blocks + 1)]]
        drawn = nn.Conv2d(width, 3 * GROUP * 16, 3, padding=1)
        self.decoder = nn.Sequential(*up, _norm(width), nn.SiLU(), drawn, nn.PixelShuffle(4))
        with torch.no_grad():  # at first the networks add nothing, and the posterior is narrow
            for last in (posterior, drawn):
                last.weight.zero_()
                _bias(last).zero_()
            _bias(posterior)[channels:] = FIRST_LOGVAR
        self.register_buffer("latent_mean", torch.zeros(channels))
        self.register_buffer("latent_mix", torch.eye(channels))
        self.register_buffer("latent_unmix", torch.eye(channels))
        self.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]

    @property
    def device(self) -> torch.device:
        """Device of the weights."""
        return self.latent_mean.device

    def encode(self, frames: Tensor) -> Tensor:
        """Normalised latents (B, K + 1, C_v, h, w) of frames (B, 4K + 1, 3, H, W).

        Raises:
            ValueError: the number of frames is not 4K + 1, or a side is not a multiple of `block`.
        """
        mean, _ = self._posterior(frames)
        return _mixed(mean - _per_channel(self.latent_mean), self.latent_mix)

    def decode(self, z: Tensor) -> Tensor:
        """Frames (B, 4K + 1, 3, H, W), about [-1, 1], of normalised latents."""
        return self._draw(_mixed(z, self.latent_unmix) + _per_channel(self.latent_mean))

    def loss(self, frames: Tensor, noise: Tensor, kl_weight: float) -> tuple[Tensor, dict[str, Tensor]]:
        """Mean squared error of the reconstruction plus the weighted KL (nats per latent value), and both terms.

        Args:
            frames: (B, 4K + 1, 3, H, W) in [-1, 1].
            noise: standard normal, shaped as the latents.
        """
        mean, logvar = self._posterior(frames)
        decoded = self._draw(mean + torch.exp(0.5 * logvar) * noise)
        error = F.mse_loss(decoded.float(), frames)
        kl = 0.5 * (mean.square() + logvar.exp() - 1 - logvar).mean()
        return error + kl_weight * kl, {"mse": error.detach(), "kl": kl.detach()}

    @torch.no_grad()
    def fit_basis(self, frames: Tensor) -> None:
        """Sets the linear maps to the principal components of these frames' blocks, each of variance 1.

        Randomised SVD (Halko et al. 2011), with torch's global generator.

        Args:
            frames: (B, 4K + 1, 3, H, W) in [-1, 1].
        """
        groups = _grouped(frames, self.block)
        blocks = F.unfold(groups, self.block, stride=self.block).transpose(1, 2).flatten(0, 1)  # (n, 12 b²)
        offsets = blocks.unflatten(1, (3 * GROUP, -1)).mean(dim=(0, 2))  # a bias is one number per channel
        mean = offsets.repeat_interleave(self.block**2)
        _, values, axes = torch.svd_lowrank(blocks - mean, q=self.channels + 32, niter=4)
        std = values[: self.channels] / len(blocks) ** 0.5
        basis = axes[:, : self.channels].T.unflatten(1, (3 * GROUP, self.block, self.block))
        self.project.weight.copy_(basis / std[:, None, None, None])
        _bias(self.project).copy_(-(self.project.weight.flatten(1) @ mean))
        self.unproject.weight.copy_(basis * std[:, None, None, None])
        _bias(self.unproject).copy_(offsets)

    @torch.no_grad()
    def fit_latents(self, frames: Tensor) -> None:
        """Sets mean and scale of the latents from these frames.

        A channel that changes the pixels by s gets a standard deviation of √s. That is between two extremes. With 1 for
        all channels, a transformer's error in the weakest counts as much as in the strongest. With s, weak channels are
        lost in the noise. A rotation then mixes the channels, so that all have a standard deviation of about 1.
        """
        mean, _ = self._posterior(frames)
        values = mean.transpose(0, 2).flatten(1)  # (C, n)
        std, gain = values.std(1), self.unproject.weight.flatten(1).norm(dim=1)
        weight = (gain * std).sqrt()
        weight = weight / weight.square().mean().sqrt()
        generator = torch.Generator().manual_seed(0)
        rotation, _ = torch.linalg.qr(torch.randn(self.channels, self.channels, generator=generator))
        rotation, scale = rotation.to(values), weight / std
        self.latent_mean.copy_(values.mean(1))  # pyright: ignore[reportCallIssue]
        self.latent_mix.copy_(rotation * scale)  # pyright: ignore[reportCallIssue]
        self.latent_unmix.copy_(rotation.T / scale[:, None])  # pyright: ignore[reportCallIssue]

    def _posterior(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        groups = _grouped(frames, self.block)
        encoded, linear = self.encoder(groups).float(), self.project(groups).float()
        added, logvar = encoded.unflatten(0, (len(frames), -1)).chunk(2, dim=2)
        return linear.unflatten(0, (len(frames), -1)) + added, logvar.clamp(*LOGVAR)

    def _draw(self, raw: Tensor) -> Tensor:
        padded = torch.cat([raw[:, :1].expand(-1, self.history, -1, -1, -1), raw], dim=1)
        steps = raw.shape[1]
        windows = torch.cat([padded[:, i : i + steps] for i in range(self.history + 1)], dim=2)  # oldest first
        groups = self.decoder(windows.flatten(0, 1).contiguous(memory_format=torch.channels_last))
        groups = groups + self.unproject(raw.flatten(0, 1))
        frames = groups.unflatten(0, (len(raw), steps)).unflatten(2, (GROUP, 3)).flatten(1, 2)
        return frames[:, GROUP - 1 :]  # the first group is frame 0 four times; the last of them is kept


class CogVideoXVAE(nn.Module):
    """CogVideoX's own VAE (4 × 8 × 8, 16 channels), from diffusers, with the methods of `GroupVAE`.

    Args:
        folder: local folder in diffusers' format; nothing is downloaded.

    Raises:
        ImportError: diffusers is not installed.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__()
        from diffusers import AutoencoderKLCogVideoX

        loaded: Any = AutoencoderKLCogVideoX.from_pretrained(folder, local_files_only=True, use_safetensors=True)
        self.vae = loaded.eval().requires_grad_(False)
        self.scale = float(self.vae.config.scaling_factor)

    @property
    def device(self) -> torch.device:
        """Device of the weights."""
        return self.vae.device

    @torch.no_grad()
    def encode(self, frames: Tensor) -> Tensor:
        """Scaled latents (B, K + 1, 16, H/8, W/8) of frames (B, 4K + 1, 3, H, W) in [-1, 1]: the posterior's mean.

        Its convolutions are causal, but its group norms average over later frames too. So frame 0 is encoded alone:
        latent 0 in training is then the same as in sampling, where only the first frame exists.
        """
        first = self._mean(frames[:, :1])
        return first if frames.shape[1] == 1 else torch.cat([first, self._mean(frames)[:, 1:]], dim=1)

    @torch.no_grad()
    def decode(self, z: Tensor) -> Tensor:
        """Frames (B, 4K + 1, 3, H, W) of scaled latents."""
        return self.vae.decode((z / self.scale).transpose(1, 2).to(self.vae.dtype)).sample.transpose(1, 2).float()

    def _mean(self, frames: Tensor) -> Tensor:
        mode = self.vae.encode(frames.transpose(1, 2).to(self.vae.dtype)).latent_dist.mode()
        return mode.transpose(1, 2).float() * self.scale


def to_unit(frames: Tensor) -> Tensor:
    """uint8 (B, T, H, W, 3) → float32 (B, T, 3, H, W) in [-1, 1]."""
    return frames.permute(0, 1, 4, 2, 3).float() / 127.5 - 1


def to_pixels(frames: Tensor) -> Tensor:
    """Float (B, T, 3, H, W), clipped to [-1, 1] → uint8 (B, T, H, W, 3)."""
    return ((frames.float().clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8).permute(0, 1, 3, 4, 2)


class _Residual(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            _norm(width), nn.SiLU(), nn.Conv2d(width, width, 3, padding=1),
            _norm(width), nn.SiLU(), nn.Conv2d(width, width, 3, padding=1),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x)


def _bias(layer: nn.Conv2d | nn.ConvTranspose2d) -> Tensor:
    assert layer.bias is not None
    return layer.bias


def _norm(width: int) -> nn.Module:
    return nn.GroupNorm(max(1, width // 32), width)


def _grouped(frames: Tensor, block: int) -> Tensor:
    """(B, 4K + 1, 3, H, W) → (B (K + 1), 12, H, W); the first group is frame 0, four times."""
    _, count, _, height, width = frames.shape
    if count % GROUP != 1:
        raise ValueError(f"a video has 4K + 1 frames; this one has {count}")
    if height % block or width % block:
        raise ValueError(f"the sides of frames are multiples of {block}; these are {height} × {width}")
    padded = torch.cat([frames[:, :1].expand(-1, GROUP - 1, -1, -1, -1), frames], dim=1)
    groups = padded.unflatten(1, (-1, GROUP)).flatten(0, 1).flatten(1, 2)
    return groups.contiguous(memory_format=torch.channels_last)


def _mixed(z: Tensor, matrix: Any) -> Tensor:
    """Latents (B, K + 1, C, h, w) through a matrix (C, C)."""
    return torch.einsum("ij,bkjhw->bkihw", matrix, z.float())


def _per_channel(values: Any) -> Tensor:
    return values[:, None, None]
