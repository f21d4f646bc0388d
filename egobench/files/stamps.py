"""Stamps of files whose content was looked at: size, times and inode, by which a second look costs no reading.

A stamp says that a file is the one that was seen; what was seen of it stands beside the stamp. Both lie in the cache,
a JSON file for each folder. A copy, a rewrite, or another time on the file is another stamp, and the content is looked
at again. Whoever can edit the cache can edit the stamps; they keep accidents and edits out, not that person.
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
"""Nanoseconds for which a file must have lain untouched before its stamp is kept: a file system's clock may be so
coarse that a second write within it leaves the same time."""

Stamp = tuple[int, int, int, int]


def stamp_of(path: Path) -> Stamp | None:
    """Size in bytes, times of the last change of content and of anything (ns), inode; None where nothing lies."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino


def is_settled(stamps: Sequence[Stamp | None]) -> bool:
    """Whether none of the files was touched just now."""
    latest = max((max(stamp[1:3]) for stamp in stamps if stamp), default=0)
    return latest < time.time_ns() - SETTLED_NS


def stamps_file(folder: Path) -> Path:
    """Where the stamps of a folder's files lie in the cache."""
    return cache_home() / "stamps" / f"{digest_bytes(str(folder.resolve()).encode('utf-8', 'surrogatepass'))}.json"


def read_stamps(folder: Path) -> dict[str, Any]:
    """Name → what was kept under it; empty where nothing was, or it cannot be read."""
    try:
        content = read_json(stamps_file(folder))
    except BadInputError:
        return {}
    if not isinstance(content, dict) or content.get("schema") != SCHEMA or not isinstance(content.get("seen"), dict):
        return {}
    return content["seen"] if content.get("digest") == _digest_of(content) else {}


def keep_stamps(folder: Path, seen: Mapping[str, Any]) -> None:
    """Adds names to what is kept of a folder; nothing happens where the cache cannot be written."""
    try:
        file = stamps_file(folder)
        make_folder(file.parent)
        content = {"schema": SCHEMA, "folder": str(folder.resolve()), "seen": {**read_stamps(folder), **seen}}
        write_json(file, {**content, "digest": _digest_of(content)})
    except (StorageError, OSError):  # the content is looked at again the next time
        return


def _digest_of(content: Mapping[str, Any]) -> str:
    return digest_json({key: value for key, value in content.items() if key != "digest"})
