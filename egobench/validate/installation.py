"""What a run needs of this installation and machine, checked one by one: what `egobench doctor` prints."""

import importlib.metadata
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from egobench import __version__

NEEDED = ("numpy", "scipy", "numba", "av", "pyarrow", "matplotlib", "rich", "tyro", "safetensors")
MIN_MEMORY_GIB, MIN_FREE_GIB = 4.0, 2.0


@dataclass(frozen=True)
class Check:
    """One line."""

    name: str
    status: Literal["ok", "warn", "fail"]
    found: str
    advice: str = ""
    """What to do; empty where nothing is to be done."""


def all_checks() -> Iterator[Check]:
    """Every check in turn; one that crashes is itself a failed line and hides none of the others."""
    for part in PARTS:
        try:
            yield from part()
        except Exception as error:
            yield Check(part.__name__.strip("_"), "fail", f"{type(error).__name__}: {error}", "reinstall egobench")


def _python() -> Iterator[Check]:
    right = sys.version_info >= (3, 11)
    found = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    yield Check("python", "ok" if right else "fail", found, "" if right else "install Python 3.11 or newer")
    yield Check("egobench", "ok", f"{__version__} in {Path(__file__).resolve().parent.parent}")


def _packages() -> Iterator[Check]:
    for name in NEEDED:
        version = _version(name)
        if version:
            yield Check(name, "ok", version)
        else:
            yield Check(name, "fail", "missing", f"pip install {name}")


def _torch() -> Iterator[Check]:
    if find_spec("torch") is None:
        yield Check("torch", "warn", "missing: no i-fid, no clip-sim, no torch models", "pip install 'egobench[torch]'")
        return
    yield Check("torch", "ok", _version("torch") or "present")
    if find_spec("open_clip") is None:
        yield Check("open_clip", "warn", "missing: no i-fid, no clip-sim", "pip install 'egobench[torch]'")
    else:
        yield Check("open_clip", "ok", _version("open_clip_torch") or "present")


def _machine() -> Iterator[Check]:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    yield Check("cores", "ok", f"{cores}")
    memory = _memory_gib()
    if memory is None:
        yield Check("memory", "warn", "unknown on this system")
    elif memory < MIN_MEMORY_GIB:
        yield Check("memory", "warn", f"{memory:.1f} GiB", f"{MIN_MEMORY_GIB:.0f} GiB are comfortable; use --workers 1")
    else:
        yield Check("memory", "ok", f"{memory:.1f} GiB")
    free = shutil.disk_usage(Path.cwd()).free / 2**30
    low = free < MIN_FREE_GIB
    yield Check("disk here", "warn" if low else "ok", f"{free:.1f} GiB free", "free some space" if low else "")


def _weights() -> Iterator[Check]:
    """Every card beside the shipped weights names a file and its SHA-256."""
    from egobench.files.atomic import read_json
    from egobench.files.digest import digest_file

    folder = Path(__file__).resolve().parent.parent / "extractors" / "weights"
    cards = sorted(folder.glob("*.card.json"))
    if not cards:
        advice = "reinstall egobench, or `egobench fit egomini-clip`"
        yield Check("weights", "fail", f"no weights in {folder}", advice)
    for card in cards:
        name = card.name.removesuffix(".card.json")
        file, wanted = folder / f"{name}.safetensors", read_json(card).get("sha256", "")
        if not file.is_file():
            yield Check(f"weights {name}", "fail", f"no {file}", f"reinstall egobench, or `egobench fit {name}`")
        elif (found := digest_file(file)) != wanted:
            advice = f"reinstall egobench, or `egobench fit {name}`"
            yield Check(f"weights {name}", "fail", f"sha256 is {found[:12]}, the card says {wanted[:12]}", advice)
        else:
            yield Check(f"weights {name}", "ok", f"{file.stat().st_size / 2**20:.1f} MiB, sha256 {found[:12]}")


def _cache() -> Iterator[Check]:
    from egobench.errors import EgoBenchError
    from egobench.store.cache import ENVIRONMENT, cache_at, cache_place

    cache = cache_at(cache_place())
    if cache.remote:
        try:
            cache.remote.check_writable()
            yield Check("cache", "ok", cache.place)
        except EgoBenchError as error:
            yield Check("cache", "fail", str(error), f"set {ENVIRONMENT} to a place that can be written")
        return
    home = cache.root
    advice = f"set {ENVIRONMENT} to a folder that can be written"
    place = next(folder for folder in (home, *home.parents) if folder.exists())
    try:
        with tempfile.TemporaryFile(dir=place):
            pass
    except OSError as error:
        yield Check("cache", "fail", f"{home} cannot be written: {error.strerror}", advice)
        return
    size = sum(file.stat().st_size for file in home.rglob("*") if file.is_file()) if home.is_dir() else 0
    yield Check("cache", "ok", f"{home}, {size / 2**20:.1f} MiB")


def _encoders() -> Iterator[Check]:
    import av.codec

    for name in ("libx264", "h264"):
        mode = "w" if name == "libx264" else "r"
        try:
            av.codec.Codec(name, mode)
        except Exception:
            what = "encoder" if mode == "w" else "decoder"
            advice = "pip install --force-reinstall av (its wheels carry it)"
            yield Check(f"{what} {name}", "fail", "missing in the ffmpeg that av brings", advice)
        else:
            yield Check(f"{'encoder' if mode == 'w' else 'decoder'} {name}", "ok", "present")


def _splits() -> Iterator[Check]:
    from egobench.catalog import SPLITS
    from egobench.data.open import open_split
    from egobench.data.source import split_source
    from egobench.errors import EgoBenchError

    for name in SPLITS.names():
        try:
            split = open_split(name)
        except EgoBenchError as error:
            what, _, advice = str(error).partition("; ")
            source = split_source(name)
            is_expected = source is not None and source.on_demand
            status = "ok" if is_expected else "warn" if advice else "fail"
            yield Check(f"split {name}", status, what, advice or "reinstall egobench")
        else:
            yield Check(f"split {name}", "ok", f"{len(split.infos())} clips, digest {split.digest[:12]}")


PARTS: tuple[Callable[[], Iterator[Check]], ...] = (
    *(_python, _packages, _torch, _machine, _encoders, _weights, _cache, _splits),
)


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _memory_gib() -> float | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    except (ValueError, OSError, AttributeError):
        return None
