"""Content-addressed cache of arrays: features, references, floors. It may be deleted at any time and is made again.

A key is a digest of the inputs (sample digest, extractor record with its weights' SHA-256), never a name
or a path. Each entry carries the SHA-256 of its key and its bytes. So a flipped bit, or a file with another entry's
name, is a cache miss and no wrong number. Writes are atomic; any number of processes may share one cache. Below the
folder may lie packs (`egobench/store/pack.py`), which are only read.
"""

import io
import secrets
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from egobench.errors import BadInputError
from egobench.files.arrays import pack_npz, unpack_npz
from egobench.files.atomic import TEMPORARY_SUFFIX, check_writable, make_folder, write_bytes
from egobench.files.cache_home import ENVIRONMENT as ENVIRONMENT
from egobench.files.cache_home import cache_home as cache_home
from egobench.files.digest import digest_bytes, digest_json
from egobench.store.pack import Pack

ABANDONED = 24 * 3600.0
"""Seconds after which an unfinished file counts as abandoned."""
MARK = ".mark"
"""File in the cache's folder with its `mark`."""
_MAGIC = b"egobench-cache-2\n"
_OLD_MAGIC = b"egobench-cache-1\n"
_HEAD = len(_MAGIC) + 64 + 1


def cache_key(**parts: Any) -> str:
    """Key of an entry from JSON-ready parts: everything the arrays depend on."""
    return digest_json(parts)


@dataclass(frozen=True)
class Cache:
    """A folder of entries, and packs that are asked for what it does not hold."""

    root: Path
    packs: tuple[Pack, ...] = ()
    _swept: set[Path] = field(default_factory=set, compare=False, repr=False)
    """Folders in which this object has deleted unfinished files. Each is listed once, however many entries it gets."""

    @property
    def place(self) -> str:
        """Where it is, for messages."""
        return str(self.root)

    def mark(self, *, make: bool = False) -> str:
        """A random word that tells this folder from one of the same path on another machine; empty if it has none.

        Args:
            make: write one if there is none.

        Raises:
            StorageError: the disk refused.
        """
        path = self.root / MARK
        if make and not path.is_file():
            make_folder(self.root)
            write_bytes(path, secrets.token_hex(16).encode())
        with suppress(OSError):
            return path.read_text("ascii", "replace")
        return ""

    def check_writable(self) -> None:
        """Raises UnusablePlaceError if nothing can be written here."""
        check_writable(self.root)

    def entry(self, key: str) -> Path:
        """Path of an entry."""
        return self.root / key[:2] / key

    def get(self, key: str) -> dict[str, np.ndarray] | None:
        """The arrays, or None if absent or damaged."""
        found = self._read(key)
        return self._packed(key) if found is None else found

    def _packed(self, key: str) -> dict[str, np.ndarray] | None:
        return next((found for pack in self.packs if (found := pack.get(key)) is not None), None)

    def _read(self, key: str) -> dict[str, np.ndarray] | None:
        try:
            data = self.entry(key).read_bytes()
        except OSError:
            return None
        body = data[_HEAD:]
        if data[:_HEAD] != _head(key, body):
            return None
        try:
            return unpack_npz(io.BytesIO(body), name=key)
        except BadInputError:
            return None

    def put(self, key: str, arrays: Mapping[str, np.ndarray]) -> None:
        """Stores arrays under a key.

        Raises:
            StorageError: the disk refused.
        """
        body = pack_npz(dict(arrays), compress=False)
        path = self.entry(key)
        make_folder(path.parent)
        write_bytes(path, _head(key, body) + body)
        if path.parent not in self._swept:
            self._swept.add(path.parent)
            _sweep(path.parent)

    def state(self, key: str) -> Literal["absent", "whole", "damaged"]:
        """State of an entry, without reading its arrays; an entry of an older format counts as absent. One in a pack is
        `whole`."""
        try:
            data = self.entry(key).read_bytes()
        except OSError:
            data = _OLD_MAGIC
        if data.startswith(_OLD_MAGIC):
            return "absent" if self._packed(key) is None else "whole"
        return "whole" if data[:_HEAD] == _head(key, data[_HEAD:]) else "damaged"


def _sweep(folder: Path) -> None:
    """Deletes unfinished files of killed processes; recent ones are left, since they may still be written."""
    with suppress(OSError):  # other processes sweep too, and none of these files is needed
        for leftover in folder.glob(f".*{TEMPORARY_SUFFIX}"):
            if time.time() - leftover.stat().st_mtime > ABANDONED:
                leftover.unlink(missing_ok=True)


def _head(key: str, body: bytes) -> bytes:
    return _MAGIC + digest_bytes(key.encode() + b"\n" + body).encode() + b"\n"
