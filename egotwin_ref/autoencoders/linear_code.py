"""Where the motion VAEs start from: principal components as matrices, and layers that add nothing at first."""

import torch
from torch import Tensor, nn


def linear_code(seen: Tensor, weights: Tensor, channels: int) -> tuple[Tensor, Tensor]:
    """The principal components of vectors (n, d) as two matrices: analysis (C, d) and synthesis (d, C).

    A component of deviation s gets one of √s in the latents: of all choices with the same sum of variances the one by
    which an error of given size in the latents does the least harm. A rotation then mixes the components, so that all
    latent channels vary alike, by about 1, and normalising them one by one does not undo that choice.

    Args:
        seen: normalised vectors.
        weights: of each one's squared error (d,).
        channels: C; more than d leaves the rest empty.
    """
    scale = weights.sqrt()
    weighed = seen * scale
    variances, vectors = torch.linalg.eigh((weighed.T @ weighed).double() / len(seen))
    axes, root = vectors[:, -channels:], variances[-channels:].clamp(min=1e-9) ** 0.25
    root = root * root.square().mean().sqrt()
    mixing, _ = torch.linalg.qr(torch.randn(channels, channels, generator=torch.Generator().manual_seed(0)).double())
    mixing = mixing[: len(root)]
    return ((axes / root @ mixing).T * scale).float(), (axes * root @ mixing / scale[:, None]).float()


def zero(layer: nn.Linear) -> nn.Linear:
    """The layer with all weights 0: it adds nothing until it is trained."""
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer
