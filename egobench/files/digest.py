"""Digests: SHA-256 over content, as 64 hex digits; paths never count.

An array counts by name, dtype, shape and little-endian bytes in C order, so the digest does not depend on the machine.
JSON is digested in one canonical form.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

from egobench.errors import BadInputError


def digest_bytes(data: bytes) -> str:
    """Digest of bytes."""
    return hashlib.sha256(data).hexdigest()


def digest_file(path: Path | str) -> str:
    """Digest of a file's bytes, read in pieces.

    Raises:
        BadInputError: `file-missing`.
    """
    try:
        with Path(path).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except (FileNotFoundError, IsADirectoryError) as error:
        raise BadInputError(f"{path}: no such file", code="file-missing") from error


def digest_folder(path: Path | str) -> str:
    """Digest of names and contents of all files in a folder and its subfolders; hidden files do not count.

    Raises:
        BadInputError: `file-missing`: a link to nothing.
    """
    folder = Path(path)
    files = [file for file in sorted(folder.rglob("*")) if not file.is_dir()]
    names = {file: file.relative_to(folder) for file in files}
    shown = {file: name for file, name in names.items() if not any(part.startswith(".") for part in name.parts)}
    return digest_json({name.as_posix(): digest_file(file) for file, name in shown.items()})


def digest_json(obj: Any) -> str:
    """Digest of a JSON-ready value; the order of keys does not matter.

    Raises:
        BadInputError: `json-value`: NaN, infinity, or a type JSON does not know.
    """
    try:
        text = json.dumps(obj, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise BadInputError(f"no digest of what JSON cannot express: {error}", code="json-value") from error
    return digest_bytes(text.encode())


def digest_arrays(**arrays: np.ndarray) -> str:
    """Digest of named arrays; the order of names does not matter.

    Raises:
        BadInputError: `array-dtype`: an array of Python objects.
    """
    state = hashlib.sha256()
    for name in sorted(arrays):
        array = np.asarray(arrays[name])
        if array.dtype.hasobject:
            raise BadInputError(f"array '{name}' holds Python objects; numbers are needed", code="array-dtype")
        array = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<")).reshape(array.shape)
        state.update(json.dumps([name, array.dtype.str, list(array.shape)]).encode() + b"\n")
        state.update(array.tobytes())
    return state.hexdigest()
