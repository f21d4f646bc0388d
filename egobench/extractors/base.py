"""What an extractor is: a frozen network that turns pixels, text or motion into features, named by its weights.

Loaded, it has one method per thing it can look at, `frames`, `clip`, `text` or `motion`, and none for the rest.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np
from jaxtyping import Float

from egobench.registry import inheriting
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


@dataclass(frozen=True)
class Extractor(ABC):
    """Settings and identity; building one loads no torch. An extractor inherits this and overrides the defaults that
    do not suit it."""

    name: ClassVar[str]
    provides: ClassVar[tuple[str, ...] | None]
    """Methods that it has once loaded (`("frames", "text")`). A metric that wants another is refused before anything is
    sampled. None, the default: not known beforehand."""
    provides = None

    def check(self, facts: Mapping[str, Any]) -> None:
        """Refuses a split (`Split.facts`) whose clips it cannot look at.

        Raises:
            BadInputError: `split-form`.
        """
        return None

    def definition(self) -> Mapping[str, Any]:
        """What decides the features beside the name: `weights_sha256`, preprocessing step by step, choice of frames,
        dtype. JSON-ready. Raises as `protocol`."""
        return {}

    def protocol(self) -> Mapping[str, Any]:
        """Readable record that goes into every result's protocol: name and definition.

        Two extractors with equal records give equal features. The digest of the code of a class that is not this
        suite's is added to the record, so it need not stand here.

        Raises:
            BadInputError: `weights-missing`: names the file, its hash, and how to get it. This is what refuses a run
                before anything is sampled.
        """
        return {"extractor": self.name, **self.definition()}

    @abstractmethod
    def load(self, device: str) -> LoadedExtractor:
        """Builds the network. Raises BadInputError if the weight file is missing, damaged or another."""


def as_extractor(extractor: Any) -> Extractor:
    """The extractor. One that does not inherit `Extractor` gets its defaults, with a warning (see `inheriting`)."""
    return extractor if isinstance(extractor, Extractor) else inheriting(extractor, Extractor)
