"""Positions of tokens: CogVideoX's rotary code and its added sines and cosines, with motion on the video's clock."""

import torch
from torch import Tensor

from .configs import NetworkConfig, Variant
from .tokens import motion_tokens


def rotary(config: NetworkConfig, variant: Variant) -> tuple[Tensor, Tensor]:
    """Rotary tables of motion tokens (2, M, head_dim) and video tokens (2, (K + 1) S, head_dim): cosines and sines.

    CogVideoX's three-dimensional code: a quarter of the head's dimensions turn with time, three eighths each with
    height and width. Motion token j turns with time j / r and stands at the centre of the picture.
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
    """Turns adjacent pairs of x (B, heads, tokens, head_dim) by a table (2, tokens, head_dim), in float32."""
    even, odd = x.float().unflatten(-1, (-1, 2)).unbind(-1)
    turned = torch.stack([-odd, even], dim=-1).flatten(-2)
    return (x.float() * table[0] + turned * table[1]).to(x.dtype)


def sincos(config: NetworkConfig) -> Tensor:
    """CogVideoX-2B's added positions of video tokens, ((K + 1) S, D): a quarter time, the rest width and height."""
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
"""Of CogVideoX-2B's positions."""


def crop(config: NetworkConfig) -> tuple[int, int]:
    """First row and column of the pretrained grid that the used one, cut from its centre, starts at.

    Raises:
        ValueError: the used grid is no crop of the pretrained one at its own scale.
    """
    found = []
    for axis in (0, 1):
        start, stop = _span(config, axis)
        if stop - start != config.token_grid[axis]:
            raise ValueError(f"a token grid of {config.token_grid} is no crop of the pretrained {config.rope_grid}")
        found.append(start)
    return found[0], found[1]


def _axis(config: NetworkConfig, axis: int) -> Tensor:
    """Positions along height (0) or width (1): 0, 1, 2 …, or the centred resize-crop of the pretrained grid."""
    size, (start, stop) = config.token_grid[axis], _span(config, axis)
    step = (stop * (size - 1) / size - start) / max(1, size - 1)
    return start + step * torch.arange(size, dtype=torch.float64)  # linspace's device is not sure beside transformers


def _span(config: NetworkConfig, axis: int) -> tuple[int, int]:
    """Where the used grid lies in the pretrained one, resized to fit it and centred: start, and end (exclusive)."""
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
