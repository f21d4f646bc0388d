"""Positions of tokens: CogVideoX's rotary code and its added sines and cosines, with motion on the video's clock."""

import torch
from torch import Tensor

from .configs import NetworkConfig, Variant
from .tokens import motion_tokens


def rotary(config: NetworkConfig, variant: Variant) -> tuple[Tensor, Tensor]:
    """Rotary tables of motion tokens (2, M, head_dim) and video tokens (2, (K + 1) S, head_dim): cosines and sines.

    CogVideoX's three-dimensional code: a quarter of the head's dimensions encode time, three eighths height, and three
    eighths width. Motion token j has time j / r and the position of the picture's centre.
    """
    rows, columns = (_axis(config, axis) for axis in (0, 1))
    frames = torch.arange(config.latent_frames, dtype=torch.float64)
    grid = torch.stack(torch.meshgrid(frames, rows, columns, indexing="ij"), dim=-1).reshape(-1, 3)
    if variant.tokens == "global":
        times = torch.tensor([0.0, frames[-1] / 2], dtype=torch.float64)
    else:
        times = torch.arange(motion_tokens(config, variant), dtype=torch.float64) / config.motion_rate
    centre = torch.stack([rows.mean(), columns.mean()]).expand(len(times), 2)
    motion = torch.cat([times[:, None], centre], dim=1)
    return _table(motion, config.head_dim), _table(grid, config.head_dim)


def rotate(x: Tensor, table: Tensor) -> Tensor:
    """Rotates adjacent pairs of x (B, heads, tokens, head_dim) by a table (2, tokens, head_dim), in float32."""
    even, odd = x.float().unflatten(-1, (-1, 2)).unbind(-1)
    turned = torch.stack([-odd, even], dim=-1).flatten(-2)
    return (x.float() * table[0] + turned * table[1]).to(x.dtype)


def sincos(config: NetworkConfig) -> Tensor:
    """CogVideoX-2B's added positions of video tokens, ((K + 1) S, D): a quarter is time, the rest width and height."""
    height, width = config.token_grid
    frames = torch.arange(config.latent_frames, dtype=torch.float64)
    rows, columns = (torch.arange(size, dtype=torch.float64) / SPATIAL_SCALE for size in (height, width))
    time, row, column = torch.meshgrid(frames, rows, columns, indexing="ij")
    spatial = 3 * config.width // 4
    parts = [sinusoid(time.flatten(), config.width // 4)]
    parts += [sinusoid(axis.flatten(), spatial // 2) for axis in (column, row)]
    return torch.cat(parts, dim=1).float()


def sinusoid(positions: Tensor, width: int) -> Tensor:
    """(n, width): sines, then cosines, of positions (n,) at frequencies 1 … 1 / 10000."""
    frequencies = 10000.0 ** (-torch.arange(width // 2, dtype=torch.float64) / (width / 2))
    angles = positions.double()[:, None] * frequencies
    return torch.cat([angles.sin(), angles.cos()], dim=1)


SPATIAL_SCALE = 1.875
"""Scale of CogVideoX-2B's spatial positions."""


def crop(config: NetworkConfig) -> tuple[int, int]:
    """First row and column of the used grid, which is cut from the centre of the pretrained grid.

    Raises:
        ValueError: the used grid is not a crop of the pretrained grid at the same scale.
    """
    starts = []
    for axis in (0, 1):
        start, stop = _span(config, axis)
        if stop - start != config.token_grid[axis]:
            raise ValueError(f"a token grid of {config.token_grid} is not a crop of the pretrained {config.rope_grid}")
        starts.append(start)
    return starts[0], starts[1]


def _axis(config: NetworkConfig, axis: int) -> Tensor:
    """Positions along height (0) or width (1): 0, 1, 2 …, or the centred resize-crop of the pretrained grid."""
    size, (start, stop) = config.token_grid[axis], _span(config, axis)
    step = (stop * (size - 1) / size - start) / max(1, size - 1)
    return start + step * torch.arange(size, dtype=torch.float64)  # transformers can change the device of linspace


def _span(config: NetworkConfig, axis: int) -> tuple[int, int]:
    """Start and end (exclusive) of the used grid in the pretrained one, which is resized to fit and centred."""
    if config.rope_grid is None:
        return 0, config.token_grid[axis]
    height, width = config.token_grid
    base_height, base_width = config.rope_grid
    if height / width > base_height / base_width:
        resized = (base_height, round(base_height / height * width))
    else:
        resized = (round(base_width / width * height), base_width)
    start = round((config.rope_grid[axis] - resized[axis]) / 2.0)
    return start, start + resized[axis]


def _table(positions: Tensor, head_dim: int) -> Tensor:
    """(2, tokens, head_dim) of positions (tokens, 3)."""
    angles = []
    for axis, share in enumerate((head_dim // 4, head_dim // 8 * 3, head_dim // 8 * 3)):
        frequencies = 10000.0 ** (-torch.arange(0, share, 2, dtype=torch.float64) / share)
        angles.append((positions[:, axis, None] * frequencies).repeat_interleave(2, dim=1))
    joined = torch.cat(angles, dim=1)
    return torch.stack([joined.cos(), joined.sin()]).float()
