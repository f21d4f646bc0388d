"""The weights manifest, `weights.toml`: which files the standard extractors need and how each is recognised.

This module reads one small file and imports nothing heavy, so `egobench describe` can use it.
"""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass

from egobench.errors import BadInputError, UnknownNameError
from egobench.registry import unknown

MANIFEST = os.path.join(os.path.dirname(__file__), "weights.toml")


@dataclass(frozen=True)
class WeightFile:
    """One entry of the manifest."""

    id: str
    file: str
    """Name of the file in the weights folder."""
    urls: tuple[str, ...]
    """Addresses to download it from, the best first."""
    licence: str
    used_by: tuple[str, ...]
    """Presets that use it."""
    verified: bool
    """Whether the publisher states the SHA-256. If not, third parties state it, or it is not known."""
    bytes: int | None = None
    """Size; None if it is not published."""
    sha256: str | None = None
    """64 hex digits; None if it is not known."""
    note: str = ""

    def describe(self) -> str:
        """File, SHA-256 and size as a short text for messages."""
        size = f"{self.bytes} bytes" if self.bytes else "size not published"
        return f"{self.file} (sha256 {self.sha256 or 'not known'}, {size})"


def read_manifest(path: str | None = None) -> dict[str, WeightFile]:
    """Id → file, in the manifest's order.

    Raises:
        BadInputError: `manifest-damaged`: not TOML, or an entry has the wrong form.
    """
    path = path or MANIFEST
    try:
        with open(path, "rb") as stream:
            return {name: _entry(name, content) for name, content in tomllib.load(stream).items()}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadInputError(f"{path} is damaged: {error!r}; reinstall egobench", code="manifest-damaged") from None


def weight_file(name: str) -> WeightFile:
    """One entry. Raises UnknownNameError, which suggests similar ids."""
    manifest = read_manifest()
    if name not in manifest:
        raise UnknownNameError(unknown("weights", name, list(manifest)))
    return manifest[name]


def _entry(name: str, content: "Mapping[str, object]") -> WeightFile:
    lists = {key: tuple(content[key]) for key in ("urls", "used_by")}  # pyright: ignore[reportArgumentType]
    entry = WeightFile(**{**content, "id": name, **lists})  # pyright: ignore[reportArgumentType]
    if entry.sha256 is not None and (len(entry.sha256) != 64 or set(entry.sha256) - set("0123456789abcdef")):
        raise ValueError(f"{name}: sha256 must be 64 hex digits")
    if os.path.basename(entry.file) != entry.file or (entry.verified and entry.sha256 is None):
        raise ValueError(f"{name}: `file` is a bare name, and a verified file has a sha256")
    return entry
