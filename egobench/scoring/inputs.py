"""What metrics see: arrays of samples, references and conditions, fetched by `Need`, one clip at a time.

Features and reference motions come from the cache (`extract.py` puts them there); samples' motions from the
run folder, checked against the digest that was recorded when they were written.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np

from egobench.catalog import INPUTS
from egobench.errors import BadInputError
from egobench.metrics.base import ESTIMATED, Need, What, frame_indices
from egobench.plan.class_code import maker_record
from egobench.plan.estimates import split_camera, unpack_estimate
from egobench.plan.resolve import own_skeleton, resolve_maker
from egobench.scoring.stored_sample import sample_file, stored_motion, stored_video
from egobench.store.cache import Cache, cache_key
from egobench.store.folder import MOTION_FILE, VIDEO_FILE, RunFolder
from egobench.store.tables import ItemRow
from egobench.types import Camera, ClipInfo, Motion, Split, Video

CACHE_VERSION = 1


class MissingPartError(Exception):
    """A metric needs a part that this sample does not have; never leaves `egobench.run`."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the arrays of a *sample* come from: a run's item, or references that stand in for one."""

    item: ItemRow | None = None
    """A sample of the run."""
    video_of: str = ""
    """Clip whose reference video stands in."""
    motion_of: str = ""
    """Clip whose reference motion stands in."""

    def stand_in(self, what: What) -> str:
        """Clip whose reference stands in for that part; empty for the sample's own."""
        return self.video_of if part_of(what) == "video" else self.motion_of


@dataclass(frozen=True, slots=True)
class CachedInput:
    """One entry of the cache: what is extracted, and by which extractor."""

    what: What
    extractor: str | None
    key: str
    """Of the cache."""
    frames: int | None = None
    """As `Need.frames`."""

    @property
    def chosen_key(self) -> str:
        """Key of an entry that holds the features of only these frames, as packs have it."""
        return cache_key(chosen_of=self.key, frames=self.frames)

    def is_in(self, cache: Cache) -> bool:
        """Whether a cache holds what is needed."""
        return cache.get(self.key) is not None or (self.frames is not None and cache.get(self.chosen_key) is not None)


@dataclass(frozen=True)
class Inputs:
    """Fetches arrays for one run."""

    split: Split
    folder: RunFolder
    cache: Cache
    unreadable: Mapping[tuple[str, int], tuple[str, str]]
    """(clip id, seed; -1 for the reference) that could not be extracted → code, reason."""

    @cached_property
    def infos(self) -> dict[str, ClipInfo]:
        """All clips of the split by id."""
        return {info.clip_id: info for info in self.split.infos()}

    @cached_property
    def camera(self) -> Camera:
        """The split's one camera. Raises BadInputError `split-form`."""
        return split_camera(self.split)

    @cached_property
    def _records(self) -> dict[tuple[bool, str], Mapping[str, Any]]:
        return {}

    def record(self, what: What, maker: str) -> Mapping[str, Any]:
        """Protocol record of the extractor or estimator that makes a thing."""
        key = what in ESTIMATED, maker
        if key not in self._records:
            self._records[key] = maker_record(resolve_maker(what, maker))
        return self._records[key]

    def cached_input(self, need: Need, clip_id: str, origin: Origin) -> CachedInput | None:
        """The cache entry behind a need; None for what is read directly (a sample's motion, raw frames and text)."""
        if need.extractor is None and need.what != "motion":
            return None
        content = self._content(need, clip_id, origin)
        if content is None:
            return None
        by = None if need.extractor is None else dict(self.record(need.what, need.extractor))
        key = cache_key(version=CACHE_VERSION, what=need.what, content=content, extractor=by)
        return CachedInput(need.what, need.extractor, key, need.frames)

    def kept(self, entry: CachedInput) -> dict[str, np.ndarray] | None:
        """The arrays of an entry in the cache; None if absent or damaged. Where only some frames enter, `chosen` has
        their features."""
        found = self.cache.get(entry.key)
        if entry.frames is None:
            return found
        if found is None:
            return self.cache.get(entry.chosen_key)
        features = found["features"]
        if len(features) != self.split.facts["num_video_frames"]:  # no row a frame; the metric sees that and says so
            return found
        return {"chosen": features[frame_indices(len(features), entry.frames)]}

    def state(self, entry: CachedInput) -> Literal["absent", "whole", "damaged"]:
        """As `Cache.state`, of the entry itself or of the one with only its frames that enter."""
        found = self.cache.state(entry.key)
        return found if found != "absent" or entry.frames is None else self.cache.state(entry.chosen_key)

    def _content(self, need: Need, clip_id: str, origin: Origin) -> dict[str, Any] | None:
        if need.what == "text":
            return {"text": self.infos[clip_id].text}
        owner = self._owner(need, clip_id, origin)
        if need.extractor is None:
            return {"checked-reference": self.infos[owner].digest, **own_skeleton(self.split)} if owner else None
        form = self._form(need.what, clip_id)
        if owner:
            return {"checked-reference": self.infos[owner].digest, **form}
        digest = _digest_of(origin.item, need.what) if origin.item else ""
        return {"sample": digest, **form} if digest else None

    def _form(self, what: What, clip_id: str) -> dict[str, Any]:
        """Besides the content of its file: what else a result depends on."""
        facts = self.split.facts
        if what in ESTIMATED:  # an estimate may come from another program's file, which has the clip's name
            K = [[float(value) for value in row] for row in self.camera.intrinsics]
            return {"clip": clip_id, "intrinsics": K, "size": [self.camera.width, self.camera.height]}
        if part_of(what) == "video":  # its file holds its rate
            return {}
        return {"fps": facts["fps_motion"], "skeleton": facts["skeleton"], **own_skeleton(self.split)}

    @staticmethod
    def _owner(need: Need, clip_id: str, origin: Origin) -> str:
        """Clip whose reference answers a need; empty where the run's own sample does."""
        if need.source != "sample":
            return clip_id
        return origin.stand_in(need.what)

    def fetch(self, need: Need, clip_id: str, origin: Origin) -> Any:
        """The array, `Motion`, `Video`, text, `Camera`, `CameraPath` or `HandDetections` behind a need.

        Raises:
            MissingPartError: the sample has no such part.
            BadInputError: it cannot be read; the code says why.
        """
        if need.what == "camera":
            return self.camera
        owner = self._owner(need, clip_id, origin)
        cached_input = self.cached_input(need, clip_id, origin)
        if cached_input is not None:
            arrays = self.kept(cached_input)
            if arrays is None:
                code, reason = self._why(owner, origin)
                raise BadInputError(reason, code=code)
            if need.what == "motion":
                return self._motion(arrays)
            if need.what in ESTIMATED:
                return unpack_estimate(need.what, arrays)
            if "chosen" in arrays:
                return _after_frame_0(arrays["chosen"])
            return arrays["features"].astype(np.float64)
        if need.what == "text":
            return self.infos[clip_id].text
        if owner:
            return self.split.clip(owner).reference.video
        return self._sample_part(need.what, origin)

    def _why(self, owner: str, origin: Origin) -> tuple[str, str]:
        place = (owner, -1) if owner or origin.item is None else (origin.item.clip, origin.item.seed)
        return self.unreadable.get(place, ("cache-lost", "its features vanished from the cache; run resume again"))

    def _motion(self, arrays: Mapping[str, np.ndarray]) -> Motion:
        facts = self.split.facts
        return Motion(arrays["positions"], arrays["rotations"], facts["fps_motion"], facts["skeleton"])

    def _sample_part(self, what: What, origin: Origin) -> Motion | Video:
        if origin.item is None:
            raise MissingPartError(f"no {part_of(what)}")
        path = self.part(origin.item, part_of(what))
        return stored_video(path, self.split.facts) if what == "frames" else stored_motion(path, self.split.facts)

    def part(self, item: ItemRow, kind: str) -> Path:
        """File of a sample's part, as it was written.

        Raises:
            MissingPartError: the sample has no such part.
            BadInputError: `file-missing`, or `sample-changed` since it was written.
        """
        digest, name = (item.video, VIDEO_FILE) if kind == "video" else (item.motion, MOTION_FILE)
        if not digest:
            raise MissingPartError(f"the model makes no {kind}")
        return sample_file(self.folder, (item.clip, item.seed), name, digest)


def _after_frame_0(chosen: np.ndarray) -> np.ndarray:
    """Features of the frames that enter, as float64, after a row of NaN for frame 0 (`Need.frames`)."""
    return np.concatenate([np.full((1, *chosen.shape[1:]), np.nan), chosen.astype(np.float64)])


def has_part(need: Need, origin: Origin) -> bool:
    """Whether the sample has what a need asks of it."""
    if need.source != "sample" or origin.item is None:
        return True
    return bool(_digest_of(origin.item, need.what))


def part_of(what: What) -> Literal["video", "motion"]:
    """The part of a sample or reference that a need looks at."""
    return "video" if INPUTS[what].part == "video" else "motion"


def _digest_of(item: ItemRow, what: What) -> str:
    return item.video if part_of(what) == "video" else item.motion
