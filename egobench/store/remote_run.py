"""A run under a URL: its folder on this machine is a copy, and what is written there is put to the URL as well.

Workers put samples; the process that leads the run puts journal, tables and, last, the manifest. The journal is put in
pieces that are never changed, `events/FROM-TO.jsonl` by bytes. There is no lock between machines.
"""

from contextlib import suppress
from pathlib import Path

from egobench.errors import BadInputError
from egobench.files.atomic import make_folder, write_bytes
from egobench.files.cache_home import mirror_of
from egobench.store.remote import RemoteFolder

URL_FILE = ".url"
"""File of a copy that holds the run's URL."""
MANIFEST, EVENTS, PIECES, SAMPLES = "manifest.json", "events.jsonl", "events", "samples"
TABLES = ("items.parquet", "scores.parquet", "metrics.json")


def copy_of(url: str) -> Path:
    """The folder on this machine for a run's copy, which is made if absent. Raises StorageError."""
    path = make_folder(place_of(url))
    if not (path / URL_FILE).is_file():
        write_bytes(path / URL_FILE, url.encode())
    return path


def remote_of(path: Path) -> RemoteFolder | None:
    """Where a copy's run is; None for a run of this machine alone.

    A folder that names a URL and is not the copy that this machine keeps of it, such as one that came from elsewhere,
    is a run of this machine alone: nothing is fetched from there, or put there.
    """
    with suppress(OSError, ValueError):
        url = (path / URL_FILE).read_text(encoding="utf-8")
        if path.resolve() == place_of(url).resolve():
            return RemoteFolder(url)
    return None


def place_of(url: str) -> Path:
    """The folder on this machine for a run's copy, whether it is there or not."""
    parent, _, name = url.rpartition("/")
    return mirror_of(parent) / name


def push(path: Path, remote: RemoteFolder) -> None:
    """Puts journal, tables and manifest, the manifest last. Raises StorageError."""
    push_events(path, remote)
    for name in (*TABLES, MANIFEST):
        if (path / name).is_file():
            remote.put(name, (path / name).read_bytes())


def push_events(path: Path, remote: RemoteFolder) -> None:
    """Puts the whole lines of the journal that are not there yet, as one more piece. Raises StorageError."""
    if not (path / EVENTS).is_file():
        return
    sent = max((_span(name)[1] for name in remote.names(PIECES)), default=0)
    with (path / EVENTS).open("rb") as file:
        file.seek(sent)
        new = file.read()
    new = new[: new.rfind(b"\n") + 1]
    if new:
        remote.put(f"{PIECES}/{sent:015d}-{sent + len(new):015d}.jsonl", new)


def pull(path: Path, remote: RemoteFolder) -> None:
    """Brings a copy up to date, but for its samples. A journal here that goes on where the one there ends is kept: the
    process was killed before it could put the rest.

    Raises:
        BadInputError: `run-missing`: no run is there; `journal-damaged`: a piece is missing.
        StorageError: the storage refused.
    """
    manifest = remote.get(MANIFEST)
    if manifest is None:
        raise BadInputError(f"{remote.url}: not a run folder: it has no manifest.json", code="run-missing")
    events = b""
    for name in remote.names(PIECES):
        if _span(name)[0] != len(events):
            text = f"{remote.url}/{name}: the piece before it is missing; it would begin at byte {len(events)}"
            raise BadInputError(text, code="journal-damaged")
        events += remote.get(name) or b""
    here = (path / EVENTS).read_bytes() if (path / EVENTS).is_file() else b""
    if events and not here.startswith(events):
        write_bytes(path / EVENTS, events)
    for name in TABLES:
        data = remote.get(name)
        if data is None:
            (path / name).unlink(missing_ok=True)
        else:
            write_bytes(path / name, data)
    write_bytes(path / MANIFEST, manifest)


def push_file(path: Path, remote: RemoteFolder, name: str) -> None:
    """Puts one file of the run. Raises StorageError."""
    remote.put(name, (path / name).read_bytes())


def pull_file(path: Path, remote: RemoteFolder, name: str) -> None:
    """Gets one file of the run; what is there no more is deleted here too.

    Raises:
        BadInputError: `storage-name`: the name leads out of the folder.
        StorageError: the storage refused.
    """
    if ".." in Path(name).parts or Path(name).is_absolute():
        raise BadInputError(f"{remote.url}: an object called {name!r} leads out of the run", code="storage-name")
    data = remote.get(name)
    if data is None:
        (path / name).unlink(missing_ok=True)
        return
    make_folder((path / name).parent)
    write_bytes(path / name, data)


def pull_samples(path: Path, remote: RemoteFolder) -> None:
    """Gets all samples as they are there now. Raises StorageError."""
    there = set(remote.names(SAMPLES))
    here = {file.relative_to(path).as_posix() for file in (path / SAMPLES).rglob("*") if file.is_file()}
    for name in sorted(there | here):
        pull_file(path, remote, name)


def _span(name: str) -> tuple[int, int]:
    first, _, last = name.rpartition("/")[2].removesuffix(".jsonl").partition("-")
    return int(first), int(last)
