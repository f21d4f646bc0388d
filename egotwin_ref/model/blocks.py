"""A block of the transformer, with its weight sets and modulations. Symbols are those of `network`."""

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from .attention import Attend
from .configs import NetworkConfig
from .positions import rotate


@dataclass(frozen=True)
class Branch:
    """Tokens of one modality between two blocks."""

    x: Tensor
    """(B, n, D), or (B, n, d_m) of motion."""
    e: Tensor
    """(B, 2, E): embeddings of timestep 0 and of t."""
    clean: int
    """Number of tokens at the start that are given and have timestep 0: those of the first frame, or the first pose."""
    rotary: Tensor | None
    """Rotary table (2, n, head_dim), or None."""


class Block(nn.Module):
    """Joint attention over all tokens, then a feed-forward network; text and video share one set of weights."""

    def __init__(self, config: NetworkConfig, with_motion: bool) -> None:
        super().__init__()
        self.shared = Weights(config.width, config, roles=("video", "text"))
        self.motion = Weights(config.motion_width, config, roles=("motion",)) if with_motion else None

    def forward(self, branches: dict[str, Branch], attend: Attend) -> dict[str, Branch]:
        """The branches after this block, in the order of the sequence."""
        weights = {name: self.shared if self.motion is None or name != "motion" else self.motion for name in branches}
        ada1, ada2 = {}, {}
        for name, branch in branches.items():
            if name != "text":  # the video's timestep modulates the text too, by the same linear map
                ada1 |= weights[name].ada1(branch.e)
                ada2 |= weights[name].ada2(branch.e)
        if "video" not in branches:
            ada1 |= self.shared.ada1(branches["text"].e)
            ada2 |= self.shared.ada2(branches["text"].e)

        heads = [weights[name].heads(ada1[name].enter(weights[name].norm1(b.x), b.clean), b.rotary)
                 for name, b in branches.items()]  # fmt: skip
        q, k, v = (torch.cat(parts, dim=2) for parts in zip(*heads, strict=True))  # (B, H, N, head_dim)
        lengths = {name: branch.x.shape[1] for name, branch in branches.items()}
        attended = attend(q, k, v, lengths).transpose(1, 2).flatten(2)  # (B, N, D)

        after = {}
        for (name, b), o in zip(branches.items(), attended.split(list(lengths.values()), dim=1), strict=True):
            x = b.x + ada1[name].leave(weights[name].out(o), b.clean)
            fed = weights[name].feed(ada2[name].enter(weights[name].norm2(x), b.clean))
            after[name] = replace(b, x=x + ada2[name].leave(fed, b.clean))
        return after


class Weights(nn.Module):
    """One set of weights of a block; `roles` are the modalities that share it, each with its own modulation.

    Attention has width D, whatever the width of the set.
    """

    def __init__(self, width: int, config: NetworkConfig, roles: tuple[str, ...]) -> None:
        super().__init__()
        self.head_dim = config.head_dim
        self.ada1, self.ada2 = (AdaLN(config.time_width, width, roles) for _ in range(2))
        self.norm1, self.norm2 = (nn.LayerNorm(width) for _ in range(2))
        self.qkv = nn.Linear(width, 3 * config.width)
        self.q_norm, self.k_norm = (nn.LayerNorm(config.head_dim, eps=1e-6) for _ in range(2))
        self.out = nn.Linear(config.width, width)
        self.feed = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU("tanh"), nn.Linear(4 * width, width))

    def heads(self, x: Tensor, rotary: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values (B, H, n, head_dim)."""
        q, k, v = (part.unflatten(2, (-1, self.head_dim)).transpose(1, 2) for part in self.qkv(x).chunk(3, dim=2))
        q, k = self.q_norm(q), self.k_norm(k)
        if rotary is not None:
            q, k = rotate(q, rotary), rotate(k, rotary)
        return q, k, v.to(q.dtype)


@dataclass(frozen=True)
class Modulation:
    """Shift, scale and gate, each (B, 2, width): one row for the tokens that are given clean, one for the others."""

    shift: Tensor
    scale: Tensor
    gate: Tensor

    def enter(self, x: Tensor, clean: int) -> Tensor:
        """x (B, n, width), normalised → scaled and shifted."""
        return torch.cat([x[:, :clean] * (1 + self.scale[:, :1]) + self.shift[:, :1],
                          x[:, clean:] * (1 + self.scale[:, 1:]) + self.shift[:, 1:]], dim=1)  # fmt: skip

    def leave(self, x: Tensor, clean: int) -> Tensor:
        """x (B, n, width) → gated."""
        return torch.cat([x[:, :clean] * self.gate[:, :1], x[:, clean:] * self.gate[:, 1:]], dim=1)


class AdaLN(nn.Module):
    """Embedding of the timesteps (B, 2, E) → one modulation per role."""

    def __init__(self, time_width: int, width: int, roles: tuple[str, ...]) -> None:
        super().__init__()
        self.roles, self.linear = roles, nn.Linear(time_width, 3 * len(roles) * width)

    def forward(self, e: Tensor) -> dict[str, Modulation]:
        parts = self.linear(F.silu(e)).chunk(3 * len(self.roles), dim=2)
        return {role: Modulation(*parts[3 * i : 3 * i + 3]) for i, role in enumerate(self.roles)}


class Output(nn.Module):
    """A branch's tokens (B, n, width) → its prediction (B, n, channels)."""

    def __init__(self, width: int, time_width: int, channels: int) -> None:
        super().__init__()
        self.norm, self.linear = nn.LayerNorm(width), nn.Linear(time_width, 2 * width)
        self.out = nn.Linear(width, channels)

    def forward(self, branch: Branch) -> Tensor:
        shift, scale = self.linear(F.silu(branch.e)).chunk(2, dim=2)
        return self.out(Modulation(shift, scale, scale).enter(self.norm(branch.x), branch.clean))


class TimeEmbedding(nn.Module):
    """Timesteps (B, 2) → (B, 2, E): cosines and sines, in float32 as CogVideoX has them, then two linear maps."""

    def __init__(self, width: int, time_width: int) -> None:
        super().__init__()
        self.pairs = width // 2
        self.body = nn.Sequential(nn.Linear(width, time_width), nn.SiLU(), nn.Linear(time_width, time_width))

    def forward(self, t: Tensor) -> Tensor:
        frequencies = torch.exp(-math.log(10000.0) * torch.arange(self.pairs, device=t.device) / self.pairs)
        angles = t.flatten().float()[:, None] * frequencies
        waves = torch.cat([angles.cos(), angles.sin()], dim=1).to(next(self.body.parameters()).dtype)
        return self.body(waves).unflatten(0, t.shape)
