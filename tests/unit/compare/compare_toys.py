"""Finished run folders whose every score is known, written without running anything."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from egobench.files.atomic import write_json
from egobench.files.digest import digest_json
from egobench.store.folder import RunFolder
from egobench.store.manifest import write_manifest
from egobench.store.tables import ItemRow, ScoreRow, write_items, write_scores

LACKING = "the model makes no motion"
BETTER = {"toy-err": "lower", "toy-hit": "higher"}

PUBLISHED = """
[[table]]
title = "The paper's table"
status = "published"
subject = "Ours"
source = "a paper"
data = "its own"
columns = [
  { name = "Err", metric = "toy-err", better = "lower", decimals = 1 },
  { name = "Hit", metric = "toy-hit", better = "higher", decimals = 2 },
]
rows = [
  { model = "Base", values = { "Err" = 3.0, "Hit" = 0.25 } },
  { model = "w/o A", values = { "Err" = 2.5, "Hit" = 0.50 } },
  { model = "Ours", values = { "Err" = 1.0, "Hit" = 0.75 } },
]
"""
RECIPE = """
schema = 1
title = "Toys"
split = "toys"
metrics = ["toy-err", "toy-hit"]
order = "toy-err"
beyond = ["Other"]
"""


def make_run(
    path: Path,
    scores: dict[str, list],
    *,
    windows: int = 2,
    seeds: int = 1,
    failed: tuple[int, ...] = (),
    version: int = 1,
    split: str = "5" * 64,
    changed_clip: int | None = None,
    status: str = "done",
    model: str = "toy",
    lacks: tuple[str, ...] = (),
) -> Path:
    """A run folder.

    Args:
        scores: metric → one entry per row (clip by clip, seed by seed): a number, or a text for an undefined row.
        windows: clips per recording.
        failed: rows without a sample.
        version: of every metric.
        split: digest of the split.
        changed_clip: a clip whose digest is another.
        lacks: metrics of a part that the model does not make.
    """
    total = len(next(iter(scores.values())))
    folder = RunFolder(path)
    path.mkdir(parents=True)
    items = [_item(row, windows, seeds, row in failed, changed_clip) for row in range(total)]
    rows, results, protocols = [], {}, {}
    for metric, values in scores.items():
        record = {"metric": {"metric": metric, "version": version}, "split": {"digest": split}, "seeds": seeds}
        record |= {"extractors": {}, "clips": total // seeds, "items": total}
        digest = digest_json(record)
        protocols[digest] = record
        own = [_score(items[row], metric, values[row]) for row in range(total)]
        if metric in lacks:
            own = [replace(row, value=None, status="not-applicable", reason=LACKING) for row in own]
        rows += own
        results[metric] = _result(own, metric, digest, version)
        if metric in lacks:
            results[metric]["detail"] = {"not_applicable": LACKING}
    write_items(folder.items, items)
    write_scores(folder.scores, rows)
    document = {"schema": 1, "run": f"{model}_x", "model": model, "split": "toys", "task": "t2vm", "metrics": results}
    write_json(folder.metrics, document)
    write_manifest(
        folder,
        {
            **{
                "schema": 1,
                "run": path.name,
                "status": status,
                "started": "2026-01-02T03:04:05Z",
                "protocols": protocols,
            },
            **{"request": {"metrics": "core"}, "split": {"name": "toys", "digest": split}, "commit": "c0ffee"},
            "dirty": False,
            **{"items": {"planned": total, "failed": len(failed)}, "seeds": list(range(seeds)), "version": "0"},
            "model": {"name": model, "target": "toy:Toy", "settings": {}},
        },
    )
    return path


def noisy(seed: int, rows: int = 48, mean: float = 1.0, noise: float = 0.1) -> list[float]:
    """Scores of a run: the clips are the same for every seed, the noise is not."""
    clips = np.random.default_rng(0).normal(mean, 0.5, rows)
    return (clips + np.random.default_rng([1, seed]).normal(0.0, noise, rows)).tolist()


def policy_file(path: Path, metrics: str = '[metrics.toy-err]\nseverity = "gate"\nabsolute = 0.1\n') -> Path:
    """A gate.toml."""
    path.write_text(f"schema = 1\n{metrics}", encoding="utf-8")
    return path


def _item(row: int, windows: int, seeds: int, is_failed: bool, changed: int | None) -> ItemRow:
    number = row // seeds
    code, reason = ("model-raised", "it fell over") if is_failed else ("", "")
    return ItemRow(
        clip=f"c{number:03d}",
        seed=row % seeds,
        status="failed" if is_failed else "ok",
        code=code,
        reason=reason,
        attempts=1,
        seconds=0.0,
        video="" if is_failed else "v" * 64,
        motion="" if is_failed else "m" * 64,
        clip_digest="other" if number == changed else f"d{number}",
        sequence=f"s{number // windows:03d}",
        participant="p",
        stratum="walk",
    )


def _score(item: ItemRow, metric: str, value: float | str) -> ScoreRow:
    if item.status == "failed":
        return ScoreRow(item.clip, item.seed, metric, None, "failed", f"{item.code}: {item.reason}")
    if isinstance(value, str):
        return ScoreRow(item.clip, item.seed, metric, None, "undefined", value)
    return ScoreRow(item.clip, item.seed, metric, float(value), "ok", "")


def _result(rows: list[ScoreRow], metric: str, digest: str, version: int) -> dict:
    values = [row.value for row in rows if row.value is not None]
    undefined = sum(row.status == "undefined" for row in rows)
    return {
        **{"value": float(np.mean(values)) if values else None, "ci95": None, "unit": "m", "better": BETTER[metric]},
        **{"n": len(values), "n_undefined": undefined, "coverage": (len(values) + undefined) / len(rows)},
        **{"version": version, "protocol": digest, "floor": 0.1, "chance": 3.0, "detail": {}},
    }


def claims_board(folder: Path, *, published: str = PUBLISHED, recipe: str = RECIPE, notes: str = "") -> Path:
    """A board of the toys' split, with a paper that has `Ours` ahead of `Base` and `w/o A`, and `Other` beyond it."""
    board = folder / "boards" / "toys"
    board.mkdir(parents=True)
    (board.parent / "published.toml").write_text(published, encoding="utf-8")
    (board / "board.toml").write_text(recipe, encoding="utf-8")
    if notes:
        (board / "claims.toml").write_text(notes, encoding="utf-8")
    return board
