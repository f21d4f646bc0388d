"""From coarse patches to finer ones: the same network, more tokens a frame."""

import torch
from torch import Tensor

from egotwin_ref.model.network import EgoTwin


@torch.no_grad()
def refine(fine: EgoTwin, coarse: EgoTwin) -> None:
    """Fills `fine` with the weights of `coarse`, whose patches have an n times longer side.

    Where the n × n parts of every patch are alike, each fine token starts as the coarse one did and predicts its mean;
    all else is the same. Source: the resizing of patch embeddings in FlexiViT (Beyer et al., CVPR 2023), here for
    inputs that are repeated.

    Raises:
        ValueError: the networks differ in more than that.
    """
    state = coarse.state_dict()
    channels, side, longer = fine.config.video_channels, fine.config.patch, coarse.config.patch
    if longer % side:
        raise ValueError(f"patches of {longer} are no multiple of {side}")
    sees = "video" in coarse.variant.makes  # what has no video has no patches: all stays
    if sees:
        state["video_in.weight"] = _tiles(state["video_in.weight"], side).sum((2, 4))
    for name in ("video_out.out.weight", "video_out.out.bias") if sees else ():
        rows = state[name].unflatten(0, (channels, longer, longer)).movedim((1, 2), (-2, -1))  # (C, p, p), (C, D, p, p)
        state[name] = _tiles(rows, side).mean((-4, -2)).movedim((-2, -1), (1, 2)).flatten(0, 2)
    try:
        fine.load_state_dict(state)
    except RuntimeError as error:
        raise ValueError(f"the networks differ: {error}") from None


def _tiles(kernel: Tensor, side: int) -> Tensor:
    """(…, p, p) → (…, n, side, n, side)."""
    return kernel.unflatten(-1, (-1, side)).unflatten(-3, (-1, side))
