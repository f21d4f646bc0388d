"""Folders under a URL of fsspec (s3://, gs://, memory:// …): whole objects are put and got, never a part of one.

fsspec is imported only where a URL is used. A URL that came as a path, `s3:/bucket/runs`, is understood.
"""

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any

from egobench.errors import BadInputError, EgoBenchError, StorageError, UnusablePlaceError
from egobench.files.atomic import TEMPORARY_SUFFIX

_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):/+(.*)", re.DOTALL)
FLAT = ("s3", "s3a", "gs", "gcs", "az", "abfs")
"""Kinds of storage without folders."""
WITH_ROOT = ("file", "local")
"""Kinds whose paths begin with a slash: file:///data."""
ONE_PROCESS = "memory"
"""The kind of storage that other processes do not see."""


def url_of(place: Path | str) -> str:
    """The URL that a place is; empty for a path of this machine. A single letter before the colon is a drive."""
    found = _URL.fullmatch(str(place))
    if not found:
        return ""
    kind, rest = found.groups()
    return f"{kind}://{'/' if kind in WITH_ROOT else ''}{rest.rstrip('/')}"


@dataclass(frozen=True)
class RemoteFolder:
    """The objects under a URL, by names with slashes."""

    url: str

    @cached_property
    def _opened(self) -> tuple[Any, str]:
        """The file system, and this folder's path in it. Raises BadInputError `storage-kind`."""
        try:
            fsspec: Any = import_module("fsspec")
        except ImportError:
            text = f"{self.url} is a URL, which needs fsspec: pip install 'egobench[cloud]'"
            raise BadInputError(text, code="storage-kind") from None
        try:
            files, path = fsspec.core.url_to_fs(self.url, use_listings_cache=False)
            return files, str(path).rstrip("/")
        except (ImportError, ValueError) as error:
            text = " ".join(f"{self.url} cannot be used: {error}".split())
            raise BadInputError(text, code="storage-kind") from error

    def get(self, name: str) -> bytes | None:
        """An object's bytes; None if there is none. Raises StorageError."""
        with self._errors("read", name):
            try:
                return self._files.cat_file(self._path(name))
            except FileNotFoundError:
                return None

    def put(self, name: str, data: bytes) -> None:
        """Writes an object; a reader sees the old one or the new one. Raises StorageError."""
        with self._errors("write", name):
            path = self._path(name)
            try:
                self._files.pipe_file(path, data)
            except FileNotFoundError:
                if self.url.partition("://")[0] in FLAT:
                    raise  # no bucket, which is for its owner to make
                self._files.makedirs(path.rpartition("/")[0], exist_ok=True)
                self._files.pipe_file(path, data)

    def remove(self, name: str) -> None:
        """Deletes an object. Raises StorageError."""
        with self._errors("delete", name):
            self._files.rm_file(self._path(name))

    def names(self, under: str = "") -> list[str]:
        """Sorted names of all objects below a name. Raises StorageError."""
        with self._errors("list", under):
            top = self._path("")
            found = self._files.find(self._path(under))
            return sorted(str(path)[len(top) :].lstrip("/") for path in found)

    def folders(self) -> list[str]:
        """Sorted names of the folders directly below. Raises StorageError."""
        with self._errors("list", ""):
            try:
                found = self._files.ls(self._path(""), detail=True)
            except FileNotFoundError:
                return []
            return sorted(each["name"].rstrip("/").rpartition("/")[2] for each in found if each["type"] == "directory")

    def check_writable(self) -> None:
        """Writes an object and deletes it again. Raises UnusablePlaceError if that is not possible."""
        name = f".{secrets.token_hex(8)}{TEMPORARY_SUFFIX}"
        try:
            self.put(name, b"")
            self.remove(name)
        except StorageError as error:
            raise UnusablePlaceError(str(error)) from error

    def refuse_for_processes(self) -> None:
        """Raises BadInputError `storage-kind` for storage that only the process sees that made it."""
        if self.url.startswith(f"{ONE_PROCESS}://"):
            text = f"{self.url} is seen by one process alone; --engine inline works in one, or choose another storage"
            raise BadInputError(text, code="storage-kind")

    @property
    def _files(self) -> Any:
        return self._opened[0]

    def _path(self, name: str) -> str:
        return f"{self._opened[1]}/{name}" if name else self._opened[1]

    @contextmanager
    def _errors(self, what: str, name: str) -> Iterator[None]:
        """Any error of the storage becomes a StorageError of one line: each kind of storage has errors of its own."""
        try:
            yield
        except EgoBenchError:
            raise
        except Exception as error:
            text = " ".join(f"{type(error).__name__}: {error}".split())
            raise StorageError(f"could not {what} {self.url}/{name}".rstrip("/") + f": {text}") from error
