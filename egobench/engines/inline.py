"""The engine for debugging: items run one after another in the caller's own process, so breakpoints in a model work.

A model that kills its process ends the run, which can be resumed. Whatever it changes in its process (working folder,
random state, libraries) stays changed.
"""

import signal
import sys
import threading
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Any

from threadpoolctl import threadpool_limits

from egobench.engines.batches import SINGLY, Batching
from egobench.engines.local import Job, Outcome, outcomes_of, refusal_of
from egobench.engines.worker import LoadError, answers_of, prepared
from egobench.errors import BadInputError


@dataclass(frozen=True)
class InlineEngine:
    """Runs everything in the caller's process."""

    workers: int = 1

    def __post_init__(self) -> None:
        if self.workers != 1:
            text = f"{self.workers} workers; engine 'inline' runs in one process, 'local' in as many as are asked for"
            raise BadInputError(text, code="workers")

    def run(
        self, job: Job, items: Sequence[Any], *, attempts: int = 1, batching: Batching = SINGLY
    ) -> Generator[Outcome, None, None]:
        """See `Engine`. Ctrl-C stops it after the present batch at the latest; that batch does not count."""
        with _ctrl_c() as pressed:
            try:
                task = prepared(job)
            except LoadError as error:
                if pressed:
                    raise KeyboardInterrupt from None
                raise refusal_of(error, "in this process") from None
            with threadpool_limits(1), _one_torch_thread():
                for call in batching.calls(items):
                    answers = answers_of(task, job.error_code, call, attempts)
                    if pressed:
                        raise KeyboardInterrupt
                    yield from outcomes_of(call, answers)


@contextmanager
def _ctrl_c() -> Iterator[list[bool]]:
    """A list that is empty until the user presses Ctrl-C. It is needed since a task takes every exception that it
    catches for one of the model."""
    pressed: list[bool] = []
    if threading.current_thread() is not threading.main_thread():
        yield pressed
        return
    before = signal.getsignal(signal.SIGINT)

    def press(number: int, frame: FrameType | None) -> None:
        pressed.append(True)
        if callable(before):
            before(number, frame)

    signal.signal(signal.SIGINT, press)
    try:
        yield pressed
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def _one_torch_thread() -> Iterator[None]:
    """Sets torch to one thread, as in a worker, so that the number of threads cannot change a result."""
    torch = sys.modules.get("torch")
    if torch is None:
        yield
        return
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
