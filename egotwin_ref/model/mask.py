"""The interaction mask: which tokens of motion and video may attend to each other, by their clocks (`tokens`)."""

import torch
from torch import Tensor

from .configs import NetworkConfig, Variant
from .tokens import clocks


def interaction(clock_motion: Tensor, clock_video: Tensor) -> tuple[Tensor, Tensor]:
    """The paper's interaction mechanism, as two inequalities of clocks.

        query video, key motion:  c_video - c_motion = 1           O^k sees A^{k-1}; O^0 sees the first pose
        query motion, key video:  c_video - c_motion ∈ {0, 1}      A^i sees O^i, O^{i+1}; the first pose sees O^0

    Returns:
        (V, M) and (M, V), True where attention is allowed.
    """
    lead = clock_video[:, None] - clock_motion[None, :]
    return video_sees(lead), motion_sees(lead).T


def video_sees(lead: Tensor) -> Tensor:
    """The first inequality, of c_video - c_motion."""
    return lead == 1


def motion_sees(lead: Tensor) -> Tensor:
    """The second inequality, of c_video - c_motion."""
    return (lead == 0) | (lead == 1)


def joint_mask(config: NetworkConfig, variant: Variant) -> Tensor | None:
    """(N, N), True where a query (row) may attend to a key (column); None if every token attends to every token.

    Nothing is masked within a modality, or between text and another modality. The mask acts in each layer by itself:
    over several layers, information from one moment still reaches others through tokens of its own modality.
    """
    if variant.mask == "full":
        return None
    clock_motion, clock_video = clocks(config, variant)
    video_motion, motion_video = interaction(clock_motion, clock_video)
    text, motion = config.text_tokens, len(clock_motion)
    mask = torch.ones(text + motion + len(clock_video), text + motion + len(clock_video), dtype=torch.bool)
    mask[text + motion :, text : text + motion] = video_motion
    mask[text : text + motion, text + motion :] = motion_video
    return mask
