"""Stage 1, the body's half: what a motion VAE is trained to do."""

from collections.abc import Mapping

import torch
from torch import Tensor

from egotwin_ref.autoencoders.motion_vae import MotionVAE


class MotionVAELoss:
    """Loss of a step, in two halves as `objective.DiffusionLoss`.

    Args:
        features: (n, T, dim), on the device of the training.
        batch: motions a step.
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
        """Motions and noise."""
        device = generator.device
        chosen = torch.randint(len(self.features), (self.batch,), generator=generator, device=device)
        noise = torch.randn(self.vae.noise_shape(self.batch), generator=generator, device=device)
        return self.features[chosen], noise

    def of(self, batch: tuple[Tensor, Tensor]) -> tuple[Tensor, Mapping[str, Tensor]]:
        """The loss of a batch, and its parts."""
        return self.vae.loss(*batch, self.kl_weight, self.spread)
