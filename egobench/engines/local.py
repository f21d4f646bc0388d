"""`LocalEngine` runs items in worker processes of this machine. An engine decides where items run, and never changes
the results (`inline.py` runs them in the caller's process, for debugging).

Even a single worker is a process of its own with one thread. So the number of workers cannot change a result, and a
model that kills its process loses an item, not the run.
"""

import contextlib
import multiprocessing
import pickle
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from typing import Any, Protocol

from egobench.engines import worker
from egobench.engines.worker import Answer
from egobench.errors import BadInputError


class Job(Protocol):
    """The work on items; it is pickled to every worker."""

    @property
    def error_code(self) -> str:
        """Code of an item whose task raised an unexpected error."""
        ...

    def prepare(self) -> Callable[[Any], Any]:
        """Loads what all items share, once per worker, and returns the task, a function of one item."""
        ...


@dataclass(frozen=True)
class Outcome:
    """An item and its result or error."""

    item: Any
    answer: Answer


class Engine(Protocol):
    """Runs a job over items."""

    def run(self, job: Job, items: Sequence[Any], *, attempts: int = 1) -> Generator[Outcome, None, None]:
        """Yields an outcome for every item, in any order.

        Raises:
            BadInputError: `load-failed`: the job cannot be prepared.
            StorageError: the disk refused.
        """
        ...


@dataclass(frozen=True)
class LocalEngine:
    """Worker processes on this machine."""

    workers: int = 1

    def __post_init__(self) -> None:
        if self.workers < 1:
            raise BadInputError(f"{self.workers} workers; at least 1 is needed", code="workers")

    def run(self, job: Job, items: Sequence[Any], *, attempts: int = 1) -> Generator[Outcome, None, None]:
        """See `Engine`. If a worker dies, its pool breaks. The items that were in it are then run alone. An item whose
        worker dies `attempts` times more fails with code `worker-died`."""
        blob = pickle.dumps(job)
        pending = deque(items)
        try:
            while pending:
                suspects = yield from self._run_together(blob, pending, attempts)
                yield from _run_alone(blob, suspects, attempts)
        except worker.LoadError as error:
            raise refusal_of(error, "in the worker process") from None

    def _run_together(self, blob: bytes, pending: deque, attempts: int) -> Generator[Outcome, None, list]:
        """Works through `pending`; returns the items that were in the pool when it broke."""
        running: dict[Future, Any] = {}
        with _pool(blob, min(self.workers, len(pending))) as pool:
            while pending or running:
                try:
                    while pending and len(running) < 2 * self.workers:
                        running[pool.submit(worker.call, pending[0], attempts)] = pending[0]
                        pending.popleft()
                except BrokenProcessPool:
                    return list(running.values())
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    if isinstance(future.exception(), BrokenProcessPool):
                        return list(running.values())
                    yield Outcome(running[future], future.result())
                    del running[future]
        return []


def refusal_of(error: worker.LoadError, place: str) -> BadInputError:
    """The error of a job that cannot be prepared; its traceback is a note, with its place."""
    reason, code, traceback = error.args
    refusal = BadInputError(reason, code=str(code or "load-failed"))
    if traceback:
        refusal.add_note(f"{place}:\n{traceback}")
    return refusal


def _run_alone(blob: bytes, suspects: Sequence[Any], attempts: int) -> Generator[Outcome, None, None]:
    """Runs each item by itself, so that only an item that kills its worker fails."""
    left, deaths = deque(suspects), 0
    while left:
        with _pool(blob, 1) as pool:
            try:
                pool.submit(worker.ready).result()
            except BrokenProcessPool:
                text = (
                    "the worker process died while it loaded; see its last words on stderr (a script of your own must "
                    "call this under `if __name__ == '__main__':`)"
                )
                raise worker.LoadError(text, "load-failed", "") from None
            while left:
                try:
                    answer = pool.submit(worker.call, left[0], attempts).result()
                except BrokenProcessPool:
                    deaths += 1
                    if deaths < attempts:
                        break
                    answer = Answer(None, "worker-died", "the worker process died (killed, or crashed)", deaths)
                yield Outcome(left.popleft(), answer)
                deaths = 0
                if answer.code == "worker-died":
                    break


@contextlib.contextmanager
def _pool(blob: bytes, workers: int) -> Iterator[ProcessPoolExecutor]:
    """A pool of fresh processes. Its workers are killed on an error (also Ctrl-C), or if the generator is closed."""
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=worker.start, initargs=(blob,))
    try:
        yield pool
    except BaseException:
        for process in list((getattr(pool, "_processes", None) or {}).values()):
            process.kill()
        pool.shutdown(wait=False, cancel_futures=True)
        raise
    pool.shutdown(wait=True, cancel_futures=True)
