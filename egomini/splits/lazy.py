"""A split with a shipped index, whose clips are made again, one by one, when they are opened.

With it a model can look up a training clip by its caption without eight thousand clips on the disk.
"""

import gzip
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from egobench.data.folder import SplitFacts, make_clip, split_digest
from egobench.errors import BadInputError, UnknownNameError
from egobench.registry import unknown
from egobench.types import Clip, ClipInfo
from egomini.splits.generate import generate_clip
from egomini.splits.recipe import SplitSpec


@dataclass(frozen=True)
class LazySplit:
    """Implements `egobench.types.Split`; opening a clip renders it (about a tenth of a second at 64²)."""

    spec: SplitSpec
    rows: tuple[ClipInfo, ...]
    common: SplitFacts
    digest: str
    """SHA-256 over the recorded clip digests."""

    @property
    def name(self) -> str:
        """The split's name."""
        return self.spec.name

    @property
    def facts(self) -> Mapping[str, Any]:
        """Plain facts for the manifest."""
        return {**self.common.as_json(), "made_by": "egomini, on demand"}

    @cached_property
    def _places(self) -> dict[str, tuple[int, int]]:
        spec = self.spec
        return {spec.clip_id(s, w): (s, w) for s in range(spec.sequences) for w in range(spec.clips_per_sequence)}

    @cached_property
    def _by_id(self) -> dict[str, ClipInfo]:
        return {row.clip_id: row for row in self.rows}

    def infos(self) -> tuple[ClipInfo, ...]:
        """All rows, sorted by clip id."""
        return self.rows

    def clip(self, clip_id: str) -> Clip:
        """Makes one clip.

        Raises:
            UnknownNameError: the split has no such clip.
            BadInputError: `split-content`: this machine makes another clip than the one in the index.
        """
        if clip_id not in self._places:
            raise UnknownNameError(unknown(f"clips of {self.name}", clip_id, list(self._places)[:20]))
        made = generate_clip(self.spec, *self._places[clip_id])
        if made.info != self._by_id[clip_id]:
            text = f"{clip_id}: content digest is {made.info.digest}, the index says {self._by_id[clip_id].digest}, or "
            text += "their captions differ: this machine draws or encodes it otherwise"
            raise BadInputError(text, code="split-content")
        return make_clip(made.info, self.name, self.common, made.video, made.motion, made.truth)


def open_lazy(spec: SplitSpec, index: Path) -> LazySplit:
    """Reads a shipped, gzipped index."""
    content = json.loads(gzip.decompress(index.read_bytes()))
    rows = tuple(ClipInfo(**row) for row in content["clips"])
    return LazySplit(spec, rows, SplitFacts(**content["facts"]), split_digest(rows))


def write_lazy_index(path: Path, name: str, facts: SplitFacts, rows: tuple[ClipInfo, ...]) -> None:
    """Writes the shipped form of a split's index; the same rows give the same bytes."""
    clips = [asdict(row) for row in rows]
    content = {"schema": 1, "name": name, "digest": split_digest(rows), "facts": facts.as_json(), "clips": clips}
    path.write_bytes(gzip.compress(json.dumps(content, sort_keys=True).encode(), mtime=0))
