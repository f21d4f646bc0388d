"""`motion-text`: motions and captions in one space, for m-fid, r-precision and mm-dist. It is fitted per skeleton.

Features are 128-d, float32, of length 10. The smaller the Euclidean distance, the better the words fit. The weight file
holds the skeleton, the rate and the normalisation, so `egobench fit motion-text` can make one for any data set.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Float

from egobench.errors import BadInputError
from egobench.extractors.base import Extractor
from egobench.extractors.motion_features import MotionLayout
from egobench.extractors.tokens import build_tokenizer
from egobench.files.network_weights import FittedWeights, read_metadata
from egobench.geometry.skeleton import Skeleton, get_skeleton
from egobench.types import Motion

WEIGHTS = Path(__file__).parent / "weights"
RATE = 10.0
"""Frames per second at which new weights are fitted."""
TEXT_LENGTH = 48
"""Number of tokens of a caption that are read."""


@dataclass(frozen=True)
class MotionText(FittedWeights, Extractor):
    """A small pair of transformers fitted on motions and captions: 128-d features of both in one space."""

    name: ClassVar[str] = "motion-text"
    provides: ClassVar[tuple[str, ...]] = ("motion", "text")

    weights: Path = field(default=WEIGHTS / "motion-text.safetensors")
    """File that `egobench fit motion-text` wrote (`m-fid:motion-text@FILE`); the protocol keeps its SHA-256."""

    @cached_property
    def layout(self) -> MotionLayout:
        """Skeleton and rate that the weights are for.

        Raises:
            BadInputError: the file is missing, is damaged, or belongs to another extractor.
        """
        try:
            layout = json.loads(read_metadata(self.name, self.weights)["layout"])
            skeleton = Skeleton(layout["skeleton"], tuple(layout["joints"]), tuple(layout["parents"]))
            return MotionLayout(skeleton, float(layout["rate"]))
        except (KeyError, ValueError, TypeError):
            raise BadInputError(f"{self.weights}: no motion-text weights (no layout)", code="weights-other") from None

    def definition(self) -> Mapping[str, Any]:
        """The steps applied to a motion and to a word, and the weights."""
        skeleton, rate = self.layout.skeleton, self.layout.rate
        return {
            "weights_sha256": self.weights_sha256,
            "skeleton": skeleton.name,
            "joints": list(skeleton.joints),
            "rate": rate,
            "motion": [
                f"to {rate:g} frames per second: positions by cubic splines, rotations along geodesics",
                "into the first frame's heading frame: under the root, on the floor, +x where the root faces",
                "per frame: joint positions (m), first two columns of joint rotations, positions in the frame's own "
                "heading frame (m), speed (m/s) and turning (rad/s) of root and head",
                "minus each feature's mean, divided by its group's standard deviation (both in the weights)",
                "transformer, float32, one clip a batch; 128-d, of length 10",
            ],
            "text": [
                f"lower case, CLIP byte pairs (first 3,000 merges), {TEXT_LENGTH} tokens, cut beyond",
                "transformer, float32, one caption a batch; 128-d, of length 10",
            ],
        }

    def check(self, facts: Mapping[str, Any]) -> None:
        """Refuses a split with another skeleton, code `split-form`."""
        own, given = self.layout.skeleton, get_skeleton(facts["skeleton"])
        if (given.joints, given.parents) != (own.joints, own.parents):
            raise BadInputError(
                f"the split has skeleton '{given.name}', these weights are for '{own.name}'; "
                f"`egobench fit {self.name} --split …` makes others, and `--metrics NAME:{self.name}@FILE` takes them",
                code="split-form",
            )

    def load(self, device: str) -> "LoadedMotionText":
        """Builds the network.

        Raises:
            BadInputError: the weight file is missing, is not safetensors, or holds another network.
        """
        from egobench.extractors.motion_network import MotionTextNetwork

        layout, tokenizer = self.layout, build_tokenizer(TEXT_LENGTH)
        network = MotionTextNetwork(layout.width, tokenizer.vocab_size)
        return LoadedMotionText(self.filled(network).to(device).eval(), tokenizer, layout, device)


def layout_metadata(layout: MotionLayout) -> dict[str, str]:
    """The metadata of the weight file about the skeleton and the rate."""
    skeleton = layout.skeleton
    content = {"skeleton": skeleton.name, "joints": skeleton.joints, "parents": skeleton.parents, "rate": layout.rate}
    return {"layout": json.dumps(content)}


@dataclass(frozen=True)
class LoadedMotionText:
    """The loaded network."""

    network: Any
    tokenizer: Any
    layout: MotionLayout
    device: str

    def motion(self, motion: Motion) -> Float[np.ndarray, " feature"]:
        """Features of a motion, (128,) float32. Its rate, place and heading may be any.

        Raises:
            BadInputError: `motion-skeleton`, `motion-frames`, and what `geometry.border.motion_arrays` refuses.
        """
        return self.motion_batch([motion])[0]

    def motion_batch(self, motions: Sequence[Motion]) -> list[np.ndarray]:
        """As `motion`, of several motions of one length."""
        import torch

        frames = torch.stack([torch.from_numpy(self.layout.features(motion)).float() for motion in motions])
        with torch.inference_mode():
            return list(self.network.encode_motion(frames.to(self.device)).float().cpu().numpy())

    def text(self, text: str) -> Float[np.ndarray, " feature"]:
        """Features of one caption, (128,) float32."""
        return self.text_batch([text])[0]

    def text_batch(self, texts: Sequence[str]) -> list[np.ndarray]:
        """As `text`, of several captions."""
        import torch

        with torch.inference_mode():
            tokens = self.tokenizer(list(texts)).to(self.device)
            return list(self.network.encode_text(tokens).float().cpu().numpy())
