"""I3D trained on Kinetics-400, for FVD: 400 logits per clip. Two conventions share one weight file and the name FVD.

Unterthiner et al. 2018 (arXiv:1812.01717); Carreira & Zisserman 2017 (arXiv:1705.07750). On frames that are not square,
the two conventions are different metrics. FVD depends on the number of frames. So compare only values with equal T,
equal N and the same preset.
"""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Float

from egobench.errors import BadInputError
from egobench.extractors.base import LoadedExtractor
from egobench.extractors.preprocess import PREPROCESS, check_frames
from egobench.extractors.standard import StandardExtractor, exact_float32
from egobench.types import Video

DIMENSIONS = 400
FEWEST_FRAMES = 10
"""The libraries that use the same file require it too. The network halves time three times and pools over the rest."""


@dataclass(frozen=True)
class _I3D(StandardExtractor):
    """Shared part of the two presets: the TorchScript file that StyleGAN-V published."""

    weights: ClassVar[str] = "i3d-k400-torchscript"
    provides: ClassVar[tuple[str, ...]] = ("clip",)
    gives: ClassVar[str] = "400 numbers per clip, float32"
    resizes_itself: ClassVar[bool]
    """Whether the TorchScript file resizes and rescales (`resize=True, rescale=True`)."""

    def check(self, facts: Mapping[str, Any]) -> None:
        """Raises BadInputError, `split-form`, for a split whose clips are too short."""
        if facts["num_video_frames"] < FEWEST_FRAMES:
            text = (
                f"{self.name} needs {FEWEST_FRAMES} frames or more, the split's clips have {facts['num_video_frames']}"
            )
            raise BadInputError(text, code="split-form")

    def load(self, device: str) -> LoadedExtractor:
        """Builds the network.

        Raises:
            BadInputError: the weight file is missing, truncated, the wrong one or not admitted (`weights-…`).
        """
        network = load_torchscript(self.weights_path(), device)
        return _Loaded(self.name, network, self.resizes_itself, device)


@dataclass(frozen=True)
class I3DStyleGANV(_I3D):
    """FVD as StyleGAN-V computes it, which most papers call: the file itself squashes to 224 × 224 and rescales."""

    name: ClassVar[str] = "i3d.stylegan-v"
    resizes_itself: ClassVar[bool] = True
    steps: ClassVar[tuple[str, ...]] = (
        "RGB uint8, all frames (at least 10), whole frame, no crop (a 16:9 frame is squashed)",
        "laid out (1, 3, T, H, W), still uint8 0 … 255",
        "inside the TorchScript file: bilinear to 224 × 224 (resize=True), x / 255 × 2 - 1 (rescale=True)",
        "I3D, float32 without TF32, one clip a batch, TorchScript without graph optimisation",
        "logits averaged over time, before the softmax (return_features=True): 400 numbers a clip",
    )
    used_by: ClassVar[tuple[str, ...]] = (
        "Skorokhodov et al. 2022 (arXiv:2112.14683), code StyleGAN-V",
        "fvd-comparison, Latte and papers that name StyleGAN-V's FVD",
    )


@dataclass(frozen=True)
class I3DCrop(_I3D):
    """FVD with the aspect kept: short side 224, centre crop; the sides of a wide frame are not seen.

    Differs from its origin: none known in the tensor. The origin's video comes as floats 0 … 1; here bytes are asked
    for and divided by 255, so that no range can be guessed wrong.
    """

    name: ClassVar[str] = "i3d.crop"
    resizes_itself: ClassVar[bool] = False
    steps: ClassVar[tuple[str, ...]] = (
        "RGB uint8, all frames (at least 10)",
        "float32, divided by 255",
        "bilinear, half-pixel centres, no antialias: short side to 224, long side in proportion, rounded up",
        "centre 224 × 224 (of an odd remainder the larger part is cut at the right or bottom)",
        "minus 0.5, times 2: -1 … 1, laid out (1, 3, T, 224, 224)",
        "I3D (resize=False, rescale=False), float32 without TF32, one clip a batch, TorchScript without optimisation",
        "logits averaged over time, before the softmax (return_features=True): 400 numbers a clip",
    )
    used_by: ClassVar[tuple[str, ...]] = (
        "common_metrics_on_video_quality (JunyaoHu), its method 'styleganv'",
        "VideoGPT's preprocessing (arXiv:2104.10157); its weights are another file",
    )


def load_torchscript(path: Path, device: str) -> Any:
    """Loads a TorchScript file. The file holds code, so call this only after its SHA-256 was compared.

    Raises:
        BadInputError: `weights-unreadable`: not a TorchScript file.
    """
    import torch

    try:
        with warnings.catch_warnings():  # newer torch advises a new export, but these files stay as published
            warnings.filterwarnings("ignore", message=".*torch.jit.load.* is deprecated")
            return torch.jit.load(str(path), map_location=device).eval()
    except (RuntimeError, ValueError) as error:
        line = str(error).strip().partition("\n")[0][:200]
        raise BadInputError(f"{path}: not a TorchScript file: {line}", code="weights-unreadable") from None


@dataclass(frozen=True)
class _Loaded:
    """The loaded network."""

    name: str
    network: Any
    resizes_itself: bool
    device: str

    def clip(self, video: Video) -> Float[np.ndarray, "1 feature"]:
        """Features of the whole clip, (1, 400) float32.

        Raises:
            BadInputError: not uint8 RGB, fewer than 10 frames, or `weights-other`: the file does not give 400 numbers.
        """
        return self.clip_batch([video])[0]

    def clip_batch(self, videos: Sequence[Video]) -> list[np.ndarray]:
        """As `clip`, of several videos of one length and size."""
        import torch

        clips = [PREPROCESS[self.name](check_frames(video.frames, self.name, FEWEST_FRAMES)) for video in videos]
        itself = self.resizes_itself
        clip = torch.cat(clips).to(self.device)
        # Without optimisation, since otherwise torch rewrites the graph after its first calls and the bits change.
        with exact_float32(self.device), torch.jit.optimized_execution(False):
            features = self.network(clip, rescale=itself, resize=itself, return_features=True)
        right = (len(videos), DIMENSIONS)
        if tuple(features.shape) != right:
            text = f"{self.name}: the network gave {tuple(features.shape)}, {right} is right; another file?"
            raise BadInputError(text, code="weights-other")
        return list(features.float().cpu().numpy()[:, None])
