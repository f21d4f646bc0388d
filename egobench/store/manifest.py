"""manifest.json: the facts of a run, written before its first sample. `status` says how far the run came.

In schema 2 a run that is done has a seal; schema 1 has none. Older schemas can be read, a newer one is refused.
"""

import importlib.metadata
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import egobench
from egobench.errors import BadInputError
from egobench.files.atomic import read_json, write_json
from egobench.store.folder import RunFolder
from egobench.store.remote_run import push

SCHEMA = 2
Status = Literal["started", "done", "failed"]
_REQUIRED = ("schema", "run", "status", "started", "request", "split", "protocols", "items")
_GIT_OF_ANOTHER = (
    *("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_PREFIX", "GIT_NAMESPACE"),
    *("GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES"),
)
"""Variables that git sets in a hook. With them git reads the hook's repository, whatever folder it is called in."""
_PACKAGES = ("av", "numba", "numpy", "open_clip_torch", "pyarrow", "scipy", "torch")


def write_manifest(folder: RunFolder, manifest: dict[str, Any]) -> None:
    """Writes a manifest atomically; that of a run under a URL there too, after everything else.

    Raises:
        StorageError: the disk refused.
    """
    write_json(folder.manifest, manifest)
    if folder.remote:
        push(folder.path, folder.remote)


def read_manifest(folder: RunFolder) -> dict[str, Any]:
    """Reads a manifest.

    Raises:
        BadInputError: `json-…` (absent or damaged), `manifest-schema` (newer), `manifest-damaged` (a key is missing).
    """
    manifest = read_json(folder.manifest)
    if not isinstance(manifest, dict) or not isinstance(manifest.get("schema"), int):
        raise BadInputError(f"{folder.manifest}: has no schema number; not a manifest", code="manifest-damaged")
    refuse_newer(manifest, folder.manifest)
    missing = [key for key in _REQUIRED if key not in manifest]
    if missing:
        raise BadInputError(f"{folder.manifest} lacks {', '.join(missing)}", code="manifest-damaged")
    return manifest


def read_finished(folder: RunFolder, path: Path | str | None = None) -> dict[str, Any]:
    """The manifest of a finished run. Raises as `read_manifest` and `refuse_unfinished`.

    Args:
        path: the folder as the user typed it, for the error.
    """
    return refuse_unfinished(read_manifest(folder), path or folder.path)


def refuse_unfinished(manifest: dict[str, Any], path: Path | str, advice: str = "") -> dict[str, Any]:
    """Returns the manifest, if its run is done.

    Args:
        path: the run's folder, for the error.
        advice: end of the error; by default how to finish the run.

    Raises:
        BadInputError: `run-unfinished`.
    """
    if manifest.get("status") != "done":
        advice = advice or f"`egobench resume {path}` finishes it"
        raise BadInputError(f"{path}: status is {manifest.get('status')!r}; {advice}", code="run-unfinished")
    return manifest


def refuse_newer(manifest: dict[str, Any], where: Path) -> dict[str, Any]:
    """Returns the manifest. Raises BadInputError `manifest-schema` if a newer version wrote it."""
    schema = manifest.get("schema")
    if isinstance(schema, int) and schema > SCHEMA:
        text = f"{where} has schema {schema}, this version reads up to {SCHEMA}; update egobench"
        raise BadInputError(text, code="manifest-schema")
    return manifest


def environment() -> dict[str, Any]:
    """Code, packages and machine: facts that may explain a difference between two runs."""
    commit, is_dirty = checkout()
    return {
        "version": egobench.__version__,
        "commit": f"{commit or ''}{'+dirty' if is_dirty else ''}",
        "dirty": is_dirty,
        "python": platform.python_version(),
        "packages": {name: version for name in _PACKAGES if (version := _version(name))},
        "machine": {
            "system": platform.system(),
            "release": platform.release(),
            "processor": platform.machine(),
            "cores": os.cpu_count(),
        },
        "argv": sys.argv[1:],
    }


def checkout() -> tuple[str | None, bool | None]:
    """Commit and dirty flag of the git checkout that egobench runs from; (None, None) for an installed package."""
    root = Path(egobench.__file__).resolve().parent.parent
    if not (root / ".git").exists():
        return None, None
    try:
        head = _git(root, "rev-parse", "HEAD")
        return head, bool(_git(root, "status", "--porcelain", "--untracked-files=no"))
    except (OSError, subprocess.SubprocessError):
        return None, None


def now() -> str:
    """UTC time in ISO 8601, seconds."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _git(root: Path, *arguments: str) -> str:
    command = ["git", "--no-optional-locks", "-C", str(root), *arguments]
    variables = {name: value for name, value in os.environ.items() if name not in _GIT_OF_ANOTHER}
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10, env=variables).stdout.strip()


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
