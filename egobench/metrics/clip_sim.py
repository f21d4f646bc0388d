"""CLIP similarity: does the video show what the text says? 100 × cosine of text and frame, mean over frames."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Float

from egobench.errors import BadInputError, Undefined
from egobench.metrics.base import Better, ClipMetric, Need


@dataclass(frozen=True)
class ClipSim(ClipMetric):
    """Mean over frames 1 … T-1 of cos(text, frame) × 100.

    Frame 0 is the conditioning frame: it is given, so it is left out. Cosines are not clamped; negative ones count.

    Source: Hessel et al. 2021 (arXiv:2104.08718) for the score, EgoTwin (arXiv:2508.13013) for the column.
    Differs from the paper: which CLIP, which frames and which scale the paper used is not public. CLIPScore is
    2.5 × max(cos, 0) with a prefix to the text; torchmetrics clamps the mean at 0. Neither is done here.
    How it can be fooled: a still picture of the right objects scores as well as the action, and text drawn into the
    frame better. The cosines of good and bad samples lie close together: look at the control's value first.
    """

    name: ClassVar[str] = "clip-sim"
    version: ClassVar[int] = 1
    unit: ClassVar[str] = "100·cos"
    better: ClassVar[Better] = "higher"

    preset: str = "egomini-clip"
    """Catalogue name of the extractor."""

    def needs(self) -> Mapping[str, Need]:
        """Features of the sample's frames and of the caption, from one extractor."""
        return {
            "frames": Need("sample", "frames", self.preset),
            "text": Need("condition", "text", self.preset),
        }

    def __call__(self, frames: Float[np.ndarray, "time feature"], text: Float[np.ndarray, " text_feature"]) -> float:
        """Scores one clip.

        Args:
            frames: features of all frames, the conditioning frame first; any length, normalised here.
            text: features of the caption.

        Raises:
            Undefined: only the conditioning frame is there, or a feature has no direction (zero norm; says which).
            BadInputError: features of different lengths (`features-dimension`) or not finite (`features-nonfinite`).
        """
        frames, text = np.asarray(frames, dtype=np.float64), np.asarray(text, dtype=np.float64)
        if frames.shape[1] != text.size:
            raise BadInputError(
                f"frames have {frames.shape[1]} features, the text {text.size}; both must come from one extractor",
                code="features-dimension",
            )
        for name, array in (("frame", frames), ("text", text)):
            if not np.isfinite(array).all():
                raise BadInputError(f"{name} features are not finite", code="features-nonfinite")
        if len(frames) < 2:
            raise Undefined(f"{len(frames)} frame; nothing is left without the conditioning frame")
        text_norm = np.linalg.norm(text)
        frame_norms = np.linalg.norm(frames[1:], axis=1)
        if text_norm == 0:
            raise Undefined("the text feature is zero and has no direction")
        if not frame_norms.all():
            raise Undefined(f"the feature of frame {1 + int(np.argmin(frame_norms))} is zero and has no direction")
        return float(100.0 * np.mean((frames[1:] @ text) / (frame_norms * text_norm)))

    def definition(self) -> Mapping[str, Any]:
        return {
            "frames": "1 … T-1 (without the conditioning frame)",
            "pooling": "mean of cosines, no clamp, × 100",
        }
