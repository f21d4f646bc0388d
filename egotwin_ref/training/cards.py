"""The card beside a training's weights: what made them, and whether they are the ones that are needed."""

import hashlib
import json
import platform
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from egotwin_ref.loading import weights

from .distributed import processes, rank, wait
from .recipes import Recipe

FILE, CARD = "weights.safetensors", "card.json"


def expected(recipe: Recipe, parents: list[Path]) -> dict[str, Any]:
    """What the card of the needed weights says: that they were made by this recipe from these parents."""
    return {"recipe": asdict(recipe), "parents": {path.parent.name: sha256(path) for path in parents}}


def is_finished(folder: Path, expected: Mapping[str, Any]) -> bool:
    """Whether the folder has weights whose card says what is expected."""
    if not (folder / CARD).is_file() or not (folder / FILE).is_file():
        return False
    card = json.loads((folder / CARD).read_text())
    return {key: card[key] for key in expected} == expected


def is_begun(folder: Path) -> bool:
    """Whether a training is under way, or over."""
    return (folder / "checkpoint.pt").is_file() or (folder / CARD).is_file()


def write(folder: Path, state: Mapping[str, Tensor], metadata: Mapping[str, str], facts: Mapping[str, Any]) -> Path:
    """Writes weights and card, by the first process.

    Args:
        state: whole tensors.
        metadata: what the weight file says about itself.
        facts: what the card says in addition to the circumstances.
    """
    path, log = folder / FILE, folder / "log.csv"
    if rank() == 0:
        weights.save(path, state, metadata)
        circumstances = {
            "sha256": sha256(path), "parameters": sum(value.numel() for value in state.values()),
            "torch": torch.__version__, "processor": _processor(), "threads": torch.get_num_threads(),
            "processes": processes(), "licence": "Apache-2.0",
            "seconds": float(log.read_text().rsplit(",", 1)[1]) if log.is_file() else 0.0,
        }  # fmt: skip
        (folder / CARD).write_text(json.dumps({**facts, **circumstances}, indent=2) + "\n")
    wait()
    return path


def sha256(path: Path) -> str:
    """SHA-256 of a file, hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _processor() -> str:
    return torch.cuda.get_device_name() if torch.cuda.is_available() else platform.processor() or platform.machine()
