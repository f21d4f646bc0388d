"""What a worker process does in tests: its work, and then something that never ends."""

import multiprocessing
import threading
import time

from egobench.engines import worker
from egobench.files import worker_process


def work(what: str) -> None:
    """Starts as a worker does and leaves a thread or a process running."""
    worker_process.GRACE_S = 0.5
    worker.start(b"")
    if what == "thread":
        threading.Thread(target=time.sleep, args=(600,), name="loader").start()
    if what == "process":
        multiprocessing.get_context("spawn").Process(target=time.sleep, args=(600,)).start()
