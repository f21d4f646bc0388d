"""The seal of a run: digests of its files and of the manifest itself, written with *done*.

A file that is edited afterwards no longer fits the seal, and `egobench verify` reports it. The seal is no signature:
anyone can write a new one. Such an edit is found by computing samples and scores again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from egobench.errors import BadInputError
from egobench.files.digest import digest_file, digest_json
from egobench.store.folder import RunFolder

SEALED = ("events.jsonl", "items.parquet", "metrics.json", "scores.parquet")
SEAL_SINCE = 2
"""First schema of the manifest whose finished runs have a seal."""
SHORT = 12
"""Digits of a digest in a message."""


@dataclass(frozen=True)
class Flaw:
    """One difference between a run and its records."""

    code: str
    """Stable, machine-readable."""
    file: str
    """A file of the run folder, or another object (a cache entry, the split)."""
    found: str
    right: str
    """The recorded or the right value."""

    @property
    def line(self) -> str:
        """One line of text."""
        return " ".join(f"{self.code}: {self.file}: found {self.found}; {self.right} would be right".split())


def sealed(manifest: Mapping[str, Any], folder: RunFolder, *, instead: Mapping[str, Path] | None = None) -> dict:
    """The manifest with a new seal.

    Args:
        instead: name → path of files that will replace those in the folder.
    """
    paths = {name: folder.path / name for name in SEALED} | dict(instead or {})
    files = {name: digest_file(paths[name]) for name in SEALED}
    facts = {key: value for key, value in manifest.items() if key != "seal"}
    return {**facts, "seal": {"manifest": facts_digest(facts), "files": files}}


def facts_digest(manifest: Mapping[str, Any]) -> str:
    """Digest of a manifest without its seal."""
    return digest_json({key: value for key, value in manifest.items() if key != "seal"})


def seal_flaws(folder: RunFolder, manifest: Mapping[str, Any]) -> list[Flaw]:
    """Files and facts that no longer fit the seal of a finished run; empty for a run of schema 1, which has none."""
    seal = manifest.get("seal")
    if seal is None:
        if manifest["schema"] < SEAL_SINCE:
            return []
        return [Flaw("seal-missing", "manifest.json", "no seal", "the seal that is written with status 'done'")]
    try:
        recorded, files = str(seal["manifest"]), {name: str(seal["files"][name]) for name in SEALED}
    except (KeyError, TypeError):
        return [Flaw("seal-damaged", "manifest.json", "a seal that lacks digests", f"one of {', '.join(SEALED)}")]
    flaws = []
    if (digest := facts_digest(manifest)) != recorded:
        flaws.append(Flaw("manifest-changed", "manifest.json", f"digest {digest[:SHORT]}", recorded[:SHORT]))
    for name, right in files.items():
        try:
            digest = digest_file(folder.path / name)
        except BadInputError:
            flaws.append(Flaw("file-missing", name, "no such file", f"sha256 {right[:SHORT]}"))
            continue
        if digest != right:
            flaws.append(Flaw("file-changed", name, f"sha256 {digest[:SHORT]}", right[:SHORT]))
    return flaws


def refuse_changed(folder: RunFolder, changed: Sequence[str]) -> None:
    """Refuses a run with changes.

    Raises:
        BadInputError: `run-changed`; names the first change and counts the rest.
    """
    if changed:
        more = f" (and {len(changed) - 1} more)" if len(changed) > 1 else ""
        raise BadInputError(
            f"{folder.path} has changed since it was finished: {changed[0]}{more}; `egobench verify {folder.path}` "
            "lists everything",
            code="run-changed",
        )


def refuse_unsealed(folder: RunFolder, manifest: Mapping[str, Any]) -> None:
    """Refuses a finished run whose files or manifest were edited after it was sealed.

    Raises:
        BadInputError: `run-changed`.
    """
    refuse_changed(folder, [flaw.line for flaw in seal_flaws(folder, manifest)])
