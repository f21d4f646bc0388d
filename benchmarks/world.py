"""Time of a clip of the embedded world: drawn into an array, or made with a codec. CPU seconds, one process.

    python benchmarks/world.py [--sequences 15] [--rounds 5] [--workers 2] [--json]

Both ways take the same clips in turn, round by round, so that a busy machine slows both alike. It prints the medians of
the rounds, and the seconds of each part of the first way. With --workers the clips are also drawn into a folder in
shared memory, timed by the clock, with the start of the processes.
"""

import argparse
import json
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from egomini.camera.head_camera import make_camera
from egomini.camera.render import render
from egomini.splits.arrays import draw_arrays
from egomini.splits.frozen import EGOMINI_TRAIN
from egomini.splits.generate import STRIDE, clip_performance, clip_room, clip_wearer, draw_clip, generate_clip
from egomini.splits.rendering import make_arrays

FIGURE_S = 0.05
"""Largest CPU seconds of a clip of 64 × 64."""
SHARED = Path("/dev/shm")


def cpu_seconds(work: Callable[[], object]) -> float:
    """Processor time of this process, all threads."""
    began = time.process_time()
    work()
    return time.process_time() - began


def processor() -> str:
    """Its name, as the system tells it."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.is_file() else []
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.processor())


def measure(sequences: int, rounds: int) -> dict[str, float]:
    """Medians of CPU seconds a clip."""
    spec, chosen = EGOMINI_TRAIN, range(sequences)
    places = [(sequence, window) for sequence in chosen for window in range(spec.clips_per_sequence)]
    camera = make_camera(spec.resolution)
    acted = [(clip_room(spec, s), clip_wearer(spec, s), clip_performance(spec, s, w)) for s, w in places]
    roads: dict[str, Callable[[], object]] = {
        "arrays": lambda: draw_arrays(spec, chosen),
        "with a codec": lambda: [generate_clip(spec, *place) for place in places],
        "of arrays: acting": lambda: [clip_performance(spec, *place) for place in places],
        "of arrays: rendering": lambda: [render(*one, camera, stride=STRIDE) for one in acted],
    }
    taken: dict[str, list[float]] = {name: [] for name in roads}
    draw_clip(spec, 0, 0)  # compiled, or loaded from numba's cache
    for _ in range(rounds):
        for name, work in roads.items():
            taken[name].append(cpu_seconds(work) / len(places))
    return {name: statistics.median(values) for name, values in taken.items()}


def many(sequences: int, workers: int) -> float:
    """Clips a second by the clock, start of the processes included."""
    place = SHARED if SHARED.is_dir() else None
    with tempfile.TemporaryDirectory(dir=place) as folder:
        began = time.perf_counter()
        made = make_arrays(EGOMINI_TRAIN, Path(folder) / "arrays", sequences=range(sequences), workers=workers)
        return len(made) / (time.perf_counter() - began)


def main() -> int:
    """Prints the table; exits 1 if a clip costs more than the figure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sequences", type=int, default=15, help="recordings of egomini-train, four clips each")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--workers", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    load = os.getloadavg()[0]
    by_way = measure(options.sequences, options.rounds)
    ratio = by_way["with a codec"] / by_way["arrays"]
    facts = {"processor": processor(), "load": [round(load, 2), round(os.getloadavg()[0], 2)], "rounds": options.rounds}
    rate = many(options.sequences, options.workers) if options.workers else None
    if options.json:
        print(
            json.dumps({**facts, "figure_s": FIGURE_S, "cpu_s": by_way, "ratio": ratio, "clips_per_s": rate}, indent=2)
        )
    else:
        print(f"{facts['processor']}, load {load:.1f} before and {os.getloadavg()[0]:.1f} after")
        for name, seconds in by_way.items():
            print(f"{name:<22} {1000 * seconds:6.1f} ms a clip  {1 / seconds:6.1f} clips a CPU second")
        print(f"with a codec / arrays  {ratio:6.2f}; figure: at most {1000 * FIGURE_S:g} ms")
        if rate is not None:
            print(f"{options.workers} workers: {rate:.1f} clips a second by the clock, start included")
    return int(by_way["arrays"] > FIGURE_S)


if __name__ == "__main__":
    raise SystemExit(main())
