"""Time of `egobench compare` on runs of 256 and of 5,000 clips, with all sixteen metrics and 10,000 draws.

Features, scores and recordings (four clips each) are drawn at random, of the sizes that the embedded split has.
`terms`: the terms of the set metrics of both runs, from features in memory (computed once per run, then cached).
`statistics`: all later work. `command`: the whole `egobench compare` in a process of its own, with terms in the cache,
imports and tables. CPU seconds; the two first on one thread.
"""

import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import processes
import pytest
from facts import Facts, stated_cpu

from egobench.catalog import METRICS, ON_REQUEST
from egobench.compare.comparison import compare_sides
from egobench.compare.run_side import run_side
from egobench.files.atomic import write_json
from egobench.files.digest import digest_json
from egobench.metrics.fvd import Fvd
from egobench.metrics.i_fid import IFID
from egobench.metrics.m_fid import MFid
from egobench.metrics.r_precision import RPrecision
from egobench.stats.paired import jackknife_blocks
from egobench.store.cache import Cache
from egobench.store.folder import RunFolder
from egobench.store.manifest import write_manifest
from egobench.store.tables import SET_CLIP, SET_SEED, ItemRow, ScoreRow, write_items, write_scores
from egobench.store.terms import SetTerms, keep_terms, terms_key

SETS = ("i-fid", "fvd", "m-fid", "r-precision", "hand-score")
FRAMES, WINDOWS = 41, 4
WIDTHS = {"i-fid": 64, "fvd": 64, "m-fid": 64}
CLIPS = pytest.mark.parametrize("clips", [256, pytest.param(5000, marks=pytest.mark.slow)])
Rows = dict[str, list[np.ndarray]]


@CLIPS
@pytest.mark.benchmark(group="comparing two runs", timer=time.process_time)
@pytest.mark.usefixtures("facts")
def bench_compare_terms(benchmark: Any, clips: int) -> None:
    reference, first, second = made_features(clips)
    benchmark.pedantic(lambda: [set_terms(reference, one, clips) for one in (first, second)], rounds=2)


@CLIPS
@pytest.mark.benchmark(group="comparing two runs", timer=time.process_time)
@pytest.mark.usefixtures("facts")
def bench_compare_statistics(benchmark: Any, runs: tuple[Path, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    *folders, place = runs
    monkeypatch.setenv("EGOBENCH_CACHE", str(place))
    comparison = benchmark.pedantic(lambda: compare_sides(*map(run_side, folders)), rounds=3)
    assert all(row.difference is not None for row in comparison.rows)


@CLIPS
@pytest.mark.benchmark(group="comparing two runs", timer=stated_cpu)
def bench_compare_command(benchmark: Any, facts: Facts, runs: tuple[Path, ...]) -> None:
    *folders, place = runs
    taken = [processes.egobench("compare", *map(str, folders), cache=place) for _ in range(3)]
    rounds = iter(taken)
    benchmark.pedantic(stated_cpu.of(lambda: next(rounds).cpu_s), rounds=len(taken))
    facts.note(peak_mib=max(one.peak_mib for one in taken), wall_s=min(one.wall_s for one in taken))


@pytest.fixture(scope="module")
def made_runs(place: Callable[[str], Path]) -> Callable[[int], tuple[Path, ...]]:
    """Two finished runs of some clips, and the cache with their terms."""

    @cache
    def make(clips: int) -> tuple[Path, ...]:
        folder, rng = place("compare"), np.random.default_rng(0)
        reference, *samples = made_features(clips)
        kept = Cache(folder / "cache")
        sides = (set_terms(reference, sample, clips) for sample in samples)
        made = [write_run(folder / f"run-{k}", clips, terms, kept, rng) for k, terms in enumerate(sides)]
        return *made, folder / "cache"

    return make


@pytest.fixture
def runs(made_runs: Callable[[int], tuple[Path, ...]], clips: int) -> tuple[Path, ...]:
    return made_runs(clips)


@cache
def made_features(clips: int) -> tuple[Rows, Rows, Rows]:
    """Of the reference and of two samples: per metric one array a clip, with an effect of the recording."""
    rng, reference = np.random.default_rng(0), {}
    for name, width in WIDTHS.items():
        effect = np.repeat(rng.normal(size=(-(-clips // WINDOWS), width)), WINDOWS, axis=0)[:clips]
        shape = {"i-fid": (FRAMES, width), "fvd": (1, width), "m-fid": (width,)}[name]
        reference[name] = [row + rng.normal(size=shape) for row in effect]
    first, second = (
        {name: [row + rng.normal(scale=0.5, size=row.shape) for row in rows] for name, rows in reference.items()}
        for _ in range(2)
    )
    return reference, first, second


def set_terms(reference: Rows, sample: Rows, clips: int) -> dict[str, SetTerms]:
    """The terms that `egobench.run.terms` computes from features, for all five set metrics."""
    ids, rows = [f"c{number:05d}" for number in range(clips)], np.arange(clips)
    blocks = jackknife_blocks([f"s{number // WINDOWS:05d}" for number in range(clips)])
    metrics: dict[str, Any] = {"i-fid": IFID(), "fvd": Fvd(), "m-fid": MFid()}
    terms = {}
    for name, metric in metrics.items():
        value, left_out = metric.left_out({"sample": sample[name], "reference": reference[name]}, blocks)
        terms[name] = SetTerms(rows, value, left_out=left_out)
    above, below = RPrecision().terms({"text": reference["m-fid"], "motion": sample["m-fid"], "caption": ids}, ids)
    terms["r-precision"] = SetTerms(rows, float(above.sum() / below.sum()), above, below)
    hits, counts = np.random.default_rng(1).integers(0, 60, clips).astype(float), np.full(clips, 80.0)
    terms["hand-score"] = SetTerms(rows, float(hits.sum() / counts.sum()), hits, counts)
    return terms


def write_run(path: Path, clips: int, terms: dict[str, SetTerms], kept: Cache, rng: np.random.Generator) -> Path:
    """A finished run folder with terms in the cache."""
    folder = RunFolder(path)
    path.mkdir()
    items = [item(path.name, k) for k in range(clips)]
    scores, results, protocols = [], {}, {}
    for name in (name for name in METRICS.builtin if name not in ON_REQUEST):
        record = {"metric": {"metric": name}, "clips": clips}
        protocols[digest_json(record)] = record
        if name in SETS:
            keep_terms(kept, terms_key(name, digest_json(record), items), terms[name])
            value = terms[name].value
            scores.append(ScoreRow(SET_CLIP, SET_SEED, name, value, "ok", ""))
        else:
            values = rng.gamma(2.0, 1.0, clips)
            value = float(values.mean())
            scores += [ScoreRow(one.clip, 0, name, float(v), "ok", "") for one, v in zip(items, values, strict=True)]
        results[name] = result(value, clips, digest_json(record))
    write_items(folder.items, items)
    write_scores(folder.scores, scores)
    document = {"schema": 1, "run": path.name, "model": path.name, "split": "drawn", "task": "t2vm", "metrics": results}
    write_json(folder.metrics, document)
    manifest = {"schema": 1, "run": path.name, "status": "done", "started": "", "request": {"metrics": "core"}}
    manifest |= {"split": {"name": "drawn", "digest": ""}, "protocols": protocols, "items": {"planned": clips}}
    write_manifest(folder, {**manifest, "seeds": [0], "model": {"name": path.name, "settings": {}}})
    return path


def item(run: str, k: int) -> ItemRow:
    """A clip that was sampled."""
    names = {"clip": f"c{k:05d}", "clip_digest": f"{k:016x}", "sequence": f"s{k // WINDOWS:05d}", "participant": "p"}
    files = {"video": f"{run}{k}", "motion": f"{run}{k}"}
    outcome = {"seed": 0, "status": "ok", "code": "", "reason": "", "attempts": 1, "seconds": 0.0}
    return ItemRow(**names, **files, **outcome, stratum="walk")


def result(value: float, clips: int, protocol: str) -> dict[str, Any]:
    """A record of metrics.json."""
    yardsticks = {"ci95": None, "floor": None, "chance": None, "detail": {}}
    counts = {"n": clips, "n_undefined": 0, "coverage": 1.0, "version": 1, "protocol": protocol}
    return {"value": value, "unit": "", "better": "lower", **counts, **yardsticks}
