"""Replaces several files of a finished run at once. They are prepared in a folder beside the old ones, then moved.

If the process is killed before all files are prepared, the run is as it was. If it is killed later, the run's status
says so, and `egobench resume` moves the rest.
"""

import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from egobench.files.atomic import make_folder, storage_errors, sync_folder, write_json
from egobench.store.folder import RunFolder
from egobench.store.manifest import read_manifest, write_manifest
from egobench.store.remote_run import push
from egobench.store.seal import sealed

FOLDER = ".next"
MANIFEST = "manifest.json"


def replace_files(
    folder: RunFolder, writers: Mapping[str, Callable[[Path], object]], manifest: Mapping[str, Any]
) -> dict[str, Any]:
    """Writes new files and a new sealed manifest, and returns the manifest. Call it under the lock.

    Args:
        writers: file name → a function that writes it to a path, atomically.

    Raises:
        StorageError: the disk refused; the run is as it was, or `take_up` continues.
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
    """Whether new files are prepared and not all of them are moved."""
    return (folder.path / FOLDER / MANIFEST).is_file()


def take_up(folder: RunFolder) -> None:
    """Moves prepared files, and deletes unfinished ones; call it under the lock.

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
    if folder.remote:
        push(folder.path, folder.remote)


def drop(folder: RunFolder) -> None:
    """Deletes prepared files.

    Raises:
        StorageError: the disk refused.
    """
    with storage_errors(folder.path):
        if (folder.path / FOLDER).is_dir():
            shutil.rmtree(folder.path / FOLDER)
