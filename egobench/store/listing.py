"""Many runs in one folder: lists them by their manifests, deletes them and packs them. No table is opened.

A folder that is no run is passed over. A run that cannot be read is a row with the reason, and the others are listed.
"""

import shutil
import tarfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, Literal

from egobench.errors import BadInputError
from egobench.files.atomic import TEMPORARY_SUFFIX, atomic_path, storage_errors
from egobench.store.folder import RunFolder
from egobench.store.labels import Named, distinct_labels, given_name
from egobench.store.manifest import read_manifest, refuse_unfinished
from egobench.store.seal import SEALED, seal_flaws
from egobench.store.staging import is_pending

RunStatus = Literal["done", "started", "failed", "running", "unreadable"]
"""As in the manifest; `running`: a started run that a process writes to; `unreadable`: its manifest cannot be read."""
TRASH = ".deleted-"
PACKED = ("manifest.json", *SEALED)
_ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class RunFacts:
    """A row of `runs list`."""

    path: Path
    status: RunStatus
    model: str = ""
    split: str = ""
    task: str = ""
    seeds: int = 0
    planned: int = 0
    """Clip × seed items."""
    failed: int = 0
    metrics: tuple[str, ...] = ()
    started: str = ""
    """UTC, ISO 8601."""
    reason: str = ""
    """Why it is failed or unreadable."""
    name: str = ""
    """The given name; empty for none."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Of the model."""


@dataclass(frozen=True)
class Filter:
    """Which runs to list; an empty field accepts every run."""

    model: str = ""
    split: str = ""
    status: str = ""
    since: str = ""
    """Started at or after this date or time, UTC."""
    until: str = ""
    """Started before the end of this date, or before this time."""

    def __post_init__(self) -> None:
        for text in (self.since, self.until):
            if text:
                parse_time(text, end=False)

    def takes(self, run: RunFacts) -> bool:
        """Whether a run passes the filter."""
        if self.model and self.model not in (run.model, run.model.rpartition(":")[2], run.name or run.model):
            return False
        if (self.split and self.split not in (run.split, Path(run.split).name)) or (
            self.status and self.status != run.status
        ):
            return False
        if not (self.since or self.until):
            return True
        try:
            started = parse_time(run.started, end=False)
        except BadInputError:  # a run without a time is in no time span
            return False
        after = not self.since or started >= parse_time(self.since, end=False)
        return after and (not self.until or started < parse_time(self.until, end=True))


def parse_time(text: str, *, end: bool) -> datetime:
    """Reads `2026-11-25`, `2026-11-25T14:00` or `…:00Z`. The default is UTC; a date is its first or last instant.

    Raises:
        BadInputError: `time`.
    """
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise BadInputError(f"{text!r} is no time; 2026-11-25 or 2026-11-25T14:00 is needed", code="time") from None
    if end and len(text) <= len("2026-11-25"):
        time = time.replace(hour=23, minute=59, second=59, microsecond=999_999)
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def list_runs(folder: Path, only: Filter | None = None) -> list[RunFacts]:
    """All runs directly inside a folder, oldest first; equal times by name, so that the order is fixed.

    Raises:
        BadInputError: `runs-folder`: no such folder.
    """
    if not folder.is_dir():
        raise BadInputError(
            f"{folder}: no such folder; runs are made in `runs/` or where `--out` said", code="runs-folder"
        )
    runs = [read_facts(path) for path in folder.iterdir() if (path / "manifest.json").is_file()]
    taken = (run for run in runs if (only or Filter()).takes(run))
    return sorted(taken, key=lambda run: (run.started, run.path.name))


def read_facts(path: Path) -> RunFacts:
    """The facts of a run, from its manifest."""
    folder = RunFolder(path)
    try:
        manifest: Any = read_manifest(folder)
        status = manifest["status"]
        if status == "started" and folder.is_locked():
            status = "running"
        if status not in ("done", "started", "failed", "running"):
            raise BadInputError(f"status is {status!r}", code="manifest-damaged")
        return RunFacts(
            path=path,
            status="started" if is_pending(folder) and status == "done" else status,
            model=str(manifest["model"]["name"]),
            split=str(manifest["split"]["name"]),
            task=str(manifest["task"]),
            seeds=len(manifest["seeds"]),
            planned=int(manifest["items"]["planned"]),
            failed=int(manifest["items"]["failed"]),
            metrics=tuple(map(str, manifest["metrics"])),
            started=str(manifest["started"]),
            reason=str(manifest.get("error", "")),
            name=given_name(manifest),
            settings=dict(manifest["model"].get("settings", {})),
        )
    except BadInputError as error:
        return RunFacts(path, "unreadable", reason=" ".join(str(error).split()))
    except (KeyError, TypeError, ValueError) as error:
        return RunFacts(path, "unreadable", reason=f"the manifest is damaged: {error!r}")


def labels_of(runs: Sequence[RunFacts]) -> list[str]:
    """Label of each run of a list: its name, or its model and the settings in which runs of that model differ."""
    named = [Named(run.path.name, run.name or run.model.rpartition(":")[2], run.settings) for run in runs]
    return distinct_labels(named, by_run=False)


def folder_bytes(path: Path) -> int:
    """Size of all files below a folder; links are not followed."""
    return sum(file.lstat().st_size for file in path.rglob("*") if file.is_file() and not file.is_symlink())


def delete_run(run: RunFacts) -> None:
    """Deletes a run folder. It is renamed first, so that other processes never see a part of a run.

    Raises:
        BadInputError: `run-link`: a link to a run in another place.
        RunLockedError: a process writes to it.
        StorageError: the disk refused.
    """
    if run.path.is_symlink():
        raise BadInputError(f"{run.path} is a link; delete the link, or the run where it lies", code="run-link")
    trash = run.path.with_name(f"{TRASH}{run.path.name}")
    with storage_errors(run.path):
        with RunFolder(run.path).lock():
            run.path.rename(trash)
        shutil.rmtree(trash)


def remove_trash(folder: Path) -> None:
    """Finishes deletions that were interrupted.

    Raises:
        StorageError: the disk refused.
    """
    with storage_errors(folder):
        for trash in folder.glob(f"{TRASH}*"):
            if trash.is_dir() and not trash.is_symlink():
                shutil.rmtree(trash)


def export_run(path: Path, archive: Path) -> int:
    """Packs a finished run into one `.zip` or `.tar` whose bytes depend only on the run; returns the number of files.

    Raises:
        BadInputError: `archive-form`; `run-unfinished`; `run-link`: a link inside, which an archive must not carry;
            `run-changed`: files no longer fit the seal.
        StorageError: the disk refused.
    """
    if archive.suffix not in (".zip", ".tar"):
        raise BadInputError(f"{archive}: an archive ends in .zip or .tar", code="archive-form")
    folder = RunFolder(path.resolve())
    manifest = read_manifest(folder)
    advice = f"only a run that is done is packed; `egobench resume {path}`"
    if is_pending(folder):
        raise BadInputError(f"{path}: a rescore of it was interrupted; {advice}", code="run-unfinished")
    refuse_unfinished(manifest, path, advice)
    if flaws := seal_flaws(folder, manifest):
        raise BadInputError(f"{path}: {flaws[0].line}; `egobench verify {path}` lists everything", code="run-changed")
    files = list(_packed_files(folder))
    with atomic_path(archive) as temporary, temporary.open("wb") as stream:
        pack = _pack_zip if archive.suffix == ".zip" else _pack_tar
        pack(stream, [(f"{folder.run_id}/{file.relative_to(folder.path).as_posix()}", file) for file in files])
    return len(files)


def _packed_files(folder: RunFolder) -> Iterator[Path]:
    for name in sorted(PACKED):
        if (folder.path / name).is_file():
            yield folder.path / name
    for path in sorted(folder.samples.rglob("*")):
        if path.is_symlink():
            raise BadInputError(f"{path} is a link; an archive of a run carries none", code="run-link")
        if path.is_file() and not path.name.endswith(TEMPORARY_SUFFIX):
            yield path


def _pack_zip(stream: IO[bytes], files: list[tuple[str, Path]]) -> None:
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:  # samples are compressed already
        for name, path in files:
            entry = zipfile.ZipInfo(name, date_time=_ZIP_EPOCH)
            entry.external_attr, entry.create_system = 0o100644 << 16, 3
            entry.file_size = path.stat().st_size
            with archive.open(entry, "w") as target, path.open("rb") as source:
                shutil.copyfileobj(source, target)


def _pack_tar(stream: IO[bytes], files: list[tuple[str, Path]]) -> None:
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, path in files:
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = path.stat().st_size, 0o644
            with path.open("rb") as source:
                archive.addfile(entry, source)
