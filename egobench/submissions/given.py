"""Samples that the caller has in memory, in any of the forms that are taken → `Sample`s by clip."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from egobench.errors import BadInputError, UnknownNameError
from egobench.registry import unknown
from egobench.types import ClipInfo, Motion, Sample, Split, Video, clips_of

Given = Sample | Mapping[str, Any] | np.ndarray
"""One sample: a `Sample`; a mapping with `frames`, `positions` and `rotations`; or the frames alone."""
Samples = Mapping[str, Given | Sequence[Given]] | Sequence[Given | Sequence[Given]]
"""Clip id → sample or samples, or one entry per clip in the order of the clip ids."""
ARRAYS = ("frames", "positions", "rotations")


def samples_by_clip(samples: Samples, split: Split) -> tuple[dict[str, list[Sample]], int]:
    """Clip id → samples in the order of their seeds, and how many each clip has.

    Raises:
        UnknownNameError: a clip that the split does not have.
        BadInputError: `samples-form`.
    """
    rows = _by_clip(samples, split)
    seeds = {len(row) for row in rows.values()}
    if len(seeds) != 1 or not min(seeds):
        text = f"clips have {' and '.join(map(str, sorted(seeds))) or 'no'} samples; each needs equally many"
        raise BadInputError(text, code="samples-form")
    return rows, seeds.pop()


def _by_clip(samples: Any, split: Split) -> dict[str, list[Sample]]:
    """Clip id → samples in the order of their seeds."""
    infos = clips_of(split)
    if not isinstance(samples, Mapping):
        samples = _in_order(list(samples), infos)
    known = {info.clip_id for info in infos}
    for clip_id in samples:
        if clip_id not in known:
            raise UnknownNameError(unknown(f"clips of {split.name}", str(clip_id), sorted(known)))
    ordered = [info.clip_id for info in infos if info.clip_id in samples]
    return {clip_id: _samples(samples[clip_id], clip_id, split.facts) for clip_id in ordered}


def _in_order(samples: list[Any], infos: Sequence[ClipInfo]) -> dict[str, Any]:
    if len(samples) != len(infos):
        text = f"{len(samples)} samples; the split has {len(infos)} clips (a mapping by clip id may have fewer)"
        raise BadInputError(text, code="samples-form")
    return {info.clip_id: sample for info, sample in zip(infos, samples, strict=True)}


def _samples(given: Any, clip_id: str, facts: Mapping[str, Any]) -> list[Sample]:
    several = given if isinstance(given, list | tuple) else [given]
    return [_sample(each, clip_id, facts) for each in several]


def _sample(given: Any, clip_id: str, facts: Mapping[str, Any]) -> Sample:
    """A sample of arrays at the split's rates and on its skeleton."""
    if isinstance(given, Sample):
        return given
    arrays = given if isinstance(given, Mapping) else {"frames": given}
    unknown_keys = sorted(set(arrays) - set(ARRAYS))
    if unknown_keys or not arrays or ("positions" in arrays) != ("rotations" in arrays):
        found = ", ".join(map(str, arrays)) or "nothing"
        text = f"{clip_id}: {found}; frames, or positions and rotations, or all three are needed"
        raise BadInputError(text, code="samples-form")
    held = {name: np.asarray(array) for name, array in arrays.items()}
    video = motion = None
    if "frames" in held:
        if held["frames"].dtype != np.uint8 or held["frames"].ndim != 4 or held["frames"].shape[-1] != 3:
            text = f"{clip_id}: frames are {held['frames'].dtype} {held['frames'].shape}; uint8 (T, H, W, 3) is needed"
            raise BadInputError(text, code="samples-form")
        video = Video(held["frames"], facts["fps_video"])
    if "positions" in held:
        motion = Motion(held["positions"], held["rotations"], facts["fps_motion"], facts["skeleton"])
    return Sample(video, motion)
