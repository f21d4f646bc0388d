"""From coarse patches to finer ones: the same network with more tokens per frame."""

import torch
from torch import Tensor

from egotwin_ref.model.network import EgoTwin


@torch.no_grad()
def refine(fine: EgoTwin, coarse: EgoTwin) -> None:
    """Fills `fine` with the weights of `coarse`, whose patches have an n times longer side.

    If the n × n parts of every coarse patch are equal, each fine token equals the coarse one, and it predicts the mean
    of the coarse prediction. All other weights are copied. Source: the resizing of patch embeddings in FlexiViT (Beyer
    et al., CVPR 2023), here for repeated inputs.

    Raises:
        ValueError: the networks differ in more than their patches.
    """
    state = coarse.state_dict()
    channels, side, longer = fine.config.video_channels, fine.config.patch, coarse.config.patch
    if longer % side:
        raise ValueError(f"the side of coarse patches is {longer}; it has to be a multiple of {side}")
    has_video = "video" in coarse.variant.makes  # without video there are no patches, and all weights are copied
    if has_video:
        state["video_in.weight"] = _tiles(state["video_in.weight"], side).sum((2, 4))
    for name in ("video_out.out.weight", "video_out.out.bias") if has_video else ():
        rows = state[name].unflatten(0, (channels, longer, longer)).movedim((1, 2), (-2, -1))  # (C, p, p), (C, D, p, p)
        state[name] = _tiles(rows, side).mean((-4, -2)).movedim((-2, -1), (1, 2)).flatten(0, 2)
    try:
        fine.load_state_dict(state)
    except RuntimeError as error:
        raise ValueError(f"the networks differ: {error}") from None


def _tiles(kernel: Tensor, side: int) -> Tensor:
    """(…, p, p) → (…, n, side, n, side)."""
    return kernel.unflatten(-1, (-1, side)).unflatten(-3, (-1, side))
