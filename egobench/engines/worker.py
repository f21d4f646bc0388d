"""Code of a worker process: one thread, one job, batch by batch. It limits threads before it imports large libraries.

A worker ignores Ctrl-C, which its parent handles, and ends when its parent has ended for any reason.
"""

import os
import pickle
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from egobench.engines.batches import BatchTask, Done, take
from egobench.errors import BadInputError, EgoBenchError, StorageError
from egobench.files.patient import use_patient_streams
from egobench.files.worker_process import end_when_done, leave_with_parent

THREAD_VARIABLES = (
    *("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"),
    *("NUMEXPR_NUM_THREADS", "NUMBA_NUM_THREADS", "OMP_WAIT_POLICY"),
)
MAX_REASON = 300
MAX_TRACEBACK = 20_000
"""Largest number of characters of a stored traceback."""
_state: dict[str, Any] = {}


@dataclass(frozen=True)
class Answer:
    """The result or error of one item."""

    value: Any = None
    """The task's result; None if it failed."""
    code: str = ""
    """Stable error code; empty if ok."""
    reason: str = ""
    """One line; empty if ok."""
    attempts: int = 1
    seconds: float = 0.0
    """Of the last attempt."""
    traceback: str = ""
    """Traceback of an error in code outside the suite; empty if there was none."""
    busy: float = 0.0
    """Seconds of the work itself (model, extractors), without reading and writing."""
    note: str = ""
    """A remark on the batch, on one of its items; empty if there is none."""


class LoadError(Exception):
    """A job could not be prepared; pickled back to the parent, which ends the run with one line."""


def start(job: bytes, devices: Any = None) -> None:
    """Sets a fresh process up for a pickled job.

    Args:
        devices: a queue with the number of a GPU for each worker; the worker then sees this one alone. None for jobs
            whose device is the same for all.
    """
    leave_with_parent()
    end_when_done()
    use_patient_streams()
    for variable in THREAD_VARIABLES:
        os.environ[variable] = "PASSIVE" if variable == "OMP_WAIT_POLICY" else "1"
    if devices is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = devices.get()
    _state.clear()
    _state["job"] = job


def ready() -> bool:
    """Prepares the job. It distinguishes a job that cannot be loaded from an item that kills its worker."""
    _task()
    return True


def call(batches: Sequence[Sequence[Any]], attempts: int) -> list[Answer]:
    """Runs batches, and each of their items up to `attempts` times; an answer for each item, in order.

    Raises:
        StorageError: the disk refused; this is no fault of the item.
        LoadError: the job cannot be prepared.
    """
    return answers_of(*_task(), batches, attempts)


def answers_of(
    task: Callable[[Any], Any], error_code: str, batches: Sequence[Sequence[Any]], attempts: int
) -> list[Answer]:
    """The answers for batches of items. An item that failed in its batch is tried again alone. Raises StorageError."""
    if not isinstance(task, BatchTask):
        return [answer_of(task, error_code, item, attempts) for batch in batches for item in batch]
    answers = []
    for done in take(task, batches):
        answer = _answer(done, error_code)
        if answer.code and attempts > 1:
            again = answer_of(task, error_code, done.item, attempts - 1)
            answer = replace(again, attempts=again.attempts + 1, note=answer.note)
        answers.append(answer)
    return answers


def _answer(done: Done, error_code: str) -> Answer:
    if done.error is None:
        return Answer(done.value, seconds=done.seconds, busy=done.busy, note=done.note)
    return replace(_failure(done.error, error_code, 1, done.seconds), busy=done.busy, note=done.note)


def answer_of(task: Callable[[Any], Any], error_code: str, item: Any, attempts: int) -> Answer:
    """The answer for one item, tried up to `attempts` times. Raises StorageError."""
    answer = Answer()
    for attempt in range(1, attempts + 1):
        began = time.perf_counter()
        try:
            return Answer(task(item), attempts=attempt, seconds=time.perf_counter() - began)
        except StorageError:
            raise
        except BaseException as error:  # the user's Ctrl-C never arrives here: a KeyboardInterrupt comes from the model
            answer = _failure(error, error_code, attempt, time.perf_counter() - began)
    return answer


def _failure(error: BaseException, error_code: str, attempt: int, seconds: float) -> Answer:
    code = error.code if isinstance(error, BadInputError) else error_code
    return Answer(None, code, one_line(error), attempt, seconds, traceback_of(error))


def one_line(error: BaseException) -> str:
    """Type and message of an error in one line; for an error from outside the suite, also its place."""
    try:
        message = str(error)
    except Exception as broken:
        message = f"its text raised {type(broken).__name__}"
    message = printable(message)
    if isinstance(error, EgoBenchError):
        return " ".join(message.split())[:MAX_REASON]
    frames = traceback.extract_tb(error.__traceback__)
    place = f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""
    return printable(" ".join(f"{type(error).__name__}: {message}".split())[:MAX_REASON] + place)


def printable(text: str) -> str:
    """The text with single surrogates written as `\\udc80`, since files are in UTF-8."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def traceback_of(error: BaseException) -> str:
    """Traceback of an error in code outside the suite, or of the one that caused a suite's error; only its end if
    long."""
    source = error.__cause__ if isinstance(error, EgoBenchError) else error
    if source is None or isinstance(source, EgoBenchError):
        return ""
    try:
        return printable("".join(traceback.format_exception(source)))[-MAX_TRACEBACK:]
    except Exception as broken:
        return f"it could not be written: {type(broken).__name__}"


def pin_threads() -> None:
    """Limits every numeric library that is loaded by now to one thread."""
    import sys

    from threadpoolctl import threadpool_limits

    threadpool_limits(1)
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)


def prepared(job: Any) -> Callable[[Any], Any]:
    """The task of a job. Raises StorageError, or LoadError with code and traceback."""
    try:
        return job.prepare()
    except StorageError:
        raise
    except BaseException as error:
        raise LoadError(one_line(error), getattr(error, "code", ""), traceback_of(error)) from None


def _task() -> tuple[Callable[[Any], Any], str]:
    if "task" not in _state:
        try:
            job = pickle.loads(_state["job"])  # these bytes come from the parent process
        except BaseException as error:
            raise LoadError(one_line(error), getattr(error, "code", ""), traceback_of(error)) from None
        _state["task"] = prepared(job), job.error_code
        pin_threads()
    return _state["task"]
