"""A finished run as a folder of pages that open from disk: results, failures, all clips, and the worst ones in detail.

The pages need nothing else. Videos are coded again for browsers, since few players read a run's lossless ones; bodies
are numbers in the page. A report may be deleted: `egobench report` makes it again.
"""

import json
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from egobench import __version__
from egobench.catalog import METRICS
from egobench.errors import BadInputError, EgoBenchError
from egobench.files.atomic import make_folder, storage_errors
from egobench.files.video import read_video, write_video
from egobench.geometry.skeleton import get_skeleton
from egobench.pictures.drawing import SAMPLE_COLOR, heading
from egobench.plan.model_code import changed_text
from egobench.progress import Progress, Quiet
from egobench.run.finished import split_of_run
from egobench.scoring.stored_sample import stored_motion
from egobench.store.folder import MOTION_FILE, VIDEO_FILE, RunFolder, open_run
from egobench.store.manifest import read_finished
from egobench.store.seal import seal_flaws
from egobench.store.tables import SET_CLIP, ItemRow, ScoreRow, read_items, read_scores
from egobench.tables.numbers import MISSING, plain_text
from egobench.tables.table import in_order, read_metrics, run_grid
from egobench.types import Motion, Split, Video

PAGES = Path(__file__).with_name("pages")
CLIPS = 20
MAX_ROWS = 5000
"""Most items listed on the first page; `scores.parquet` has all of them."""
SHOWN_PIXELS = 256
"""Videos smaller than this are enlarged by whole pixels, since colour is coded at half the resolution."""


@dataclass(frozen=True)
class Report:
    """What was written."""

    index: Path
    clips: tuple[str, ...]
    """Items with a page of their own, as `<clip>/<seed>`."""
    notes: tuple[str, ...]
    """Parts that could not be shown, and why."""


def make_report(
    path: Path | str, out: Path | None = None, *, clips: int = CLIPS, progress: Progress | None = None
) -> Report:
    """Writes the pages of a finished run; they replace an older report.

    Args:
        out: folder for the pages; default: `report` in the run's folder.
        clips: number of items, the worst ones, that get a page with videos.

    Raises:
        BadInputError: not a finished run, or damaged; `report-folder`: `out` holds something else.
        StorageError: the disk refused.
    """
    if clips < 0:
        raise BadInputError(f"clips is {clips}; at least 0 is needed", code="range")
    folder = open_run(path)
    folder.pull_samples()
    manifest, document = read_finished(folder), read_metrics(folder.path)
    items, scores = read_items(folder.items), read_scores(folder.scores)
    target = Path(out) if out is not None else folder.report
    if target.exists() and not (target / "index.html").is_file() and any(target.iterdir()):
        raise BadInputError(f"{target} is no older report; name an empty or a new folder", code="report-folder")
    chosen = worst_items(document, items, scores)[:clips]
    notes: list[str] = []
    split = _split(manifest, notes)
    make_folder(target.parent)
    building = target.with_name(f".{target.name}-{os.getpid()}-{secrets.token_hex(4)}")
    pages = Environment(loader=FileSystemLoader(PAGES), autoescape=True, undefined=StrictUndefined)
    try:
        for name in ("clips", "media"):
            make_folder(building / name)
        bar = progress or Quiet()
        bar.stage("clips", len(chosen))
        for item in chosen:
            try:
                content = _clip_page(folder, manifest, split, item, scores, building)
                _write(building / _page(item), pages.get_template("clip.html").render(content))
            except BadInputError as error:
                notes.append(f"{item.clip}/{item.seed}: {error}")
            bar.advance()
        bar.done()
        shown = {(item.clip, item.seed) for item in chosen if (building / _page(item)).is_file()}
        content = _index(folder, manifest, document, items, scores, shown)
        _write(building / "index.html", pages.get_template("index.html").render(content))
        _move(building, target)
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return Report(target / "index.html", tuple(f"{clip}/{seed}" for clip, seed in sorted(shown)), tuple(notes))


def worst_items(document: Mapping[str, Any], items: Sequence[ItemRow], scores: Sequence[ScoreRow]) -> list[ItemRow]:
    """Items with a sample, the worst first. An item's rank is the share of items that are better, averaged over the
    clip metrics."""
    ranks: dict[tuple[str, int], list[float]] = {}
    for label, record in document["metrics"].items():
        rows = [row for row in scores if row.metric == label and row.clip != SET_CLIP and row.status == "ok"]
        sign = 1.0 if record["better"] == "lower" else -1.0
        order = sorted(rows, key=lambda row: (sign * (row.value or 0.0), row.clip, row.seed))
        for place, row in enumerate(order):
            ranks.setdefault((row.clip, row.seed), []).append(place / max(len(order) - 1, 1))
    means = {key: sum(values) / len(values) for key, values in ranks.items()}
    ok = [item for item in items if item.status == "ok"]
    return sorted(ok, key=lambda item: (-means.get((item.clip, item.seed), 0.0), item.clip, item.seed))


def _split(manifest: Mapping[str, Any], notes: list[str]) -> Split | None:
    try:
        return split_of_run(manifest)[0]
    except EgoBenchError as error:
        notes.append(f"the references are not shown: {error}")
        return None


def _page(item: ItemRow) -> str:
    return f"clips/{item.clip}-{item.seed}.html"


def _clip_page(
    folder: RunFolder,
    manifest: Mapping[str, Any],
    split: Split | None,
    item: ItemRow,
    scores: Sequence[ScoreRow],
    building: Path,
) -> dict[str, Any]:
    facts = manifest["split"]["facts"]
    sample = folder.sample(item.clip, item.seed)
    clip = split.clip(item.clip) if split is not None else None
    videos: list[tuple[str, str, Video]] = []
    motions: list[tuple[str, Motion]] = []
    if item.video:
        videos.append(("sample", f"{item.clip}-{item.seed}.mp4", read_video(sample / VIDEO_FILE)))
    if item.motion:
        motions.append(("sample", stored_motion(sample / MOTION_FILE, facts)))
    if clip is not None:
        videos.append(("reference", f"{item.clip}-reference.mp4", clip.reference.video))
        motions.append(("reference", clip.reference.motion))
    for _, name, video in videos:
        if not (building / "media" / name).is_file():
            write_video(building / "media" / name, _enlarged(video.frames), video.fps, lossless=False)
    lengths = [len(video.frames) / video.fps for _, _, video in videos]
    return {
        "version": __version__,
        "run": folder.run_id,
        "name": f"{item.clip}, seed {item.seed}",
        "text": clip.condition.text if clip is not None else "",
        "videos": [{"label": label, "file": f"../media/{name}"} for label, name, _ in videos],
        "bodies": [_body(label, motion) for label, motion in motions],
        "seconds": max([*lengths, *(len(motion.positions) / motion.fps for _, motion in motions)]),
        "color": SAMPLE_COLOR,
        "scores": [
            {"metric": row.metric, "text": plain_text(row.value), "status": row.status, "reason": row.reason}
            for row in scores
            if (row.clip, row.seed) == (item.clip, item.seed)
        ],
    }


def _enlarged(frames: np.ndarray) -> np.ndarray:
    times = max(1, SHOWN_PIXELS // max(frames.shape[1:3]))
    return frames.repeat(times, axis=1).repeat(times, axis=2)


def _body(label: str, motion: Motion) -> dict[str, Any]:
    """Joints in centimetres, forward and up, as the page draws them. The picture follows the first joint."""
    facing = heading(motion)
    start = motion.positions[0, 0, :2] @ facing
    plane = np.stack([motion.positions[:, :, :2] @ facing - start, motion.positions[:, :, 2]], axis=-1)
    frames = np.rint(100 * plane).astype(int).reshape(len(plane), -1)
    parents = get_skeleton(motion.skeleton).parents
    return {"label": label, "fps": motion.fps, "parents": list(parents), "frames": frames.tolist()}


def _index(
    folder: RunFolder,
    manifest: Mapping[str, Any],
    document: Mapping[str, Any],
    items: Sequence[ItemRow],
    scores: Sequence[ScoreRow],
    shown: set[tuple[str, int]],
) -> dict[str, Any]:
    grid = run_grid(document)
    labels = in_order({row.metric for row in scores if row.clip != SET_CLIP})
    by_place = {(row.clip, row.seed, row.metric): row for row in scores}
    flaws = [flaw.line for flaw in seal_flaws(folder, manifest)]
    return {
        "version": __version__,
        "title": grid.title,
        "warnings": [f"changed since the run was finished: {line}" for line in flaws],
        "grid": grid,
        "facts": list(_facts(folder, manifest)),
        "failures": [item for item in items if item.status == "failed"],
        "pages": sorted(shown),
        "clip_labels": labels,
        "clips_left_out": max(0, len(items) - MAX_ROWS),
        "clip_rows": [
            {
                "name": f"{item.clip}/{item.seed}",
                "page": _page(item) if (item.clip, item.seed) in shown else "",
                "stratum": item.stratum,
                "cells": [_cell(by_place.get((item.clip, item.seed, label))) for label in labels],
            }
            for item in items[:MAX_ROWS]
        ],
        "metrics": [_metric(label, document["metrics"][label], manifest) for label in in_order(document["metrics"])],
    }


def _cell(row: ScoreRow | None) -> dict[str, str]:
    if row is None or row.value is None:
        return {"text": MISSING, "value": "", "reason": "" if row is None else f"{row.status}: {row.reason}"}
    return {"text": plain_text(row.value), "value": repr(row.value), "reason": ""}


def _facts(folder: RunFolder, manifest: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    settings = manifest["model"]["settings"]
    yield "run", folder.run_id
    yield "model", f"{manifest['model']['name']} {json.dumps(settings) if settings else ''}".rstrip()
    split = manifest["split"]
    yield "split", f"{split['name']}, digest {split['digest']}"
    yield "items", f"{manifest['items']['planned']}, {manifest['items']['failed']} failed"
    yield "typed", json.dumps(manifest.get("typed", {}), sort_keys=True)
    yield "code", f"egobench {manifest.get('version', '?')} {manifest.get('commit', '')}".rstrip()
    if changed := changed_text(manifest["model"]):
        yield "changed code", changed
    packages = manifest.get("packages", {})
    yield "packages", ", ".join(f"{name} {version}" for name, version in packages.items())
    yield "time", f"{manifest['started']} to {manifest.get('finished', '?')}"
    for weights, sha256 in manifest["weights"].items():
        yield f"weights {weights}", sha256


def _metric(label: str, record: Mapping[str, Any], manifest: Mapping[str, Any]) -> dict[str, Any]:
    name = label.partition(":")[0]
    doc = ""
    if name in METRICS.builtin:
        doc = (METRICS.load(name).__doc__ or "").strip()
    strata = record.get("detail", {}).get("strata", {})
    return {
        "label": label,
        "summary": doc.partition("\n")[0],
        "doc": doc,
        "strata": [(stratum, plain_text(each["value"]), each["n"]) for stratum, each in strata.items()],
        "protocol": record["protocol"],
        "record": json.dumps(manifest["protocols"].get(record["protocol"], {}), indent=2, sort_keys=True),
    }


def _write(path: Path, text: str) -> None:
    with storage_errors(path):
        path.write_text(text, encoding="utf-8")


def _move(building: Path, target: Path) -> None:
    """Replaces the old folder by the new one."""
    with storage_errors(target):
        if target.exists():
            old = building.with_name(f"{building.name}-old")
            target.rename(old)
            building.rename(target)
            shutil.rmtree(old)
        else:
            building.rename(target)
