"""Stamps of files whose content was checked: size, times and inode. A file with the same stamp is not read again.

The cache stores the stamp and the result of the check, in a JSON file for each folder. A copy, a rewrite, or another
time on the file gives another stamp, and the content is read again. Stamps protect against accidents and edits of the
files, but not against someone who edits the cache.
"""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from egobench.errors import BadInputError, StorageError
from egobench.files.atomic import make_folder, read_json, write_json
from egobench.files.cache_home import cache_home
from egobench.files.digest import digest_bytes, digest_json

SCHEMA = 1
SETTLED_NS = 2 * 10**9
"""Nanoseconds since a file's last change before its stamp is stored. The clock of a file system may be so coarse that
a second write leaves the same time."""

Stamp = tuple[int, int, int, int]


def stamp_of(path: Path) -> Stamp | None:
    """Size in bytes, times of the last change of content and of metadata (ns), inode; None if there is no file."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino


def is_settled(stamps: Sequence[Stamp | None]) -> bool:
    """Whether no file was changed within the last `SETTLED_NS`."""
    latest = max((max(stamp[1:3]) for stamp in stamps if stamp), default=0)
    return latest < time.time_ns() - SETTLED_NS


def stamps_file(folder: Path) -> Path:
    """Path of the stamps of a folder's files in the cache."""
    return cache_home() / "stamps" / f"{digest_bytes(str(folder.resolve()).encode('utf-8', 'surrogatepass'))}.json"


def read_stamps(folder: Path) -> dict[str, Any]:
    """Name → its stored record; empty if there is none, or it cannot be read."""
    try:
        content = read_json(stamps_file(folder))
    except BadInputError:
        return {}
    if not isinstance(content, dict) or content.get("schema") != SCHEMA or not isinstance(content.get("seen"), dict):
        return {}
    return content["seen"] if content.get("digest") == _digest_of(content) else {}


def keep_stamps(folder: Path, records: Mapping[str, Any]) -> None:
    """Adds records by name to those of a folder. If the cache cannot be written, nothing happens."""
    try:
        file = stamps_file(folder)
        make_folder(file.parent)
        content = {"schema": SCHEMA, "folder": str(folder.resolve()), "seen": {**read_stamps(folder), **records}}
        write_json(file, {**content, "digest": _digest_of(content)})
    except (StorageError, OSError):  # the content is read again the next time
        return


def _digest_of(content: Mapping[str, Any]) -> str:
    return digest_json({key: value for key, value in content.items() if key != "digest"})
