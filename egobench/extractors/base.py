"""What an extractor is: a frozen network that turns pixels, text or motion into features, named by its weights.

Loaded, it has one method per thing it can look at, `frames`, `clip`, `text` or `motion`, and none for the rest.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Protocol

import numpy as np
from jaxtyping import Float

from egobench.types import Motion, Video


class FrameFeatures(Protocol):
    """Looks at video frames, one by one."""

    def frames(self, video: Video) -> Float[np.ndarray, "time feature"]:
        """Features of each scored video frame (the extractor says which in its protocol)."""
        ...


class ClipFeatures(Protocol):
    """Looks at a whole video."""

    def clip(self, video: Video) -> Float[np.ndarray, "item feature"]:
        """Features of a whole video; one item, or one per window. Equal lengths give equal numbers of items.

        Raises:
            BadInputError: fewer frames than the network needs.
        """
        ...


class TextFeatures(Protocol):
    """Looks at a caption."""

    def text(self, text: str) -> Float[np.ndarray, " feature"]:
        """Features of one caption."""
        ...


class MotionFeatures(Protocol):
    """Looks at a whole motion."""

    def motion(self, motion: Motion) -> Float[np.ndarray, " feature"]:
        """Features of one motion, brought to the network's rate and skeleton here.

        Raises:
            BadInputError: a skeleton that the network does not know, or fewer frames than it needs.
        """
        ...


LoadedExtractor = FrameFeatures | ClipFeatures | TextFeatures | MotionFeatures
"""Weights in memory; numpy in, float32 numpy out, one clip at a time so that no batch can change a value. A class
implements the methods it can: `frames`, `clip`, `text`, `motion`."""


class Extractor(Protocol):
    """Settings and identity; building one loads no torch.

    Two things it may have beside: `provides`, the names of its loaded methods (`("frames", "text")`), so that a metric
    that wants another one is refused before anything is sampled; and `check(facts)`, which raises BadInputError, code
    `split-form`, for a split (`Split.facts`) whose clips it cannot look at.
    """

    name: ClassVar[str]

    def protocol(self) -> Mapping[str, Any]:
        """Readable record that goes into every result's protocol: weights sha256, preprocessing step by step,
        frame selection, dtype. Two extractors with equal records give equal features; of a class that is not
        this suite's, the digest of its code is added to the record, and so it need not stand there.

        Raises:
            BadInputError: `weights-missing`: names the file, its hash, and how to get it. This is what refuses a run
                before anything is sampled.
        """
        ...

    def load(self, device: str) -> LoadedExtractor:
        """Builds the network. Raises BadInputError if the weight file is missing, damaged or another."""
        ...


def describe_steps(steps: Sequence[str]) -> str:
    """Numbered lines, for `egobench describe`."""
    return "\n".join(f"{number}. {step}" for number, step in enumerate(steps, start=1))
