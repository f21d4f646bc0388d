"""The folder of the weight files: `$EGOBENCH_WEIGHTS`, else the user's data folder. A run never downloads a file.

A file is used only if its SHA-256 is the manifest's, or if the user admitted it with `--trust` (recorded in
`trusted.json` in the same folder). The presets' protocols name the SHA-256 in use, never a path.
"""

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import platformdirs
from filelock import FileLock

from egobench.errors import BadInputError
from egobench.extractors.weights_manifest import WeightFile, read_manifest, weight_file
from egobench.files.atomic import atomic_path, make_folder, read_json, storage_errors, write_json
from egobench.files.digest import digest_file

ENVIRONMENT = "EGOBENCH_WEIGHTS"
TRUSTED = "trusted.json"
Status = Literal["ok", "trusted", "missing", "wrong-size", "wrong-hash", "unknown-hash"]


@dataclass(frozen=True)
class Pin:
    """The SHA-256 and size that a file must have."""

    sha256: str | None
    bytes: int | None
    trusted: bool = False
    """Whether the user admitted the SHA-256; it is then not the manifest's."""


def weights_home() -> Path:
    """`$EGOBENCH_WEIGHTS`, else `weights` in the user's data folder."""
    return Path(os.environ.get(ENVIRONMENT) or platformdirs.user_data_path("egobench") / "weights")


def place_of(entry: WeightFile) -> Path:
    """The path that a file has, or would have."""
    return weights_home() / entry.file


def pin_of(entry: WeightFile) -> Pin:
    """The SHA-256 and size that a file must have. Raises BadInputError for a damaged `trusted.json`."""
    path = weights_home() / TRUSTED
    records = read_json(path) if path.is_file() else {}
    if not isinstance(records, dict) or not all(isinstance(record, dict) for record in records.values()):
        raise BadInputError(f"{path} is damaged; delete it and add the files again", code="trust-damaged")
    record = records.get(entry.id)
    if entry.verified or not record:
        return Pin(entry.sha256, entry.bytes)
    return Pin(record.get("sha256"), record.get("bytes"), trusted=True)


def require(entry: WeightFile) -> Pin:
    """The SHA-256 and size that the file must have. Checks that it exists and has this size, but not its content.

    Raises:
        BadInputError: `weights-missing`, `weights-truncated` (the size is wrong) or `weights-unknown` (no SHA-256 is
            stated and none was admitted).
    """
    path, pin = place_of(entry), pin_of(entry)
    if not path.is_file():
        raise BadInputError(missing_line(entry), code="weights-missing")
    if pin.sha256 is None:
        text = f"{path}: nobody states a sha256 of {entry.file}; `egobench weights add FILE --trust` admits yours"
        raise BadInputError(text, code="weights-unknown")
    size = path.stat().st_size
    if pin.bytes not in (None, size):
        text = f"{path} has {size} bytes, {entry.file} has {pin.bytes}; it is cut or another: `{_pull(entry)}`"
        raise BadInputError(text, code="weights-truncated")
    return pin


def checked(entry: WeightFile) -> Path:
    """The file, after its SHA-256 was compared. Loaders open this file.

    Raises:
        BadInputError: what `require` raises, or `weights-other`: the SHA-256 is wrong.
    """
    pin, path = require(entry), place_of(entry)
    found = digest_file(path)
    if found != pin.sha256:
        text = f"{path} has sha256 {found}, {pin.sha256} is needed; delete it, then `{_pull(entry)}`"
        raise BadInputError(text, code="weights-other")
    return path


def status_of(entry: WeightFile, *, content: bool) -> Status:
    """Status of a file. With `content` the whole file is read; otherwise only presence and size decide."""
    try:
        if content:
            checked(entry)
        return "trusted" if require(entry).trusted else "ok"
    except BadInputError as error:
        kinds: dict[str, Status] = {
            "weights-missing": "missing",
            "weights-truncated": "wrong-size",
            "weights-other": "wrong-hash",
            "weights-unknown": "unknown-hash",
        }
        if error.code not in kinds:
            raise
        return kinds[error.code]


def add(source: Path, entry: WeightFile, *, trust: bool = False) -> str:
    """Compares a file's SHA-256, copies the file into place, and returns the SHA-256. A refused file is not copied.

    Args:
        trust: admits and records another SHA-256 than the manifest's, if the manifest's is not verified.

    Raises:
        BadInputError: `file-missing`, `weights-truncated`, `weights-other`, or `weights-unknown` (needs `trust`).
        StorageError: the disk refused.
    """
    found = digest_file(source)
    admitted = found == entry.sha256
    if not admitted:
        _refuse_other(source, entry, found, trust)
    with locked(entry):
        target = place_of(entry)
        if not (target.exists() and target.samefile(source)):
            with atomic_path(target) as temporary:
                shutil.copyfile(source, temporary)
                if digest_file(temporary) != found:
                    raise BadInputError(f"{source} changed while it was copied; add it again", code="file-changed")
        record_trust(entry, None if admitted else {"sha256": found, "bytes": source.stat().st_size})
    return found


def find_entry(source: Path, name: str | None) -> WeightFile:
    """The manifest's entry for a local file: by id, otherwise by SHA-256, otherwise by file name.

    Raises:
        UnknownNameError: no such id.
        BadInputError: `file-missing`, or `weights-unlisted`: neither its SHA-256 nor its name is in the manifest.
    """
    if name is not None:
        return weight_file(name)
    entries, found = read_manifest().values(), digest_file(source)
    for entry in (*(e for e in entries if e.sha256 == found), *(e for e in entries if e.file == source.name)):
        return entry
    names = ", ".join(f"{entry.id} ({entry.file})" for entry in entries)
    text = f"{source} (sha256 {found}) is no file of the manifest; say which one it is with --id: {names}"
    raise BadInputError(text, code="weights-unlisted")


@contextmanager
def locked(entry: WeightFile) -> Iterator[None]:
    """Lets one process at a time write a file; others wait. Makes the folder, and raises StorageError if it cannot."""
    make_folder(weights_home())
    with storage_errors(weights_home()), FileLock(weights_home() / f".{entry.file}.lock"):
        yield


def record_trust(entry: WeightFile, record: dict[str, object] | None) -> None:
    """Records what the user admitted as an unverified file; None deletes the record."""
    path = weights_home() / TRUSTED
    with FileLock(weights_home() / f".{TRUSTED}.lock"):
        records = read_json(path) if path.is_file() else {}
        kept = {name: content for name, content in records.items() if name != entry.id}
        if record is not None:
            kept[entry.id] = record
        if kept != records:
            write_json(path, kept)


def missing_line(entry: WeightFile) -> str:
    """One line that says which file is missing, how it is recognised, where to get it and where to put it."""
    place = f"it belongs in {weights_home()} (${ENVIRONMENT} moves that)"
    ways = f"`{_pull(entry)}`, or fetch {entry.urls[0]} elsewhere and `egobench weights add FILE`"
    return f"{', '.join(entry.used_by)}: no {entry.describe()}; {place}: {ways}"


def _pull(entry: WeightFile) -> str:
    return f"egobench weights pull {entry.id}"


def _refuse_other(source: Path, entry: WeightFile, found: str, trust: bool) -> None:
    size = source.stat().st_size
    if not entry.verified and trust:
        return
    what = f"{source} has sha256 {found} and {size} bytes"
    if entry.bytes is not None and size != entry.bytes:
        raise BadInputError(f"{what}; {entry.id} is {entry.describe()}: cut or another", code="weights-truncated")
    if entry.verified:
        raise BadInputError(f"{what}; {entry.id} is {entry.describe()}, as published", code="weights-other")
    wanted = f"the manifest has {entry.sha256}, from a third party" if entry.sha256 else "the manifest knows none"
    raise BadInputError(f"{what}; {wanted}; --trust admits yours as {entry.id}", code="weights-unknown")


def chosen_weights(ids: Sequence[str]) -> list[WeightFile]:
    """Entries of the manifest by their ids; all entries if no id is given.

    Raises:
        BadInputError: `option-twice`: an id is given twice.
        UnknownNameError: no such id.
    """
    if len(set(ids)) < len(ids):
        raise BadInputError(f"an id is given twice: {' '.join(ids)}", code="option-twice")
    return [weight_file(name) for name in ids] or list(read_manifest().values())


def weight_row(entry: WeightFile, *, content: bool) -> dict[str, Any]:
    """An entry with its status on this machine and its path; `content` reads the file."""
    return {**vars(entry), "status": status_of(entry, content=content), "path": place_of(entry)}
