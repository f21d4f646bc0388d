"""Replacing several files of a finished run as one: prepared in a folder beside them, then moved; never half of it.

Killed before everything is prepared, the run is as it was. Killed later, its status says so, and whoever takes the run
up next (`egobench resume`) moves the rest.
"""

import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from egobench.files.atomic import make_folder, storage_errors, sync_folder, write_json
from egobench.store.folder import RunFolder
from egobench.store.manifest import read_manifest, write_manifest
from egobench.store.seal import sealed

FOLDER = ".next"
MANIFEST = "manifest.json"


def replace_files(
    folder: RunFolder, writers: Mapping[str, Callable[[Path], object]], manifest: Mapping[str, Any]
) -> dict[str, Any]:
    """Writes new files and a new manifest, sealed; call it under the lock. Returns the manifest.

    Args:
        writers: file name → a function that writes it to a path, atomically.

    Raises:
        StorageError: the disk refused; the run is as it was, or `take_up` goes on.
    """
    drop(folder)
    staging = make_folder(folder.path / FOLDER)
    for name, write in writers.items():
        write(staging / name)
    new = sealed(manifest, folder, instead={name: staging / name for name in writers})
    write_json(staging / MANIFEST, new)  # from here on the new state counts
    take_up(folder)
    return new


def is_pending(folder: RunFolder) -> bool:
    """Whether new files are prepared and not all moved."""
    return (folder.path / FOLDER / MANIFEST).is_file()


def take_up(folder: RunFolder) -> None:
    """Moves what is prepared, and deletes what was not finished; call it under the lock.

    Raises:
        StorageError: the disk refused; it can be called again.
    """
    staging = folder.path / FOLDER
    if is_pending(folder):
        old = {key: value for key, value in read_manifest(folder).items() if key != "seal"}
        write_manifest(folder, {**old, "status": "started"})
        with storage_errors(folder.path):
            for path in sorted(staging.iterdir(), key=lambda path: (path.name == MANIFEST, path.name)):
                if not path.name.startswith("."):
                    os.replace(path, folder.path / path.name)
                    sync_folder(folder.path)
    drop(folder)


def drop(folder: RunFolder) -> None:
    """Deletes what was being prepared.

    Raises:
        StorageError: the disk refused.
    """
    with storage_errors(folder.path):
        if (folder.path / FOLDER).is_dir():
            shutil.rmtree(folder.path / FOLDER)
