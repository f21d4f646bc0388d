"""Causal layers over time, whose outputs never depend on later inputs; sequences are (B, T, C)."""

import torch
from torch import Tensor, nn


class CausalConv(nn.Module):
    """Convolution over time of (B, T, C): output n depends on inputs n · stride - 2 … n · stride.

    The first input is repeated before the sequence.
    """

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.stride, self.linear = stride, nn.Linear(3 * inputs, outputs)

    def forward(self, x: Tensor) -> Tensor:
        steps = x.shape[1]
        padded = torch.cat([x[:, :1].expand(-1, 2, -1), x], dim=1)
        return self.linear(torch.cat([padded[:, i : i + steps : self.stride] for i in range(3)], dim=-1))


class Twice(nn.Module):
    """T inputs to 2 T - 1 outputs; output n depends on input ⌈n / 2⌉ and the two before it."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = CausalConv(inputs, 2 * outputs)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x).unflatten(-1, (2, -1)).flatten(1, 2)[:, 1:]


class Residual(nn.Module):
    """Two convolutions with a skip connection. The norm is per frame, because a norm over time is not causal."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.RMSNorm(width), nn.SiLU(), CausalConv(width, width),
            nn.RMSNorm(width), nn.SiLU(), CausalConv(width, width),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x)
