"""The seal of a run: digests of its files and of the manifest itself, written with *done*.

A file that is edited afterwards no longer fits, whoever edits it; `egobench verify` compares. The seal is no signature:
who writes a new one along with the edit is found by deriving samples and scores again.
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
    """One thing in a run that is not as it was recorded."""

    code: str
    """Stable, machine-readable."""
    file: str
    """Of the run folder, or what else is wrong (a cache entry, the split)."""
    found: str
    right: str
    """What was recorded, or would be right."""

    @property
    def line(self) -> str:
        """For people."""
        return " ".join(f"{self.code}: {self.file}: found {self.found}; {self.right} would be right".split())


def sealed(manifest: Mapping[str, Any], folder: RunFolder, *, instead: Mapping[str, Path] | None = None) -> dict:
    """The manifest with its seal, in place of an older one.

    Args:
        instead: files that will take the place of the folder's own, by name.
    """
    paths = {name: folder.path / name for name in SEALED} | dict(instead or {})
    files = {name: digest_file(paths[name]) for name in SEALED}
    facts = {key: value for key, value in manifest.items() if key != "seal"}
    return {**facts, "seal": {"manifest": facts_digest(facts), "files": files}}


def facts_digest(manifest: Mapping[str, Any]) -> str:
    """Digest of everything in a manifest but its seal."""
    return digest_json({key: value for key, value in manifest.items() if key != "seal"})


def seal_flaws(folder: RunFolder, manifest: Mapping[str, Any]) -> list[Flaw]:
    """What no longer fits the seal of a finished run; a run of schema 1 has none to compare with."""
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
    if (found := facts_digest(manifest)) != recorded:
        flaws.append(Flaw("manifest-changed", "manifest.json", f"digest {found[:SHORT]}", recorded[:SHORT]))
    for name, right in files.items():
        try:
            found = digest_file(folder.path / name)
        except BadInputError:
            flaws.append(Flaw("file-missing", name, "no such file", f"sha256 {right[:SHORT]}"))
            continue
        if found != right:
            flaws.append(Flaw("file-changed", name, f"sha256 {found[:SHORT]}", right[:SHORT]))
    return flaws


def refuse_changed(folder: RunFolder, changed: Sequence[str]) -> None:
    """Refuses a run of which something has changed.

    Raises:
        BadInputError: `run-changed`; names the first and counts the rest.
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
