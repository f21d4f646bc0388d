"""What a result says of the machine it was measured on, and what is kept of a result: no host, user or path."""

import os
import platform
import re
import sys
from collections.abc import Mapping
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

PACKAGES = (
    *("numpy", "scipy", "numba", "torch", "torchvision", "open_clip_torch", "av", "pyarrow", "pycolmap"),
    *("evo", "scikit-learn", "torch-fidelity", "torchmetrics", "pytest-benchmark"),
)
"""Packages whose versions move figures: ours, and the peers'."""
COMMIT = ("id", "time", "dirty")
"""What is kept of the commit; a branch and a remote say nothing about a figure."""
DROPPED_STATS = ("data", "total", "q1", "q3", "ld15iqr", "hd15iqr", "iqr_outliers", "stddev_outliers")
DIGITS = 6
"""Significant digits of kept numbers."""


def processor(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    """The processor's name, as the system tells it."""
    lines = cpuinfo.read_text(encoding="utf-8").splitlines() if cpuinfo.is_file() else []
    named = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    return named or platform.processor() or platform.machine()


def usable_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def memory_gib() -> float | None:
    """Memory of the machine in GiB, where the system tells it."""
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)
    except (AttributeError, ValueError, OSError):
        return None


def load() -> float:
    """Processes that run or wait, mean of the last minute."""
    return round(os.getloadavg()[0], 2)


def versions() -> dict[str, str]:
    """Of the packages that are installed here."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def describe() -> dict[str, Any]:
    """The machine: processor, cores, memory, system, GPU, versions, load now."""
    return {
        "processor": processor(),
        "cores": usable_cores(),
        "memory_gib": memory_gib(),
        "system": platform.system(),
        "machine": platform.machine(),
        "gpu": gpu(),
        "python": platform.python_version(),
        "packages": versions(),
        "load_at_start": load(),
    }


def gpu() -> str | None:
    """Name of the first GPU, if a benchmark has loaded torch and torch sees one."""
    torch = sys.modules.get("torch")
    return torch.cuda.get_device_name(0) if torch is not None and torch.cuda.is_available() else None


def file_name(day: date, name: str) -> str:
    """`2026-11-28-amd-epyc-9b14`, of a day and a processor's name."""
    plain = re.sub(r"\((R|TM|C)\)|\bCPU\b|\bProcessor\b|@.*", " ", name, flags=re.IGNORECASE)
    return f"{day.isoformat()}-{re.sub(r'[^a-z0-9]+', '-', plain.lower()).strip('-') or 'unknown'}"


def trimmed(document: Mapping[str, Any], load_at_end: float) -> dict[str, Any]:
    """A document of pytest-benchmark without raw times, options and branch; numbers with six significant digits.

    `pytest-benchmark compare` still reads it.
    """
    machine = {**document["machine_info"], "load_at_end": load_at_end}
    commit = {key: document["commit_info"].get(key) for key in COMMIT}
    benchmarks = [_trimmed_benchmark(one) for one in document["benchmarks"]]
    return {**document, "machine_info": machine, "commit_info": commit, "benchmarks": benchmarks}


def _trimmed_benchmark(one: Mapping[str, Any]) -> dict[str, Any]:
    stats = {key: value for key, value in one["stats"].items() if key not in DROPPED_STATS}
    kept = {key: value for key, value in one.items() if key not in ("options", "cprofile")}
    return _rounded({**kept, "timer": one["options"]["timer"], "stats": stats})


def _rounded(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _rounded(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(each) for each in value]
    return float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value
