"""The interface of an extractor: a frozen network that turns pixels, text or motion into features.

Its weights identify it. A loaded extractor has a method for each input that it takes: `frames`, `clip`, `text` or
`motion`.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np
from jaxtyping import Float

from egobench.registry import inheriting
from egobench.types import Motion, Video


class FrameFeatures(Protocol):
    """Makes features of single video frames."""

    def frames(self, video: Video) -> Float[np.ndarray, "time feature"]:
        """Features of each scored video frame (the extractor's protocol says which frames)."""
        ...


class ClipFeatures(Protocol):
    """Makes features of a whole video."""

    def clip(self, video: Video) -> Float[np.ndarray, "item feature"]:
        """Features of a whole video: one item, or one per window. Videos of equal length give equal numbers of items.

        Raises:
            BadInputError: fewer frames than the network needs.
        """
        ...


class TextFeatures(Protocol):
    """Makes features of a caption."""

    def text(self, text: str) -> Float[np.ndarray, " feature"]:
        """Features of one caption."""
        ...


class MotionFeatures(Protocol):
    """Makes features of a whole motion."""

    def motion(self, motion: Motion) -> Float[np.ndarray, " feature"]:
        """Features of one motion. This method converts the motion to the network's rate and skeleton.

        Raises:
            BadInputError: a skeleton that the network does not know, or fewer frames than it needs.
        """
        ...


LoadedExtractor = FrameFeatures | ClipFeatures | TextFeatures | MotionFeatures
"""Weights in memory. Input is numpy, output is float32 numpy. A class implements the methods that it supports:
`frames`, `clip`, `text`, `motion`.

Each method processes one clip, so no batch can change a value; that is the way of record. Beside a method a class may
have the same for lists: `frames_batch(videos)`, `clip_batch(videos)`, `text_batch(texts)`, `motion_batch(motions)`.
Each returns a list of what the method returns. Runs with `--batch-size` above 1, and runs on a GPU, use it. It gives
the same values but for the rounding of float32 sums: at most `ROUNDING` of a clip's largest feature (a test holds
that)."""
ROUNDING = 1e-4


def per_clip(features: Float[np.ndarray, "row feature"], videos: Sequence[Video]) -> list[np.ndarray]:
    """Features of the frames of several videos, one after another → those of each video."""
    ends = np.cumsum([len(video.frames) for video in videos])
    return np.split(features, ends[:-1])


@dataclass(frozen=True)
class Extractor(ABC):
    """Settings and identity of an extractor. Creating one does not import torch. An extractor inherits this class and
    overrides the defaults that do not suit it."""

    name: ClassVar[str]
    provides: ClassVar[tuple[str, ...] | None]
    """Methods of the loaded extractor, e.g. `("frames", "text")`. A metric that needs another method is refused before
    sampling starts. None, the default, means that they are not known beforehand."""
    provides = None

    def check(self, facts: Mapping[str, Any]) -> None:
        """Refuses a split (`Split.facts`) whose clips it cannot process.

        Raises:
            BadInputError: `split-form`.
        """
        return None

    def definition(self) -> Mapping[str, Any]:
        """What decides the features besides the name: `weights_sha256`, preprocessing step by step, choice of frames,
        dtype. JSON-ready. Raises what `protocol` raises."""
        return {}

    def protocol(self) -> Mapping[str, Any]:
        """Readable record that goes into every result's protocol: name and definition.

        Two extractors with equal records give equal features. If a class is not part of this suite, the digest of its
        code is added to the record, so the class need not give it here.

        Raises:
            BadInputError: `weights-missing`: names the file, its hash, and how to get it. This error refuses a run
                before sampling starts.
        """
        return {"extractor": self.name, **self.definition()}

    @abstractmethod
    def load(self, device: str) -> LoadedExtractor:
        """Builds the network. Raises BadInputError if the weight file is missing, damaged or the wrong one."""


def as_extractor(extractor: Any) -> Extractor:
    """The extractor. If it does not inherit `Extractor`, it gets the defaults, with a warning (see `inheriting`)."""
    return extractor if isinstance(extractor, Extractor) else inheriting(extractor, Extractor)
