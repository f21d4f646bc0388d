"""Noise, v-prediction and samplers, for one modality at a time: each has a timestep of its own.

    x_t = √ᾱ_t x_0 + √(1 - ᾱ_t) ε          v = √ᾱ_t ε - √(1 - ᾱ_t) x_0
    x_0 = √ᾱ_t x_t - √(1 - ᾱ_t) v          ε = √ᾱ_t v + √(1 - ᾱ_t) x_t

ᾱ_T is exactly 0, so an unknown modality is exactly noise at t = T. The paper writes ε-prediction. CogVideoX, from which
it starts, predicts v, and only v is defined at ᾱ = 0.
"""

from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor

LAST = 999
"""T: the timestep of pure noise; timesteps are 0 … 999."""
Sampler = Literal["ddim", "dpm++"]


@dataclass(frozen=True)
class Schedule:
    """ᾱ of every timestep."""

    alphas_bar: Tensor
    """float64 (1000,), falling to exactly 0."""
    _copies: dict[torch.device, Tensor] = field(default_factory=dict, repr=False, compare=False)

    @staticmethod
    def cogvideox(snr_shift: float = 1.0) -> "Schedule":
        """Scaled-linear β from 8.5e-4 to 0.012; the signal-to-noise ratio is divided by `snr_shift`, and ᾱ ends at 0.

        The rescaling is that of Lin et al., "Common diffusion noise schedules and sample steps are flawed", alg. 1.
        """
        betas = torch.linspace(8.5e-4**0.5, 0.012**0.5, LAST + 1, dtype=torch.float64) ** 2
        bar = torch.cumprod(1 - betas, dim=0)
        bar = bar / (snr_shift + (1 - snr_shift) * bar)
        root = bar.sqrt()
        root = (root - root[-1]) * root[0] / (root[0] - root[-1])
        return Schedule(root**2)

    def signal_noise(self, t: Tensor, like: Tensor) -> tuple[Tensor, Tensor]:
        """√ᾱ and √(1 - ᾱ) of timesteps t (B,), shaped to multiply `like` (B, …); t = -1 is the clean end (1, 0)."""
        table = self._on(like.device)
        t = t.to(like.device)
        bar = torch.where(t < 0, torch.ones_like(table[0]), table[t.clamp(min=0)])
        shape = (-1, *[1] * (like.ndim - 1))
        return tuple(part.to(like).view(shape) for part in (bar.sqrt(), (1 - bar).sqrt()))  # pyright: ignore

    def _on(self, device: torch.device) -> Tensor:
        """ᾱ on a device, copied there once."""
        if device not in self._copies:
            self._copies[device] = self.alphas_bar.to(device)
        return self._copies[device]

    def noised(self, x0: Tensor, noise: Tensor, t: Tensor) -> Tensor:
        """x_t, from x_0, ε and t."""
        signal, sigma = self.signal_noise(t, x0)
        return signal * x0 + sigma * noise

    def v(self, x0: Tensor, noise: Tensor, t: Tensor) -> Tensor:
        """v, which the network is trained to predict."""
        signal, sigma = self.signal_noise(t, x0)
        return signal * noise - sigma * x0

    def x0(self, xt: Tensor, v: Tensor, t: Tensor) -> Tensor:
        """x_0, from x_t and v."""
        signal, sigma = self.signal_noise(t, xt)
        return signal * xt - sigma * v

    def noise(self, xt: Tensor, v: Tensor, t: Tensor) -> Tensor:
        """ε, from x_t and v."""
        signal, sigma = self.signal_noise(t, xt)
        return signal * v + sigma * xt


def timesteps(steps: int) -> list[int]:
    """`steps` falling timesteps, evenly spaced and starting at T ("trailing"), then -1: the clean end.

    Raises:
        ValueError: `steps` is outside 1 … 1000.
    """
    if not 1 <= steps <= LAST + 1:
        raise ValueError(f"sampling takes 1 to {LAST + 1} steps, not {steps}")
    return [round((LAST + 1) * (steps - i) / steps) - 1 for i in range(steps)] + [-1]


@dataclass
class Stepper:
    """Takes latents of one modality from one timestep to the next, given the network's v.

    `ddim` is DDIM (Song et al. 2021, η = 0). `dpm++` is DPM-Solver++(2M) (Lu et al. 2022, alg. 2); it is of first order
    at the first step, where the log-SNR is -∞, and at the last.
    """

    schedule: Schedule
    kind: Sampler
    previous: tuple[Tensor, float] | None = None
    """x_0 of the step before and its log-SNR λ."""

    def __call__(self, xt: Tensor, v: Tensor, t: int, to: int) -> Tensor:
        at, after = torch.full((len(xt),), t), torch.full((len(xt),), to)
        x0 = self.schedule.x0(xt, v, at)
        signal, sigma = self.schedule.signal_noise(after, xt)
        if self.kind == "ddim" or to < 0:
            return signal * x0 + sigma * self.schedule.noise(xt, v, at)
        now, then = self._log_snr(t), self._log_snr(to)
        aim = x0
        if self.previous is not None and self.previous[1] > -torch.inf:
            before, earlier = self.previous
            ratio = (now - earlier) / (then - now)
            aim = (1 + 0.5 / ratio) * x0 - 0.5 / ratio * before
        self.previous = (x0, now)
        _, sigma_now = self.schedule.signal_noise(at, xt)
        shrink = float(torch.exp(torch.tensor(now - then, dtype=torch.float64)))  # e^{-h}; 0 from pure noise
        return sigma / sigma_now * xt + signal * (1 - shrink) * aim

    def _log_snr(self, t: int) -> float:
        bar = self.schedule.alphas_bar[t]
        return float(0.5 * (bar.log() - (1 - bar).log()))
