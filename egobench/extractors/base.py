"""What an extractor is: a frozen network that turns pixels, text or motion into features, named by its weights."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Protocol

import numpy as np
from jaxtyping import Float

from egobench.types import Video


class LoadedExtractor(Protocol):
    """Weights in memory; numpy in, float32 numpy out, one clip at a time so that no batch can change a value."""

    def frames(self, video: Video) -> Float[np.ndarray, "time feature"]:
        """Features of each scored video frame (the extractor says which in its protocol)."""
        ...

    def text(self, text: str) -> Float[np.ndarray, " feature"]:
        """Features of one caption."""
        ...


class Extractor(Protocol):
    """Settings and identity; building one loads no torch."""

    name: ClassVar[str]

    def protocol(self) -> Mapping[str, Any]:
        """Readable record that goes into every result's protocol: weights sha256, preprocessing step by step,
        frame selection, dtype. Two extractors with equal records give equal features."""
        ...

    def load(self, device: str) -> LoadedExtractor:
        """Builds the network. Raises BadInputError if the weight file is missing, damaged or another."""
        ...


def describe_steps(steps: Sequence[str]) -> str:
    """Numbered lines, for `egobench describe`."""
    return "\n".join(f"{number}. {step}" for number, step in enumerate(steps, start=1))
