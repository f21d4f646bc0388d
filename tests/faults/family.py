"""Processes and their children, as /proc has them."""

import time
from pathlib import Path

import pytest


def children_of(process):
    """Process ids of the children; skips the test where the system does not tell."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    if not children.exists():
        process.kill()
        pytest.skip("needs /proc/<pid>/children to find the workers")
    return children.read_text().split()


def all_end(pids):
    """Whether all of them end within ten seconds."""
    for _ in range(200):
        if not any(_is_alive(pid) for pid in pids):
            return True
        time.sleep(0.05)
    return False


def _is_alive(pid):
    status = Path(f"/proc/{pid}/stat")
    try:
        return status.read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
    except (FileNotFoundError, ProcessLookupError):
        return False
