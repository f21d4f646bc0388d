"""Training data as tensors in memory: clips compressed once, so that the transformer's steps read nothing else."""

from dataclasses import dataclass
from pathlib import Path

from safetensors.torch import load_file, save_file
from torch import Tensor


@dataclass(frozen=True)
class Latents:
    """n clips in a fixed order."""

    video: Tensor
    """(n, K + 1, C_v, h, w), normalised, bfloat16."""
    motion: Tensor | None
    """(n, tokens, C_m), normalised, bfloat16; None where a stage needs none."""
    text: Tensor
    """Token ids (n, L_t), int64; or encoder outputs (n, L_t, width) where the encoder is frozen (T5)."""

    def __len__(self) -> int:
        return len(self.video)

    def save(self, path: Path) -> None:
        """Writes one safetensors file."""
        tensors = {"video": self.video, "text": self.text}
        if self.motion is not None:
            tensors["motion"] = self.motion
        save_file({name: value.contiguous() for name, value in tensors.items()}, path)

    @staticmethod
    def load(path: Path) -> "Latents":
        """Reads what `save` wrote, into memory of its own (a mapped file is read again and again while training)."""
        found = {name: value.clone() for name, value in load_file(path).items()}
        return Latents(found["video"], found.get("motion"), found["text"])
