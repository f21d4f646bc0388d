"""Downloads a weight file, one process at a time. A stopped download resumes. A file is stored only if its SHA-256 is
right."""

import os
import urllib.error
import urllib.request
from collections.abc import Callable
from http.client import HTTPException
from pathlib import Path

from egobench.errors import BadInputError
from egobench.extractors.weights_manifest import WeightFile
from egobench.extractors.weights_store import locked, pin_of, place_of, record_trust, status_of
from egobench.files.atomic import TEMPORARY_SUFFIX, storage_errors, sync_folder
from egobench.files.digest import digest_file

PIECE = 2**20
SECONDS = 60.0
"""If no byte arrives for this long, the next URL is tried."""
Report = Callable[[int, int | None], None]
"""Function called with (bytes downloaded, bytes in total or None)."""


def pull(entry: WeightFile, report: Report = lambda here, total: None) -> Path:
    """Downloads a file from the first URL that gives the right one. A right file that is already there stays as it is.

    Raises:
        BadInputError: `weights-unknown` (no SHA-256 is known), or `weights-pull`: no URL gave the file; the text has a
            reason for each URL.
        StorageError: the disk refused.
    """
    if pin_of(entry).sha256 is None:
        text = f"no sha256 of {entry.file} is known, so it is not fetched; get it yourself from {entry.urls[0]} and "
        raise BadInputError(text + "`egobench weights add FILE --trust`", code="weights-unknown")
    target = place_of(entry)
    with locked(entry):
        if status_of(entry, content=True) in ("ok", "trusted"):
            return target
        reasons = []
        for url in entry.urls:
            partial = target.with_name(f".{target.name}.pull{TEMPORARY_SUFFIX}")
            try:
                _fetch(url, partial, entry, report)
                _accept(partial, target, entry)
                return target
            except (BadInputError, HTTPException, OSError) as error:  # of the network; the disk's are StorageErrors
                reasons.append(f"{url}: {error}")
    raise BadInputError(f"{entry.describe()} could not be fetched: {'; '.join(reasons)}", code="weights-pull")


def _fetch(url: str, partial: Path, entry: WeightFile, report: Report) -> None:
    """Appends the missing bytes to `partial`. If the server cannot resume, the download starts again."""
    here = partial.stat().st_size if partial.is_file() else 0
    if entry.bytes is not None and here >= entry.bytes:
        partial.unlink()
        here = 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={here}-"} if here else {})
    try:
        answer = urllib.request.urlopen(request, timeout=SECONDS)
    except urllib.error.HTTPError as error:
        if error.code == 416:  # no bytes are left to download, so the SHA-256 decides
            return
        raise
    with answer:
        goes_on = here > 0 and answer.status == 206
        here = here if goes_on else 0
        length = answer.headers.get("Content-Length")
        total = here + int(length) if length and length.isdigit() else None
        if total is not None and entry.bytes not in (None, total):
            raise BadInputError(f"offers {total} bytes, {entry.bytes} are right", code="weights-truncated")
        with storage_errors(partial):
            file = partial.open("ab" if goes_on else "wb")
        with file:
            while piece := answer.read(PIECE):
                with storage_errors(partial):
                    file.write(piece)
                    file.flush()
                here += len(piece)
                report(here, total or entry.bytes)
            os.fsync(file.fileno())
    if total is not None and here < total:  # the part is kept, and the next attempt resumes here
        raise BadInputError(f"broke off after {here} of {total} bytes; pull again to go on", code="weights-cut")


def _accept(partial: Path, target: Path, entry: WeightFile) -> None:
    """Moves the file into place if its SHA-256 is right; otherwise deletes it."""
    found = digest_file(partial)
    if found not in (entry.sha256, pin_of(entry).sha256):
        size = partial.stat().st_size
        partial.unlink()
        raise BadInputError(f"gave {size} bytes of sha256 {found}", code="weights-other")
    with storage_errors(target):
        os.replace(partial, target)
        sync_folder(target.parent)
    if found == entry.sha256:
        record_trust(entry, None)
