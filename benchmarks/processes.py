"""Commands that are measured from outside: seconds by the clock, CPU seconds and memory of all their processes."""

import os
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

EVERY_S = 0.4
"""Time between two looks at the memory; a look takes some milliseconds."""
EGOBENCH = (sys.executable, "-m", "egobench")
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
"""A command is measured as a user types it, without the limits that benchmarks inside this process have."""


@dataclass(frozen=True)
class Taken:
    """What a command took."""

    wall_s: float
    cpu_s: float
    """Of the command and all its children."""
    peak_mib: float
    """Largest memory of all its processes together, as seen every 0.4 s; what they share (libraries) counts once."""


def take(command: Sequence[str], **changes: str) -> Taken:
    """Runs a command to its end, without its output; `changes` are set in its environment.

    Raises:
        RuntimeError: it ended with another exit code than 0; the message has the end of its stderr.
    """
    environment = {key: value for key, value in os.environ.items() if key not in THREADS} | changes
    before, began = _children_cpu(), time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment, text=True)
    watch = _MemoryWatch(process.pid)
    watch.start()
    _, said = process.communicate()
    wall = time.perf_counter() - began
    watch.stop()
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}: {said[-2000:]}")
    return Taken(wall, _children_cpu() - before, watch.peak / 2**20)


def egobench(*arguments: str, cache: Path) -> Taken:
    """Runs `egobench …` with a cache of its own."""
    return take([*EGOBENCH, *arguments], EGOBENCH_CACHE=str(cache))


def tree_cpu() -> float:
    """CPU seconds of this process and of all its children, living and dead; a timer of resolution 0.01 s."""
    this = psutil.Process()
    total = 0.0
    for process in [this, *this.children(recursive=True)]:
        try:
            total += sum(process.cpu_times()[:4])  # its own, and those of its children that have ended
        except psutil.NoSuchProcess:
            continue
    return total


def own_peak_mib() -> float:
    """Largest memory of this process since it began to run its program, in MiB.

    On Linux it is `VmHWM`: `ru_maxrss` would count what the parent had when it made this process.
    """
    if Path("/proc/self/status").is_file():
        lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
        return float(next(line.split()[1] for line in lines if line.startswith("VmHWM"))) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 1024)


def _children_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


class _MemoryWatch(threading.Thread):
    """Looks at the memory of a process and its descendants until it is stopped."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.peak = 0
        self._root, self._over = psutil.Process(pid), threading.Event()

    def run(self) -> None:
        while not self._over.is_set():
            self.peak = max(self.peak, self._now())
            self._over.wait(EVERY_S)

    def stop(self) -> None:
        self._over.set()
        self.join()

    def _now(self) -> int:
        try:
            members = [self._root, *self._root.children(recursive=True)]
        except psutil.Error:
            return 0
        own, shared = zip(*map(_memory_of, members), strict=True)
        return sum(own) + max(shared)


def _memory_of(process: psutil.Process) -> tuple[int, int]:
    """Bytes of a process alone, and of the files and segments that it has in memory and others may have too."""
    try:
        memory = process.memory_info()
    except psutil.Error:
        return 0, 0
    shared = getattr(memory, "shared", 0)
    return memory.rss - shared, shared
