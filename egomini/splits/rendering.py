"""Draws clips of the embedded world into a folder of arrays with many processes; their number does not change the
arrays.

Workers take the recordings in order, so that the first clips are complete early and a trainer can start with them. They
end if the process that started them has ended for any reason; finished clips stay.
"""

import multiprocessing
import signal
import time
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from egobench.errors import BadInputError, StorageError
from egobench.files.worker_process import leave_with_parent
from egobench.progress import Progress
from egomini.splits.array_folder import count_ready, finish_folder, map_arrays, open_arrays, prepare_folder
from egomini.splits.arrays import ClipArrays, fill_sequence
from egomini.splits.recipe import SplitSpec

LOOK_SECONDS = 0.05
"""Seconds between two checks of the workers' progress."""
NO_ROOM = (getattr(signal, "SIGBUS", None), getattr(signal, "SIGKILL", None))
"""Signals that end a process that writes to a mapped file on a full disk, or that takes too much memory."""


class Rendering:
    """Workers that fill a folder; as a context manager it stops them at the end of its block."""

    def __init__(self, folder: Path, total: int, workers: list[Any], turn: Any = None) -> None:
        self.folder = folder
        self.total = total
        """Clips that the folder will hold."""
        self.workers = workers
        self._turn = turn  # workers find it by name, so it must exist until all have started

    def ready(self) -> int:
        """Number of complete clips from the first on.

        Raises:
            StorageError: a full disk or a lack of memory ended a worker; if started again, the rendering continues.
            RuntimeError: an error of its own ended a worker; stderr has it.
        """
        for worker in self.workers:
            if worker.exitcode is not None and -worker.exitcode in NO_ROOM:
                text = f"a worker that draws into {self.folder} was ended by signal {-worker.exitcode}: too little room"
                raise StorageError(f"{text} on the disk or in memory; make some, then go on where it stopped")
            if worker.exitcode not in (None, 0):
                raise RuntimeError(
                    f"a worker that draws into {self.folder} ended with code {worker.exitcode}; see its last words on "
                    "stderr (a script of your own must keep its work under `if __name__ == '__main__':`)"
                )
        return count_ready(self.folder)

    def wait(self, clips: int | None = None, progress: Progress | None = None) -> ClipArrays:
        """Waits until the first `clips` clips (None: all) are complete, and opens all clips that are complete then.

        Raises:
            BadInputError: `clip-count`: the folder will have fewer clips.
            StorageError, RuntimeError: as `ready`.
        """
        needed, done = self.total if clips is None else clips, 0
        if not 0 <= needed <= self.total:
            raise BadInputError(f"waiting for {needed} clips; {self.folder} will hold {self.total}", code="clip-count")
        if progress is not None:
            progress.stage(f"drawing into {self.folder.name}", needed)
        while True:
            ready = self.ready()
            if progress is not None:
                progress.advance(min(ready, needed) - done)
            done = min(ready, needed)
            if ready >= needed:
                break
            time.sleep(LOOK_SECONDS)
        if needed == self.total:
            for worker in self.workers:
                worker.join()
            finish_folder(self.folder)
        if progress is not None:
            progress.done()
        return open_arrays(self.folder)

    def stop(self) -> None:
        """Ends the workers; finished clips stay."""
        for worker in self.workers:
            worker.terminate()
        for worker in self.workers:
            worker.join()
        self.workers = []

    def __enter__(self) -> "Rendering":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def begin_arrays(spec: SplitSpec, folder: Path, *, sequences: range | None = None, workers: int = 1) -> Rendering:
    """Starts processes that draw clips into a folder, and returns at once; an interrupted folder is continued.

    Processes are spawned: each imports the caller's main module again, so that has to keep its work under
    `if __name__ == "__main__":` and is best without heavy imports at its top.

    Args:
        folder: one that does not exist, is empty, or holds clips of the same recipe; under /dev/shm it is shared
            memory. Needs 0.6 MB a clip of 64 × 64.
        sequences: consecutive recordings of the split; None takes all.
        workers: processes.

    Raises:
        BadInputError: `worker-count`: no worker; `sequence-range`, `split-subset`, `recipe-other`: as `prepare_folder`.
        StorageError: there is no room for the arrays, or the disk refused.
    """
    if workers < 1:
        raise BadInputError(f"{workers} workers; at least 1 is needed", code="worker-count")
    numbers = prepare_folder(spec, folder, sequences)
    places = _missing(folder)
    context = multiprocessing.get_context("spawn")
    turn = context.Value("q", 0)
    arguments = (spec, folder, numbers.start, places, turn)
    started = []
    for _ in range(min(workers, len(places))):
        started.append(context.Process(target=_draw_in_turn, args=arguments, daemon=True))
        started[-1].start()
    if not places:
        finish_folder(folder)
    return Rendering(folder, len(numbers) * spec.clips_per_sequence, started, turn)


def make_arrays(
    spec: SplitSpec,
    folder: Path,
    *,
    sequences: range | None = None,
    workers: int = 1,
    progress: Progress | None = None,
) -> ClipArrays:
    """Draws clips into a folder and maps them when all are there; a whole folder is only mapped.

    Args:
        folder, sequences: as `begin_arrays`.
        workers: processes; one draws in this process.

    Raises:
        BadInputError, StorageError, RuntimeError: as `begin_arrays` and `Rendering.ready`.
    """
    if workers != 1:
        with begin_arrays(spec, folder, sequences=sequences, workers=workers) as rendering:
            return rendering.wait(progress=progress)
    numbers = prepare_folder(spec, folder, sequences)
    places, arrays = _missing(folder), map_arrays(folder, "r+")
    if progress is not None:
        progress.stage(f"drawing into {folder.name}", len(numbers) * spec.clips_per_sequence)
        progress.advance((len(numbers) - len(places)) * spec.clips_per_sequence)
    for place in places:
        fill_sequence(spec, numbers.start + place, arrays, place)
        if progress is not None:
            progress.advance(spec.clips_per_sequence)
    finish_folder(folder)
    if progress is not None:
        progress.done()
    return open_arrays(folder)


def _missing(folder: Path) -> list[int]:
    """Places of the recordings that are not drawn yet."""
    return np.flatnonzero(map_arrays(folder)["done"] == 0).tolist()


def _draw_in_turn(spec: SplitSpec, folder: Path, first: int, places: list[int], turn: Any) -> None:
    """A worker: draws the next recording that nobody has taken, until none is left."""
    leave_with_parent()
    arrays = map_arrays(folder, "r+")
    while True:
        with turn.get_lock():
            taken = turn.value
            turn.value += 1
        if taken >= len(places):
            break
        fill_sequence(spec, first + places[taken], arrays, places[taken])
    finish_folder(folder)
