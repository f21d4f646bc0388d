"""Time of `egobench compare` on runs of 256 and of 5,000 clips, with all sixteen metrics and 10,000 draws.

    python benchmarks/compare.py [--clips 256 5000]

Features, scores and recordings (four clips each) are drawn at random, of the sizes that the embedded split has.
It prints CPU seconds on one thread. `terms`: the terms of the five set metrics of both runs, from features in memory
(computed once per run, then cached). `statistics`: all later work. `command`: the whole `egobench compare` in a process
of its own, with terms in the cache, imports and tables.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

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
from egobench.store.cache import Cache, cache_home
from egobench.store.folder import RunFolder
from egobench.store.manifest import write_manifest
from egobench.store.tables import SET_CLIP, SET_SEED, ItemRow, ScoreRow, write_items, write_scores
from egobench.store.terms import SetTerms, keep_terms, terms_key

SETS = ("i-fid", "fvd", "m-fid", "r-precision", "hand-score")
FRAMES, WINDOWS = 41, 4
WIDTHS = {"i-fid": 64, "fvd": 64, "m-fid": 64}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, nargs="+", default=[256, 5000])
    options = parser.parse_args()
    threadpool_limits(1)
    print(f"{'clips':>6} {'terms':>9} {'statistics':>11} {'command':>9}")
    for clips in options.clips:
        with tempfile.TemporaryDirectory() as folder:
            os.environ["EGOBENCH_CACHE"] = str(Path(folder) / "cache")
            measure(clips, Path(folder))


def measure(clips: int, folder: Path) -> None:
    """One line."""
    rng = np.random.default_rng(0)
    reference = features(clips, rng)
    seconds = 0.0
    runs = []
    for number in range(2):
        sample = {key: [row + rng.normal(scale=0.5, size=row.shape) for row in rows] for key, rows in reference.items()}
        began = time.process_time()
        terms = set_terms(reference, sample, clips, rng)
        seconds += time.process_time() - began
        runs.append(write_run(folder / f"run-{number}", clips, terms, rng))
    began = time.process_time()
    comparison = compare_sides(run_side(runs[0]), run_side(runs[1]))
    statistics = time.process_time() - began
    assert all(row.difference is not None for row in comparison.rows)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "egobench", "compare", *map(str, runs)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env={**os.environ, "OMP_NUM_THREADS": "1"})
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    whole = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(f"{clips:6} {seconds:7.2f} s {statistics:9.2f} s {whole:7.2f} s", flush=True)


def features(clips: int, rng: np.random.Generator) -> dict[str, list[np.ndarray]]:
    """Per metric one array a clip, with an effect of the recording."""
    by_metric = {}
    for name, width in WIDTHS.items():
        effect = np.repeat(rng.normal(size=(-(-clips // WINDOWS), width)), WINDOWS, axis=0)[:clips]
        shape = {"i-fid": (FRAMES, width), "fvd": (1, width), "m-fid": (width,)}[name]
        by_metric[name] = [row + rng.normal(size=shape) for row in effect]
    return by_metric


def set_terms(
    reference: dict[str, list], sample: dict[str, list], clips: int, rng: np.random.Generator
) -> dict[str, SetTerms]:
    """The terms that `egobench.run.terms` computes from features, for all five set metrics."""
    ids, rows = [f"c{number:05d}" for number in range(clips)], np.arange(clips)
    blocks = jackknife_blocks([f"s{number // WINDOWS:05d}" for number in range(clips)])
    metrics: dict[str, Any] = {"i-fid": IFID(), "fvd": Fvd(), "m-fid": MFid()}
    terms = {}
    for name, metric in metrics.items():
        inputs = {"sample": sample[name], "reference": reference[name]}
        value, left_out = metric.left_out(inputs, blocks)
        terms[name] = SetTerms(rows, value, left_out=left_out)
    texts = {"text": reference["m-fid"], "motion": sample["m-fid"], "caption": ids}
    above, below = RPrecision().terms(texts, ids)
    terms["r-precision"] = SetTerms(rows, float(above.sum() / below.sum()), above, below)
    hits, counts = rng.integers(0, 60, clips).astype(float), np.full(clips, 80.0)
    terms["hand-score"] = SetTerms(rows, float(hits.sum() / counts.sum()), hits, counts)
    return terms


def write_run(path: Path, clips: int, terms: dict[str, SetTerms], rng: np.random.Generator) -> Path:
    """A finished run folder with terms in the cache."""
    folder, cache = RunFolder(path), Cache(cache_home())
    path.mkdir()
    facts = {
        "status": "ok",
        "code": "",
        "reason": "",
        "attempts": 1,
        "seconds": 0.0,
        "participant": "p",
        "stratum": "walk",
    }
    items = [
        ItemRow(
            **{"clip": f"c{k:05d}", "seed": 0, "video": f"{path.name}{k}", "motion": f"{path.name}{k}"},
            **{"clip_digest": f"{k:016x}", "sequence": f"s{k // WINDOWS:05d}"},
            **facts,
        )
        for k in range(clips)
    ]
    scores, results, protocols = [], {}, {}
    for name in (name for name in METRICS.builtin if name not in ON_REQUEST):
        record = {"metric": {"metric": name}, "clips": clips}
        protocols[digest_json(record)] = record
        if name in SETS:
            keep_terms(cache, terms_key(name, digest_json(record), items), terms[name])
            values, value = None, terms[name].value
            scores.append(ScoreRow(SET_CLIP, SET_SEED, name, value, "ok", ""))
        else:
            values = rng.gamma(2.0, 1.0, clips)
            value = float(values.mean())
            scores += [ScoreRow(item.clip, 0, name, float(v), "ok", "") for item, v in zip(items, values, strict=True)]
        results[name] = {
            **{"value": value, "ci95": None, "unit": "", "better": "lower", "n": clips, "n_undefined": 0},
            **{
                "coverage": 1.0,
                "version": 1,
                "protocol": digest_json(record),
                "floor": None,
                "chance": None,
                "detail": {},
            },
        }
    write_items(folder.items, items)
    write_scores(folder.scores, scores)
    document = {"schema": 1, "run": path.name, "model": path.name, "split": "drawn", "task": "t2vm", "metrics": results}
    write_json(folder.metrics, document)
    request = {"metrics": "core"}
    manifest = {"schema": 1, "run": path.name, "status": "done", "started": "", "request": request, "seeds": [0]}
    manifest |= {"split": {"name": "drawn", "digest": ""}, "protocols": protocols, "items": {"planned": clips}}
    write_manifest(folder, {**manifest, "model": {"name": path.name, "settings": {}}})
    return path


if __name__ == "__main__":
    main()
