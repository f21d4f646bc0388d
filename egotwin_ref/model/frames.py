"""Rotations, headings and frames for the motion representations, and the fusion of absolute and relative poses.

Everything is batched over leading axes, z is up, x is forward, `T_a_b` takes points from frame b to frame a.
"""

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

UPSIDE_DOWN = 0.1
"""A joint has no heading of its own if 1 + cos(tilt) is less than this: at a tilt of 154° or more."""


def to_6d(R: Tensor) -> Tensor:
    """The first two columns of a rotation (…, 3, 3), one after the other: (…, 6)."""
    return R[..., :2].mT.flatten(-2)


def from_6d(values: Tensor) -> Tensor:
    """The rotation (…, 3, 3) of two columns (…, 6), by Gram–Schmidt; the first column keeps its direction."""
    first, second = values[..., :3], values[..., 3:]
    x = F.normalize(first, dim=-1)
    y = F.normalize(second - (x * second).sum(-1, keepdim=True) * x, dim=-1)
    return torch.stack([x, y, torch.linalg.cross(x, y)], dim=-1)


def about_z(angle: Tensor) -> Tensor:
    """Rotation (…, 3, 3) about the vertical, radians."""
    cos, sin, zero, one = angle.cos(), angle.sin(), torch.zeros_like(angle), torch.ones_like(angle)
    return torch.stack([cos, -sin, zero, sin, cos, zero, zero, zero, one], dim=-1).unflatten(-1, (3, 3))


def turned(R: Tensor, vectors: Tensor) -> Tensor:
    """R v, of matrices (…, 3, 3) and vectors (…, 3); leading axes are broadcast."""
    return (R @ vectors[..., None])[..., 0]


def heading(R: Tensor) -> Tensor:
    """Angle (…) of the rotation about z that is nearest to R (…, 3, 3), radians.

    For a level gaze it is the direction of the gaze. Unlike the gaze projected onto the floor, it is defined and
    changes smoothly when the wearer looks straight up or down. It is undefined only upside down (`is_upside_down`).
    """
    return torch.atan2(R[..., 1, 0] - R[..., 0, 1], R[..., 0, 0] + R[..., 1, 1])


def is_upside_down(R: Tensor) -> Tensor:
    """Whether R (…, 3, 3) is tilted too far for a heading, bool (…)."""
    return torch.hypot(R[..., 1, 0] - R[..., 0, 1], R[..., 0, 0] + R[..., 1, 1]) < UPSIDE_DOWN


def floor_frame(position: Tensor, angle: Tensor) -> Tensor:
    """T_world_frame (…, 4, 4) of the frame on the floor z = 0 below a position (…, 3), x along the heading (…)."""
    top = torch.cat([about_z(angle), on_floor(position)[..., None]], dim=-1)
    bottom = torch.tensor([0.0, 0.0, 0.0, 1.0], dtype=top.dtype, device=top.device)
    return torch.cat([top, bottom.expand(*top.shape[:-2], 1, 4)], dim=-2)


def inverse(T: Tensor) -> Tensor:
    """The inverse of rigid T (…, 4, 4)."""
    R = T[..., :3, :3].mT
    upper = torch.cat([R, -R @ T[..., :3, 3:]], dim=-1)
    return torch.cat([upper, T[..., 3:, :]], dim=-2)


def place(T: Tensor, positions: Tensor, rotations: Tensor) -> tuple[Tensor, Tensor]:
    """Moves motions (B, T, J, 3) and (B, T, J, 3, 3) rigidly by T (B, 4, 4)."""
    R, p = T[:, None, None, :3, :3].to(positions), T[:, None, None, :3, 3].to(positions)
    return turned(R, positions) + p, R @ rotations


def on_floor(positions: Tensor) -> Tensor:
    """Positions (…, 3) with z = 0."""
    return F.pad(positions[..., :2], (0, 1))


def frame_before(values: Tensor) -> Tensor:
    """Each frame's predecessor along axis 1; frame 0 is its own."""
    return torch.cat([values[:, :1], values[:, :-1]], dim=1)


def summed(steps: Tensor) -> Tensor:
    """Sum of the steps so far along axis 1; frame 0 is the origin, and its own step is ignored."""
    return steps.cumsum(dim=1) - steps[:, :1]


def fuse_head(R: Tensor, p: Tensor, dR: Tensor, dp: Tensor, frames: float) -> tuple[Tensor, Tensor]:
    """One head path from absolute poses, which jitter, and relative poses, which drift: a least-squares compromise.

    The relative poses are chained to a smooth path. Where they are right, the absolute poses differ from that path by a
    constant. So only that difference is smoothed over time, with weights that fall as exp(-|t| / frames) on both sides.
    Nothing is delayed, and poses that agree with each other come back unchanged. For positions this minimises
    Σ |p'_t - p_t|² + frames² Σ |p'_t - p'_{t-1} - R_{t-1} dp_t|². Rotations are treated alike, by their matrices.

    Args:
        R: absolute rotations (B, T, 3, 3).
        p: absolute positions (B, T, 3).
        dR: R_{t-1}ᵀ R_t (B, T, 3, 3); that of frame 0 is not used.
        dp: step since the frame before, in the head's frame at that time (B, T, 3); that of frame 0 is not used.
        frames: length of the smoothing; 0 returns the absolute poses.
    """
    chained = [torch.eye(3, dtype=R.dtype, device=R.device).expand_as(R[:, 0])]
    for t in range(1, R.shape[1]):
        chained.append(chained[-1] @ dR[:, t])
    Q = torch.stack(chained, dim=1)
    smooth = _smoother(R.shape[1], frames).to(R)
    offset = torch.einsum("ts,bsij->btij", smooth, R @ Q.mT)
    fused = from_6d(to_6d(offset)) @ Q
    path = summed(turned(frame_before(fused), dp))
    return fused, path + torch.einsum("ts,bsi->bti", smooth, p - path)


def fuse_positions(p: Tensor, steps: Tensor, frames: float) -> Tensor:
    """Paths (B, T, J, 3) from absolute positions and steps since the frame before (same shape), both in one frame.

    As `fuse_head` for positions, it minimises Σ |p'_t - p_t|² + frames² Σ |p'_t - p'_{t-1} - steps_t|².
    """
    path = summed(steps)
    return path + torch.einsum("ts,bsji->btji", _smoother(p.shape[1], frames).to(p), p - path)


def _smoother(length: int, frames: float) -> Tensor:
    """(I + frames² L)⁻¹ with L the Laplacian of a chain of frames: it keeps constants and damps fast changes."""
    steps = torch.eye(length, dtype=torch.float64).diff(dim=0)
    return torch.linalg.inv(torch.eye(length, dtype=torch.float64) + frames**2 * steps.T @ steps)
