"""Makes the pack that a data set ships with its splits: what a run reads of the references, and floors and chances.

A run of the split's own metrics then extracts nothing but its own samples. The entries are those that a run would put
into the cache, bit for bit, under the same keys. So a pack that other weights or other code made is never read.

What a run reads comes first: the scores of clip metrics on the references (floors and chances are their means), floors
of set metrics, and the features of references and captions. Camera paths and hands are what those scores were made of,
so a run does not read them. Motions lie in the split itself.
"""

import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from egobench.engines.local import Engine
from egobench.errors import BadInputError
from egobench.files.atomic import make_folder, write_bytes
from egobench.files.cache_home import cache_home
from egobench.fit.references import GROUPS, Arrays, References, open_references, packed_key
from egobench.plan.resolve import resolve_engine
from egobench.progress import Progress, Quiet
from egobench.store.cache import Cache
from egobench.store.manifest import environment
from egobench.store.pack import pack_bytes

BUDGET = 2_200_000
"""Default for the most bytes of a pack."""


def reference_entries(
    references: References, engine: Engine, progress: Progress | None = None
) -> dict[str, dict[str, Arrays]]:
    """Group → key → arrays of everything that a pack can hold of a split; made where the cache lacks it.

    Raises:
        BadInputError: a reference that cannot be extracted or scored.
        StorageError: the disk refused; the same call goes on.
    """
    references.extract(references.clip_ids, engine, progress or Quiet())
    found: dict[str, dict[str, Arrays]] = {group: {} for group in GROUPS}
    for metric in references.metrics:
        found["scores"].update(references.kept_bounds(metric))
    for _, entry in references.packed_entries(references.clip_ids):
        arrays = references.inputs.kept(entry)
        assert arrays is not None, "it was extracted"
        found[entry.what][packed_key(entry)] = arrays
    return found


def packed(
    groups: Sequence[Mapping[str, Mapping[str, Arrays]]], splits: Mapping[str, str], *, budget: int
) -> tuple[bytes, dict[str, int]]:
    """The bytes of a pack from the entries of several splits. Groups go in by `GROUPS`, each whole, if they fit.

    Args:
        groups: of each split, as `reference_entries` gives them.
        splits: name → digest, for the pack's facts.
        budget: most bytes that the pack may have.

    Returns:
        The bytes, and by how many each group that is in made them grow.

    Raises:
        BadInputError: `pack-budget`: not even the scores fit.
    """
    chosen: dict[str, Arrays] = {}
    data, sizes = b"", {}
    for group in GROUPS:
        more = {key: arrays for found in groups for key, arrays in found[group].items()}
        grown = pack_bytes({**chosen, **more}, maker_facts(splits, [*sizes, group])) if more else data
        if more and len(grown) <= budget:
            sizes[group] = len(grown) - len(data)
            chosen, data = {**chosen, **more}, grown
    if "scores" not in sizes:
        raise BadInputError(f"{budget} bytes are too few for the scores", code="pack-budget")
    return data, sizes


def make_pack(
    names: Sequence[str],
    out: Path,
    *,
    metrics: str = "core",
    budget: int = BUDGET,
    workers: int = 1,
    progress: Progress | None = None,
) -> dict[str, int]:
    """Makes the pack of some splits. The user's cache keeps the features, so an interrupted call goes on.

    Args:
        names: of the splits.
        metrics: those whose inputs go in, as for a run; those that cannot be had on a split are left out there.
        budget: most bytes that the pack may have; kinds of entries that do not fit are left out.

    Returns:
        Group of entries → bytes that it takes.

    Raises:
        BadInputError: `reference-unreadable`; `pack-budget`.
        StorageError: the disk refused.
    """
    cache, engine = Cache(make_folder(cache_home())), resolve_engine("local", workers)
    every = [open_references(name, metrics, cache) for name in names]
    entries = [reference_entries(references, engine, progress) for references in every]
    digests = {references.split.name: references.split.digest for references in every}
    data, sizes = packed(entries, digests, budget=budget)
    write_bytes(out, data)
    return sizes


def maker_facts(splits: Mapping[str, str], groups: Sequence[str]) -> dict[str, Any]:
    """What made a pack: splits, groups of entries, processor, packages. On another processor, or with other packages,
    numbers may round otherwise."""
    packages = {name: version for name, version in environment()["packages"].items() if name in ("torch", "numpy")}
    return {"splits": dict(splits), "groups": list(groups), "processor": processor_name(), "packages": packages}


def processor_name() -> str:
    """Model of the processor, such as `AMD EPYC, family 25, model 17`, since one name may stand for several generations
    with other instructions; where the system does not tell, its architecture."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    facts = {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in reversed(lines))}
    named = facts.get("model name") or platform.processor() or platform.machine()
    kind = [f"{word} {facts[key]}" for word, key in (("family", "cpu family"), ("model", "model")) if facts.get(key)]
    return ", ".join([named, *kind])
