"""Time of a clip in every shipped extractor and estimator, alone and among others, and in colmap and rotation-chain.

CPU seconds on one thread, from frames, captions or motions to arrays; by the clock on a GPU (`--device cuda`). Those of
colmap and rotation-chain count their child processes too.
"""

import statistics
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from multiprocessing import get_context
from typing import Any

import numpy as np
import processes
import pytest
from facts import Facts

from egobench import BadInputError, Clip, open_split
from egobench.catalog import ESTIMATORS, EXTRACTORS
from egobench.types import CameraPath, HandDetections

LOADED: dict[str, Any] = {}
"""Estimators of this process."""
ALONE = "one clip a call"
BATCHES = [ALONE, "8 clips a call", pytest.param("32 clips a call", marks=pytest.mark.slow)]
ONE, TWO = "one process", "two processes"
SMALL, LARGE = "egomini-test", "egomini-hd"


@pytest.mark.benchmark(timer=time.process_time)
@pytest.mark.parametrize(
    ("name", "method"),
    [
        *(("egomini-clip", "frames"), ("egomini-clip", "text"), ("egomini-video", "clip")),
        *(("motion-text", "motion"), ("motion-text", "text")),
    ],
)
@pytest.mark.parametrize("by", BATCHES)
def bench_extractor(benchmark: Any, facts: Facts, device: str, by: str, name: str, method: str) -> None:
    """Features of clips."""
    parts = {"text": lambda clip: clip.condition.text, "motion": lambda clip: clip.reference.motion}
    part = parts.get(method, lambda clip: clip.reference.video)
    loaded = EXTRACTORS.load(name)().load(device)

    def together(some: Sequence[Clip]) -> list[np.ndarray]:
        return getattr(loaded, f"{method}_batch")([part(clip) for clip in some])

    def alone(clip: Clip) -> np.ndarray:
        return getattr(loaded, method)(part(clip))

    if by != ALONE and not hasattr(loaded, f"{method}_batch"):
        pytest.skip(f"{name} sees one clip a call")
    measure(benchmark, facts, by, f"{name}: {method}", alone, together)


@pytest.mark.benchmark(timer=time.process_time)
@pytest.mark.parametrize(
    ("name", "method"), [("egomini-odometry", "camera"), ("egomini-hands", "hands"), ("hands.palm", "hands")]
)
@pytest.mark.parametrize("by", BATCHES)
def bench_estimator(benchmark: Any, facts: Facts, device: str, by: str, name: str, method: str) -> None:
    """Paths or hands of clips."""
    loaded, camera = load(name, device), clips(SMALL, 1)[0].condition.camera

    def together(some: Sequence[Clip]) -> list[np.ndarray]:
        ids = [clip.info.clip_id for clip in some]
        seen = getattr(loaded, f"{method}_batch")([clip.reference.video for clip in some], camera, clip_ids=ids)
        return list(map(numbers_of, seen))

    def alone(clip: Clip) -> np.ndarray:
        return numbers_of(getattr(loaded, method)(clip.reference.video, camera, clip_id=clip.info.clip_id))

    if by != ALONE and not hasattr(loaded, f"{method}_batch"):
        pytest.skip(f"{name} sees one clip a call")
    measure(benchmark, facts, by, f"{name}, {SMALL}", alone, together)
    if name == "egomini-odometry":
        facts.bar("seconds", at_most=0.08)


def measure(
    benchmark: Any,
    facts: Facts,
    by: str,
    group: str,
    alone: Callable[[Clip], np.ndarray],
    together: Callable[[Sequence[Clip]], list[np.ndarray]],
) -> None:
    """Some clips, one a call or all in one; how far a clip's numbers among others are from those that it has alone.

    `largest_difference` is a share of the clip's largest number, `same_bytes` the share of clips without any.
    """
    benchmark.group = group
    some = clips(SMALL, 8 if by == ALONE else int(by.split()[0]))
    facts.per("clip", len(some))
    if by == ALONE:
        facts.peer()
        benchmark.pedantic(lambda: list(map(alone, some)), rounds=3, warmup_rounds=1)
        return
    pairs = list(zip(map(alone, some), benchmark.pedantic(together, (some,), rounds=3, warmup_rounds=1), strict=True))
    facts.note(largest_difference=max(float(np.abs(one - other).max() / np.abs(one).max()) for one, other in pairs))
    facts.note(same_bytes=statistics.mean(np.array_equal(one, other) for one, other in pairs))


def numbers_of(seen: CameraPath | HandDetections) -> np.ndarray:
    """What an estimator found, as one array."""
    return seen.T_world_camera if isinstance(seen, CameraPath) else seen.scores


@pytest.mark.benchmark(group="rotation-chain on a clip", timer=processes.tree_cpu)
@pytest.mark.parametrize("split", [SMALL, LARGE])
@pytest.mark.parametrize("count", [4, pytest.param(24, marks=pytest.mark.slow)])
def bench_rotation_chain(benchmark: Any, facts: Facts, split: str, count: int) -> None:
    """Evenly among the first 24 clips."""
    some = clips(split, 24)[:: 24 // count]
    facts.per("clip", len(some))
    facts.bar("seconds", at_most=1)
    benchmark.pedantic(look_at, (load("rotation-chain", "cpu").camera, some), rounds=1)


@pytest.mark.benchmark(group="colmap on a clip of egomini-hd", timer=processes.tree_cpu)
@pytest.mark.parametrize("count", [2, pytest.param(24, marks=pytest.mark.slow)])
def bench_colmap(benchmark: Any, facts: Facts, count: int) -> None:
    """Evenly among the 24 clips; the mapping has a process of its own."""
    some = clips(LARGE, 24)[:: 24 // count]
    facts.per("clip", len(some))
    benchmark.pedantic(look_at, (load("colmap", "cpu").camera, some), rounds=1)


@pytest.mark.slow
@pytest.mark.benchmark(group="colmap on eight walks, by processes")
@pytest.mark.parametrize("by", [ONE, TWO])
def bench_colmap_processes(benchmark: Any, facts: Facts, by: str) -> None:
    """By the clock. Every process does all eight clips and begins with another one, so both end at about one time."""
    load("colmap", "cpu")
    names = [info.clip_id for info in open_split(LARGE).infos()][::3]
    number = [ONE, TWO].index(by) + 1
    facts.per("clip", len(names) * number)
    if by == ONE:
        facts.peer()
    else:
        facts.bar("as_fast", at_least=1.8)
    with ProcessPoolExecutor(number, mp_context=get_context("spawn")) as pool:
        list(pool.map(load, ["colmap"] * number))
        orders = [names[first:] + names[:first] for first in range(0, len(names), len(names) // number)]
        benchmark.pedantic(lambda: list(pool.map(map_clips, orders)), rounds=1)


@cache
def clips(split: str, count: int) -> Sequence[Clip]:
    """The first clips of a split, decoded."""
    opened = open_split(split)
    return [opened.clip(info.clip_id) for info in opened.infos()[:count]]


def load(name: str, device: str = "cpu") -> Any:
    """A loaded estimator, once a process; what is not installed skips its benchmark."""
    if name not in LOADED:
        try:
            LOADED[name] = ESTIMATORS.load(name)().load(device)
        except (ImportError, BadInputError) as error:
            pytest.skip(f"{name}: {error}")
    return LOADED[name]


def look_at(see: Callable[..., Any], some: Sequence[Clip]) -> None:
    """Sees the recorded video of one clip after another."""
    for clip in some:
        see(clip.reference.video, clip.condition.camera, clip_id=clip.info.clip_id)


def map_clips(names: Sequence[str]) -> None:
    """Clips one after the other, in a process that has loaded colmap."""
    opened = open_split(LARGE)
    look_at(load("colmap").camera, [opened.clip(name) for name in names])
