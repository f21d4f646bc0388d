"""Derives the entries of a pack again and compares them: of some clips, or of all.

On the processor and with the packages that made the pack, every number must come out bit for bit. Elsewhere sums of
float32 may round otherwise: a feature then differs by about 1e-6 of the largest in its array, so 1e-4 leaves room for
deep networks and is far below what any metric resolves. A score that counts what exceeds a threshold (hand-score,
sync-lag) may jump on a few clips all the same; so of the scores a small share may differ by more.
"""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from egobench.engines.local import Engine
from egobench.errors import BadInputError
from egobench.fit.reference_pack import maker_facts
from egobench.fit.references import GROUPS, References, open_references, packed_key
from egobench.metrics.base import ClipMetric
from egobench.plan.resolve import resolve_engine
from egobench.progress import Progress, Quiet
from egobench.scoring.stand_in_scores import SIDES, score_stand_ins, stand_in_key, unpack_scores
from egobench.scoring.stand_ins import plan_stand_ins
from egobench.store.cache import Cache
from egobench.store.pack import Pack, open_pack

TOLERANCE = 1e-4
"""Largest difference on another processor, relative to the largest number of an array."""
LOOSE_SHARE = 0.05
"""Share of the scores that may differ by more there."""


@dataclass
class PackCheck:
    """What was compared, and what differs."""

    compared: int = 0
    """Entries, and scores of single clips."""
    absent: list[str] = field(default_factory=list)
    """What a run reads and the pack does not hold."""
    unequal: list[str] = field(default_factory=list)
    """Entries that are not the same bit for bit."""
    far: list[str] = field(default_factory=list)
    """Features and estimates that differ by more than `TOLERANCE`."""
    far_scores: list[str] = field(default_factory=list)
    """Scores that do."""
    scores: int = 0
    """Scores of single clips that were compared."""

    def flaws(self, *, bit_for_bit: bool) -> list[str]:
        """Lines that say what is wrong with the pack; empty if it is good."""
        if bit_for_bit:
            return [*self.absent, *self.unequal]
        too_many = len(self.far_scores) > LOOSE_SHARE * self.scores
        return [*self.absent, *self.far, *(self.far_scores if too_many else [])]


def made_here(pack: Pack) -> bool:
    """Whether this processor and these packages made a pack."""
    here = maker_facts({}, ())
    return all(pack.about.get(name) == here[name] for name in ("processor", "packages"))


def check_pack(
    pack: Pack,
    references: References,
    engine: Engine,
    *,
    clip_ids: Sequence[str] | None = None,
    progress: Progress | None = None,
) -> PackCheck:
    """Compares the pack's entries with what is derived now.

    Args:
        references: with an empty cache of its own, without packs.
        clip_ids: clips whose entries and scores are derived; None takes all, and floors of set metrics too.

    Raises:
        BadInputError: a reference that cannot be extracted.
    """
    found = PackCheck()
    chosen = references.clip_ids if clip_ids is None else list(clip_ids)
    references.extract(chosen, engine, progress or Quiet())
    held = set(pack.about.get("groups", GROUPS))
    seen: set[str] = set()
    for owner, entry in references.packed_entries(chosen):
        key = packed_key(entry)
        if entry.what in held and key not in seen:
            seen.add(key)
            _compare(
                found, f"{entry.what} of {owner} by {entry.extractor}", pack.get(key), references.inputs.kept(entry)
            )
    for metric in references.metrics:
        if isinstance(metric, ClipMetric):
            _compare_scores(found, pack, references, metric, chosen)
        elif clip_ids is None:
            for key, arrays in references.kept_bounds(metric).items():
                _compare(found, f"floor of {metric.name}", pack.get(key), arrays)
    return found


def _compare(
    found: PackCheck, what: str, ours: Mapping[str, np.ndarray] | None, right: Mapping[str, np.ndarray] | None
) -> None:
    found.compared += 1
    if ours is None or right is None:
        found.absent.append(f"{what}: not in the pack")
        return
    if ours.keys() == right.keys() and all(_same(ours[name], right[name]) for name in right):
        return
    apart = max(_apart(ours.get(name), right[name]) for name in right)
    found.unequal.append(f"{what}: a relative difference of {apart:.3g}")
    if apart > TOLERANCE:
        found.far.append(found.unequal[-1])


def _compare_scores(
    found: PackCheck, pack: Pack, references: References, metric: ClipMetric, clip_ids: Sequence[str]
) -> None:
    arrays = pack.get(stand_in_key(references.record(metric)))
    if arrays is None:
        found.absent.append(f"{metric.name}: its scores are not in the pack")
        return
    scores, place = unpack_scores(arrays), {each: i for i, each in enumerate(references.clip_ids)}
    stand_ins = plan_stand_ins(references.inputs, clip_ids, 1)
    for side in SIDES:
        kept = getattr(scores, side)
        if not kept:
            continue
        for clip_id, right in zip(
            clip_ids, score_stand_ins(metric, references.inputs, clip_ids, getattr(stand_ins, side)), strict=True
        ):
            ours = kept[place[clip_id]]
            found.compared += 1
            found.scores += 1
            if (ours.status, ours.value, ours.reason) == (right.status, right.value, right.reason):
                continue
            text = f"{side} of {metric.name} on {clip_id}: {ours.status} {ours.value}, now {right.status} {right.value}"
            found.unequal.append(text)
            if not _is_near(ours.value, right.value):
                found.far_scores.append(text)


def _is_near(ours: float | None, right: float | None) -> bool:
    if ours is None or right is None:
        return ours is right
    return abs(ours - right) <= TOLERANCE * max(abs(ours), abs(right), 1e-9)


def _same(ours: np.ndarray, right: np.ndarray) -> bool:
    return (ours.dtype, ours.shape, ours.tobytes()) == (right.dtype, right.shape, right.tobytes())


def _apart(ours: np.ndarray | None, right: np.ndarray) -> float:
    """Largest difference, relative to the largest number; infinite where the arrays are of another form."""
    if ours is None or ours.shape != right.shape or ours.dtype.kind != right.dtype.kind:
        return float("inf")
    if right.dtype.kind != "f":
        return 0.0 if np.array_equal(ours, right) else float("inf")
    if not np.array_equal(np.isnan(ours), np.isnan(right)):
        return float("inf")
    gap = np.nan_to_num(np.abs(ours.astype(np.float64) - right), nan=0.0)
    return float(gap.max(initial=0.0) / max(np.nan_to_num(np.abs(right)).max(initial=0.0), 1e-12))


def chosen_clips(references: References, share: float, seed: int) -> list[str]:
    """A share of the clips, at least one, drawn by a seed."""
    ids = references.clip_ids
    count = max(1, round(share * len(ids)))
    return [ids[place] for place in sorted(np.random.default_rng(seed).permutation(len(ids))[:count])]


def check_again(
    path: Path,
    names: Sequence[str],
    *,
    metrics: str = "core",
    share: float = 1.0,
    seed: int = 0,
    workers: int = 1,
    progress: Progress | None = None,
) -> tuple[list[str], list[str]]:
    """Derives a pack's entries again, in a cache of its own, and compares them.

    Args:
        path: of the pack.
        names: of the splits.
        metrics: as in `make_pack`.
        share: of each split's clips whose entries are derived; 1 takes the floors of set metrics too.
        seed: by which the clips are drawn.
        workers: processes; 0 derives in this one.

    Returns:
        Lines that say what was compared, and the flaws: none if the pack is good.

    Raises:
        BadInputError: `pack-missing`: no pack that can be read; a reference that cannot be extracted.
    """
    pack = open_pack(path)
    if pack is None:
        raise BadInputError(f"{path}: no pack that can be read", code="pack-missing")
    bit_for_bit, said, flaws = made_here(pack), [], []
    how = "bit for bit" if bit_for_bit else f"within {TOLERANCE:g}, since another processor or package made the pack"
    for name in names:
        with tempfile.TemporaryDirectory(prefix="egobench-pack-") as scratch:
            references = open_references(name, metrics, Cache(Path(scratch)), trust=True)
            chosen = None if share >= 1 else chosen_clips(references, share, seed)
            found = check_pack(pack, references, resolve_engine("local", workers), clip_ids=chosen, progress=progress)
        said.append(f"{name}: {found.compared} compared {how}; {len(found.unequal)} are not equal in every bit")
        flaws += found.flaws(bit_for_bit=bit_for_bit)
    return said, flaws
