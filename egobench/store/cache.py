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

from egobench.errors import BadInputError, StorageError
from egobench.files.arrays import pack_npz, unpack_npz
from egobench.files.atomic import TEMPORARY_SUFFIX, check_writable, make_folder, write_bytes
from egobench.files.cache_home import ENVIRONMENT as ENVIRONMENT
from egobench.files.cache_home import cache_home as cache_home
from egobench.files.cache_home import cache_place as cache_place
from egobench.files.cache_home import mirror_of
from egobench.files.digest import digest_bytes, digest_json
from egobench.store.pack import Pack
from egobench.store.remote import RemoteFolder, url_of

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
    remote: RemoteFolder | None = None
    """Where all machines have their entries in common; `root` then holds copies."""
    _swept: set[Path] = field(default_factory=set, compare=False, repr=False)
    """Folders in which this object has deleted unfinished files. Each is listed once, however many entries it gets."""

    @property
    def place(self) -> str:
        """What `cache_at` opens in any process: the URL, or the whole path."""
        return self.remote.url if self.remote else str(self.root.absolute())

    def mark(self, *, make: bool = False) -> str:
        """A random word that tells this cache from one of the same path on another machine; empty if it has none.

        Args:
            make: write one if there is none.

        Raises:
            StorageError: the disk refused.
        """
        word = self._read(MARK).decode("ascii", "replace")
        if make and not word:
            word = secrets.token_hex(16)
            self._write(MARK, word.encode())
        return word

    def check_writable(self) -> None:
        """Raises UnusablePlaceError if nothing can be written here."""
        check_writable(self.root)
        if self.remote:
            self.remote.check_writable()

    def entry(self, key: str) -> Path:
        """Path of an entry."""
        return self.root / _name(key)

    def get(self, key: str) -> dict[str, np.ndarray] | None:
        """The arrays, or None if absent or damaged."""
        found = self._arrays(key)
        return self._packed(key) if found is None else found

    def _packed(self, key: str) -> dict[str, np.ndarray] | None:
        return next((found for pack in self.packs if (found := pack.get(key)) is not None), None)

    def _arrays(self, key: str) -> dict[str, np.ndarray] | None:
        data = self._data(key)
        if not _is_whole(key, data):
            return None
        try:
            return unpack_npz(io.BytesIO(data[_HEAD:]), name=key)
        except BadInputError:
            return None

    def put(self, key: str, arrays: Mapping[str, np.ndarray]) -> None:
        """Stores arrays under a key.

        Raises:
            StorageError: the disk refused.
        """
        body = pack_npz(dict(arrays), compress=False)
        self._write(_name(key), _head(key, body) + body)
        folder = self.entry(key).parent
        if folder not in self._swept:
            self._swept.add(folder)
            _sweep(folder)

    def state(self, key: str) -> Literal["absent", "whole", "damaged"]:
        """State of an entry, without reading its arrays; an entry of an older format counts as absent. One in a pack is
        `whole`."""
        data = self._data(key)
        if not data or data.startswith(_OLD_MAGIC):
            return "absent" if self._packed(key) is None else "whole"
        return "whole" if _is_whole(key, data) else "damaged"

    def _data(self, key: str) -> bytes:
        """An entry's bytes, empty if there is none; a copy here that is not whole is got again."""
        data = self._read(_name(key), of_machine=True)
        if self.remote and not _is_whole(key, data):
            data = self._read(_name(key))
            if _is_whole(key, data):
                with suppress(StorageError):  # a copy saves time and no more
                    self._keep(_name(key), data)
        return data

    def _read(self, name: str, *, of_machine: bool = False) -> bytes:
        if self.remote and not of_machine:
            return self.remote.get(name) or b""
        with suppress(OSError):
            return (self.root / name).read_bytes()
        return b""

    def _write(self, name: str, data: bytes) -> None:
        self._keep(name, data)
        if self.remote:
            self.remote.put(name, data)

    def _keep(self, name: str, data: bytes) -> None:
        make_folder((self.root / name).parent)
        write_bytes(self.root / name, data)


def cache_at(place: Path | str) -> Cache:
    """The cache of a folder, or of a URL of fsspec; of a URL, whole entries are copied to this machine.

    Raises:
        BadInputError: `storage-kind`: a URL that cannot be used here.
    """
    url = url_of(place)
    return Cache(mirror_of(url), remote=RemoteFolder(url)) if url else Cache(Path(place))


def open_cache() -> Cache:
    """The cache of `$EGOBENCH_CACHE`, or of the user's cache folder, which is made if absent.

    Raises:
        StorageError: the disk refused.
    """
    cache = cache_at(cache_place())
    make_folder(cache.root)
    return cache


def _sweep(folder: Path) -> None:
    """Deletes unfinished files of killed processes; recent ones are left, since they may still be written."""
    with suppress(OSError):  # other processes sweep too, and none of these files is needed
        for leftover in folder.glob(f".*{TEMPORARY_SUFFIX}"):
            if time.time() - leftover.stat().st_mtime > ABANDONED:
                leftover.unlink(missing_ok=True)


def _name(key: str) -> str:
    return f"{key[:2]}/{key}"


def _is_whole(key: str, data: bytes) -> bool:
    return data[:_HEAD] == _head(key, data[_HEAD:])


def _head(key: str, body: bytes) -> bytes:
    return _MAGIC + digest_bytes(key.encode() + b"\n" + body).encode() + b"\n"
