"""The network of `egomini-video`: pairs of neighbouring frames patch by patch, then convolutions over time.

Patches are matrix products, which are fast on every processor. A clip's features keep five stretches of time separate,
so they depend on the order. The heads are used only for training and are not stored.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from egomini.evaluators.time_network import TimeBlock

WIDTH = 128
"""Number of features of a clip."""
STRETCHES = 5
"""Number of parts of a clip. Each part is averaged separately."""
PATCH = 8
"""Side of a patch in pixels. A frame has 8 × 8 patches."""
PLACE_WIDTH, MERGED_WIDTH = 96, 192
"""Number of features of a patch of two frames, and of 2 × 2 such patches."""
DILATIONS = (1, 2, 4)


class VideoNetwork(nn.Module):
    """From normalised clips (clip, time, 64, 64, 3) to features (clip, 128)."""

    def __init__(self) -> None:
        super().__init__()
        self.patch = nn.Linear(3 * PATCH**2, 2 * PLACE_WIDTH)
        self.merge = nn.Linear(4 * PLACE_WIDTH, MERGED_WIDTH)
        self.frame = nn.Linear(16 * MERGED_WIDTH, WIDTH)
        self.temporal = nn.ModuleList(TimeBlock(WIDTH, dilation) for dilation in DILATIONS)
        self.clip = nn.Linear((STRETCHES + 1) * WIDTH, WIDTH)

    def forward(self, frames: Float[Tensor, "clip time 64 64 3"]) -> Float[Tensor, "clip feature"]:
        """Features of whole clips. The neighbour of the first frame is the first frame itself."""
        gelu = nn.functional.gelu
        patches = frames.unflatten(2, (8, PATCH)).unflatten(4, (8, PATCH)).transpose(3, 4)
        now, soon = self.patch(patches.flatten(4)).chunk(2, dim=-1)
        pairs = gelu(now + torch.cat([soon[:, :1], soon[:, :-1]], dim=1))
        blocks = pairs.unflatten(2, (4, 2)).unflatten(4, (4, 2)).transpose(3, 4)
        merged = gelu(self.merge(blocks.flatten(4)))
        states = self.frame(merged.flatten(2)).transpose(1, 2)
        for block in self.temporal:
            states = block(states)
        stretches = nn.functional.adaptive_avg_pool1d(states, STRETCHES).flatten(1)
        return self.clip(torch.cat([stretches, states.std(dim=2)], dim=1)).float()


class VideoHeads(nn.Module):
    """Heads on the features during the fit: one hidden layer, then a linear layer for each target."""

    def __init__(self, outputs: dict[str, int]) -> None:
        super().__init__()
        self.hidden = nn.Linear(WIDTH, 2 * WIDTH)
        self.heads = nn.ModuleDict({name: nn.Linear(2 * WIDTH, count) for name, count in outputs.items()})

    def forward(self, features: Float[Tensor, "clip feature"]) -> dict[str, Tensor]:
        """Target → prediction."""
        hidden = nn.functional.gelu(self.hidden(features))
        return {name: head(hidden) for name, head in self.heads.items()}
