"""`NAME@FILE`: an extractor or estimator with weights of the user's own, such as `egobench fit` writes.

    m-fid:motion-text@fitted/motion-text.safetensors

Protocols, tables and labels never hold the path: they say `motion-text@` and the first digits of the file's SHA-256.
"""

import dataclasses
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from egobench.errors import BadInputError
from egobench.files.digest import digest_file

SIGN = "@"
CODE = re.compile(r".*\.py:\w+")
WITH_FILE = re.compile(rf"({CODE.pattern}|[^{SIGN}]+){SIGN}(.+)")
SHOWN = 12
"""Hex digits of the file's SHA-256 in a name that is shown."""


def split_name(name: str) -> tuple[str, Path | None]:
    """A name and its weight file: `motion-text@w/x.safetensors` → (`motion-text`, `w/x.safetensors`); None where the
    name has no file. In `folder@home/file.py:Class` the sign `@` is part of the folder's name."""
    found = None if CODE.fullmatch(name) else WITH_FILE.fullmatch(name)
    return (found[1], Path(found[2])) if found else (name, None)


def shown_name(name: str) -> str:
    """A name as protocols have it: `motion-text@3f2a9c01d2e4`; one without a file stays as it is."""
    head, file = split_name(name)
    if file is None:
        return name
    return f"{head}{SIGN}{digest_file(file)[:SHOWN] if file.is_file() else file.name}"


def absolute_name(name: str) -> str:
    """The name with its file's whole path, so that another process finds it from another folder."""
    head, file = split_name(name)
    return name if file is None else f"{head}{SIGN}{file.expanduser().resolve()}"


def with_weights(maker: Any, name: str) -> Any:
    """The extractor or estimator with the file of its name.

    Raises:
        BadInputError: `maker-weights`: it takes no weight file; `weights-missing`: the file is not there.
    """
    head, file = split_name(name)
    if file is None:
        return maker
    if not dataclasses.is_dataclass(maker) or "weights" not in {each.name for each in dataclasses.fields(maker)}:
        raise BadInputError(f"'{head}' takes no weight file (no field `weights`); found '{name}'", code="maker-weights")
    if not file.is_file():
        raise BadInputError(f"no weights at {file}; {head}@FILE takes a file", code="weights-missing")
    return dataclasses.replace(maker, weights=file)  # pyright: ignore[reportArgumentType]


def shown_record(record: Mapping[str, Any], makers: Mapping[str, str]) -> dict[str, Any]:
    """A metric's record with shown names in place of full ones.

    Args:
        makers: full name → shown name.
    """
    return {key: makers.get(value, value) if isinstance(value, str) else value for key, value in record.items()}
