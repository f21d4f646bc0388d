"""Training data of the transformer: clips as latents, which are computed once."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from egotwin_ref.autoencoders.motion_vae import MotionVAE
from egotwin_ref.autoencoders.video_vae import VideoVAE, to_unit
from egotwin_ref.model.representation import HeadCentric, HeadPath, RootCentric
from egotwin_ref.model.text import Prompts

from .clips import LEAST_HAND, Clips
from .distributed import processes, rank, wait

Representation = HeadCentric | RootCentric | HeadPath
CHUNK = 256
"""Motions that are encoded at once."""


@dataclass(frozen=True)
class Latents:
    """n clips in a fixed order."""

    video: Tensor
    """(n, K + 1, C_v, h, w), normalised, bfloat16."""
    motion: Tensor | None
    """(n, tokens, C_m), normalised, bfloat16; None for a stage without motion."""
    text: Tensor
    """Token ids (n, L_t), int64; or encoder outputs (n, L_t, width) where the encoder is frozen (T5)."""
    empty: Tensor
    """The same, of the empty prompt: (L_t,) or (L_t, width)."""
    late_hands: Tensor | None = None
    """bool (n,): whether a hand comes into view after the first frame; None if it is unknown. Not stored."""

    def to(self, device: str) -> "Latents":
        """The same latents on a device."""
        parts = {name: value.to(device) for name, value in vars(self).items() if value is not None}
        return replace(self, **parts)

    def __len__(self) -> int:
        return len(self.video)

    def save(self, path: Path) -> None:
        """Writes one safetensors file, atomically."""
        tensors = {"video": self.video, "text": self.text, "empty": self.empty}
        if self.motion is not None:
            tensors["motion"] = self.motion
        temporary = path.with_name(path.name + ".tmp")
        save_file({name: value.contiguous() for name, value in tensors.items()}, temporary)
        temporary.replace(path)

    @staticmethod
    def load(path: Path, mapped: bool = False) -> "Latents":
        """Reads the file that `save` wrote.

        Args:
            mapped: leaves the tensors in the file, which processes share. Otherwise each process reads them into its
                own memory, which is faster if they fit.
        """
        tensors = {name: value if mapped else value.clone() for name, value in load_file(path).items()}
        return Latents(tensors["video"], tensors.get("motion"), tensors["text"], tensors["empty"])


def compress(path: Path, vae: VideoVAE, frames: np.ndarray, prompts: Prompts, texts: Sequence[str], batch: int) -> None:
    """Writes the latents of frames (n, T, H, W, 3) and their captions to `path`. Every process compresses its share.

    Args:
        batch: clips that the VAE takes at once.
    """
    parts = [path.with_name(f"{path.name}.{number}") for number in range(processes())]
    first, last = (len(frames) * number // processes() for number in (rank(), rank() + 1))
    text = [prompts.tokens(texts[start : min(start + 64, last)]) for start in range(first, last, 64)]
    stored = _stored(torch.cat([*text, prompts.tokens([""])]))
    Latents(video_latents(vae, frames[first:last], batch), None, stored[:-1], stored[-1]).save(parts[rank()])
    wait()
    if rank() == 0:
        made = [Latents.load(part, mapped=True) for part in parts]
        Latents(
            torch.cat([part.video for part in made]), None, torch.cat([part.text for part in made]), made[0].empty
        ).save(path)
        for part in parts:
            part.unlink()
    wait()


@torch.no_grad()
def video_latents(vae: VideoVAE, frames: np.ndarray, batch: int = 16) -> Tensor:
    """Normalised latents (n, K + 1, C_v, h, w), bfloat16, of uint8 frames (n, T, H, W, 3)."""
    parts = []
    for start in range(0, len(frames), batch):
        part = torch.from_numpy(np.array(frames[start : start + batch]))
        parts.append(vae.encode(to_unit(part.to(vae.device))).to(torch.bfloat16).cpu())
    return torch.cat(parts)


@torch.no_grad()
def features_of(representation: Representation, clips: Clips, device: str) -> Tensor:
    """Features (n, T_m, dim) of all motions, on the device."""
    parts = []
    for start in range(0, len(clips), CHUNK):
        some = (np.array(array[start : start + CHUNK]) for array in (clips.positions, clips.rotations))
        parts.append(representation.encode(*(torch.from_numpy(array).to(device) for array in some)))
    return torch.cat(parts)


@torch.no_grad()
def motion_latents(vae: MotionVAE, features: Tensor) -> Tensor:
    """Normalised latents (n, tokens, C_m), bfloat16, on the CPU."""
    return torch.cat([vae.encode(part) for part in features.split(CHUNK)]).to(torch.bfloat16).cpu()


def late_hands(clips: Clips) -> Tensor:
    """bool (n,): see `Latents.late_hands`."""
    shown = torch.from_numpy(np.array(clips.hand_share).max(axis=2) > LEAST_HAND)  # (n, T)
    return shown[:, 1:].any(dim=1) & ~shown[:, 0]


def _stored(text: Tensor) -> Tensor:
    """Ids unchanged; encoder outputs in bfloat16."""
    return (text.bfloat16() if text.is_floating_point() else text).cpu()
