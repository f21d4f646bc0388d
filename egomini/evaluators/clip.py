"""`egomini-clip`: a small open_clip model fitted on the embedded world's training split, for i-fid and clip-sim there.

Images are RGB uint8 of any size and are resized to 64 × 64. Features are the 128-d joint embedding before
normalisation, float32. The architecture is open_clip's CLIP (arXiv 2103.00020), built by its factory.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from jaxtyping import Float

from egobench.errors import BadInputError
from egobench.extractors.base import Extractor, per_clip
from egobench.extractors.tokens import build_tokenizer
from egobench.files.network_weights import FittedWeights
from egobench.types import Video

if TYPE_CHECKING:
    import torch

WEIGHTS = Path(__file__).parent / "weights"
CONFIG = WEIGHTS / "egomini-clip.json"
MEAN, STD = 0.5, 0.25
RESOLUTION = 64


@dataclass(frozen=True)
class EgominiClip(FittedWeights, Extractor):
    """A small open_clip model fitted on `egomini-train`: 128-d features of frames and captions in one space."""

    name: ClassVar[str] = "egomini-clip"
    provides: ClassVar[tuple[str, ...]] = ("frames", "text")

    weights: Path = field(default=WEIGHTS / "egomini-clip.safetensors")
    """File that `egobench fit egomini-clip` wrote; the protocol keeps its SHA-256, not its path."""

    def definition(self) -> Mapping[str, Any]:
        """The steps applied to a pixel and to a word, and the weights."""
        return {
            "weights_sha256": self.weights_sha256,
            "image": [
                "RGB uint8 to float32 in 0 … 1",
                f"bilinear with antialias to {RESOLUTION} × {RESOLUTION} if the size differs",
                f"minus {MEAN}, divided by {STD}",
                "open_clip image tower, float32, one clip a batch; embedding before normalisation, 128-d",
            ],
            "text": [
                "lower case, CLIP byte pairs (first 3,000 merges), 40 tokens, truncated beyond",
                "open_clip text tower, float32; embedding before normalisation, 128-d",
            ],
        }

    def load(self, device: str) -> "_Loaded":
        """Builds the network.

        Raises:
            BadInputError: the weight file is missing, is not safetensors, or holds another network.
        """
        network, tokenizer = build_network()
        return _Loaded(self.filled(network).to(device).eval(), tokenizer, device)


def build_network() -> tuple[Any, Any]:
    """The untrained network and its tokenizer, from open_clip's factory with our configuration file."""
    import open_clip

    open_clip.add_model_config(CONFIG)
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.ERROR)  # open_clip warns that it loads no pretrained weights
    try:
        network = open_clip.create_model("egomini-clip", pretrained=None, load_weights=False)
    finally:
        root.setLevel(level)
    length: Any = network.context_length
    return network, build_tokenizer(length)


def prepare(frames: "torch.Tensor") -> "torch.Tensor":
    """uint8 (N, H, W, 3) → normalised float32 (N, 3, 64, 64)."""
    from torch.nn import functional

    images = frames.permute(0, 3, 1, 2).float() / 255
    if images.shape[-2:] != (RESOLUTION, RESOLUTION):
        images = functional.interpolate(images, (RESOLUTION, RESOLUTION), mode="bilinear", antialias=True)
    return (images - MEAN) / STD


@dataclass(frozen=True)
class _Loaded:
    """The loaded network."""

    network: Any
    tokenizer: Any
    device: str

    def frames(self, video: Video) -> Float[np.ndarray, "time feature"]:
        """Features of every video frame, (T, 128) float32. Raises BadInputError for frames that are not uint8."""
        return self.frames_batch([video])[0]

    def frames_batch(self, videos: Sequence[Video]) -> list[np.ndarray]:
        """As `frames`, of several videos of one size."""
        import torch

        for video in videos:
            if video.frames.dtype != np.uint8:
                raise BadInputError(f"frames are {video.frames.dtype}; expected uint8 0 … 255", code="video-dtype")
        frames = torch.from_numpy(np.concatenate([video.frames for video in videos]))
        with torch.inference_mode():
            features = self.network.encode_image(prepare(frames.to(self.device))).float().cpu().numpy()
        return per_clip(features, videos)

    def text(self, text: str) -> Float[np.ndarray, " feature"]:
        """Features of one caption, (128,) float32."""
        return self.text_batch([text])[0]

    def text_batch(self, texts: Sequence[str]) -> list[np.ndarray]:
        """As `text`, of several captions."""
        import torch

        with torch.inference_mode():
            tokens = self.tokenizer(list(texts)).to(self.device)
            return list(self.network.encode_text(tokens).float().cpu().numpy())
