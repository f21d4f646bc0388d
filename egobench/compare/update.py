"""Makes a finished run the baseline. An update needs a reason, refuses failed rows, and reports what moved."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from egobench.compare.baseline import baseline_document, baseline_side, read_baseline, write_baseline
from egobench.compare.comparable import protocol_differences, refuse_other_clips
from egobench.compare.comparison import compare_sides
from egobench.compare.run_side import run_side
from egobench.compare.side import Side
from egobench.errors import IncompleteRunError, NotComparableError
from egobench.files.atomic import make_folder
from egobench.files.digest import digest_json
from egobench.progress import Progress
from egobench.store.manifest import now
from egobench.store.tables import read_items


@dataclass(frozen=True)
class Update:
    """What an update did."""

    changes: Mapping[str, Mapping[str, Any]]
    """Metric → `old`, `new`, `verdict` of new against old (None if they cannot be compared), `note`."""
    notes: tuple[str, ...]
    size: int
    """Bytes written."""


def update_baseline(
    run: Path | str,
    path: Path | str,
    *,
    reason: str,
    allow_failed: int = 0,
    date: str | None = None,
    progress: Progress | None = None,
    trust: bool = True,
) -> Update:
    """Writes a baseline from a run; an older file at the path passes on its history.

    Args:
        reason: why the baseline changes; not empty.
        allow_failed: number of failed rows that are accepted.
        date: UTC, ISO 8601; None for now.
        trust: see `check_split`.

    Raises:
        BadInputError: no reason, a run or an older baseline that is damaged.
        IncompleteRunError: more rows failed than allowed.
        StorageError: the disk refused.
    """
    side, target = run_side(run, progress, trust=trust), Path(path)
    failed = {key for metric in side.results for key, why in side.source.lost(metric).items() if why.status == "failed"}
    if len(failed) > allow_failed:
        text = f"{len(failed)} of {len(side.items)} rows of {run} failed, {allow_failed} are allowed in a baseline"
        raise IncompleteRunError(f"{text}; `--allow-failed {len(failed)}` takes it all the same", path=str(run))
    old = baseline_side(target) if target.is_file() else None
    earlier = read_baseline(target) if old else None
    items = read_items(Path(run) / "items.parquet")
    samples = digest_json([[item.clip, item.seed, item.video, item.motion] for item in items])
    document = baseline_document(side, samples=samples, reason=reason, date=date or now(), earlier=earlier)
    changes, notes = _changes(old, side)
    make_folder(target.parent)
    write_baseline(target, document)
    return Update(changes, notes, target.stat().st_size)


def _changes(old: Side | None, new: Side) -> tuple[dict[str, dict[str, Any]], tuple[str, ...]]:
    changes = {
        name: {"old": None, "new": record["value"], "verdict": None, "note": "new"}
        for name, record in new.results.items()
    }
    if old is None:
        return changes, ()
    notes, comparable = [], []
    try:
        refuse_other_clips(old, new)
        is_same_world = True
    except NotComparableError as error:
        is_same_world = False
        notes.append(str(error))
    for name, record in old.results.items():
        if name not in new.results:
            changes[name] = {"old": record["value"], "new": None, "verdict": None, "note": "dropped"}
            continue
        changes[name]["old"] = record["value"]
        fields = [each.field for each in protocol_differences(old, new, name)]
        changes[name]["note"] = f"another protocol: {', '.join(fields)}" if fields else "another split"
        if is_same_world and not fields:
            comparable.append(name)
    if comparable:
        for row in compare_sides(old, new, comparable, allow_partial=True).rows:
            changes[row.metric] |= {"verdict": row.verdict, "note": row.reason}
    return changes, tuple(notes)
