"""The run folder: where its parts are, who may write to it, and what a leftover is.

<utc>_<model>_<split>_<4 hex>/
  manifest.json   items.parquet   scores.parquet   metrics.json   events.jsonl
  samples/<clip>/<seed>/{video.mp4, motion.npz}
"""

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from egobench.errors import BadInputError, StorageError
from egobench.files.atomic import TEMPORARY_SUFFIX, make_folder, storage_errors

SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,127}")
"""What a clip id may look like, since it names a folder."""


class RunLockedError(StorageError):
    """Another process writes to this run; starting a second one is bad usage, not an interruption."""

    exit_code = 2


@dataclass(frozen=True)
class RunFolder:
    """Paths of one run."""

    path: Path

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
        """What resume reads."""
        return self.path / "events.jsonl"

    @property
    def samples(self) -> Path:
        """What the model made."""
        return self.path / "samples"

    def sample(self, clip_id: str, seed: int) -> Path:
        """Folder of one sample.

        Raises:
            BadInputError: `clip-id`: the id cannot name a folder.
        """
        if not SAFE_NAME.fullmatch(clip_id):
            text = f"clip id {clip_id!r} cannot name a folder; letters, digits and . _ + - are needed, 128 at most"
            raise BadInputError(text, code="clip-id")
        return self.samples / clip_id / str(seed)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Keeps other processes out; the lock dies with the process that holds it.

        Raises:
            RunLockedError: another process holds it.
            StorageError: the folder cannot be written.
        """
        lock = FileLock(self.path / ".lock")
        with storage_errors(self.path):
            try:
                lock.acquire(timeout=0)
            except Timeout:
                text = f"{self.path} is being written by another process; wait for it or stop it"
                raise RunLockedError(text) from None
        try:
            yield
        finally:
            lock.release()

    def remove_leftovers(self) -> None:
        """Deletes unfinished files of a killed process; call it under the lock."""
        for leftover in self.path.rglob(f".*{TEMPORARY_SUFFIX}"):
            leftover.unlink(missing_ok=True)


def create_run(out: Path, model: str, split: str, *, now: datetime | None = None) -> RunFolder:
    """Makes an empty run folder under `out`.

    Args:
        model: name as typed; of `package.module:Name` the part after the colon is used.
        split: the split's name.
        now: time of the start, UTC; None is the clock's.

    Raises:
        StorageError: the disk refused.
    """
    start = (now or datetime.now(UTC)).strftime("%Y%m%d-%H%M%S")
    name = f"{start}_{_slug(model.rpartition(':')[2])}_{_slug(Path(split).name)}_{secrets.token_hex(2)}"
    path = make_folder(out) / name
    with storage_errors(path):
        path.mkdir()
    return RunFolder(path)


def open_run(path: Path | str) -> RunFolder:
    """An existing run folder.

    Raises:
        BadInputError: `run-missing`: no folder with a manifest there.
    """
    folder = RunFolder(Path(path).resolve())
    if not folder.manifest.is_file():
        raise BadInputError(f"{path}: not a run folder: it has no {folder.manifest.name}", code="run-missing")
    return folder


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9.-]+", "-", name.lower()).strip("-.")[:40] or "x"
