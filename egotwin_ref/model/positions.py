"""Where a token is: one clock for motion and video, the rotary code, the interaction mask.

Sequence: text (L_t) | motion (M) | video ((K + 1) S). Latent frame k ends at video frame 4k; motion token j ends at
motion frame 4j, the same instant as latent frame j / r.
"""

import torch
from torch import Tensor

from .configs import NetworkConfig, Variant


def clocks(config: NetworkConfig, variant: Variant) -> tuple[Tensor, Tensor]:
    """Clock of every motion token (M,) and of every video token ((K + 1) S,), int64.

    A video token of latent frame k (O^k) has clock k. The motion token of the first pose has clock -1, and token
    j ≥ 1 the index ⌊(j - 1) / r⌋ of its A^i: the motion strictly between O^i and O^{i+1}.
    """
    tokens = torch.arange(motion_tokens(config, variant))
    motion = torch.div(tokens - 1, config.motion_rate, rounding_mode="floor")
    per_frame = config.token_grid[0] * config.token_grid[1]
    return motion, torch.arange(config.latent_frames).repeat_interleave(per_frame)


def interaction(clock_motion: Tensor, clock_video: Tensor) -> tuple[Tensor, Tensor]:
    """Which pairs of the two modalities may meet: the paper's interaction mechanism as two inequalities.

        query video, key motion:  c_video - c_motion = 1           O^k sees A^{k-1}; O^0 sees the first pose
        query motion, key video:  c_video - c_motion ∈ {0, 1}      A^i sees O^i, O^{i+1}; the first pose sees O^0

    Returns:
        (V, M) and (M, V), True where allowed.
    """
    lead = clock_video[:, None] - clock_motion[None, :]
    return video_sees(lead), motion_sees(lead).T


def video_sees(lead: Tensor) -> Tensor:
    """The first inequality, of c_video - c_motion."""
    return lead == 1


def motion_sees(lead: Tensor) -> Tensor:
    """The second."""
    return (lead == 0) | (lead == 1)


def joint_mask(config: NetworkConfig, variant: Variant) -> Tensor | None:
    """(N, N), True where a query (row) sees a key (column); None where everything sees everything.

    Within a modality, and with text, nothing is masked. The mask holds per layer: over layers, news of one moment
    still travels to others through the tokens of its own modality.
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


def motion_tokens(config: NetworkConfig, variant: Variant) -> int:
    """M: 1 + rK on the clock, or the pose and one global latent."""
    return 2 if variant.tokens == "global" else 1 + config.motion_rate * (config.latent_frames - 1)


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
