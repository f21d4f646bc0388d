"""`LocalEngine` runs items in worker processes of this machine. An engine decides where items run, and never changes
the results (`inline.py` runs them in the caller's process, for debugging; `batches.py` says what runs together).

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
from egobench.engines.batches import SINGLY, Batching
from egobench.engines.worker import Answer
from egobench.errors import BadInputError

Call = tuple[tuple[Any, ...], ...]
"""Batches of items that a worker is given at once."""


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

    @property
    def workers(self) -> int:
        """Number of processes."""
        ...

    def run(
        self, job: Job, items: Sequence[Any], *, attempts: int = 1, batching: Batching = SINGLY
    ) -> Generator[Outcome, None, None]:
        """Yields an outcome for every item, in any order.

        Args:
            batching: which items are worked on together, if the job's task is a `BatchTask`.

        Raises:
            BadInputError: `load-failed`: the job cannot be prepared.
            StorageError: the disk refused.
        """
        ...


@dataclass(frozen=True)
class LocalEngine:
    """Worker processes on this machine."""

    workers: int = 1
    devices: tuple[str, ...] = ()
    """Numbers of GPUs; one worker sees one of them. Empty: all workers see all."""

    def __post_init__(self) -> None:
        if self.workers < 1:
            raise BadInputError(f"{self.workers} workers; at least 1 is needed", code="workers")
        if self.devices and self.workers != len(self.devices):
            raise BadInputError(f"{self.workers} workers for {len(self.devices)} GPUs; one each", code="workers")

    def run(
        self, job: Job, items: Sequence[Any], *, attempts: int = 1, batching: Batching = SINGLY
    ) -> Generator[Outcome, None, None]:
        """See `Engine`. If a worker dies, its pool breaks. The calls that were in it are then run alone, and the items
        of a call that breaks its pool again one by one. An item whose worker dies `attempts` times more fails with code
        `worker-died`."""
        blob = pickle.dumps(job)
        pending = deque(batching.calls(items))
        try:
            while pending:
                suspects = yield from self._run_together(blob, pending, attempts)
                yield from _run_alone(blob, suspects, attempts, self.devices[:1])
        except worker.LoadError as error:
            raise refusal_of(error, "in the worker process") from None

    def _run_together(self, blob: bytes, pending: deque[Call], attempts: int) -> Generator[Outcome, None, list[Call]]:
        """Works through `pending`; returns the calls that were in the pool when it broke."""
        running: dict[Future, Call] = {}
        with _pool(blob, min(self.workers, len(pending)), self.devices) as pool:
            while pending or running:
                try:
                    while pending and len(running) < 2 * self.workers:
                        running[pool.submit(worker.call, pending[0], attempts)] = pending[0]
                        pending.popleft()
                except BrokenProcessPool:
                    return list(running.values())
                done = wait(running, return_when=FIRST_COMPLETED).done
                for future in [each for each in running if each in done]:  # in order, so the first item comes first
                    if isinstance(future.exception(), BrokenProcessPool):
                        return list(running.values())
                    yield from outcomes_of(running[future], future.result())
                    del running[future]
        return []


def outcomes_of(call: Call, answers: Sequence[Answer]) -> list[Outcome]:
    """The items of a call with their answers, in order."""
    return [Outcome(item, answer) for item, answer in zip(items_of(call), answers, strict=True)]


def items_of(call: Call) -> list[Any]:
    """The items of a call, in order."""
    return [item for batch in call for item in batch]


def refusal_of(error: worker.LoadError, place: str) -> BadInputError:
    """The error of a job that cannot be prepared; its traceback is a note, with its place."""
    reason, code, traceback = error.args
    refusal = BadInputError(reason, code=str(code or "load-failed"))
    if traceback:
        refusal.add_note(f"{place}:\n{traceback}")
    return refusal


def _run_alone(
    blob: bytes, suspects: Sequence[Call], attempts: int, devices: tuple[str, ...]
) -> Generator[Outcome, None, None]:
    """Runs each call by itself, and one that kills its worker item by item, so that only the guilty item fails."""
    left, deaths = deque(suspects), 0
    while left:
        with _pool(blob, 1, devices) as pool:
            try:
                pool.submit(worker.ready).result()
            except BrokenProcessPool:
                text = (
                    "the worker process died while it loaded; see its last words on stderr (a script of your own must "
                    "call this under `if __name__ == '__main__':`)"
                )
                raise worker.LoadError(text, "load-failed", "") from None
            while left:
                items = items_of(left[0])
                try:
                    answers = pool.submit(worker.call, left[0], attempts).result()
                except BrokenProcessPool:
                    if len(items) > 1:
                        left.popleft()
                        left.extendleft(((item,),) for item in reversed(items))
                        break
                    deaths += 1
                    if deaths < attempts:
                        break
                    answers = [Answer(None, "worker-died", "the worker process died (killed, or crashed)", deaths)]
                yield from outcomes_of(left.popleft(), answers)
                deaths = 0
                if answers[0].code == "worker-died":
                    break


@contextlib.contextmanager
def _pool(blob: bytes, workers: int, devices: Sequence[str]) -> Iterator[ProcessPoolExecutor]:
    """A pool of fresh processes. Its workers are killed on an error (also Ctrl-C), or if the generator is closed."""
    context = multiprocessing.get_context("spawn")
    numbers = context.SimpleQueue() if devices else None
    for device in devices:
        numbers.put(device)  # pyright: ignore[reportOptionalMemberAccess]
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=worker.start, initargs=(blob, numbers))
    try:
        yield pool
    except BaseException:
        for process in list((getattr(pool, "_processes", None) or {}).values()):
            process.kill()
        pool.shutdown(wait=False, cancel_futures=True)
        raise
    pool.shutdown(wait=True, cancel_futures=True)
