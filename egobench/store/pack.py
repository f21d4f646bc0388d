"""A pack: entries of a cache in one read-only file, which a data set ships so that nobody has to make them again.

It is an npz file. Entries whose arrays have the same names, types and shapes lie together in a block. A block keeps
the bytes of its numbers by their place in the number, first all the lowest ones: exponents compress then, and the rest
does no harm. Arrays that several keys share lie there once. What has a form of its own lies in `loose`, one npz after
the other.

    about                 JSON: schema, facts of the maker, and of each block the number of rows, and names, types and
                          shapes of the arrays
    keys, digests         uint8 (entry, 8) and (entry, 12): start of the key, start of the digest of key and arrays
    places                int32 (entry, 2): block (-1 for loose) and row
    b<block>_<name>       uint8 (bytes of a number, rows × numbers)
    loose, loose_ends     uint8 (byte,), int64 (row,)

Every entry is compared with its digest when it is read, so a flipped bit is a miss and no wrong number.
"""

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from egobench.errors import BadInputError
from egobench.files.arrays import pack_npz, read_npz, unpack_npz
from egobench.files.atomic import write_bytes
from egobench.files.digest import digest_arrays, digest_bytes

SCHEMA = 1
KEY_BYTES, DIGEST_BYTES = 8, 12
LEAST_BLOCK = 4
"""Fewer entries of one form lie in `loose`."""
LOOSE = -1
Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class Pack:
    """The entries of one file. Blocks are read when one of their entries is asked for, and kept."""

    path: Path
    about: Mapping[str, Any]
    """Facts of the maker."""
    _forms: list[tuple[int, list[list[Any]]]]
    """For each block its rows, and name, type and shape of each array."""
    _index: dict[bytes, tuple[bytes, int, int]]
    """Start of a key → digest, block, row."""
    _blocks: dict[int, Arrays | None] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self._index)

    def get(self, key: str) -> Arrays | None:
        """The arrays under a key of a cache; None if absent or damaged."""
        found = self._index.get(bytes.fromhex(key)[:KEY_BYTES])
        if found is None:
            return None
        digest, block, row = found
        arrays = self._loose(row) if block == LOOSE else self._row(block, row)
        return arrays if arrays is not None and _digest(key, arrays) == digest else None

    def _row(self, block: int, row: int) -> Arrays | None:
        if block not in self._blocks:
            self._blocks[block] = self._read(block)
        arrays = self._blocks[block]
        if arrays is None or any(row >= len(array) for array in arrays.values()):
            return None
        return {name: array[row : row + 1].copy().reshape(array.shape[1:]) for name, array in arrays.items()}

    def _read(self, block: int) -> Arrays | None:
        rows, form = self._forms[block]
        try:
            found = read_npz(self.path, only=[f"b{block}_{name}" for name, _, _ in form])
            return {name: _numbers(found[f"b{block}_{name}"], dtype, (rows, *shape)) for name, dtype, shape in form}
        except (BadInputError, LookupError, ValueError, TypeError):
            return None

    def _loose(self, row: int) -> Arrays | None:
        if LOOSE not in self._blocks:
            try:
                self._blocks[LOOSE] = read_npz(self.path, only=["loose", "loose_ends"])
            except BadInputError:
                self._blocks[LOOSE] = None
        held = self._blocks[LOOSE]
        try:
            start, end = (0, *held["loose_ends"].tolist())[row : row + 2] if held else (0, 0)
            return unpack_npz(io.BytesIO(held["loose"][start:end].tobytes()), name=str(self.path)) if held else None
        except (BadInputError, LookupError, ValueError):
            return None


def open_pack(path: Path) -> Pack | None:
    """The pack in a file; None if there is none, or its index is damaged or of a newer schema."""
    try:
        status = path.stat()
    except OSError:
        return None
    return _open(path, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=16)
def _open(path: Path, size: int, time_ns: int) -> Pack | None:
    del size, time_ns  # a file that was written anew is opened anew
    try:
        found = read_npz(path, only=["about", "keys", "digests", "places"])
        about = json.loads(str(found["about"]))
        if about["schema"] > SCHEMA:
            return None
        rows = zip(found["keys"], found["digests"], found["places"].tolist(), strict=True)
        index = {key.tobytes(): (digest.tobytes(), *place) for key, digest, place in rows}
        return Pack(path, about["maker"], about["forms"], index)
    except (BadInputError, LookupError, ValueError, TypeError):
        return None


def write_pack(path: Path, entries: Mapping[str, Mapping[str, np.ndarray]], maker: Mapping[str, Any]) -> int:
    """Writes a pack; equal entries in the same order give equal bytes.

    Args:
        entries: by key of a cache; entries of one kind stand together.
        maker: facts to keep with it, JSON-ready.

    Returns:
        Size of the file in bytes.

    Raises:
        BadInputError: `pack-keys`: two keys that begin alike; `array-dtype`.
        StorageError: the disk refused.
    """
    data = pack_bytes(entries, maker)
    write_bytes(path, data)
    return len(data)


def pack_bytes(entries: Mapping[str, Mapping[str, np.ndarray]], maker: Mapping[str, Any]) -> bytes:
    """The bytes of a pack, as `write_pack`."""
    if len({key[: 2 * KEY_BYTES] for key in entries}) < len(entries):
        raise BadInputError(f"two of {len(entries)} keys begin with the same {KEY_BYTES} bytes", code="pack-keys")
    forms: dict[str, list[str]] = {}
    for key, arrays in entries.items():
        forms.setdefault(_form(arrays), []).append(key)
    places: dict[str, tuple[int, int]] = {}
    content: dict[str, np.ndarray] = {}
    kept, loose, ends = [], b"", []
    for form, keys in forms.items():
        if len(keys) < LEAST_BLOCK:
            for key in keys:
                places[key] = LOOSE, len(ends)
                loose += pack_npz(dict(entries[key]), compress=False)
                ends.append(len(loose))
            continue
        rows: dict[str, int] = {}
        for key in keys:
            row = rows.setdefault(digest_arrays(**entries[key]), len(rows))
            places[key] = len(kept), row
        first = {places[key][1]: key for key in reversed(keys)}
        for name, dtype, _ in json.loads(form):
            joined = b"".join(np.ascontiguousarray(entries[first[row]][name]).tobytes() for row in range(len(rows)))
            numbers = np.frombuffer(joined, np.uint8).reshape(-1, np.dtype(dtype).itemsize)
            content[f"b{len(kept)}_{name}"] = np.ascontiguousarray(numbers.T)
        kept.append((len(rows), json.loads(form)))
    about = {"schema": SCHEMA, "maker": dict(maker), "forms": kept}
    index = {
        "about": np.array(json.dumps(about, sort_keys=True)),
        "keys": _rows([bytes.fromhex(key)[:KEY_BYTES] for key in entries], KEY_BYTES),
        "digests": _rows([_digest(key, arrays) for key, arrays in entries.items()], DIGEST_BYTES),
        "places": np.array([places[key] for key in entries], dtype=np.int32).reshape(-1, 2),
    }
    tail = {"loose": np.frombuffer(loose, np.uint8), "loose_ends": np.array(ends, dtype=np.int64)}
    return pack_npz({**index, **content, **tail})


def _numbers(places: np.ndarray, dtype: str, shape: tuple[int, ...]) -> np.ndarray:
    """An array from its bytes by their place in a number."""
    return np.frombuffer(np.ascontiguousarray(places.T).tobytes(), dtype).reshape(shape)


def _form(arrays: Mapping[str, np.ndarray]) -> str:
    return json.dumps([[name, arrays[name].dtype.str, list(arrays[name].shape)] for name in sorted(arrays)])


def _rows(parts: list[bytes], width: int) -> np.ndarray:
    return np.frombuffer(b"".join(parts), np.uint8).reshape(-1, width)


def _digest(key: str, arrays: Mapping[str, np.ndarray]) -> bytes:
    return bytes.fromhex(digest_bytes(f"{key}\n{digest_arrays(**arrays)}".encode()))[:DIGEST_BYTES]
