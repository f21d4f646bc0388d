"""A block over time that the networks of `egomini-video` and `egomini-odometry` share."""

from jaxtyping import Float
from torch import Tensor, nn


class TimeBlock(nn.Module):
    """Residual convolution over time, over so many channels."""

    def __init__(self, width: int, dilation: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(1, width)
        self.conv = nn.Conv1d(width, width, 3, padding=dilation, dilation=dilation)
        self.mix = nn.Conv1d(width, width, 1)

    def forward(self, states: Float[Tensor, "clip channel time"]) -> Float[Tensor, "clip channel time"]:
        """The states, with what the convolution adds."""
        hidden = nn.functional.gelu(self.conv(self.norm(states)))
        return states + self.mix(hidden)
