"""The network of `egomini-hands`. For each frame it says which pixels are a hand or a sleeve, and if a hand is seen."""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

CLASSES = ("other", "left_hand", "right_hand", "left_arm", "right_arm")
"""Classes of a pixel."""
FINE, MIDDLE, COARSE = 32, 64, 96
"""Number of features for each block of 2 × 2, 4 × 4 and 8 × 8 pixels."""


class Seen(NamedTuple):
    """Output of the network for frames."""

    pixels: Float[Tensor, "frame class 64 64"]
    """Logits of `CLASSES`."""
    presence: Float[Tensor, "frame 2"]
    """Logits that the left and the right hand is seen."""


class HandsNetwork(nn.Module):
    """From frames (frame, 3, 64, 64), colours about -2 … 2, to `Seen`."""

    def __init__(self) -> None:
        super().__init__()
        self.fine = nn.Sequential(_Layer(3, FINE, 2), _Layer(FINE, FINE))
        self.middle = nn.Sequential(_Layer(FINE, MIDDLE, 2), _Layer(MIDDLE, MIDDLE))
        self.coarse = nn.Sequential(_Layer(MIDDLE, COARSE, 2), _Layer(COARSE, COARSE), _Layer(COARSE, COARSE))
        self.room = nn.Linear(2 * COARSE, COARSE)
        self.to_middle, self.at_middle = nn.Conv2d(COARSE, MIDDLE, 1), _Layer(MIDDLE, MIDDLE)
        self.to_fine, self.at_fine = nn.Conv2d(MIDDLE, FINE, 1), _Layer(FINE, FINE)
        self.pixel = nn.Conv2d(FINE, 4 * len(CLASSES), 1)
        self.presence = nn.Linear(COARSE + 2, 2)

    def forward(self, frames: Float[Tensor, "frame 3 64 64"]) -> Seen:
        """Logits, float32."""
        fine = self.fine(frames.contiguous(memory_format=torch.channels_last))
        middle = self.middle(fine)
        coarse = self.coarse(middle)
        room = nn.functional.relu(self.room(torch.cat([coarse.mean((2, 3)), coarse.amax((2, 3))], dim=1)))
        coarse = coarse + room[:, :, None, None]
        middle = self.at_middle(middle + _doubled(self.to_middle(coarse)))
        fine = self.at_fine(fine + _doubled(self.to_fine(middle)))
        pixels = nn.functional.pixel_shuffle(self.pixel(fine), 2).float()
        hands = pixels.log_softmax(1)[:, 1:3].flatten(2).logsumexp(-1)  # log of how many pixels each hand has
        return Seen(pixels, self.presence(torch.cat([room, hands.to(room)], dim=1)).float())


class _Layer(nn.Sequential):
    """Convolution, batch normalisation, ReLU."""

    def __init__(self, before: int, after: int, stride: int = 1) -> None:
        convolution = nn.Conv2d(before, after, 3, stride=stride, padding=1, bias=False)
        super().__init__(convolution, nn.BatchNorm2d(after), nn.ReLU())


def _doubled(states: Tensor) -> Tensor:
    return nn.functional.interpolate(states, scale_factor=2, mode="nearest")
