"""The tokens of motion and video, and the clock that both share.

The sequence is text (L_t) | motion (M) | video ((K + 1) S). Latent frame k ends at video frame 4k. Motion token j ends
at motion frame 4j, which is the same instant as latent frame j / r.
"""

import torch
from torch import Tensor

from .configs import NetworkConfig, Variant


def motion_tokens(config: NetworkConfig, variant: Variant) -> int:
    """M: 1 + rK tokens on the clock; or 2, the pose and one latent for the whole motion."""
    return 2 if variant.tokens == "global" else 1 + config.motion_rate * (config.latent_frames - 1)


def clocks(config: NetworkConfig, variant: Variant) -> tuple[Tensor, Tensor]:
    """Clock of every motion token (M,) and of every video token ((K + 1) S,), int64.

    A video token of latent frame k (O^k) has clock k. The motion token of the first pose has clock -1. Motion token
    j ≥ 1 has the index ⌊(j - 1) / r⌋ of its A^i: the motion strictly between O^i and O^{i+1}.
    """
    tokens = torch.arange(motion_tokens(config, variant))
    motion = torch.div(tokens - 1, config.motion_rate, rounding_mode="floor")
    per_frame = config.token_grid[0] * config.token_grid[1]
    return motion, torch.arange(config.latent_frames).repeat_interleave(per_frame)
