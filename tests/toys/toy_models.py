"""Models small enough to know every number of theirs, and to misbehave on demand."""

import errno
import os
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from toy_splits import picture, walk

from egobench.files.digest import digest_json
from egobench.types import Condition, Sample


@dataclass(frozen=True)
class ToyModel:
    """Random pixels and a random walk by clip and seed; misbehaves on demand."""

    sleep: float = 0.0
    fail: str = ""
    """`clip=what` by semicolon: raise, nan, float, shear, short, none, type, die, exit, still, full, threads,
    turned, half."""
    parts: str = "both"
    """`video`, `motion` or `both`."""

    def load(self, device: str) -> "ToyModel":
        if self.fail == "load":
            raise RuntimeError("no such weights")
        if self.fail == "load-die":
            os._exit(9)
        return self

    def sample(self, condition: Condition, *, seed: int) -> Any:
        time.sleep(self.sleep)
        rng = np.random.default_rng([int(digest_json(condition.clip_id)[:8], 16), seed])
        sample = Sample(picture(rng), walk(rng))
        what = dict(pair.split("=") for pair in self.fail.split(";") if "=" in pair).get(condition.clip_id, "")
        if self.parts == "motion":
            sample = replace(sample, video=None)
        if self.parts == "video":
            sample = replace(sample, motion=None)
        return _spoil(sample, what) if what else sample


def _spoil(sample: Sample, what: str) -> Any:
    video, motion = sample.video, sample.motion
    if what == "raise":
        raise ValueError("the model\nfell over")
    if what == "exit":
        raise SystemExit(3)
    if what == "die":
        os._exit(9)
    if what == "threads":
        from threadpoolctl import threadpool_info

        assert all(pool["num_threads"] == 1 for pool in threadpool_info())
        return sample
    if what == "full":
        if Path(os.environ["TOY_FULL"]).exists():
            raise_on_replace()
        return sample
    spoiled = {
        "nan": lambda: Sample(video, replace(motion, positions=motion.positions * np.nan)),
        "shear": lambda: Sample(video, replace(motion, rotations=motion.rotations * 1.1)),
        "short": lambda: Sample(video, walk(np.random.default_rng(0), frames=5)),
        "still": lambda: Sample(video, walk(np.random.default_rng(0), speed=0.0)),
        "turned": lambda: Sample(video, replace(motion, positions=motion.positions[..., [1, 0, 2]] * [-1, 1, 1])),
        "half": lambda: Sample(video, replace(motion, positions=np.float16(motion.positions))),
        "float": lambda: Sample(replace(video, frames=video.frames / 255.0), motion),
        "none": lambda: Sample(None, None),
        "type": lambda: "a sample",
    }
    return spoiled[what]()


def raise_on_replace() -> None:
    """From now on this process finds the disk full."""

    def refuse(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "full")

    os.replace = refuse


@dataclass(frozen=True)
class Shuffled:
    """The `shuffled` control, for the toy split."""

    def load(self, device: str) -> "Shuffled":
        return self

    def sample(self, condition: Condition, *, seed: int) -> Sample:
        from egobench.data.open import open_split
        from egobench.stats.pairing import SHUFFLE_SEED, shuffled_partners

        split = open_split(condition.split)
        rows = split.infos()
        place = [row.clip_id for row in rows].index(condition.clip_id)
        video, motion = shuffled_partners([row.sequence for row in rows], SHUFFLE_SEED)
        return Sample(
            split.clip(rows[video[place]].clip_id).reference.video,
            split.clip(rows[motion[place]].clip_id).reference.motion,
        )
