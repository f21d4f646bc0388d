"""Atomic writes and small JSON files: a reader sees the old file or the new one, never a part.

Every write goes to a hidden temporary file in the same folder, which is synced and renamed over the target; then the
folder is synced. An error of the disk becomes a `StorageError` of one line.
"""

import errno
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from egobench.errors import BadInputError, StorageError, UnusablePlaceError

TEMPORARY_SUFFIX = ".part"
"""Suffix of unfinished files. A crashed process may leave some; they may be deleted."""
MAX_JSON_BYTES = 64 * 2**20

_ADVICE = {
    errno.ENOSPC: ("the disk is full", "free some space"),
    errno.EDQUOT: ("the disk quota is used up", "free some space"),
    errno.EROFS: ("the file system is read-only", "choose a folder that can be written"),
    errno.EACCES: ("permission denied", "choose a folder that can be written"),
    errno.EFBIG: ("the file would be larger than is allowed here", "raise the limit (`ulimit -f`)"),
    errno.EIO: ("the disk reports an input/output error", "check it, or choose another one"),
    errno.EPERM: ("operation not permitted", "choose a folder that can be written"),
}
_FORBIDDEN = (errno.EROFS, errno.EACCES, errno.EPERM)
"""Errors that waiting does not mend."""
_UNUSABLE = {
    errno.ENOTDIR: "something on the way there is a file, not a folder",
    errno.EEXIST: "a file is there; a folder is needed",
    errno.EISDIR: "a folder is there; a file is needed",
    errno.ENOTEMPTY: "a folder is there, and not empty",
    errno.ENOENT: "no such folder",
    errno.ENAMETOOLONG: "the name is too long",
    errno.ELOOP: "links lead in a circle",
    errno.ENOLCK: "the file system gives no locks",
    errno.EOPNOTSUPP: "the file system cannot do this; it gives no locks, perhaps",
}


@contextmanager
def storage_errors(path: Path | str) -> Iterator[None]:
    """Turns errors of the disk inside the block into a StorageError of one line that names `path`. If the path can
    never be used, it is an UnusablePlaceError."""
    try:
        yield
    except OSError as error:
        if error.errno in _UNUSABLE:
            text = f"could not write {path}: {_UNUSABLE[error.errno]}; choose another place"
            raise UnusablePlaceError(text) from error
        if error.errno not in _ADVICE:
            raise
        what, advice = _ADVICE[error.errno]
        raise StorageError(f"could not write {path}: {what}; {advice}, then go on where it stopped") from error


def make_folder(path: Path) -> Path:
    """Creates a folder and its parents if absent.

    Raises:
        StorageError: the disk refused.
    """
    with storage_errors(path):
        path.mkdir(parents=True, exist_ok=True)
    return path


def check_writable(folder: Path) -> None:
    """Makes sure that files can be written in a folder, which is made if absent: one is written and deleted again.

    Raises:
        UnusablePlaceError: they cannot, now or ever; another folder is needed.
        StorageError: the disk is full.
    """
    try:
        make_folder(folder)
        probe = folder / f".{secrets.token_hex(8)}{TEMPORARY_SUFFIX}"
        try:
            write_bytes(probe, b"")
        finally:
            with suppress(OSError):
                probe.unlink(missing_ok=True)
    except StorageError as error:
        if isinstance(error.__cause__, OSError) and error.__cause__.errno in _FORBIDDEN:
            what, advice = _ADVICE[error.__cause__.errno]
            raise UnusablePlaceError(f"could not write {folder}: {what}; {advice}") from error
        raise


@contextmanager
def atomic_path(path: Path | str) -> Iterator[Path]:
    """Gives a temporary path in the folder of `path`; it becomes `path` when the block ends without an error.

    Raises:
        StorageError: the disk refused (full, quota, read-only, permission).
    """
    target = Path(path)
    temporary = target.with_name(f".{target.name}.{os.getpid()}.{secrets.token_hex(4)}{TEMPORARY_SUFFIX}")
    try:
        with storage_errors(target):
            yield temporary
            with temporary.open("rb+") as file:
                os.fsync(file.fileno())
            os.replace(temporary, target)
            sync_folder(target.parent)
    finally:
        with suppress(OSError):  # report the first error of the disk, not this one
            temporary.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Makes renames inside a folder durable; a no-op where folders cannot be opened (Windows)."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_bytes(path: Path | str, data: bytes) -> None:
    """Writes a file atomically.

    Raises:
        StorageError: the disk refused.
    """
    with atomic_path(path) as temporary:
        temporary.write_bytes(data)


def write_json(path: Path | str, obj: Any) -> None:
    """Writes JSON atomically, with stable bytes: sorted keys, indent 2, UTF-8, trailing newline.

    Raises:
        BadInputError: `json-value`: NaN, infinity, or a type JSON does not know.
        StorageError: the disk refused.
    """
    try:
        text = json.dumps(obj, sort_keys=True, indent=2, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise BadInputError(f"{path}: not expressible in JSON: {error}", code="json-value") from error
    write_bytes(path, (text + "\n").encode())


def read_json(path: Path | str, max_bytes: int = MAX_JSON_BYTES) -> Any:
    """Reads a JSON file; a byte order mark, which some editors write, is ignored.

    Raises:
        BadInputError: `json-missing`, `json-too-large`, or `json-unreadable` (damaged, not UTF-8, NaN inside).
    """
    file = Path(path)
    if not file.is_file():
        raise BadInputError(f"{file}: no such file", code="json-missing")
    size = file.stat().st_size
    if size > max_bytes:
        raise BadInputError(f"{file}: {size} bytes, at most {max_bytes} are read", code="json-too-large")
    try:
        return json.loads(file.read_text(encoding="utf-8-sig"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise BadInputError(f"{file}: not a JSON file: {error}", code="json-unreadable") from error


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
