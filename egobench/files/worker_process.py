"""What every worker process does first: it leaves Ctrl-C to its parent, ends when its parent is gone, and ends when its
work is done, whatever a user's code has left running in it."""

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
    """Ignores Ctrl-C (the parent decides), and ends this process when its parent has ended, however that died."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_after_parent, daemon=True).start()


def end_when_done() -> None:
    """Ends this process `GRACE_S` after its work at the latest: Python waits for threads and child processes, and a
    server or a loader that a model never stops would hold the whole run for ever."""
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
