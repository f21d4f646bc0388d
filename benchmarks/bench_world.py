"""Time of a clip of the embedded world: drawn into an array, or made with a codec; and the parts of the first way.

CPU seconds of one process, but for the last benchmark: clips a second by the clock, into a folder in shared memory,
with the start of the processes.
"""

import tempfile
import time
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from facts import Facts

from egomini.camera.head_camera import make_camera
from egomini.camera.render import render
from egomini.splits.arrays import draw_arrays
from egomini.splits.frozen import EGOMINI_TRAIN
from egomini.splits.generate import STRIDE, clip_performance, clip_room, clip_wearer, draw_clip, generate_clip
from egomini.splits.rendering import make_arrays

SEQUENCES = range(3)
"""Recordings of egomini-train, four clips each."""
PLACES = [(sequence, window) for sequence in SEQUENCES for window in range(EGOMINI_TRAIN.clips_per_sequence)]
CODEC = "with a codec"
SHARED = Path("/dev/shm")
FIGURE_S = 0.05
"""Largest CPU seconds of a clip of 64 × 64."""


@pytest.mark.benchmark(group="a clip of the embedded world", timer=time.process_time)
@pytest.mark.parametrize("by", ["into arrays", CODEC])
def bench_world(benchmark: Any, facts: Facts, by: str) -> None:
    draw_clip(EGOMINI_TRAIN, 0, 0)  # compiled, or loaded from numba's cache
    facts.per("clip", len(PLACES))
    if by == CODEC:
        facts.peer()
        benchmark.pedantic(lambda: [generate_clip(EGOMINI_TRAIN, *place) for place in PLACES], rounds=3)
        return
    facts.bar("seconds", at_most=FIGURE_S)
    drawn = benchmark.pedantic(draw_arrays, (EGOMINI_TRAIN, SEQUENCES), rounds=3)
    facts.note(megabytes=sum(array.nbytes for array in vars(drawn).values() if hasattr(array, "nbytes")) / 1e6)


@pytest.mark.benchmark(group="parts of a clip of the embedded world", timer=time.process_time)
def bench_world_acting(benchmark: Any, facts: Facts) -> None:
    facts.per("clip", len(PLACES))
    benchmark.pedantic(lambda: [clip_performance(EGOMINI_TRAIN, *place) for place in PLACES], rounds=3)


@pytest.mark.benchmark(group="parts of a clip of the embedded world", timer=time.process_time)
def bench_world_rendering(benchmark: Any, facts: Facts) -> None:
    draw_clip(EGOMINI_TRAIN, 0, 0)
    facts.per("clip", len(PLACES))
    camera = make_camera(EGOMINI_TRAIN.resolution)
    benchmark.pedantic(lambda: [render(*one, camera, stride=STRIDE) for one in acted()], rounds=3, warmup_rounds=1)


@pytest.mark.benchmark(group="clips of the embedded world by processes")
@pytest.mark.parametrize("by", ["one worker", "two workers"])
def bench_world_workers(benchmark: Any, facts: Facts, by: str) -> None:
    workers = ["one worker", "two workers"].index(by) + 1
    if workers == 1:
        facts.peer()
    with tempfile.TemporaryDirectory(dir=SHARED if SHARED.is_dir() else None) as folder:
        arguments = {"sequences": range(32), "workers": workers}
        made = benchmark.pedantic(make_arrays, (EGOMINI_TRAIN, Path(folder) / "arrays"), arguments, rounds=1)
    facts.per("clip", len(made))


@cache
def acted() -> list[tuple[Any, Any, Any]]:
    """Room, wearer and performance of every clip."""
    spec = EGOMINI_TRAIN
    return [(clip_room(spec, s), clip_wearer(spec, s), clip_performance(spec, s, w)) for s, w in PLACES]
