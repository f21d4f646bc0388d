"""Attention of the joint sequence text | motion | video, in three ways that give the same result.

`Masked` is the definition. `Flex` is for training on long sequences: it skips blocks of pairs that the mask forbids,
and needs no N × N mask. `Split` is for sampling: the long part of the sequence runs without a mask, in the fastest
kernel, and the few motion tokens are added afterwards.

Each is a module made from (config, variant). It is called with q, k, v (B, H, N, head_dim) and the number of tokens of
each branch that is present, in the order of the sequence. Without motion or without video, nothing is masked.
"""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812
from torch.nn.attention.flex_attention import BlockMask, create_block_mask, flex_attention

from .configs import NetworkConfig, Variant
from .mask import interaction, joint_mask, motion_sees, video_sees
from .tokens import clocks

Attend = Callable[[Tensor, Tensor, Tensor, Mapping[str, int]], Tensor]
"""q, k, v, {branch: tokens} → (B, H, N, head_dim)."""


class Masked(nn.Module):
    """Scaled dot-product attention with a boolean mask of N × N pairs. It is all true for a row without a mask, so that
    all rows run the same code at the same speed."""

    mask: Tensor

    def __init__(self, config: NetworkConfig, variant: Variant) -> None:
        super().__init__()
        mask = joint_mask(config, variant)
        if mask is None:
            tokens = config.text_tokens + sum(len(part) for part in clocks(config, variant))
            mask = torch.ones(tokens, tokens, dtype=torch.bool)
        self.register_buffer("mask", mask, persistent=False)

    def forward(self, q: Tensor, k: Tensor, v: Tensor, lengths: Mapping[str, int]) -> Tensor:
        return F.scaled_dot_product_attention(q, k, v, attn_mask=self.mask if _has_both(lengths) else None)


class Flex(nn.Module):
    """FlexAttention with a block mask made from the clocks; compiled on CUDA, for inference only on the CPU.

    Only the two or three rows and columns of blocks that hold motion are masked. All other blocks are full, and the
    mask costs nothing there.
    """

    TEXT, MOTION, VIDEO = range(3)
    kind: Tensor
    clock: Tensor

    def __init__(self, config: NetworkConfig, variant: Variant) -> None:
        super().__init__()
        motion, video = clocks(config, variant)
        lengths = torch.tensor([config.text_tokens, len(motion), len(video)])
        is_full = variant.mask == "full"
        self.register_buffer("kind", torch.arange(3).repeat_interleave(lengths), persistent=False)
        self.register_buffer("clock", torch.cat([torch.zeros(config.text_tokens).long(), motion, video]), False)
        self.is_full, self._blocks, self._compiled = is_full, None, None

    def forward(self, q: Tensor, k: Tensor, v: Tensor, lengths: Mapping[str, int]) -> Tensor:
        if not _has_both(lengths) or self.is_full:
            return F.scaled_dot_product_attention(q, k, v)
        if q.is_cuda and self._compiled is None:
            self._compiled = torch.compile(flex_attention, dynamic=False)
        return (self._compiled or flex_attention)(q, k, v, block_mask=self.blocks(q.device))  # pyright: ignore

    def blocks(self, device: torch.device | str) -> BlockMask:
        """The mask in blocks of 128 × 128 pairs; it is made once, and all layers share it."""
        if self._blocks is None or self._blocks.kv_num_blocks.device != torch.device(device):
            kind, clock = self.kind.to(device), self.clock.to(device)

            def sees(b: Tensor, h: Tensor, query: Tensor, key: Tensor) -> Tensor:
                lead = clock[query] - clock[key]
                by_video = (kind[query] == self.VIDEO) & (kind[key] == self.MOTION)
                by_motion = (kind[query] == self.MOTION) & (kind[key] == self.VIDEO)
                return torch.where(by_video, video_sees(lead), torch.where(by_motion, motion_sees(-lead), True))

            self._blocks = create_block_mask(sees, None, None, len(kind), len(kind), device=device)
        return self._blocks


class Split(nn.Module):
    """Text and video attend to themselves without a mask, and separately to the motion; the two results are merged.

    A softmax over keys a and b is the mean of the softmaxes over each, weighted by their sums of exponentials:
    o = o_a + σ(ℓ_b - ℓ_a) (o_b - o_a), with the log-sum-exp ℓ that the kernels return. The few queries of motion have
    a masked attention of their own.

    Raises:
        RuntimeError: gradients are needed; the kernels have none for ℓ.
    """

    by_others: Tensor
    by_motion: Tensor

    def __init__(self, config: NetworkConfig, variant: Variant) -> None:
        super().__init__()
        motion, video = clocks(config, variant)
        video_motion, motion_video = interaction(motion, video)
        text = torch.ones(config.text_tokens, len(motion), dtype=torch.bool)
        by_others = torch.cat([text, video_motion])  # (L_t + V, M)
        by_motion = torch.cat([text.T, torch.ones(len(motion), len(motion), dtype=torch.bool), motion_video], dim=1)
        if variant.mask == "full":
            by_others, by_motion = torch.ones_like(by_others), torch.ones_like(by_motion)
        self.register_buffer("by_others", by_others, persistent=False)
        self.register_buffer("by_motion", by_motion, persistent=False)

    def forward(self, q: Tensor, k: Tensor, v: Tensor, lengths: Mapping[str, int]) -> Tensor:
        if not _has_both(lengths):
            return F.scaled_dot_product_attention(q, k, v)
        if torch.is_grad_enabled() and q.requires_grad:
            raise RuntimeError("Split attention is for sampling, under no_grad; train with Masked or Flex")
        text, motion = lengths["text"], slice(lengths["text"], lengths["text"] + lengths["motion"])
        queries, keys, values = (torch.cat([x[:, :, :text], x[:, :, motion.stop :]], dim=2) for x in (q, k, v))
        to_others, lse = _with_lse(queries, keys, values)
        scores = (queries @ k[:, :, motion].transpose(2, 3)).float() / q.shape[-1] ** 0.5
        scores = scores.masked_fill(~self.by_others, -torch.inf)  # (B, H, L_t + V, M)
        to_motion = scores.softmax(dim=-1).to(v.dtype) @ v[:, :, motion]
        share = torch.sigmoid(scores.logsumexp(dim=-1) - lse)[..., None].to(v.dtype)
        others = to_others + share * (to_motion - to_others)
        motion_out = F.scaled_dot_product_attention(q[:, :, motion], k, v, attn_mask=self.by_motion)
        return torch.cat([others[:, :, :text], motion_out, others[:, :, text:]], dim=2)


def _has_both(lengths: Mapping[str, int]) -> bool:
    return "motion" in lengths and "video" in lengths


def _with_lse(q: Tensor, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
    """Attention without a mask (B, H, N, head_dim), and the log-sum-exp of the scores (B, H, N), float32."""
    kernels = torch.ops.aten
    if not q.is_cuda:
        out, lse = kernels._scaled_dot_product_flash_attention_for_cpu(q, k, v)[:2]
    elif q.dtype in (torch.float16, torch.bfloat16):
        out, lse = kernels._scaled_dot_product_flash_attention(q, k, v)[:2]
    else:
        out, lse = kernels._scaled_dot_product_efficient_attention(q, k, v, None, True)[:2]
    return out, lse[..., : q.shape[2]].float()
