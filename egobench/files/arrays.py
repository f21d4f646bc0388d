"""npz and npy files: written with stable bytes, and read so that a hostile file does no harm.

The reader checks the zip directory and each array's header before it allocates memory, and never unpickles.
"""

import io
import math
import warnings
import zipfile
import zlib
from collections.abc import Collection
from functools import lru_cache
from pathlib import Path
from tokenize import TokenError
from typing import IO

import numpy as np
from numpy.lib import format as npy

from egobench.errors import BadInputError
from egobench.files.atomic import write_bytes

MAX_NPZ_BYTES = 2**30
"""Default bound on the unpacked size of an npz file."""
MAX_NPZ_ARRAYS = 1024
_EPOCH = (1980, 1, 1, 0, 0, 0)
_MAX_HEADER = 4096
_KINDS = "biufcSU"
_ENCRYPTED = 0x1
"""Bit of a zip entry's flags."""


def write_npz(path: Path | str, **arrays: np.ndarray) -> None:
    """Writes arrays, compressed, atomically; equal arrays give equal bytes.

    Raises:
        BadInputError: `array-dtype`: an array of Python objects.
        StorageError: the disk refused.
    """
    write_bytes(path, pack_npz(arrays))


def pack_npz(arrays: dict[str, np.ndarray], *, compress: bool = True) -> bytes:
    """The bytes of an npz file, names sorted, times fixed.

    Raises:
        BadInputError: `array-dtype`: an array of Python objects.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in sorted(arrays):
            array = np.asanyarray(arrays[name])
            if array.dtype.kind not in _KINDS:
                raise BadInputError(f"array '{name}' has dtype {array.dtype}; numbers are needed", code="array-dtype")
            entry = zipfile.ZipInfo(f"{name}.npy", date_time=_EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED if compress else zipfile.ZIP_STORED
            body = io.BytesIO()
            npy.write_array(body, array, version=(1, 0), allow_pickle=False)
            archive.writestr(entry, body.getvalue())
    return buffer.getvalue()


def read_npz(
    path: Path | str, *, max_bytes: int = MAX_NPZ_BYTES, only: Collection[str] | None = None
) -> dict[str, np.ndarray]:
    """Reads the arrays of an npz file.

    Args:
        only: names to read, if they exist; other arrays are not opened, so they may be of any kind. None for all.

    Raises:
        BadInputError: `npz-missing`, `npz-empty` (0 bytes), `npz-unreadable` (not a zip, truncated, failed
            checksum, not arrays), `npz-too-large` (unpacked beyond `max_bytes`, or lying about its size),
            `npz-dtype` (Python objects or records), `npz-name` (repeated, or with a path in it), `npz-encrypted`,
            `npz-compression` (a method that numpy does not write and whose output cannot be bounded).
    """
    file = Path(path)
    if not file.is_file():
        raise BadInputError(f"{file}: no such file", code="npz-missing")
    if file.stat().st_size == 0:
        raise BadInputError(f"{file}: 0 bytes; an npz file is needed", code="npz-empty")
    with file.open("rb") as stream:
        return unpack_npz(stream, name=str(file), max_bytes=max_bytes, only=only)


def npz_names(path: Path | str, *, max_bytes: int = MAX_NPZ_BYTES) -> set[str]:
    """Names of the arrays in an npz file; no array is opened.

    Raises:
        BadInputError: as `read_npz`.
    """
    read_npz(path, max_bytes=max_bytes, only=())  # refuses what is no npz
    with zipfile.ZipFile(path) as archive:
        return {name.removesuffix(".npy") for name in archive.namelist()}


def read_npy(path: Path | str, *, max_bytes: int = MAX_NPZ_BYTES) -> np.ndarray:
    """Reads the array of an npy file.

    Raises:
        BadInputError: `npy-missing`, and the codes of `read_npz` for empty, unreadable, too large, of a wrong dtype.
    """
    file = Path(path)
    if not file.is_file():
        raise BadInputError(f"{file}: no such file", code="npy-missing")
    size = file.stat().st_size
    if size == 0:
        raise BadInputError(f"{file}: 0 bytes; an npy file is needed", code="npz-empty")
    if size > max_bytes:
        raise BadInputError(f"{file}: {size} bytes, at most {max_bytes} are read", code="npz-too-large")
    try:
        with file.open("rb") as stream:
            return _read_array(stream, size, str(file))
    except (EOFError, OSError, ValueError) as error:
        raise BadInputError(f"{file}: not a readable npy file: {error}", code="npz-unreadable") from error


def unpack_npz(
    stream: io.IOBase, *, name: str, max_bytes: int = MAX_NPZ_BYTES, only: Collection[str] | None = None
) -> dict[str, np.ndarray]:
    """Like `read_npz`, from an open binary stream; `name` is its name in messages."""
    try:
        with zipfile.ZipFile(stream) as archive:  # pyright: ignore[reportArgumentType]
            _check_directory(archive.infolist(), name, max_bytes)
            entries = [entry for entry in archive.infolist() if only is None or entry.filename[:-4] in only]
            return {entry.filename[:-4]: _read_entry(archive, entry, name) for entry in entries}
    except BadInputError:
        raise
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError, RuntimeError) as error:
        raise BadInputError(f"{name}: not a readable npz file: {error}", code="npz-unreadable") from error


def _check_directory(entries: list[zipfile.ZipInfo], name: str, max_bytes: int) -> None:
    if len(entries) > MAX_NPZ_ARRAYS:
        raise BadInputError(f"{name}: {len(entries)} arrays, at most {MAX_NPZ_ARRAYS}", code="npz-too-large")
    total = sum(entry.file_size for entry in entries)
    if total > max_bytes:
        raise BadInputError(f"{name}: unpacks to {total} bytes, at most {max_bytes} are read", code="npz-too-large")
    if any(entry.flag_bits & _ENCRYPTED for entry in entries):
        raise BadInputError(f"{name}: is encrypted; plain arrays are needed", code="npz-encrypted")
    methods = {entry.compress_type for entry in entries} - {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
    if methods:
        text = f"{name}: compressed by zip method {min(methods)}; stored or deflated arrays (numpy.savez) are needed"
        raise BadInputError(text, code="npz-compression")
    names = [entry.filename for entry in entries]
    bad = [n for n in names if not n.endswith(".npy") or "/" in n or "\\" in n or names.count(n) > 1]
    if bad:
        text = f"{name}: entry {bad[0]!r}; plain, distinct names ending in .npy are needed"
        raise BadInputError(text, code="npz-name")


def _read_entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, name: str) -> np.ndarray:
    with archive.open(entry) as stream:
        return _read_array(stream, entry.file_size, f"{name}: array '{entry.filename[:-4]}'")


def _read_array(stream: IO[bytes], bytes_left: int, label: str) -> np.ndarray:
    """One array in npy form; its header is compared with the number of bytes before they are read."""
    version = npy.read_magic(stream)
    length_bytes = {(1, 0): 2, (2, 0): 4}.get(version)
    if length_bytes is None:
        raise BadInputError(f"{label} has npy version {version}; 1.0 or 2.0 is needed", code="npz-unreadable")
    length = stream.read(length_bytes)
    try:
        shape, fortran, dtype = _header(version, length + stream.read(int.from_bytes(length, "little")))
    except (SyntaxError, TokenError, RecursionError, MemoryError) as error:  # what numpy lets through of a bad header
        raise BadInputError(f"{label} has a damaged header: {error}", code="npz-unreadable") from error
    if dtype.kind not in _KINDS:
        raise BadInputError(f"{label} has dtype {dtype}; plain numbers are needed", code="npz-dtype")
    size = math.prod(shape) * dtype.itemsize
    left = bytes_left - stream.tell()
    if min(shape, default=0) < 0 or size != left:
        text = f"{label} declares {size} bytes for shape {shape} and has {left}"
        raise BadInputError(text, code="npz-too-large" if size > left else "npz-unreadable")
    data = stream.read()
    if len(data) != size:
        raise BadInputError(f"{label} is cut: {len(data)} of {size} bytes", code="npz-unreadable")
    array = np.frombuffer(bytearray(data), dtype=dtype)
    return array.reshape(shape[::-1]).T if fortran else array.reshape(shape)


@lru_cache(maxsize=256)
def _header(version: tuple[int, int], head: bytes) -> tuple[tuple[int, ...], bool, np.dtype]:
    """Shape, whether in Fortran's order, and type. Kept, since numpy compiles each header, and most are alike."""
    read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of headers as Python 2 wrote them, which are read all the same
        return read(io.BytesIO(head), max_header_size=_MAX_HEADER)
