"""Time of a clip of egomini-test in every shipped extractor and estimator, and of colmap on egomini-hd.

CPU seconds; of colmap's and rotation-chain's child processes too.
"""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from multiprocessing import get_context
from typing import Any

import processes
import pytest
from facts import Facts

from egobench import BadInputError, Clip, open_split
from egobench.catalog import ESTIMATORS, EXTRACTORS

LOADED: dict[str, Any] = {}
"""Estimators of this process."""
ONE, TWO = "one process", "two processes"
SMALL, LARGE = "egomini-test", "egomini-hd"


@pytest.mark.benchmark(group="an extractor on a clip of egomini-test", timer=time.process_time)
@pytest.mark.parametrize(
    ("name", "method"),
    [
        *(("egomini-clip", "frames"), ("egomini-clip", "text"), ("egomini-video", "clip")),
        *(("motion-text", "motion"), ("motion-text", "text")),
    ],
)
def bench_extractor(benchmark: Any, facts: Facts, device: str, name: str, method: str) -> None:
    """Features of a clip, one clip a call."""
    loaded = EXTRACTORS.load(name)().load(device)
    some = clips(SMALL, 8)
    parts = {"text": lambda clip: clip.condition.text, "motion": lambda clip: clip.reference.motion}
    inputs = [parts.get(method, lambda clip: clip.reference.video)(clip) for clip in some]
    facts.per("clip", len(some))
    benchmark.pedantic(lambda: list(map(getattr(loaded, method), inputs)), rounds=5, warmup_rounds=1)


@pytest.mark.benchmark(group="an estimator on a clip of egomini-test", timer=time.process_time)
@pytest.mark.parametrize(
    ("name", "method"), [("egomini-odometry", "camera"), ("egomini-hands", "hands"), ("hands.palm", "hands")]
)
def bench_estimator(benchmark: Any, facts: Facts, device: str, name: str, method: str) -> None:
    """A clip's path or hands, one clip a call."""
    see = getattr(load(name, device), method)
    some = clips(SMALL, 4)
    facts.per("clip", len(some))
    if name == "egomini-odometry":
        facts.bar("seconds", at_most=0.08)
    benchmark.pedantic(look_at, (see, some), rounds=3, warmup_rounds=1)


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
    """By the clock. Every process does all eight clips, so that a long last clip matters less."""
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
        benchmark.pedantic(lambda: list(pool.map(map_clip, names * number)), rounds=1)


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


def map_clip(clip_id: str) -> None:
    """One clip, in a process that has loaded colmap."""
    look_at(load("colmap").camera, [open_split(LARGE).clip(clip_id)])
