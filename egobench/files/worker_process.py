"""What every worker process does first: it leaves Ctrl-C to its parent, and ends when its parent is gone."""

import multiprocessing
import os
import signal
import threading


def leave_with_parent() -> None:
    """Ignores Ctrl-C (the parent decides), and ends this process when its parent has ended, however that died."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_after_parent, daemon=True).start()


def _end_after_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
