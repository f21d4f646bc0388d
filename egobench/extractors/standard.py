"""Shared part of the standard extractors: identity by weights and steps, and a forward pass that no setting changes."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Float

from egobench.extractors.base import Extractor
from egobench.extractors.weights_manifest import WeightFile, weight_file
from egobench.extractors.weights_store import checked, require

FRAMES_AT_ONCE = 64
"""Most frames in one forward pass. A long clip is processed in pieces. A pass never mixes clips."""


@dataclass(frozen=True)
class StandardExtractor(Extractor):
    """A public network with public weights."""

    weights: ClassVar[str]
    """Id in `weights.toml`."""
    steps: ClassVar[tuple[str, ...]]
    """The steps applied to a pixel (and to a word), in order."""
    used_by: ClassVar[tuple[str, ...]]
    """Papers and libraries whose numbers follow these steps."""
    gives: ClassVar[str]
    """Size and type of the features."""

    @property
    def weight_file(self) -> WeightFile:
        """The manifest's entry."""
        return weight_file(self.weights)

    def definition(self) -> Mapping[str, Any]:
        """Weights and steps. Checks that the weight file exists and has the right size; `load` compares its SHA-256.

        Raises:
            BadInputError: `weights-missing` (names the file, its SHA-256 and its place), `weights-truncated`.
        """
        pin = require(self.weight_file)
        return {"weights_sha256": pin.sha256, "steps": list(self.steps)}

    def weights_path(self) -> Path:
        """The weight file, after its SHA-256 was compared. Raises what `protocol` raises, and `weights-other`."""
        return checked(self.weight_file)


@contextmanager
def exact_float32(device: str) -> Iterator[None]:
    """Full float32 inside the block: no TF32, no bf16 products, no autocast, no autotuned kernels.

    All settings are restored after the block. PyTorch uses cuDNN's TF32 by default. It changes features in the third
    digit, and differently on each GPU.
    """
    import torch

    switches = [*_precision_switches(), (torch.backends.cudnn, "benchmark", False)]
    switches.append((torch.backends.cudnn, "deterministic", True))
    before = [getattr(place, name) for place, name, _ in switches]
    try:
        for place, name, value in switches:
            setattr(place, name, value)
        with torch.autocast(torch.device(device).type, enabled=False), torch.inference_mode():
            yield
    finally:
        for (place, name, _), value in zip(switches, before, strict=True):
            setattr(place, name, value)


def _precision_switches() -> list[tuple[Any, str, Any]]:
    """Uses the newer names if this torch has them, because reading an old name raises after any use of a new one."""
    import torch

    backends: Any = torch.backends
    if hasattr(backends.cudnn, "conv"):
        places = [backends.cuda.matmul, backends.cudnn.conv, backends.mkldnn.matmul, backends.mkldnn.conv]
        return [(place, "fp32_precision", "ieee") for place in places]
    return [(backends.cuda.matmul, "allow_tf32", False), (backends.cudnn, "allow_tf32", False)]


def in_pieces(network: Any, images: Any, device: str) -> Float[np.ndarray, "time feature"]:
    """Features of a clip's images (T, …), float32, with at most `FRAMES_AT_ONCE` images in a pass."""
    with exact_float32(device):
        parts = [network(piece.to(device)).float().cpu().numpy() for piece in images.split(FRAMES_AT_ONCE)]
    return np.concatenate(parts)
