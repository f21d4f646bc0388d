"""A split's name or folder → clips."""

import os
from pathlib import Path
from typing import Any

import platformdirs

from egobench.catalog import SPLITS
from egobench.data.folder import INDEX, FolderSplit, open_folder
from egobench.errors import BadInputError
from egobench.types import Split


def data_home() -> Path:
    """Folder of splits that are made on demand: `$EGOBENCH_DATA`, else the user's data folder."""
    return Path(os.environ.get("EGOBENCH_DATA") or platformdirs.user_data_path("egobench"))


def open_split(name: str | os.PathLike[str]) -> Split:
    """Opens a split by catalogue name, or a folder in the split format by its path.

    Raises:
        UnknownNameError: neither a known name nor a folder; the message suggests near names.
        BadInputError: a known split that has not been made yet (the message says how), or a damaged one.
    """
    path = Path(name)
    if (path / INDEX).is_file():
        return open_folder(path)
    is_name = not isinstance(name, os.PathLike) and len(path.parts) == 1
    if not is_name or (path.is_dir() and str(name) not in SPLITS.targets()):
        hint = "" if path.is_dir() else "; it is a file" if path.exists() else "; nothing is there"
        raise BadInputError(f"no {INDEX} in {path}: not a split folder{hint}", code="split-missing")
    return SPLITS.load(str(name)).open(data_home())


def splits_here() -> list[dict[str, Any]]:
    """Every split by name, sorted: `here`, and `clips` and `digest`, or `why` it is not."""
    return [_row(name) for name in SPLITS.names()]


def _row(name: str) -> dict[str, Any]:
    try:
        split = open_split(name)
    except BadInputError as error:
        return {"name": name, "here": False, "why": str(error)}
    return {"name": name, "here": True, "clips": len(split.infos()), "digest": split.digest}


__all__ = ["FolderSplit", "data_home", "open_split", "splits_here"]
