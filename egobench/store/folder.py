"""The run folder: the paths of its parts, its lock, and its leftovers.

<utc>_<model>_<split>_<4 hex>/
  manifest.json   items.parquet   scores.parquet   metrics.json   events.jsonl
  samples/<clip>/<seed>/{video.mp4, motion.npz}
  report/         may be deleted, `egobench report` makes it again
"""

import json
import os
import re
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

from filelock import FileLock, Timeout

from egobench.errors import BadInputError, StorageError
from egobench.files.atomic import TEMPORARY_SUFFIX, make_folder, storage_errors
from egobench.files.cache_home import mirror_of
from egobench.files.safe_names import SAFE_NAME, SAFE_WORDS
from egobench.store.remote import RemoteFolder, url_of
from egobench.store.remote_run import copy_of, place_of, pull, pull_file, pull_samples, push_file, remote_of

VIDEO_FILE, MOTION_FILE = "video.mp4", "motion.npz"
"""Parts of a sample."""
LOCK_FILE, WRITER_FILE = ".lock", ".writer"
"""The lock of the process that writes to a run; its process id and host, for the process that is refused."""
NAME_ATTEMPTS = 100
NAMED_RUNS = 5
"""Number of runs that a message names if a folder of runs was given in place of one."""


class RunLockedError(StorageError):
    """Another process writes to this run; starting a second one is bad usage, not an interruption."""

    exit_code = 2


@dataclass(frozen=True)
class RunFolder:
    """Paths of one run."""

    path: Path

    @cached_property
    def remote(self) -> RemoteFolder | None:
        """Where the run is, if under a URL; the folder is then a copy."""
        return remote_of(self.path)

    @property
    def place(self) -> str:
        """What `folder_at` opens in any process: the URL, or the whole path."""
        return self.remote.url if self.remote else str(self.path.absolute())

    @property
    def shown(self) -> str:
        """What a user may type to name it: the URL, or the path."""
        return self.remote.url if self.remote else str(self.path)

    def push(self, *names: str) -> None:
        """Puts files of a run under a URL there, by their names in the folder. Raises StorageError."""
        for name in names if self.remote else ():
            push_file(self.path, self.remote, name)  # pyright: ignore[reportArgumentType]

    def pull(self, name: str) -> None:
        """Gets a file of a run under a URL from there. Raises StorageError."""
        if self.remote:
            pull_file(self.path, self.remote, name)

    def pull_samples(self) -> None:
        """Gets all samples of a run under a URL from there. Raises StorageError."""
        if self.remote:
            pull_samples(self.path, self.remote)

    @property
    def run_id(self) -> str:
        """The folder's name."""
        return self.path.name

    @property
    def manifest(self) -> Path:
        """Facts of the run; its status becomes `done` last of all."""
        return self.path / "manifest.json"

    @property
    def items(self) -> Path:
        """A row per clip × seed."""
        return self.path / "items.parquet"

    @property
    def scores(self) -> Path:
        """A row per clip × seed × metric."""
        return self.path / "scores.parquet"

    @property
    def metrics(self) -> Path:
        """Results."""
        return self.path / "metrics.json"

    @property
    def journal(self) -> Path:
        """The journal; `resume` reads it."""
        return self.path / "events.jsonl"

    @property
    def samples(self) -> Path:
        """The model's samples."""
        return self.path / "samples"

    @property
    def report(self) -> Path:
        """Pages made by `egobench report`; no part of the run itself."""
        return self.path / "report"

    def sample(self, clip_id: str, seed: int) -> Path:
        """Folder of one sample.

        Raises:
            BadInputError: `clip-id`: the id cannot name a folder.
        """
        if not SAFE_NAME.fullmatch(clip_id):
            raise BadInputError(f"clip id {clip_id!r} cannot name a folder; {SAFE_WORDS}", code="clip-id")
        return self.samples / clip_id / str(seed)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Keeps other processes out; the lock ends with the process that holds it.

        Raises:
            RunLockedError: another process holds it.
            StorageError: the folder cannot be written.
        """
        lock = FileLock(self.path / LOCK_FILE)
        with storage_errors(self.path):
            try:
                lock.acquire(timeout=0)
            except Timeout:
                text = f"{self.path} is being written by another process{self._writer()}; wait for it or stop it"
                raise RunLockedError(text) from None
        try:
            with storage_errors(self.path):
                facts = {"pid": os.getpid(), "host": socket.gethostname(), "since": _clock_text()}
                (self.path / WRITER_FILE).write_text(json.dumps(facts), encoding="utf-8")
            yield
        finally:
            with suppress(OSError):  # the folder was deleted, or can no longer be written
                (self.path / WRITER_FILE).unlink(missing_ok=True)
            lock.release()

    def is_locked(self) -> bool:
        """Whether a process writes to this run now; False for a folder that cannot be written."""
        if not (self.path / LOCK_FILE).exists():
            return False
        lock = FileLock(self.path / LOCK_FILE)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return True
        except OSError:
            return False
        lock.release()
        return False

    def _writer(self) -> str:
        """Who holds the lock, as ` (process 12 on host, since …)`; empty if it is not known."""
        try:
            facts = json.loads((self.path / WRITER_FILE).read_text(encoding="utf-8"))
            return f" (process {int(facts['pid'])} on {facts['host']}, since {facts['since']})"
        except (OSError, ValueError, KeyError, TypeError):
            return ""

    def remove_leftovers(self) -> None:
        """Deletes unfinished files of a killed process; call it under the lock."""
        for leftover in self.path.rglob(f".*{TEMPORARY_SUFFIX}"):
            leftover.unlink(missing_ok=True)


def create_run(out: Path, model: str, split: str, *, now: datetime | None = None) -> RunFolder:
    """Makes an empty run folder under `out`.

    Args:
        model: name as typed; of `package.module:Name` the part after the colon is used.
        split: the split's name.
        now: time of the start, UTC; None for the present time.

    Raises:
        StorageError: the disk refused.
    """
    start = (now or datetime.now(UTC)).strftime("%Y%m%d-%H%M%S")
    name = f"{start}_{_slug(model.rpartition(':')[2])}_{_slug(Path(split).name)}"
    url = url_of(out)
    parent = make_folder(mirror_of(url) if url else out)
    for _ in range(NAME_ATTEMPTS):  # if the clock was set back, a second may come twice
        path = parent / f"{name}_{secrets.token_hex(2)}"
        with storage_errors(path), suppress(FileExistsError):
            path.mkdir()
            return RunFolder(copy_of(f"{url}/{path.name}") if url else path)
    raise BadInputError(f"no free name for a run in {parent}; {NAME_ATTEMPTS} were tried", code="run-name")


def open_run(path: Path | str) -> RunFolder:
    """An existing run folder; of a URL, its copy on this machine, up to date but for the samples.

    Raises:
        BadInputError: `run-missing`: no folder with a manifest; the message names the runs inside it.
    """
    if url := url_of(path):
        if not RunFolder(place_of(url)).is_locked():  # else a process of this machine is ahead of what is there
            pull(folder_at(url).path, RemoteFolder(url))
        return folder_at(url)
    folder = RunFolder(Path(path).resolve())
    if folder.remote and not folder.is_locked():
        return open_run(folder.remote.url)
    if not folder.manifest.is_file():
        raise BadInputError(f"{path}: not a run folder: {why_no_run(folder.path)}", code="run-missing")
    return folder


def folder_at(place: Path | str) -> RunFolder:
    """The folder of a `RunFolder.place`, in any process on any machine. Nothing is fetched."""
    url = url_of(place)
    return RunFolder(copy_of(url) if url else Path(place))


def runs_inside(path: Path) -> list[str]:
    """Names of the runs directly in a folder, sorted by name, so the oldest first."""
    with suppress(OSError):
        return sorted(each.name for each in path.iterdir() if (each / "manifest.json").is_file())
    return []


def why_no_run(path: Path) -> str:
    """Why a path without a manifest is no run, and which run may be meant."""
    if not path.exists():
        return "nothing is there"
    if not path.is_dir():
        return "it is a file"
    inside = runs_inside(path)
    if not inside:
        return "it has no manifest.json"
    more = f" and {len(inside) - NAMED_RUNS} older ones" if len(inside) > NAMED_RUNS else ""
    named = ", ".join(str(path / name) for name in reversed(inside[-NAMED_RUNS:]))
    return f"it holds {len(inside)} run{'s' if len(inside) > 1 else ''}, give one of them: {named}{more}"


def _clock_text() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9.-]+", "-", name.lower()).strip("-.")[:40] or "x"
