"""Makes a split of the embedded world on disk, in parallel and resumable; the index is written last."""

import multiprocessing
import os
import shutil
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict
from pathlib import Path

from egobench.data.compact import COMPACT_KEYS
from egobench.data.folder import INDEX, open_folder, write_index
from egobench.data.open import data_home
from egobench.errors import BadInputError
from egobench.files.arrays import write_npz
from egobench.files.atomic import read_json, write_bytes, write_json
from egobench.files.worker_process import leave_with_parent
from egobench.progress import Progress
from egobench.types import ClipInfo
from egomini.splits.generate import clip_room, generate_clip, split_facts
from egomini.splits.recipe import GENERATOR_VERSION, SplitSpec

DONE = "clip.json"
"""Last file of a clip's folder while the split is being made; at the end these files become the index."""


def make_split(spec: SplitSpec, out: Path | None, workers: int, progress: Progress) -> Path:
    """Makes a split and returns its folder. A complete one is left as it is, an interrupted one is continued.

    Args:
        spec: its recipe.
        out: folder to make it in; None is the place where `open_split` looks.
        workers: number of processes; one per core is sensible.

    Raises:
        BadInputError: a subset, which has no clips of its own.
    """
    if spec.subset_of:
        raise BadInputError(f"{spec.name} is a part of {spec.subset_of}; make that one", code="split-subset")
    folder = out or spec.folder(data_home())
    if (folder / INDEX).is_file():
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    progress.stage(f"making {spec.name}", spec.sequences * spec.clips_per_sequence)
    for _ in _sequences_made(spec, folder, workers):
        progress.advance(spec.clips_per_sequence)
    progress.done()
    _gather(spec, folder)
    return folder


def _sequences_made(spec: SplitSpec, folder: Path, workers: int) -> Iterator[int]:
    if workers <= 1:
        for sequence in range(spec.sequences):
            yield _make_sequence(spec, sequence, folder)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context, initializer=leave_with_parent) as pool:
        jobs = [pool.submit(_make_sequence, spec, sequence, folder) for sequence in range(spec.sequences)]
        try:
            for job in as_completed(jobs):
                yield job.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _make_sequence(spec: SplitSpec, sequence: int, folder: Path) -> int:
    for window in range(spec.clips_per_sequence):
        target = folder / spec.clip_id(sequence, window)
        if (target / DONE).is_file():
            continue
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
        made = generate_clip(spec, sequence, window)
        write_bytes(target / "video.mp4", made.encoded)
        compact = (made.root, made.quats, made.offsets)
        write_npz(target / "motion.npz", **dict(zip(COMPACT_KEYS, compact, strict=True)))
        write_npz(target / "truth.npz", **made.truth)
        write_json(target / DONE, {"info": asdict(made.info), "extra": made.extra})
    return sequence


def _gather(spec: SplitSpec, folder: Path) -> None:
    """Gathers the clips' small files into the index; a split with an index is complete."""
    records = []
    for sequence in range(spec.sequences):
        for window in range(spec.clips_per_sequence):
            records.append(read_json(folder / spec.clip_id(sequence, window) / DONE))
    rooms = {room.name: asdict(room) for room in (clip_room(spec, s) for s in range(spec.sequences))}
    rows = [ClipInfo(**record["info"]) for record in records]
    extra = {row.clip_id: record["extra"] for row, record in zip(rows, records, strict=True)}
    facts = split_facts(spec)
    made_by = f"egomini generator {GENERATOR_VERSION}, seed {spec.seed}"
    write_index(folder, spec.name, facts, rows, made_by=made_by, scenes=extra, rooms=rooms)
    open_folder(folder)
    for row in rows:
        os.unlink(folder / row.clip_id / DONE)
