"""Stage 2: fills the cache with what metrics need. Only this stage runs extractors and estimators.

One item is one clip's reference or one sample; its video and its motion are opened once for all of them. If
nothing is missing, no process is started and no torch is imported.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from egobench.catalog import METHODS
from egobench.errors import BadInputError, StorageError
from egobench.estimators.base import LoadedEstimator
from egobench.extractors.base import LoadedExtractor
from egobench.metrics.base import ESTIMATED, What
from egobench.plan.estimates import pack_estimate, split_camera
from egobench.plan.resolve import resolve_maker, resolve_split
from egobench.scoring.inputs import CachedInput, Inputs, part_of, stored_motion, stored_video, unchanged
from egobench.store.cache import Cache
from egobench.store.folder import MOTION_FILE, VIDEO_FILE, RunFolder
from egobench.store.tables import ItemRow
from egobench.types import Clip, Motion, Split, Video

REFERENCE_SEED = -1
Maker = tuple[bool, str]
"""Whether it is an estimator, and its name."""


@dataclass(frozen=True)
class ExtractItem:
    """One reference, or one sample of the run."""

    clip_id: str
    seed: int
    """-1 for the reference."""
    inputs: tuple[CachedInput, ...]
    video: str = ""
    """SHA-256 of the sample's video file."""
    motion: str = ""
    """SHA-256 of the sample's motion file."""
    folder: Path | None = None
    """Run folder of the sample; None for the job's own."""


@dataclass
class MissingInputs:
    """Collects inputs of one run that the cache does not hold. A key that comes twice, or is on another run's list, is
    extracted once."""

    inputs: Inputs
    _by_place: dict[tuple[str, int], dict[str, CachedInput]] = field(default_factory=dict)
    _files: dict[tuple[str, int], tuple[str, str]] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)
    """Keys on the list; the lists of several runs share one set."""

    def add(self, entry: CachedInput | None, clip_id: str, item: ItemRow | None = None) -> None:
        """Notes one input, of a reference (`item` None) or of a sample."""
        if entry is None or entry.key in self.seen:
            return
        self.seen.add(entry.key)
        if self.inputs.cache.get(entry.key) is not None:
            return
        place = (item.clip, item.seed) if item else (clip_id, REFERENCE_SEED)
        self._by_place.setdefault(place, {})[entry.key] = entry
        self._files[place] = (item.video, item.motion) if item else ("", "")

    def items(self) -> list[ExtractItem]:
        """What is missing from the cache, sorted by clip and seed."""
        return [
            ExtractItem(*place, tuple(inputs.values()), *self._files[place], self.inputs.folder.path.absolute())
            for place, inputs in sorted(self._by_place.items())
        ]


@dataclass(frozen=True)
class ExtractJob:
    """Extracts the inputs of one item after another."""

    split: str
    makers: tuple[Maker, ...]
    device: str
    folder: Path
    cache: Path
    split_digest: str = ""
    """The split must still have this digest, since it is part of the cache keys."""

    @property
    def error_code(self) -> str:
        """Code of the error of an extractor that raised."""
        return "extractor-raised"

    def prepare(self) -> Callable[[ExtractItem], None]:
        """Loads extractors and estimators; the task puts their results into the cache."""
        loaded = {maker: _load(maker, self.device) for maker in self.makers}
        split = resolve_split(self.split, digest=self.split_digest)
        folder, cache = RunFolder(self.folder), Cache(self.cache)

        def task(item: ExtractItem) -> None:
            is_reference = item.seed == REFERENCE_SEED
            home = folder if item.folder is None else RunFolder(item.folder)
            opened = _open_reference(split, item.clip_id) if is_reference else _Sample(split, home, item)
            errors = []
            for entry in item.inputs:
                try:
                    cache.put(entry.key, _extract(entry, loaded, opened, item.clip_id, split))
                except StorageError:
                    raise
                except Exception as error:  # the other extractors' features are good all the same
                    errors.append(error)
            if errors:
                raise errors[0]

        return task


def makers_of(items: Iterable[ExtractItem]) -> tuple[Maker, ...]:
    """The extractors and estimators that items ask for, sorted."""
    inputs = (entry for item in items for entry in item.inputs)
    return tuple(sorted({_maker(entry) for entry in inputs if entry.extractor}))


def _maker(entry: CachedInput) -> Maker:
    return entry.what in ESTIMATED, entry.extractor or ""


def _load(maker: Maker, device: str) -> LoadedExtractor | LoadedEstimator:
    what: What = ESTIMATED[0] if maker[0] else "frames"
    return resolve_maker(what, maker[1]).load(device)


def _open_reference(split: Split, clip_id: str) -> Clip:
    try:
        return split.clip(clip_id)
    except BadInputError as error:
        raise BadInputError(str(error), code=f"reference-{error.code}") from error


@dataclass(frozen=True)
class _Sample:
    """A sample's parts, each read when first asked for."""

    split: Split
    folder: RunFolder
    item: ExtractItem

    @cached_property
    def video(self) -> Video:
        """Raises BadInputError if it cannot be read or has changed."""
        path = unchanged(self.folder.sample(self.item.clip_id, self.item.seed) / VIDEO_FILE, self.item.video)
        return stored_video(path, self.split.facts)

    @cached_property
    def motion(self) -> Motion:
        """Raises BadInputError if it cannot be read or has changed."""
        path = unchanged(self.folder.sample(self.item.clip_id, self.item.seed) / MOTION_FILE, self.item.motion)
        return stored_motion(path, self.split.facts)


def _extract(
    entry: CachedInput,
    loaded: Mapping[Maker, LoadedExtractor | LoadedEstimator],
    opened: Clip | _Sample,
    clip_id: str,
    split: Split,
) -> dict[str, np.ndarray]:
    parts = opened.reference if isinstance(opened, Clip) else opened
    if entry.extractor is None:
        return {"positions": parts.motion.positions, "rotations": parts.motion.rotations}
    method = getattr(loaded[_maker(entry)], METHODS[entry.what], None)
    if method is None:
        text = f"{entry.extractor} has no method `{METHODS[entry.what]}`; it does not make {entry.what}"
        raise BadInputError(text, code="extractor-part")
    if entry.what in ESTIMATED:
        found = method(parts.video, split_camera(split), clip_id=clip_id)
        return pack_estimate(entry.what, found, len(parts.video.frames))
    if entry.what == "text":
        assert isinstance(opened, Clip), "texts belong to conditions"
        return {"features": _finite(method(opened.condition.text), entry)}
    return {"features": _finite(method(getattr(parts, part_of(entry.what))), entry)}


def _finite(features: Any, entry: CachedInput) -> np.ndarray:
    array = np.asarray(features)
    if not np.isfinite(array).all():
        text = f"{entry.extractor} gave features that are not finite"
        raise BadInputError(text, code="features-nonfinite")
    return array
