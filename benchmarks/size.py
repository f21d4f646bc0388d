"""How a run grows with its items: seconds, memory and disk of each stage, `python benchmarks/size.py --items 100000`.

Clips, model and extractor are made up and cost the same for every clip, so what grows is the suite's own. A clip has a
motion of 8 frames and no sampled video; the metrics are one clip metric, and three on 32 features. Every size is a
run of its own with one worker process, in a folder of its own that is deleted at the end. docs/size.md has the figures.
"""

import argparse
import json
import multiprocessing
import os
import re
import resource
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from egobench.data.open import open_split
from egobench.extractors.base import Extractor
from egobench.plan.request import RunRequest
from egobench.types import Camera, Clip, ClipInfo, Condition, Motion, Reference, Sample, Video

ITEMS = "EGOBENCH_BENCHMARK_ITEMS"
"""Variable of the environment with the number of clips; worker processes read it too."""
FRAMES, WIDTH, HEIGHT, FPS, FEATURES = 8, 16, 16, 8.0, 32
PER_SEQUENCE = 4
CAMERA = Camera(np.array([[8.0, 0, 8], [0, 8, 8], [0, 0, 1]]), WIDTH, HEIGHT, np.eye(4))
STILL = Video(np.zeros((FRAMES, HEIGHT, WIDTH, 3), dtype=np.uint8), FPS)
MIB = 2.0**20


@cache
def body() -> tuple[np.ndarray, np.ndarray]:
    """Joints (23, 3) and rotations (23, 3, 3) of a person of the embedded world."""
    split = open_split("egomini-smoke")
    motion = split.clip(split.infos()[0].clip_id).reference.motion
    return motion.positions[0], motion.rotations[0]


def standing(number: int, share: float) -> Motion:
    """A stiff person who glides, by the clip's number."""
    joints, rotations = body()
    drift = share * np.arange(FRAMES)[:, None] * np.sin([number, 2 * number, 0]) / FPS
    drift[:, 2] = 0.0
    return Motion(joints[None] + drift[:, None, :], np.broadcast_to(rotations, (FRAMES, 23, 3, 3)).copy(), FPS)


class Synthetic:
    """A split of as many clips as the environment says."""

    name = "synthetic"

    def open(self, home: Path) -> "Synthetic":
        """Itself; `home` is not used."""
        return self

    @property
    def digest(self) -> str:
        """By the number of clips."""
        return f"{int(os.environ[ITEMS]):064d}"

    @property
    def facts(self) -> Mapping[str, Any]:
        """Of every clip."""
        size = {"width": WIDTH, "height": HEIGHT, "fps_video": FPS, "fps_motion": FPS, "skeleton": "xsens23"}
        camera = {"intrinsics": CAMERA.intrinsics.tolist(), "T_head_camera": CAMERA.T_head_camera.tolist()}
        return {**size, **camera, "num_video_frames": FRAMES, "num_motion_frames": FRAMES}

    def infos(self) -> tuple[ClipInfo, ...]:
        """All rows, made once."""
        global _infos
        if len(_infos) != int(os.environ[ITEMS]):
            _infos = tuple(_info(number) for number in range(int(os.environ[ITEMS])))
        return _infos

    def clip(self, clip_id: str) -> Clip:
        """One clip."""
        info = _info(int(clip_id.removeprefix("clip-")))
        motion = standing(int(clip_id.removeprefix("clip-")), 1.0)
        pose = Motion(motion.positions[:1], motion.rotations[:1], FPS)
        counts = {"num_video_frames": FRAMES, "num_motion_frames": FRAMES, "fps_video": FPS, "fps_motion": FPS}
        condition = Condition(clip_id, self.name, info.text, STILL.frames[0], pose, CAMERA, **counts)
        return Clip(info, condition, Reference(STILL, motion))


SYNTHETIC = Synthetic()
_infos: tuple[ClipInfo, ...] = ()


def _info(number: int) -> ClipInfo:
    clip_id = f"clip-{number:07d}"
    return ClipInfo(clip_id, f"s{number // PER_SEQUENCE:07d}", "p", f"caption {number}", "walk", f"{number:016x}")


@dataclass(frozen=True)
class Copyist:
    """A model that drifts half as far as the recorded motion."""

    def load(self, device: str) -> "Copyist":
        """Itself."""
        return self

    def sample(self, condition: Condition, *, seed: int) -> Sample:
        """A motion, no video."""
        return Sample(None, standing(int(condition.clip_id.removeprefix("clip-")), 0.5))


@dataclass(frozen=True)
class Waves(Extractor):
    """Thirty-two waves of where a motion ends, or of the number in a caption."""

    name: ClassVar[str] = "waves"
    provides: ClassVar[tuple[str, ...]] = ("motion", "text")

    def definition(self) -> Mapping[str, Any]:
        """No weights."""
        return {"weights_sha256": "0" * 64}

    def load(self, device: str) -> "Waves":
        """Itself."""
        return self

    def motion(self, motion: Motion) -> np.ndarray:
        """(feature,)"""
        return _waves(float(motion.positions[-1, 0, 0] * 1e4))

    def text(self, text: str) -> np.ndarray:
        """(feature,)"""
        return _waves(float(text.rpartition(" ")[2]))


def _waves(number: float) -> np.ndarray:
    return np.sin(number * np.arange(1, FEATURES + 1) + np.arange(FEATURES)).astype(np.float32)


def measure(items: int, place: str, answers: "multiprocessing.Queue") -> None:
    """Runs once; answers with seconds by stage, processor time per item (ms), memory (MiB) of this process and its
    worker, sizes on disk, and bytes of the journal per item."""
    os.environ[ITEMS] = str(items)
    os.environ["EGOBENCH_CACHE"] = str(Path(place) / "cache")
    from egobench.run.run import start_run

    sys.path.insert(0, str(Path(__file__).resolve().parent))  # worker processes are given it too
    preset = "size:Waves"
    request = RunRequest(
        model="size:Copyist",
        split="size:SYNTHETIC",
        metrics=f"jerk,m-fid:{preset},r-precision:{preset},mm-dist:{preset}",
        out=Path(place),
        workers=1,
    )
    watch = _Workers()
    watch.start()
    report = start_run(request)
    watch.ended.set()
    seconds = json.loads((report.path / "manifest.json").read_text())["seconds"]
    usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    used = sum(each.ru_utime + each.ru_stime for each in usage)
    peaks = [_peak_mib("self"), watch.peak_mib]
    files = {name: sizes(path) for name, path in (("run", report.path), ("cache", Path(place) / "cache"))}
    journal = (report.path / "events.jsonl").stat().st_size / items
    answers.put({"seconds": seconds, "cpu": 1000 * used / items, "peaks": peaks, "files": files, "journal": journal})


def _peak_mib(pid: str) -> float:
    """Largest memory of a process since it began to run its program (Linux; 0 elsewhere, and if it has ended).

    `getrusage` does not tell: a process that is started counts the memory of the one that started it.
    """
    found = None
    with suppress(OSError):
        found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) / 1024 if found else 0.0


class _Workers(threading.Thread):
    """Looks every half second at the largest memory that a worker process has had."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.ended, self.peak_mib = threading.Event(), 0.0

    def run(self) -> None:
        """Until `ended`."""
        while not self.ended.wait(0.5):
            for listed in Path("/proc/self/task").glob("*/children"):
                for pid in listed.read_text().split():
                    self.peak_mib = max(self.peak_mib, _peak_mib(pid))


def sizes(folder: Path) -> tuple[float, int]:
    """MiB on disk, by blocks, and the number of files and folders."""
    blocks = count = 0
    for parent, folders, names in os.walk(folder):
        count += len(folders) + len(names)
        blocks += sum(os.lstat(os.path.join(parent, name)).st_blocks for name in (*folders, *names))
    return blocks * 512 / MIB, count


def main() -> int:
    """Prints a line per size; times depend on what else the machine does, `CPU ms` per item much less."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    parser.add_argument("--place", default=None, help="where the folders are made; by default with temporary files")
    options = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    titles = ("items", "generate/s", "extract/s", "score/s", "CPU ms", "parent MiB", "worker MiB", "run MiB", "entries")
    print(" ".join(f"{title:>10}" for title in (*titles, "cache MiB", "entries", "journal B")), flush=True)
    for items in options.items:
        place = tempfile.mkdtemp(dir=options.place)
        answers = context.Queue()
        process = context.Process(target=measure, args=(items, place, answers))
        process.start()
        while process.is_alive() and answers.empty():
            time.sleep(0.2)
        if answers.empty():
            shutil.rmtree(place, ignore_errors=True)
            return 1
        found = answers.get()
        process.join()
        rates = [items / max(1e-3, found["seconds"][stage]) for stage in ("generate", "extract", "score")]
        (run, entries), (cache, kept) = found["files"]["run"], found["files"]["cache"]
        figures = [items, *rates, found["cpu"], *found["peaks"], run, entries, cache, kept, found["journal"]]
        print(" ".join(f"{figure:10.0f}" for figure in figures), flush=True)
        shutil.rmtree(place, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
