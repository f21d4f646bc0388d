"""Stage 2: fills the cache with what metrics need. Only this stage runs extractors and estimators.

One item is one clip's reference or one sample; its video and its motion are opened once for all of them. If
nothing is missing, no process is started and no torch is imported.

Items are extracted one by one, or in batches (`--batch-size`): an extractor or estimator that has a method for lists,
as `frames_batch` beside `frames`, is then given several clips at once.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from egobench.catalog import METHODS
from egobench.engines.batches import BatchTask, Sizes, halving, unfinished
from egobench.errors import BadInputError, StorageError
from egobench.estimators.base import LoadedEstimator
from egobench.extractors.base import LoadedExtractor
from egobench.metrics.base import ESTIMATED, What
from egobench.plan.estimates import pack_estimate, split_camera
from egobench.plan.resolve import resolve_maker, resolve_split
from egobench.run.reference_parts import ReferenceParts
from egobench.run.same_everywhere import cache_facts, folder_facts, maker_facts
from egobench.scoring.inputs import CachedInput, Inputs, part_of
from egobench.scoring.stored_sample import sample_file, stored_motion, stored_video
from egobench.store.cache import Cache, cache_at
from egobench.store.folder import MOTION_FILE, VIDEO_FILE, RunFolder, folder_at
from egobench.store.pack import open_pack
from egobench.store.tables import ItemRow
from egobench.types import Motion, Split, Video

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
    folder: str | Path | None = None
    """Run folder of the sample, as `RunFolder.place`; None for the job's own."""


@dataclass
class MissingInputs:
    """Collects inputs of one run that the cache does not hold. A key that comes twice, or is on another run's list, is
    extracted once."""

    inputs: Inputs
    size: int = 1
    """Items that are extracted together."""
    seen: set[str] = field(default_factory=set)
    """Keys on the list; the lists of several runs share one set."""
    _by_place: dict[tuple[str, int], dict[str, CachedInput]] = field(default_factory=dict)
    _files: dict[tuple[str, int], tuple[str, str]] = field(default_factory=dict)
    _missing: set[tuple[str, int]] = field(default_factory=set)

    def add(self, entry: CachedInput | None, clip_id: str, item: ItemRow | None = None) -> None:
        """Notes one input, of a reference (`item` None) or of a sample."""
        if entry is None or entry.key in self.seen:
            return
        name = entry.key if entry.frames is None else entry.chosen_key
        if name in self.seen:
            return
        is_missing = not entry.is_in(self.inputs.cache)
        self.seen |= {name, entry.key} if is_missing else {name}
        if not is_missing and self.size == 1:
            return
        place = (item.clip, item.seed) if item else (clip_id, REFERENCE_SEED)
        self._by_place.setdefault(place, {})[entry.key] = entry
        self._files[place] = (item.video, item.motion) if item else ("", "")
        if is_missing:
            self._missing.add(place)

    def items(self) -> list[ExtractItem]:
        """What is missing from the cache, sorted by clip and seed; of larger batches, whole batches, references
        first."""
        places = sorted(self._by_place, key=lambda place: (self.size > 1 and place[1] != REFERENCE_SEED, *place))
        folder = self.inputs.folder.place
        return [
            ExtractItem(clip_id, seed, tuple(self._by_place[place].values()), *self._files[place], folder)
            for place in unfinished(places, self.size, self._missing.__contains__)
            for clip_id, seed in [place]
        ]


@dataclass(frozen=True)
class ExtractJob:
    """Extracts the inputs of items, batch by batch."""

    split: str
    makers: tuple[Maker, ...]
    device: str
    folder: str | Path
    """As `RunFolder.place`."""
    cache: str | Path
    """As `Cache.place`."""
    split_digest: str = ""
    """The split must still have this digest, since it is part of the cache keys."""
    packs: tuple[Path, ...] = ()
    """Of the cache."""

    @property
    def error_code(self) -> str:
        """Code of the error of an extractor that raised."""
        return "extractor-raised"

    def facts(self, *, is_driver: bool) -> dict[str, str]:
        """What must be the same on every node: see `same_everywhere`."""
        makers: list[tuple[What, str]] = [(_what(maker), maker[1]) for maker in self.makers]
        cache = cache_facts(cache_at(self.cache), is_driver=is_driver)
        return {**maker_facts(makers), **folder_facts(self.folder), **cache}

    def prepare(self) -> "ExtractTask":
        """Loads extractors and estimators."""
        loaded = {maker: _load(maker, self.device) for maker in self.makers}
        split = resolve_split(self.split, digest=self.split_digest)
        packs = tuple(pack for pack in map(open_pack, self.packs) if pack is not None)
        cache = replace(cache_at(self.cache), packs=packs)
        return ExtractTask(split, folder_at(self.folder), cache, loaded)


@dataclass(frozen=True)
class _Opened:
    """An item whose files are read."""

    clip_id: str
    parts: Any
    """`ReferenceParts` or a `_Sample`: has `video` and `motion`."""
    text: str | None
    """Of a reference."""
    inputs: tuple[CachedInput, ...]
    missing: frozenset[str]
    """Keys that the cache does not hold."""


class ExtractTask(BatchTask):
    """Puts the features and estimates of items into the cache; an answer has no value."""

    def __init__(
        self, split: Split, folder: RunFolder, cache: Cache, loaded: Mapping[Maker, LoadedExtractor | LoadedEstimator]
    ) -> None:
        super().__init__()
        self.split, self.folder, self.cache, self.loaded = split, folder, cache, loaded
        self._sizes: dict[tuple[What, str | None], Sizes] = {}

    def open(self, item: ExtractItem) -> _Opened:
        """Raises BadInputError `reference-…`: the clip cannot be read."""
        missing = frozenset(entry.key for entry in item.inputs if not entry.is_in(self.cache))
        if item.seed == REFERENCE_SEED:
            reference = ReferenceParts(self.split, item.clip_id)
            sees_video = any(entry.key in missing and part_of(entry.what) == "video" for entry in item.inputs)
            _ = reference.clip if sees_video else reference.motion
            return _Opened(item.clip_id, reference, reference.text, item.inputs, missing)
        home = self.folder if item.folder is None else folder_at(item.folder)
        sample = _Sample(self.split, home, item)
        for entry in item.inputs:
            with suppress(BadInputError):  # it is told where the part is needed
                if entry.key in missing and part_of(entry.what) == "video":
                    _ = sample.video
        return _Opened(item.clip_id, sample, None, item.inputs, missing)

    def work(self, opened: Sequence[_Opened]) -> list[dict[str, Any]]:
        """For each item the arrays, or the error, of every key that the cache does not hold."""
        found: list[dict[str, Any]] = [{} for _ in opened]
        for (what, extractor), group in _grouped(opened).items():
            if not any(entry.key in opened[place].missing for place, entry in group):
                continue
            sizes = self._sizes.setdefault((what, extractor), Sizes())
            made = halving(lambda part: self._extract([(opened[place], entry) for place, entry in part]), group, sizes)
            self.sizes.notes += [f"{extractor}: {note}" for note in sizes.notes]
            sizes.notes.clear()
            for (place, entry), arrays in zip(group, made, strict=True):
                if entry.key in opened[place].missing:
                    found[place][entry.key] = arrays
        return found

    def close(self, item: ExtractItem, opened: _Opened, result: dict[str, Any]) -> None:
        """Stores what was made. Raises the first error: the other extractors' features are good all the same."""
        errors = [arrays for arrays in result.values() if isinstance(arrays, BaseException)]
        for key, arrays in result.items():
            if not isinstance(arrays, BaseException):
                self.cache.put(key, arrays)
        if errors:
            raise errors[0]

    def _extract(self, group: Sequence[tuple[_Opened, CachedInput]]) -> list[Any]:
        """Arrays or errors of one kind of input of some items."""
        entry = group[0][1]
        if entry.extractor is None:
            return [_try(lambda each=each: _motion_arrays(each)) for each, _ in group]
        loaded, name = self.loaded[_maker(entry)], METHODS[entry.what]
        together = getattr(loaded, f"{name}_batch", None)
        if len(group) > 1 and together is not None:
            seen = [_seen(each, entry) for each, _ in group]
            if entry.what in ESTIMATED:
                clip_ids = [each.clip_id for each, _ in group]
                made = together(seen, split_camera(self.split), clip_ids=clip_ids)
            else:
                made = together(seen)
            return [
                _try(lambda e=each, m=one: _packed(e, entry, m)) for (each, _), one in zip(group, made, strict=True)
            ]
        return [_try(lambda each=each: self._single(loaded, name, each, entry)) for each, _ in group]

    def _single(self, loaded: Any, name: str, opened: _Opened, entry: CachedInput) -> dict[str, np.ndarray]:
        method = getattr(loaded, name, None)
        if method is None:
            text = f"{entry.extractor} has no method `{name}`; it does not make {entry.what}"
            raise BadInputError(text, code="extractor-part")
        seen = _seen(opened, entry)
        if entry.what in ESTIMATED:
            return _packed(opened, entry, method(seen, split_camera(self.split), clip_id=opened.clip_id))
        return _packed(opened, entry, method(seen))


def _grouped(opened: Sequence[_Opened]) -> dict[tuple[What, str | None], list[tuple[int, CachedInput]]]:
    """Inputs of all items by what is made and by whom, in order, each with the place of its item."""
    groups: dict[tuple[What, str | None], list[tuple[int, CachedInput]]] = {}
    for place, each in enumerate(opened):
        for entry in each.inputs:
            groups.setdefault((entry.what, entry.extractor), []).append((place, entry))
    return groups


def _try(make: Callable[[], Any]) -> Any:
    try:
        return make()
    except StorageError:
        raise
    except Exception as error:
        return error


def _seen(opened: _Opened, entry: CachedInput) -> Any:
    """What an extractor or estimator is given of an item. Raises BadInputError: the part cannot be read."""
    if entry.what == "text":
        assert opened.text is not None, "texts belong to conditions"
        return opened.text
    return getattr(opened.parts, part_of(entry.what))


def _motion_arrays(opened: _Opened) -> dict[str, np.ndarray]:
    motion = opened.parts.motion
    return {"positions": motion.positions, "rotations": motion.rotations}


def _packed(opened: _Opened, entry: CachedInput, made: Any) -> dict[str, np.ndarray]:
    """What was made, as the cache keeps it. Raises BadInputError: not of the form, or not finite."""
    if entry.what in ESTIMATED:
        return pack_estimate(entry.what, made, len(opened.parts.video.frames))
    return {"features": _finite(made, entry)}


def makers_of(items: Iterable[ExtractItem]) -> tuple[Maker, ...]:
    """The extractors and estimators that items ask for, sorted."""
    inputs = (entry for item in items for entry in item.inputs)
    return tuple(sorted({_maker(entry) for entry in inputs if entry.extractor}))


def _maker(entry: CachedInput) -> Maker:
    return entry.what in ESTIMATED, entry.extractor or ""


def _load(maker: Maker, device: str) -> LoadedExtractor | LoadedEstimator:
    return resolve_maker(_what(maker), maker[1]).load(device)


def _what(maker: Maker) -> What:
    """Something that it makes."""
    return ESTIMATED[0] if maker[0] else "frames"


@dataclass(frozen=True)
class _Sample:
    """A sample's parts, each read when first asked for."""

    split: Split
    folder: RunFolder
    item: ExtractItem

    @cached_property
    def video(self) -> Video:
        """Raises BadInputError if it cannot be read or has changed."""
        path = sample_file(self.folder, (self.item.clip_id, self.item.seed), VIDEO_FILE, self.item.video)
        return stored_video(path, self.split.facts)

    @cached_property
    def motion(self) -> Motion:
        """Raises BadInputError if it cannot be read or has changed."""
        path = sample_file(self.folder, (self.item.clip_id, self.item.seed), MOTION_FILE, self.item.motion)
        return stored_motion(path, self.split.facts)


def _finite(features: Any, entry: CachedInput) -> np.ndarray:
    array = np.asarray(features)
    if not np.isfinite(array).all():
        text = f"{entry.extractor} gave features that are not finite"
        raise BadInputError(text, code="features-nonfinite")
    return array
