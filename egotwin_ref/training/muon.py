"""Muon (Jordan et al. 2024): momentum whose matrices are made orthogonal before they are applied.

torch's own does the Newton-Schulz iteration in bfloat16, which processors without it emulate a hundred times slower
than float32, and which would make the result depend on the machine. Here it runs in float32.
"""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

QUINTIC = (3.4445, -4.7750, 2.0315)
"""a, b, c of x → a x + (b A + c A²) x with A = x xᵀ, which sends singular values in (0, 1] to about 1."""
ITERATIONS = 5


class Muon(torch.optim.Optimizer):
    """Muon for whole matrices, not for shards; `torch.optim.AdamW` is for all other parameters.

    The step is scaled by 0.2 √max(rows, columns), so that its root mean square is AdamW's (Liu et al. 2025, eq. 4) and
    one learning rate serves both. Weight decay is decoupled, and momentum is Nesterov's.

    Args:
        params: matrices, or groups of them with `parts`: the number of maps that a matrix stacks, each of which is made
            orthogonal by itself (queries, keys and values: 3).
    """

    def __init__(
        self,
        params: Iterable[Tensor] | Iterable[dict[str, Any]],
        lr: float,
        momentum: float = 0.95,
        weight_decay: float = 0.01,
    ) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay, "parts": 1})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Takes one step. A matrix without a gradient does not change. Matrices of one shape are iterated together."""
        del closure
        for group in self.param_groups:
            for alike in self._alike(group).values():
                gradients = [matrix.grad for matrix in alike if matrix.grad is not None]  # all of them have one
                momenta = [self.state[matrix]["momentum"] for matrix in alike]
                torch._foreach_lerp_(momenta, gradients, 1 - group["momentum"])
                ahead = torch.stack(torch._foreach_lerp(gradients, momenta, group["momentum"]))  # (n, rows, columns)
                parts = ahead.unflatten(1, (group["parts"], -1)).flatten(0, 1)
                update = scaled(orthogonal(parts)).reshape(ahead.shape) * group["lr"]
                torch._foreach_mul_(alike, 1 - group["lr"] * group["weight_decay"])
                torch._foreach_sub_(alike, list(update.unbind()))

    def _alike(self, group: dict[str, Any]) -> dict[torch.Size, list[Tensor]]:
        """Matrices with gradients, by shape; new ones get their momentum."""
        by_shape: dict[torch.Size, list[Tensor]] = {}
        for matrix in group["params"]:
            if matrix.grad is not None:
                by_shape.setdefault(matrix.shape, []).append(matrix)
                if not self.state[matrix]:
                    self.state[matrix]["momentum"] = torch.zeros_like(matrix)
        return by_shape


def orthogonal(matrix: Tensor) -> Tensor:
    """(…, m, n) → about U Vᵀ of its singular value decomposition: singular values within 0.7 to 1.2, unless tiny."""
    a, b, c = QUINTIC
    wide = matrix.mT if matrix.shape[-2] > matrix.shape[-1] else matrix
    x = (wide / wide.norm(dim=(-2, -1), keepdim=True).clamp(min=1e-7)).reshape(-1, *wide.shape[-2:])
    for _ in range(ITERATIONS):
        gram = torch.bmm(x, x.mT)
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    x = x.view(wide.shape)
    return x.mT if matrix.shape[-2] > matrix.shape[-1] else x


def scaled(update: Tensor) -> Tensor:
    """A step (…, m, n) with the root mean square of AdamW's."""
    return update * (0.2 * max(update.shape[-2:]) ** 0.5)
