"""Inception-v3 of 2015-12-05 for I-FID, in three conventions that are all called "FID": 2048-d features per frame.

Heusel et al. 2017 (arXiv:1706.08500). The network and the weight file are the same. Only the resize to 299 × 299
differs, by 10 to 15 grey levels on frames of 480 and 720 lines (`benchmarks/studies/presets.py`). Never compare values
of different presets.
"""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from jaxtyping import Float

from egobench.errors import BadInputError
from egobench.extractors.base import LoadedExtractor, per_clip
from egobench.extractors.preprocess import PREPROCESS, Frames, check_frames
from egobench.extractors.standard import StandardExtractor, in_pieces
from egobench.types import Video

if TYPE_CHECKING:
    import torch

DIMENSIONS = 2048


@dataclass(frozen=True)
class _Inception(StandardExtractor):
    """Shared part of the three presets: torch-fidelity's network class and one weight file."""

    weights: ClassVar[str] = "inception-2015-12-05"
    provides: ClassVar[tuple[str, ...]] = ("frames",)
    gives: ClassVar[str] = "2048 numbers per video frame, float32"

    def load(self, device: str) -> LoadedExtractor:
        """Builds the network.

        Raises:
            BadInputError: the weight file is missing, truncated or the wrong one (`weights-…`), or torch-fidelity is
                not installed.
        """
        trunk = build_trunk(self.weights_path()).to(device)
        return _Loaded(self.name, PREPROCESS[self.name], trunk, device)


@dataclass(frozen=True)
class InceptionTF(_Inception):
    """The original FID: TensorFlow 1's bilinear resize, which shifts the picture by up to half an input pixel.

    Differs from its origins: none known in the tensors. torch-fidelity's own feature depends on the batch size in the
    last digits (its issue 43); here a batch is one clip and the forward pass is in full float32.
    """

    name: ClassVar[str] = "inception.tf"
    steps: ClassVar[tuple[str, ...]] = (
        "RGB uint8, whole frame, no crop (a 16:9 frame is squashed)",
        "float32 0 … 255",
        "bilinear to 299 × 299 as TensorFlow 1: source = target × scale, no half-pixel centres, no antialias",
        "minus 128, divided by 128",
        "Inception-v3 of 2015-12-05 (torch-fidelity's class), float32 without TF32, one clip a batch",
        "pool3 after the global average: 2048 numbers a frame",
    )
    used_by: ClassVar[tuple[str, ...]] = (
        "Heusel et al. 2017 (arXiv:1706.08500), code bioinf-jku/TTUR",
        "torch-fidelity",
        "torchmetrics before 1.8, or with antialias=False",
    )


@dataclass(frozen=True)
class InceptionClean(_Inception):
    """Clean-FID: PIL's antialiased bicubic in float, so that shrinking does not alias.

    Differs from its origin: clean-fid runs NVIDIA's TorchScript port of the same graph; here it is torch-fidelity's.
    """

    name: ClassVar[str] = "inception.clean"
    steps: ClassVar[tuple[str, ...]] = (
        "RGB uint8, whole frame, no crop (a 16:9 frame is squashed)",
        "each channel to float32 0 … 255",
        "PIL bicubic to 299 × 299, antialiased, in float (mode F), not rounded to bytes",
        "cut to 0 … 255",
        "minus 128, divided by 128",
        "Inception-v3 of 2015-12-05 (torch-fidelity's class), float32 without TF32, one clip a batch",
        "pool3 after the global average: 2048 numbers a frame",
    )
    used_by: ClassVar[tuple[str, ...]] = ("Parmar et al. 2022 (arXiv:2104.11222), code clean-fid with mode='clean'",)


@dataclass(frozen=True)
class InceptionTorchmetrics(_Inception):
    """FID as torchmetrics computes it since 1.8, where antialias became the default: not the original FID."""

    name: ClassVar[str] = "inception.torchmetrics"
    steps: ClassVar[tuple[str, ...]] = (
        "RGB uint8, whole frame, no crop (a 16:9 frame is squashed)",
        "float32 0 … 255",
        "bilinear to 299 × 299, half-pixel centres, antialiased (torch interpolate)",
        "minus 128, divided by 128",
        "Inception-v3 of 2015-12-05 (torch-fidelity's class), float32 without TF32, one clip a batch",
        "pool3 after the global average: 2048 numbers a frame",
    )
    used_by: ClassVar[tuple[str, ...]] = ("torchmetrics 1.8 and later, FrechetInceptionDistance with its defaults",)


def build_trunk(path: Path) -> Any:
    """torch-fidelity's network up to the pooled feature: float32 (N, 3, 299, 299) in -1 … 1 → (N, 2048).

    The class resizes inside `forward` and takes only bytes. So its layers are called in their order without that step.
    On the CPU the features equal those of the class bit by bit. The class also unpickles its file. Therefore it gets a
    new copy, written from the tensors that were read with `weights_only`.

    Raises:
        BadInputError: `extra-missing`, `weights-unreadable` (not tensors), `weights-other` (of another network).
    """
    import torch

    try:
        from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3
    except ImportError:
        text = "torch-fidelity is not installed; pip install 'egobench[torch]'"
        raise BadInputError(text, code="extra-missing") from None
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise BadInputError(f"{path}: not a state dict: {_first_line(error)}", code="weights-unreadable") from None
    copy = io.BytesIO()
    torch.save(state, copy)
    copy.seek(0)
    try:
        network: Any = FeatureExtractorInceptionV3("inception", ["2048"], feature_extractor_weights_path=copy)
    except (RuntimeError, TypeError, AttributeError) as error:
        raise BadInputError(f"{path}: another network's weights: {_first_line(error)}", code="weights-other") from None
    *layers, _ = network.children()  # the last layer is the classifier
    return torch.nn.Sequential(*layers, torch.nn.Flatten(1)).eval()


@dataclass(frozen=True)
class _Loaded:
    """The loaded network."""

    name: str
    prepare: "Callable[[Frames], torch.Tensor]"
    trunk: Any
    device: str

    def frames(self, video: Video) -> Float[np.ndarray, "time feature"]:
        """Features of every frame, (T, 2048) float32. Raises BadInputError for frames that are not uint8 RGB."""
        return self.frames_batch([video])[0]

    def frames_batch(self, videos: Sequence[Video]) -> list[np.ndarray]:
        """As `frames`, of several videos."""
        import torch

        images = torch.cat([self.prepare(check_frames(video.frames, self.name)) for video in videos])
        return per_clip(in_pieces(self.trunk, images, self.device), videos)


def _first_line(error: Exception) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)[:200]
