"""`egobench weights list|pull|verify|add`: files of the standard extractors on this machine."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro
from tyro.conf import Positional

from egobench.cli.options import parse, print_json
from egobench.cli.progress import progress
from egobench.cli.stdout import print
from egobench.extractors.weights_manifest import WeightFile

MIB = 2**20


@dataclass(frozen=True)
class ListOptions:
    """Files by id: here or not, size, SHA-256, licence, which presets want them."""

    json: bool = False
    """Machine-readable output."""


@dataclass(frozen=True)
class PullOptions:
    """Fetches files; interrupted, the same command goes on. Only files of the right SHA-256 come into place."""

    ids: Positional[tuple[str, ...]] = ()
    """Ids of `egobench weights list`; by default all."""
    offline: bool = False
    """Fetch nothing: say what is missing, how it is recognised, where to get it and where to put it."""
    json: bool = False
    """Machine-readable output."""


@dataclass(frozen=True)
class VerifyOptions:
    """Reads files and compares their SHA-256; exits 2 if one is wrong, or was named and is missing."""

    ids: Positional[tuple[str, ...]] = ()
    """Ids of `egobench weights list`; by default all that are here."""
    json: bool = False
    """Machine-readable output."""


@dataclass(frozen=True)
class AddOptions:
    """Copies a file into place after comparing its SHA-256."""

    file: Positional[Path]
    """File on this machine, under any name."""
    id: Annotated[str | None, tyro.conf.arg(metavar="ID")] = None
    """Which one it is; by default found by its SHA-256, then by its name."""
    trust: bool = False
    """Admit another SHA-256 than the manifest's, where that is not verified; protocols will name yours."""
    json: bool = False
    """Machine-readable output."""


def list_weights(arguments: list[str]) -> int:
    """Lists the manifest, with the status of each file on this machine."""
    options = parse(ListOptions, "weights list", arguments)
    from egobench.extractors.weights_store import chosen_weights, weight_row, weights_home

    rows = [weight_row(entry, content=False) for entry in chosen_weights(())]
    if options.json:
        print_json({"folder": weights_home(), "weights": rows})
        return 0
    for row in rows:
        size = f"{row['bytes'] / MIB:.0f} MiB" if row["bytes"] else "size not published"
        print(f"{row['id']:<22} {row['status']:<12} {size}, {row['licence']}")
        source = "published" if row["verified"] else "not verified: stated by a third party only"
        print(f"{'':<22} sha256 {row['sha256'] or 'not known'} ({source})")
        print(f"{'':<22} for {', '.join(row['used_by'])}")
    print(weights_home())
    return 0


def pull(arguments: list[str]) -> int:
    """Downloads weight files."""
    options = parse(PullOptions, "weights pull", arguments)
    from egobench.extractors.weights_store import chosen_weights, missing_line, place_of, status_of

    entries = chosen_weights(options.ids)

    if options.offline:
        missing = [entry for entry in entries if status_of(entry, content=False) not in ("ok", "trusted")]
        lines = [missing_line(entry) for entry in missing]
        if options.json:
            print_json({"missing": [entry.id for entry in missing], "lines": lines})
        else:
            print("\n".join(lines) or "nothing is missing")
        return 2 if missing else 0
    from egobench.extractors.weights_pull import pull as fetch

    for entry in entries:
        with_bar = _Bar(entry)
        try:
            fetch(entry, with_bar)
        finally:
            with_bar.done()
    paths = [place_of(entry) for entry in entries]
    if options.json:
        print_json({"paths": paths})
    else:
        print(*paths, sep="\n")
    return 0


def verify(arguments: list[str]) -> int:
    """Compares the SHA-256 of weight files."""
    options = parse(VerifyOptions, "weights verify", arguments)
    from egobench.extractors.weights_store import chosen_weights, weight_row

    rows = [weight_row(entry, content=True) for entry in chosen_weights(options.ids)]
    wrong = [r for r in rows if r["status"] not in ("ok", "trusted") and (options.ids or r["status"] != "missing")]
    if options.json:
        print_json({"weights": rows, "wrong": [row["id"] for row in wrong]})
    else:
        for row in rows:
            print(f"{row['id']:<22} {row['status']:<12} {row['path'] if row['status'] != 'missing' else ''}".rstrip())
    return 2 if wrong else 0


def add(arguments: list[str]) -> int:
    """Copies a file into place."""
    options = parse(AddOptions, "weights add", arguments)
    from egobench.extractors.weights_store import add as copy
    from egobench.extractors.weights_store import find_entry, place_of

    entry = find_entry(options.file, options.id)
    sha256 = copy(options.file, entry, trust=options.trust)
    if options.json:
        print_json({"id": entry.id, "sha256": sha256, "path": place_of(entry)})
    else:
        print(f"{entry.id}: sha256 {sha256}\n{place_of(entry)}")
    return 0


class _Bar:
    """Shows downloaded bytes as a bar in MiB."""

    def __init__(self, entry: WeightFile) -> None:
        self._name, self._bar, self._shown = f"{entry.file} (MiB)", progress(), -1

    def __call__(self, here: int, total: int | None) -> None:
        if self._shown < 0:
            self._bar.stage(self._name, round((total or 0) / MIB))
            self._shown = 0
        self._bar.advance(here // MIB - self._shown)
        self._shown = here // MIB

    def done(self) -> None:
        """Ends the bar, which stays on the screen."""
        self._bar.done()


ACTIONS = {
    "weights": {
        "list": (list_weights, "files of the standard extractors: here or not, sha256, licence"),
        "pull": (pull, "fetch files, or with --offline say where they can be had"),
        "verify": (verify, "read files and compare their sha256"),
        "add": (add, "copy a local file into place"),
    }
}
"""Verb → action → (function, one line of help)."""
