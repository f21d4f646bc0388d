"""A limit on the time that a block of code may take."""

import contextlib
import signal
from collections.abc import Iterator
from typing import Any


@contextlib.contextmanager
def time_limit(seconds: float, done: str = "done") -> Iterator[None]:
    """Raises TimeoutError in the block when the time is up. It works in a main thread only, and does nothing on
    Windows.

    Args:
        done: the past participle of what the block does, for the message.
    """
    if not hasattr(signal, "setitimer"):
        yield
        return

    def stop(*_: Any) -> None:
        raise TimeoutError(f"not {done} after {seconds:g} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
