"""A model and an extractor that work on batches, and tell which clips were together."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from toy_makers import ToyExtractor
from toy_splits import picture, walk

from egobench.errors import BadInputError
from egobench.files.digest import digest_json
from egobench.types import Condition, Sample, Video


def _tell(words: Sequence[str]) -> None:
    log = os.environ.get("TOY_BATCH_LOG")
    if log:
        with open(log, "a") as file:
            file.write(" ".join(words) + "\n")


@dataclass(frozen=True)
class BatchModel:
    """Samples batches; every sample depends on all clips of its batch, far more than by rounding."""

    bad: str = ""
    """Clip with which no batch can be sampled; `raise` or `die` after the colon, or `once`: die where no flag is."""
    flag: str = ""
    """File of `once`."""
    most: int = 99
    """Larger batches do not fit into memory."""
    few: bool = False
    """Returns a sample too few."""
    named: int = 4
    """Clips that it asks for."""

    def batch_size(self, device: str) -> int:
        return self.named

    def load(self, device: str) -> "BatchModel":
        return self

    def sample_batch(self, conditions: Sequence[Condition], *, seeds: Sequence[int]) -> Sequence[Sample]:
        names = [f"{each.clip_id}/{seed}" for each, seed in zip(conditions, seeds, strict=True)]
        _tell(names)
        clip, _, how = self.bad.partition(":")
        if any(name.startswith(clip) for name in names if clip):
            if how == "die":
                os._exit(9)
            if how == "once" and not os.path.exists(self.flag):
                with open(self.flag, "w"):
                    os._exit(9)
            if how == "once":
                clip = ""
        if clip and any(name.startswith(clip) for name in names):
            raise ValueError("one of them is bad")
        if len(names) > self.most:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory")
        together = int(digest_json(names)[:8], 16)
        rngs = [np.random.default_rng([together, place]) for place in range(len(names))]
        return [Sample(picture(rng), walk(rng)) for rng in rngs][int(self.few) :]


@dataclass(frozen=True)
class BatchExtractor(ToyExtractor):
    """Mean colours of several videos at once."""

    name: ClassVar[str] = "toy-batches"
    provides: ClassVar[tuple[str, ...]] = ("frames",)

    def definition(self) -> Mapping[str, Any]:
        return {"weights_sha256": "1" * 64}

    def load(self, device: str) -> "BatchExtractor":
        return self

    def frames(self, video: Video) -> np.ndarray:
        _tell(["1"])
        if video.frames.max() == 0:
            raise BadInputError("black", code="toy-black")
        return video.frames.mean(axis=(1, 2)).astype(np.float32)

    def frames_batch(self, videos: Sequence[Video]) -> list[np.ndarray]:
        _tell([str(len(videos))])
        if any(video.frames.max() == 0 for video in videos):
            raise BadInputError("black", code="toy-black")
        return [video.frames.mean(axis=(1, 2)).astype(np.float32) for video in videos]
