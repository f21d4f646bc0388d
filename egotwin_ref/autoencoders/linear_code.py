"""Initial weights of the motion VAEs: principal components as matrices, and layers that start at zero."""

import torch
from torch import Tensor, nn


def linear_code(data: Tensor, weights: Tensor, channels: int) -> tuple[Tensor, Tensor]:
    """The principal components of vectors (n, d) as two matrices: analysis (C, d) and synthesis (d, C).

    A component of standard deviation s has a standard deviation of √s in the latents. Of all choices with the same sum
    of variances, this one makes the damage of an error of given size in the latents least. A rotation then mixes the
    components. So all latent channels have a standard deviation of about 1, and normalising them one by one does not
    undo the choice.

    Args:
        data: normalised vectors (n, d).
        weights: of the squared error of each number (d,).
        channels: C; if it is more than d, the rest carries nothing.
    """
    scale = weights.sqrt()
    weighted = data * scale
    variances, vectors = torch.linalg.eigh((weighted.T @ weighted).double() / len(data))
    axes, root = vectors[:, -channels:], variances[-channels:].clamp(min=1e-9) ** 0.25
    root = root * root.square().mean().sqrt()
    mixing, _ = torch.linalg.qr(torch.randn(channels, channels, generator=torch.Generator().manual_seed(0)).double())
    mixing = mixing[: len(root)]
    return ((axes / root @ mixing).T * scale).float(), (axes * root @ mixing / scale[:, None]).float()


def zero(layer: nn.Linear) -> nn.Linear:
    """The layer with all weights 0, so that it adds nothing until it is trained."""
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer
