"""Processes and their children, as /proc has them."""

import time
from contextlib import suppress
from pathlib import Path

import pytest


def children_of(process):
    """Process ids of the children; skips the test where the system does not tell."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        with suppress(FileNotFoundError, ProcessLookupError):  # ended since it was listed
            if int(status.read_text().rpartition(")")[2].split()[1]) == process.pid:
                found.append(status.parent.name)
    if not Path("/proc/self/stat").exists():
        process.kill()
        pytest.skip("needs /proc/<pid>/stat to find the workers")
    return found


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
