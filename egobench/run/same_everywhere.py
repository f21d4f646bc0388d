"""What must be the same on every node that works on a run: name → a short text that says what is there.

The process that started the run and each worker of a cluster write it down, and the texts are compared before a worker
gets its first item (`egobench/engines/ray_worker.py`). What else must be the same has checks of its own: the code of
EgoBench there, the split's index and the model's code where the job is prepared.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from egobench.errors import BadInputError
from egobench.files.atomic import check_writable, read_json
from egobench.files.digest import digest_json
from egobench.files.plain import plain
from egobench.metrics.base import What
from egobench.plan.class_code import maker_record
from egobench.plan.own_weights import shown_name
from egobench.plan.plan import model_settings
from egobench.plan.request import RunRequest
from egobench.plan.resolve import resolve_maker, resolve_model
from egobench.store.cache import Cache, open_cache
from egobench.store.folder import folder_at
from egobench.store.remote import RemoteFolder, url_of

SHORT = 12
"""Digits of a digest in a message."""


def check_places(request: RunRequest) -> None:
    """Makes sure that a request's run and cache can be written, before anything is sampled.

    Raises:
        UnusablePlaceError: they cannot, now or ever.
        BadInputError: `storage-kind`: a URL that cannot be used here.
        StorageError: the disk is full.
    """
    cache, url = open_cache(), url_of(request.out)
    for remote in filter(None, (cache.remote, RemoteFolder(url) if url else None)):
        if not request.is_inline:
            remote.refuse_for_processes()
        remote.check_writable()
    check_writable(cache.root)
    if not url:
        check_writable(Path(request.out))


def model_facts(model: str, options: Mapping[str, str]) -> dict[str, str]:
    """The settings of a model, its weight files by their content."""
    return {f"model '{model}'": f"settings {digest_json(model_settings(resolve_model(model, options)))[:SHORT]}"}


def maker_facts(makers: Sequence[tuple[What, str]]) -> dict[str, str]:
    """The protocol record of each extractor and estimator, its weights by their content."""
    records = {name: plain(maker_record(resolve_maker(what, name))) for what, name in makers}
    return {f"'{shown_name(name)}'": f"record {digest_json(record)[:SHORT]}" for name, record in records.items()}


def folder_facts(place: Path | str) -> dict[str, str]:
    """The run of a `RunFolder.place`.

    Raises:
        StorageError: it cannot be written.
    """
    folder = folder_at(place)
    folder.pull(folder.manifest.name)
    try:
        manifest: Any = read_json(folder.manifest)
        found = f"run {manifest['identity'][:SHORT]} of {manifest['started']}"
    except (BadInputError, KeyError, TypeError):
        return {f"run folder {place}": "none"}
    check_writable(folder.path)
    if folder.remote:
        folder.remote.check_writable()
    return {f"run folder {place}": found}


def cache_facts(cache: Cache, *, is_driver: bool) -> dict[str, str]:
    """The mark of the cache; the process that started the run makes one where there is none.

    Raises:
        StorageError: it cannot be written.
    """
    mark = cache.mark(make=is_driver)
    if mark:
        cache.check_writable()
    return {f"cache {cache.place}": f"mark {mark[:SHORT]}" if mark else "none"}
