"""OpenAI's CLIP through open_clip: features of frames and captions in one space, for CLIP-SIM and i-fid.

Radford et al. 2021 (arXiv:2103.00020). Values of ViT-B/32 (512-d) and ViT-L/14 (768-d) cannot be compared.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Float

from egobench.errors import BadInputError
from egobench.extractors.base import LoadedExtractor, per_clip
from egobench.extractors.i3d import load_torchscript
from egobench.extractors.preprocess import PREPROCESS, check_frames
from egobench.extractors.standard import StandardExtractor, exact_float32, in_pieces
from egobench.types import Video

TOKENS = 77


@dataclass(frozen=True)
class _OpenAIClip(StandardExtractor):
    """Shared part of the two presets.

    open_clip's factory with `pretrained="openai"` is not used. Since version 3 it downloads from a hub, at no fixed
    revision, and compares no hash.
    """

    provides: ClassVar[tuple[str, ...]] = ("frames", "text")
    steps: ClassVar[tuple[str, ...]] = (
        "frames: RGB uint8, PIL bicubic (antialiased, rounded to bytes), short side to 224",
        "frames: centre 224 × 224 (the sides of a wide frame are not seen), divided by 255",
        "frames: minus (0.48145466, 0.4578275, 0.40821073), divided by (0.26862954, 0.26130258, 0.27577711)",
        "text: lower case, CLIP byte pairs, 77 tokens; longer captions are cut, their number is counted",
        "open_clip's network with QuickGELU, float32 without TF32 (OpenAI's own code takes float16 on GPUs)",
        "joint embedding before normalisation; one clip a batch",
    )
    dimensions: ClassVar[int]
    """Number of features of a frame or a caption."""

    def load(self, device: str) -> LoadedExtractor:
        """Builds the network and its tokenizer.

        Raises:
            BadInputError: the weight file is missing, truncated or the wrong one (`weights-…`).
        """
        from open_clip.tokenizer import SimpleTokenizer

        path = self.weights_path()
        network = build_clip(path)
        found = int(network.text_projection.shape[1])
        if found != self.dimensions:
            text = f"{path}: a network of {found} features; {self.name} has {self.dimensions}"
            raise BadInputError(text, code="weights-other")
        return LoadedClip(self.name, network.to(device), SimpleTokenizer(context_length=TOKENS), device)


@dataclass(frozen=True)
class ClipViTB32(_OpenAIClip):
    """CLIP ViT-B/32 of OpenAI: the usual one for CLIP-SIM of videos."""

    name: ClassVar[str] = "clip.vit-b-32"
    weights: ClassVar[str] = "clip-vit-b-32-openai"
    gives: ClassVar[str] = "512 numbers per video frame and per caption, float32"
    dimensions: ClassVar[int] = 512
    used_by: ClassVar[tuple[str, ...]] = (
        "CLIPScore (arXiv:2104.08718), with a prefix and the factor 2.5 on top",
        "FETV, EvalCrafter, VGen (mean over frames of the cosine)",
    )


@dataclass(frozen=True)
class ClipViTL14(_OpenAIClip):
    """CLIP ViT-L/14 of OpenAI: torchmetrics' default for its CLIPScore."""

    name: ClassVar[str] = "clip.vit-l-14"
    weights: ClassVar[str] = "clip-vit-l-14-openai"
    gives: ClassVar[str] = "768 numbers per video frame and per caption, float32"
    dimensions: ClassVar[int] = 768
    used_by: ClassVar[tuple[str, ...]] = ("torchmetrics CLIPScore with its default (100 × cosine, mean clamped at 0)",)


def build_clip(path: Path) -> Any:
    """open_clip's network with the tensors of an OpenAI archive, float32. The tensors' shapes give its size.

    Raises:
        BadInputError: `weights-unreadable` (no TorchScript archive), `weights-other` (tensors of another network).
    """
    from open_clip.model import build_model_from_openai_state_dict

    state = load_torchscript(path, "cpu").state_dict()
    try:
        return build_model_from_openai_state_dict(state, cast_dtype=None).float()  # pyright: ignore
    except (KeyError, RuntimeError, AttributeError) as error:
        line = str(error).strip().partition("\n")[0][:200]
        raise BadInputError(f"{path}: not OpenAI's CLIP: {line}", code="weights-other") from None


@dataclass
class LoadedClip:
    """The loaded network. The class is not frozen, because it counts captions."""

    name: str
    network: Any
    tokenizer: Any
    device: str
    cut: set[str] = field(default_factory=set)
    """Captions seen so far that were longer than 77 tokens."""

    def frames(self, video: Video) -> Float[np.ndarray, "time feature"]:
        """Features of every frame, (T, d) float32. Raises BadInputError for frames that are not uint8 RGB."""
        return self.frames_batch([video])[0]

    def frames_batch(self, videos: Sequence[Video]) -> list[np.ndarray]:
        """As `frames`, of several videos."""
        import torch

        images = torch.cat([PREPROCESS[self.name](check_frames(video.frames, self.name)) for video in videos])
        return per_clip(in_pieces(self.network.encode_image, images, self.device), videos)

    def text(self, text: str) -> Float[np.ndarray, " feature"]:
        """Features of one caption, (d,) float32. For each caption that must be cut, it logs one warning."""
        return self.text_batch([text])[0]

    def text_batch(self, texts: Sequence[str]) -> list[np.ndarray]:
        """As `text`, of several captions."""
        for text in texts:
            self._note_cut(text)
        with exact_float32(self.device):
            features = self.network.encode_text(self.tokenizer(list(texts)).to(self.device))
            return list(features.float().cpu().numpy())

    def _note_cut(self, text: str) -> None:
        length = len(self.tokenizer.encode(self.tokenizer.clean_fn(text))) + 2  # with the start and end tokens
        if length > TOKENS and text not in self.cut:
            self.cut.add(text)
            logging.getLogger("egobench").warning(
                "%s: caption of %d tokens cut to %d (%d so far): %.40s…", self.name, length, TOKENS, len(self.cut), text
            )
