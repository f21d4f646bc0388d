"""Training data as tensors: clips compressed once, so that the transformer's steps read nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from .distributed import processes, rank, wait
from .text import Prompts
from .video_training import video_latents
from .video_vae import VideoVAE


@dataclass(frozen=True)
class Latents:
    """n clips in a fixed order."""

    video: Tensor
    """(n, K + 1, C_v, h, w), normalised, bfloat16."""
    motion: Tensor | None
    """(n, tokens, C_m), normalised, bfloat16; None where a stage needs none."""
    text: Tensor
    """Token ids (n, L_t), int64; or encoder outputs (n, L_t, width) where the encoder is frozen (T5)."""
    empty: Tensor
    """The same of the empty prompt, (L_t,) or (L_t, width)."""

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
        """Reads what `save` wrote.

        Args:
            mapped: leaves the tensors in the file, which processes share; else they are read into memory of their own,
                which is faster where all of them fit.
        """
        found = {name: value if mapped else value.clone() for name, value in load_file(path).items()}
        return Latents(found["video"], found.get("motion"), found["text"], found["empty"])


def compress(path: Path, vae: VideoVAE, frames: np.ndarray, prompts: Prompts, texts: Sequence[str], batch: int) -> None:
    """Writes the latents of frames (n, T, H, W, 3) and their captions to `path`; every process does its share.

    Args:
        batch: clips that the VAE sees at once.
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


def _stored(text: Tensor) -> Tensor:
    """Ids as they are; encoder outputs in bfloat16."""
    return (text.bfloat16() if text.is_floating_point() else text).cpu()
