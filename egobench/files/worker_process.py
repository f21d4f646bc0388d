"""Set-up of every worker process: it ignores Ctrl-C, ends when its parent has ended, and ends when its work is done,
even if a user's code still runs threads in it."""

import multiprocessing
import multiprocessing.util
import os
import signal
import sys
import threading
import time

GRACE_S = 10.0
"""Seconds that threads and child processes of a user's code have to end by themselves after the last item."""


def leave_with_parent() -> None:
    """Ignores Ctrl-C, which the parent handles, and ends this process when its parent has ended for any reason."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_after_parent, daemon=True).start()


def end_when_done() -> None:
    """Ends this process at most `GRACE_S` after its work. Python itself waits for threads and child processes, so a
    server or a loader that a model never stops would block the run for ever."""
    multiprocessing.util.Finalize(None, _start_to_end, exitpriority=100)


def _start_to_end() -> None:
    threading.Thread(target=_end_after_grace, args=(GRACE_S,), daemon=True).start()


def _end_after_grace(seconds: float) -> None:
    time.sleep(seconds)
    children, main = multiprocessing.active_children(), threading.main_thread()
    names = [each.name for each in threading.enumerate() if not each.daemon and each is not main]
    names += [f"process {each.pid}" for each in children]
    for child in children:
        child.kill()
    text = f"a worker was done, but what the code in it had started ran on: {', '.join(names) or 'nothing with a name'}"
    print(f"{text}; ended after {seconds:g} s", file=sys.stderr, flush=True)
    os._exit(0)


def _end_after_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
