"""Engines decide where items run, never what comes out: `LocalEngine` runs them in worker processes of this machine
(`engine_inline.py` in this very process, for a debugger).

Even one worker is a process of its own with one thread, so a number cannot depend on how many there are, and
a model that kills its process takes an item with it and not the run.
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
    """What to do with items; pickled to every worker."""

    @property
    def error_code(self) -> str:
        """Code of an item whose task raised something unexpected."""
        ...

    def prepare(self) -> Callable[[Any], Any]:
        """Loads what all items share, once a worker; returns the task, which takes an item."""
        ...


@dataclass(frozen=True)
class Outcome:
    """An item and what became of it."""

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
        """See `Engine`. A worker that dies takes down its pool: the items that were in it are then run alone,
        and one whose worker dies `attempts` times more fails with code `worker-died`."""
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
    """The error of a job that cannot be prepared; its traceback as a note, with the place it is of."""
    reason, code, traceback = error.args
    refusal = BadInputError(reason, code=str(code or "load-failed"))
    if traceback:
        refusal.add_note(f"{place}:\n{traceback}")
    return refusal


def _run_alone(blob: bytes, suspects: Sequence[Any], attempts: int) -> Generator[Outcome, None, None]:
    """Each item by itself, so that only the one that kills its worker is charged for it."""
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
    """A pool of fresh processes; left by an error (Ctrl-C too) or a closed generator, its workers are killed."""
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
