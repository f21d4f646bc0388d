"""Attention of the joint sequence. `masked` is the definition; the others are faster on long sequences and agree.

q, k, v: (B, H, N, head_dim), the sequence being text | motion | video; `lengths` are the branches' numbers of tokens,
so (L_t, M, V) where all three are there. `mask` (N, N) is True where a query sees a key; None is everything.
"""

from collections.abc import Callable, Sequence

from torch import Tensor
from torch.nn import functional as F  # noqa: N812

Attend = Callable[[Tensor, Tensor, Tensor, Tensor | None, Sequence[int]], Tensor]


def masked(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, lengths: Sequence[int]) -> Tensor:
    """Scaled dot-product attention with a boolean mask: (B, H, N, head_dim)."""
    del lengths  # the mask says it all
    return F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
