"""Stage 2: what metrics need and the cache does not hold → the cache. Only this stage runs extractors.

One item is one clip's reference or one sample; its video is opened once for all extractors. If nothing is
missing, no process is started and no torch is imported.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from egobench.errors import BadInputError
from egobench.extractors.base import LoadedExtractor
from egobench.files.video import read_video
from egobench.pipeline.generate import VIDEO_FILE
from egobench.pipeline.inputs import Inputs, Want, unchanged
from egobench.pipeline.resolve import resolve_extractor, resolve_split
from egobench.store.cache import Cache
from egobench.store.folder import RunFolder
from egobench.store.tables import ItemRow
from egobench.types import Clip, Split, Video

REFERENCE_SEED = -1


@dataclass(frozen=True)
class ExtractItem:
    """One reference, or one sample of the run."""

    clip_id: str
    seed: int
    """-1 for the reference."""
    wants: tuple[Want, ...]
    video: str = ""
    """SHA-256 of the sample's video file."""


@dataclass
class WantList:
    """Collects wants; a key that is asked for twice is extracted once."""

    inputs: Inputs
    _by_place: dict[tuple[str, int], dict[str, Want]] = field(default_factory=dict)
    _videos: dict[tuple[str, int], str] = field(default_factory=dict)
    _seen: set[str] = field(default_factory=set)

    def add(self, want: Want | None, clip_id: str, item: ItemRow | None = None) -> None:
        """Notes one want of a reference (`item` None) or of a sample."""
        if want is None or want.key in self._seen:
            return
        self._seen.add(want.key)
        if self.inputs.cache.get(want.key) is not None:
            return
        place = (item.clip, item.seed) if item else (clip_id, REFERENCE_SEED)
        self._by_place.setdefault(place, {})[want.key] = want
        self._videos[place] = item.video if item else ""

    def items(self) -> list[ExtractItem]:
        """What is missing from the cache, sorted by clip and seed."""
        return [
            ExtractItem(*place, tuple(wants.values()), self._videos[place])
            for place, wants in sorted(self._by_place.items())
        ]


@dataclass(frozen=True)
class ExtractJob:
    """Extracts features of one item after another."""

    split: str
    extractors: tuple[str, ...]
    device: str
    folder: Path
    cache: Path

    @property
    def error_code(self) -> str:
        """Of an extractor that raised."""
        return "extractor-raised"

    def prepare(self) -> Callable[[ExtractItem], None]:
        """Loads the extractors; the task puts what it makes into the cache."""
        loaded = {name: resolve_extractor(name).load(self.device) for name in self.extractors}
        split, folder, cache = resolve_split(self.split), RunFolder(self.folder), Cache(self.cache)

        def task(item: ExtractItem) -> None:
            clip = _open_reference(split, item.clip_id) if item.seed == REFERENCE_SEED else None
            video = clip.reference.video if clip else _open_sample(split, folder, item)
            for want in item.wants:
                cache.put(want.key, _extract(want, loaded, video, clip))

        return task


def extractors_of(items: Iterable[ExtractItem]) -> tuple[str, ...]:
    """Names of the extractors that items ask for, sorted."""
    return tuple(sorted({want.extractor for item in items for want in item.wants if want.extractor}))


def _open_reference(split: Split, clip_id: str) -> Clip:
    try:
        return split.clip(clip_id)
    except BadInputError as error:
        raise BadInputError(str(error), code=f"reference-{error.code}") from error


def _open_sample(split: Split, folder: RunFolder, item: ExtractItem) -> Video:
    path = unchanged(folder.sample(item.clip_id, item.seed) / VIDEO_FILE, item.video)
    return read_video(path, fps=split.facts["fps_video"], frames=split.facts["num_video_frames"])


def _extract(
    want: Want, loaded: Mapping[str, LoadedExtractor], video: Video, clip: Clip | None
) -> dict[str, np.ndarray]:
    if want.extractor is None:
        assert clip is not None, "only a reference's motion is cached raw"
        return {"positions": clip.reference.motion.positions, "rotations": clip.reference.motion.rotations}
    extractor = loaded[want.extractor]
    if want.what == "text":
        assert clip is not None, "texts belong to conditions"
        return {"features": _finite(extractor.text(clip.condition.text), want)}
    return {"features": _finite(extractor.frames(video), want)}


def _finite(features: Any, want: Want) -> np.ndarray:
    array = np.asarray(features)
    if not np.isfinite(array).all():
        text = f"{want.extractor} gave features that are not finite"
        raise BadInputError(text, code="features-nonfinite")
    return array
