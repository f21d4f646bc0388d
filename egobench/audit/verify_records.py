"""First part of `verify`: compares a run's records with its files, without a model, a network or a split."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from egobench.errors import BadInputError
from egobench.files.atomic import TEMPORARY_SUFFIX, read_json
from egobench.files.digest import digest_file, digest_json
from egobench.plan.model_code import codes_of
from egobench.plan.plan import identity_of
from egobench.plan.request import request_of
from egobench.scoring.measured import coverage_of, unmeasured_items
from egobench.scoring.score import BOOTSTRAP_SEED, group_numbers
from egobench.stats.bootstrap import cluster_mean_interval
from egobench.store.folder import MOTION_FILE, VIDEO_FILE, RunFolder
from egobench.store.journal import read_events
from egobench.store.seal import SHORT, Flaw
from egobench.store.tables import SET_CLIP, ItemRow, ScoreRow, read_items, read_scores
from egobench.types import ClipInfo

EVENT_FIELDS = ("status", "code", "reason", "attempts", "seconds", "video", "motion")
INFO_FIELDS = {"clip_digest": "digest", "sequence": "sequence", "participant": "participant", "stratum": "stratum"}


@dataclass(frozen=True)
class Records:
    """All records of a run. A record that cannot be read is empty, and a flaw."""

    manifest: Mapping[str, Any]
    document: Mapping[str, Any]
    """`metrics.json`."""
    items: Sequence[ItemRow]
    scores: Sequence[ScoreRow]
    events: Mapping[tuple[str, int], Mapping[str, Any]]
    """The journal's last event of each item."""
    unreadable: tuple[Flaw, ...]

    @property
    def metrics(self) -> Mapping[str, Mapping[str, Any]]:
        """Label → record of `metrics.json`."""
        return self.document.get("metrics", {})

    def split_flaws(self, infos: Sequence[ClipInfo]) -> Iterator[Flaw]:
        """Rows that differ from the split in what they say of a clip, and clips that are missing."""
        rows = {info.clip_id: info for info in infos}
        for item in self.items:
            info = rows.get(item.clip)
            if info is None:
                yield Flaw("item-extra", "items.parquet", f"clip {item.clip}", "a clip of the split")
                continue
            for name, theirs in INFO_FIELDS.items():
                if getattr(item, name) != getattr(info, theirs):
                    what = f"items.parquet {item.clip}/{item.seed} {name}"
                    yield Flaw("item-differs", what, str(getattr(item, name)), str(getattr(info, theirs)))
        for clip in sorted(rows.keys() - {item.clip for item in self.items}):
            yield Flaw("item-missing", "items.parquet", f"no row of {clip}", "a row for every clip of the split")


def read_records(folder: RunFolder, manifest: Mapping[str, Any]) -> Records:
    """Reads the files of a run; one that is damaged is a flaw and hides none of the others."""
    lost: list[Flaw] = []

    def read(reader: Any, path: Path, empty: Any) -> Any:
        try:
            return reader(path)
        except BadInputError as error:
            lost.append(Flaw(error.code, path.name, " ".join(str(error).split()), "the file as it was written"))
            return empty

    document = read(read_json, folder.metrics, {})
    if not isinstance(document, dict) or not isinstance(document.get("metrics"), dict):
        if "metrics.json" not in {flaw.file for flaw in lost}:
            lost.append(Flaw("metrics-damaged", "metrics.json", "no table of metrics", "the file as it was written"))
        document = {}
    events = [event for event in read(read_events, folder.journal, []) if event.get("event") == "item"]
    last = {(str(event.get("clip")), event.get("seed", -1)): event for event in events}
    items, scores = read(read_items, folder.items, []), read(read_scores, folder.scores, [])
    return Records(manifest, document, items, scores, last, tuple(lost))


def record_flaws(folder: RunFolder, records: Records, checked: dict[str, int]) -> list[Flaw]:
    """Everything in the folder that does not fit the rest. Adds to `checked` how much was compared."""
    flaws = list(records.unreadable)
    lost = {flaw.file for flaw in flaws}
    flaws += _manifest_flaws(records)
    if "items.parquet" not in lost:
        flaws += _item_flaws(records, has_journal="events.jsonl" not in lost)
        checked["items"] = len(records.items)
    flaws += _sample_flaws(folder, records, checked)
    if not lost & {"items.parquet", "scores.parquet", "metrics.json"}:
        flaws += _metric_flaws(records)
        checked["scores"] = len(records.scores)
    return flaws


def _manifest_flaws(records: Records) -> Iterator[Flaw]:
    manifest = records.manifest
    for digest, record in manifest["protocols"].items():
        if digest_json(record) != digest:
            name = record.get("metric", {}).get("metric", digest[:SHORT]) if isinstance(record, Mapping) else digest
            text = f"digest {digest_json(record)[:SHORT]}"
            yield Flaw("protocol-changed", f"manifest.json protocol of {name}", text, digest[:SHORT])
    clips = sorted({item.clip for item in records.items})
    try:
        request, settings = request_of(manifest["request"]), manifest["model"]["settings"]
        codes, split_digest = codes_of(manifest["model"]), manifest["split"]["digest"]
        identity = identity_of(request, settings, split_digest, clips, manifest["protocols"], codes)
        name = f"{request.model.rpartition(':')[2]}_{manifest['split']['name']}_{manifest['identity'][:12]}"
    except (BadInputError, KeyError, TypeError) as error:
        yield Flaw("manifest-damaged", "manifest.json", f"{error!r}", "the request as it was written")
        return
    if clips and identity != manifest["identity"]:
        right = f"{manifest['identity'][:SHORT]}, the identity that is recorded"
        yield Flaw("identity-changed", "manifest.json", f"a request that comes to {identity[:SHORT]}", right)
    said = {"run": name, "model": request.model_name, "split": manifest["split"]["name"], "task": manifest["task"]}
    for key, right in said.items():
        if records.document and records.document.get(key) != right:
            yield Flaw("metrics-differ", f"metrics.json {key}", repr(records.document.get(key)), repr(right))
    if records.document and set(records.metrics) != set(manifest["metrics"]):
        yield Flaw("metrics-differ", "metrics.json", ", ".join(records.metrics), ", ".join(manifest["metrics"]))


def _item_flaws(records: Records, *, has_journal: bool) -> Iterator[Flaw]:
    manifest = records.manifest
    if len(records.items) != manifest["items"]["planned"]:
        right = f"{manifest['items']['planned']}, as planned"
        yield Flaw("item-count", "items.parquet", f"{len(records.items)} rows", right)
    counts = Counter((item.clip, item.seed) for item in records.items)
    for (clip, seed), count in counts.items():
        if count > 1:
            yield Flaw("item-twice", f"items.parquet {clip}/{seed}", f"{count} rows", "one")
    if not has_journal:
        return
    for item in records.items:
        event = records.events.get((item.clip, item.seed))
        what = f"{item.clip}/{item.seed}"
        if event is None:
            yield Flaw("event-missing", "events.jsonl", f"no event of {what}", "one for every item")
            continue
        for name in EVENT_FIELDS:
            if event.get(name) != getattr(item, name):
                text = str(getattr(item, name))
                right = f"{event.get(name)}, as in events.jsonl,"
                yield Flaw("item-differs", f"items.parquet {what} {name}", text, right)
    for clip, seed in sorted(records.events.keys() - counts.keys()):
        yield Flaw("item-missing", "items.parquet", f"no row of {clip}/{seed}", "one for every item of events.jsonl")


def _sample_flaws(folder: RunFolder, records: Records, checked: dict[str, int]) -> Iterator[Flaw]:
    known: set[Path] = set()
    checked["samples"] = 0
    for item in records.items:
        try:
            sample = folder.sample(item.clip, item.seed)
        except BadInputError as error:
            yield Flaw(error.code, "items.parquet", str(error), "a clip id that names a folder")
            continue
        for name, digest in ((VIDEO_FILE, item.video), (MOTION_FILE, item.motion)):
            path = sample / name
            where = path.relative_to(folder.path).as_posix()
            if not digest:
                continue
            known.add(path)
            checked["samples"] += 1
            if path.is_symlink() or not path.is_file():
                text = "a link" if path.is_symlink() else "no such file"
                yield Flaw("sample-missing", where, text, f"sha256 {digest[:SHORT]}")
            elif (found := digest_file(path)) != digest:
                yield Flaw("sample-changed", where, f"sha256 {found[:SHORT]}", digest[:SHORT])
    for path in sorted(folder.samples.rglob("*")):
        is_leftover = path.name.startswith(".") and path.name.endswith(TEMPORARY_SUFFIX)
        if path in known or is_leftover or (path.is_dir() and not path.is_symlink()):
            continue
        where = path.relative_to(folder.path).as_posix()
        yield Flaw("sample-extra", where, "a link" if path.is_symlink() else "a file", "nothing")


def _metric_flaws(records: Records) -> Iterator[Flaw]:
    by_label: dict[str, list[ScoreRow]] = {}
    for row in records.scores:
        by_label.setdefault(row.metric, []).append(row)
    for label in sorted(by_label.keys() - records.metrics.keys()):
        yield Flaw("score-extra", "scores.parquet", f"rows of {label}", "metrics of metrics.json only")
    places = [(item.clip, item.seed) for item in records.items]
    for label, record in records.metrics.items():
        rows = by_label.get(label, [])
        if record.get("protocol") not in records.manifest["protocols"]:
            text = f"protocol {str(record.get('protocol'))[:SHORT]}"
            yield Flaw("metrics-differ", f"metrics.json {label}", text, "one of manifest.json")
        is_set = len(rows) == 1 and rows[0].clip == SET_CLIP
        if not is_set and [(row.clip, row.seed) for row in rows] != places:
            text = f"{len(rows)} rows of {label}"
            yield Flaw("score-missing", "scores.parquet", text, f"one for each of {len(places)} items")
            continue
        right = {"value": rows[0].value} if is_set else _recomputed(records, rows)
        if record.get("coverage") == right.get("older coverage") and "unmeasured" not in records.manifest["items"]:
            right.pop("coverage", None)
        right.pop("older coverage", None)
        for name, value in right.items():
            if record.get(name) != value:
                where = f"metrics.json {label} {name}"
                yield Flaw("metrics-differ", where, str(record.get(name)), f"{value}, by scores.parquet,")
    bad = {(row.clip, row.seed) for row in records.scores if row.status == "failed" and row.clip != SET_CLIP}
    failed = len(bad | {(item.clip, item.seed) for item in records.items if item.status == "failed"})
    if failed != records.manifest["items"]["failed"]:
        found = f"{records.manifest['items']['failed']} failed items"
        yield Flaw("manifest-differs", "manifest.json items", found, f"{failed}, by the tables,")
    yield from _unmeasured_flaws(records, bad)


def _unmeasured_flaws(records: Records, bad: set[tuple[str, int]]) -> Iterator[Flaw]:
    """Runs of versions that did not count unmeasured items hold no such number."""
    stated = records.manifest["items"].get("unmeasured")
    failed = bad | {(item.clip, item.seed) for item in records.items if item.status == "failed"}
    counted = len(unmeasured_items(records.items, records.scores) - failed)
    if stated is not None and stated != counted:
        yield Flaw("manifest-differs", "manifest.json items", f"{stated} not measured", f"{counted}, by the tables,")


def _recomputed(records: Records, rows: Sequence[ScoreRow]) -> dict[str, Any]:
    """What follows from the rows of a clip metric."""
    ok = [row for row in rows if row.status == "ok"]
    undefined = sum(row.status == "undefined" for row in rows)
    values = np.array([row.value for row in ok], dtype=np.float64)
    sequences = {item.clip: item.sequence for item in records.items}
    interval, draws = None, records.manifest["request"]["draws"]
    if ok and draws and np.isfinite(values).all():
        groups = group_numbers([sequences[row.clip] for row in ok])
        interval = cluster_mean_interval(values, groups, draws=draws, seed=BOOTSTRAP_SEED)
    return {
        "value": float(np.mean(values)) if ok else None,
        "ci95": None if interval is None else list(interval),
        "n": len(ok),
        "n_undefined": undefined,
        "coverage": coverage_of(rows),
        "older coverage": (len(ok) + undefined) / len(rows),  # of runs that counted rows, seen or not
    }
