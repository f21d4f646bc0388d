"""Batches: how items are grouped, and how a worker takes a batch through the three phases of a task.

A batch is formed from the plan: items in order, so many at a time. Who is free, and what is done already, does not
change it. Therefore any number of workers, and a resumed run, give the same bytes. A batch that fails as a whole is
halved and tried again, so that an error costs only the item that causes it.
"""

import gc
import sys
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from egobench.errors import StorageError

THREADS = 6
"""Threads that read ahead and write behind, where a call has several batches."""
BEHIND = 2
"""Batches that may wait to be written."""
_OUT_OF_MEMORY = ("out of memory", "can't allocate memory", "cannot allocate memory")


@dataclass(frozen=True)
class Batching:
    """How items are grouped."""

    size: int = 1
    """Items that a task works on together."""
    per_call: int = 1
    """Batches that a worker is given at once. With more than one, it reads the next batch and writes the last one while
    it works; that pays on a GPU. On a CPU it takes the cores away from the work."""

    def calls(self, items: Sequence[Any]) -> list[tuple[tuple[Any, ...], ...]]:
        """Items → calls of batches, in order."""
        return list(_pieces(list(_pieces(items, self.size)), self.per_call))


SINGLY = Batching()


def _pieces(values: Sequence[Any], size: int) -> Iterator[tuple[Any, ...]]:
    for start in range(0, len(values), size):
        yield tuple(values[start : start + size])


def unfinished(items: Sequence[Any], size: int, is_left: Callable[[Any], bool]) -> list[Any]:
    """The items of every batch in which some item is left, in order.

    A batch is always worked on whole, since a neighbour can change the last bits of a result.
    """
    return [item for batch in _pieces(items, size) if any(map(is_left, batch)) for item in batch]


class Sizes:
    """What is known about the memory: how large a batch may be, and notes about it that were not told yet."""

    def __init__(self) -> None:
        self.most = sys.maxsize
        self.notes: list[str] = []


class BatchTask(ABC):
    """A task in three phases: read an item, work on several together, write each result."""

    def __init__(self) -> None:
        self.sizes = Sizes()

    @abstractmethod
    def open(self, item: Any) -> Any:
        """Reads what the work needs; may run in a thread of its own."""

    @abstractmethod
    def work(self, opened: Sequence[Any]) -> Sequence[Any]:
        """A result, or an exception, for each item; always in the main thread of the worker."""

    @abstractmethod
    def close(self, item: Any, opened: Any, result: Any) -> Any:
        """Writes a result and returns the value of its answer; may run in a thread of its own."""

    def __call__(self, item: Any) -> Any:
        """All three phases of one item. Raises what they raise."""
        opened = self.open(item)
        (result,) = self.work([opened])
        if isinstance(result, BaseException):
            raise result
        return self.close(item, opened, result)


@dataclass
class Done:
    """One item after its batch."""

    item: Any
    value: Any = None
    error: BaseException | None = None
    seconds: float = 0.0
    """From reading to writing; of the work on the batch, an equal share."""
    busy: float = 0.0
    """The share of the work alone."""
    note: str = ""
    """About a batch that was too large; on one of its items."""


def take(task: BatchTask, batches: Sequence[Sequence[Any]]) -> list[Done]:
    """Takes batches through a task. With several, the next is read and the last is written beside the work.

    Raises:
        StorageError: the disk refused.
    """
    waiting = deque(batches)
    done: list[list[Future]] = []
    with _threads(len(batches) > 1) as pool:
        ahead = _opened(pool, task, waiting.popleft()) if waiting else []
        while ahead:
            ready, ahead = [future.result() for future in ahead], []
            if waiting:
                ahead = _opened(pool, task, waiting.popleft())
            worked = _worked(task, ready)
            done.append([pool.submit(_closed, task, each) for each in worked])
            for future in done[-BEHIND - 1] if len(done) > BEHIND else []:
                future.result()
        return [future.result() for futures in done for future in futures]


@dataclass
class _Ready(Done):
    """One item between two phases."""

    opened: Any = None
    result: Any = None


def _opened(pool: Executor, task: BatchTask, batch: Sequence[Any]) -> list[Future]:
    return [pool.submit(_open, task, item) for item in batch]


def _open(task: BatchTask, item: Any) -> _Ready:
    began, ready = time.perf_counter(), _Ready(item)
    _guarded(ready, "opened", lambda: task.open(item))
    ready.seconds = time.perf_counter() - began
    return ready


def _worked(task: BatchTask, ready: list[_Ready]) -> list[_Ready]:
    good = [each for each in ready if each.error is None]
    if not good:
        return ready
    began = time.perf_counter()
    results = halving(task.work, [each.opened for each in good], task.sizes)
    share = (time.perf_counter() - began) / len(good)
    for each, result in zip(good, results, strict=True):
        each.seconds += share
        each.busy = share
        if isinstance(result, BaseException):
            each.error = result
        else:
            each.result = result
    good[0].note, task.sizes.notes = "; ".join(task.sizes.notes), []
    return ready


def _closed(task: BatchTask, ready: _Ready) -> Done:
    began = time.perf_counter()
    if ready.error is None:
        _guarded(ready, "value", lambda: task.close(ready.item, ready.opened, ready.result))
    seconds = ready.seconds + time.perf_counter() - began
    return Done(ready.item, ready.value, ready.error, seconds, ready.busy, ready.note)


def _guarded(ready: _Ready, name: str, step: Callable[[], Any]) -> None:
    try:
        setattr(ready, name, step())
    except StorageError:
        raise
    except BaseException as error:  # the user's Ctrl-C never arrives here, as in `worker.answer_of`
        ready.error = error


def halving(work: Callable[[Sequence[Any]], Sequence[Any]], values: Sequence[Any], sizes: Sizes) -> list[Any]:
    """Result or error of each value. Values that raise together, or are too many for the memory, are worked on in
    halves. Raises StorageError."""
    if len(values) <= sizes.most:
        try:
            return list(work(values))
        except StorageError:
            raise
        except BaseException as error:
            if len(values) == 1:
                return [error]
            too_large = is_out_of_memory(error)
        if too_large:  # outside of `except`, whose traceback holds the memory
            sizes.most = (len(values) + 1) // 2
            sizes.notes.append(f"a batch of {len(values)} does not fit into memory; {sizes.most} are tried from now on")
            _free_memory()
    middle = (len(values) + 1) // 2
    return [*halving(work, values[:middle], sizes), *halving(work, values[middle:], sizes)]


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error, or its cause, says that memory has run out: of this process, or of a GPU."""
    while error is not None:
        text = str(error).lower()
        if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
            return True
        if isinstance(error, RuntimeError) and any(words in text for words in _OUT_OF_MEMORY):
            return True
        error = error.__cause__  # pyright: ignore[reportAssignmentType]
    return False


def _free_memory() -> None:
    gc.collect()
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        torch.cuda.empty_cache()


class _Now(Executor):
    """Runs a function at once, in this thread."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future:
        future: Future = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except BaseException as error:
            future.set_exception(error)
        return future


@contextmanager
def _threads(are_wanted: bool) -> Iterator[Executor]:
    if not are_wanted:
        yield _Now()
        return
    with ThreadPoolExecutor(THREADS, thread_name_prefix="egobench") as pool:
        yield pool
