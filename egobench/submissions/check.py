"""Checks submissions. Every sample is read in a worker process, so that a hostile file can kill only the worker.

Memory of a worker and time per sample are limited. Neither torch nor a network is needed.
"""

import multiprocessing
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from egobench.engines.local import LocalEngine
from egobench.errors import EgoBenchError
from egobench.files.time_limit import time_limit
from egobench.motions.skeleton_map import read_skeleton_map
from egobench.progress import Progress, Quiet
from egobench.submissions.description import NAME, Description, compare_with_split, read_description
from egobench.submissions.form import Form, form_of
from egobench.submissions.inventory import ARCHIVES, SampleFiles, take_inventory
from egobench.submissions.model import content_digest
from egobench.submissions.report import Finding, Report, finding, missing_as_warnings
from egobench.submissions.sample import Looked, look_at
from egobench.types import Split, clips_of

MEMORY_BYTES = 3 * 2**30
"""Address space that a worker may take in addition to that at its start."""
SECONDS = 120.0
"""Time limit of one sample."""


@dataclass(frozen=True)
class CheckJob:
    """Checks one sample after another."""

    folder: Path
    form: Form
    body_model: Path | None
    split: str
    """The worker opens it, so that the split's own skeleton is known there."""
    open_split: Callable[[str], Split]
    skeleton_map: Path | None = None

    @property
    def error_code(self) -> str:
        """Code of errors that `look_at` did not turn into a finding."""
        return "reader-failed"

    def prepare(self) -> Callable[[SampleFiles], Looked]:
        """The task; in a worker process, memory is limited from here on."""
        split = self.open_split(self.split)
        if multiprocessing.parent_process() is not None:
            bound_memory(MEMORY_BYTES)

        def task(files: SampleFiles) -> Looked:
            frames = _first_frames(split, files.clip)
            with time_limit(SECONDS, "read"):
                return look_at(
                    files,
                    self.form,
                    self.folder,
                    body_model=self.body_model,
                    skeleton_map=self.skeleton_map,
                    first_frame=frames[0] if frames else None,
                    second_frame=frames[1] if len(frames) > 1 else None,
                )

        return task


def check_submission(
    folder: Path | str,
    split: Split,
    locator: str,
    open_split: Callable[[str], Split],
    *,
    workers: int = 1,
    allowed_missing: int = 0,
    body_model: Path | None = None,
    skeleton_map: Path | None = None,
    progress: Progress | None = None,
    in_processes: bool = True,
) -> Report:
    """Checks a submission.

    Args:
        locator: the name or path by which `split` was opened.
        open_split: a module-level function that opens it again in worker processes.
        allowed_missing: up to this number, missing samples are warnings; if there are more, all of them are errors.
        body_model: SMPL, SMPL-H or SMPL-X (npz), for samples that are its parameters.
        skeleton_map: maps the joints of the samples' arrays to those of the split; it is read first.
        in_processes: check in worker processes; if False, a file that crashes a decoder crashes this process.

    Raises:
        BadInputError: codes of `read_skeleton_map`.
    """
    folder = Path(folder)
    if skeleton_map is not None:
        read_skeleton_map(skeleton_map)
    clip_ids = [info.clip_id for info in clips_of(split)]
    refusal = _wrong_folder(folder)
    if refusal:
        return _report(folder, split, None, len(clip_ids), [refusal], len(clip_ids), {})
    description, findings = read_description(folder / NAME)
    if description is None:
        return _report(folder, split, None, len(clip_ids), findings, len(clip_ids), {})
    form = form_of(split.facts)
    findings += compare_with_split(description, split.name, form)
    inventory = take_inventory(folder, clip_ids, description, form.num_video_frames)
    expected = [(clip_id, seed) for clip_id in clip_ids for seed in range(len(description.seeds))]
    findings += inventory.findings
    missing = [place for place in expected if place not in inventory.samples] if inventory.is_whole else []
    findings += _missing(missing, description, inventory.findings)
    job = CheckJob(folder, form, body_model, locator, open_split, skeleton_map)
    looked, contents = {}, {}
    for place, outcome in _look(job, list(inventory.samples.values()), workers, in_processes, progress or Quiet()):
        findings += outcome.findings
        looked[place] = outcome.digests
        contents[place] = outcome.contents
    findings += _duplicates(looked, contents, description)
    if len(missing) <= allowed_missing:
        findings = missing_as_warnings(findings)
    return _report(folder, split, description, len(expected), findings, len(missing), looked)


def bound_memory(spare_bytes: int) -> None:
    """Limits this process to its present address space and `spare_bytes` more; does nothing if the system has no
    limit."""
    try:
        import resource

        pages = int(Path("/proc/self/statm").read_text().split()[0])
        most = pages * resource.getpagesize() + spare_bytes
        hard = resource.getrlimit(resource.RLIMIT_AS)[1]
        resource.setrlimit(resource.RLIMIT_AS, (most if hard < 0 else min(most, hard), hard))
    except (ImportError, OSError, ValueError):  # not Linux, or a limit that may not be changed
        return


def _look(
    job: CheckJob, samples: Sequence[SampleFiles], workers: int, in_processes: bool, progress: Progress
) -> Iterator[tuple[tuple[str, int], Looked]]:
    progress.stage("check", len(samples))
    if not in_processes:
        task = job.prepare()
        for files in samples:
            looked = task(files)
            progress.advance(1, bool(looked.findings))
            yield (files.clip, files.seed), looked
    elif samples:
        with closing(LocalEngine(workers).run(job, samples)) as outcomes:
            for outcome in outcomes:
                files, answer = outcome.item, outcome.answer
                looked = answer.value or Looked((_unread(files, answer.code, answer.reason, job.folder),), {})
                progress.advance(1, bool(looked.findings))
                yield (files.clip, files.seed), looked
    progress.done()


def _first_frames(split: Split, clip_id: str) -> list[np.ndarray]:
    """The given first frame and the recorded second one. Empty if the clip cannot be opened: that is a fault of the
    split, which scoring reports."""
    try:
        return list(split.clip(clip_id).reference.video.frames[:2])
    except EgoBenchError:
        return []


def _unread(files: SampleFiles, code: str, reason: str, folder: Path) -> Finding:
    reader_code = "reader-died" if code == "worker-died" else "reader-failed"
    place = files.all()[0].parent.relative_to(folder).as_posix()
    return finding(reader_code, f"{code}: {reason}", clip=files.clip, file=place)


def _wrong_folder(folder: Path) -> Finding | None:
    if folder.is_dir():
        return None
    if folder.is_file() and folder.name.lower().endswith(ARCHIVES):
        return finding("folder-archive", f"{folder.name} is an archive")
    return finding("folder-missing", f"{folder.name or folder} is {'a file' if folder.exists() else 'not there'}")


def _missing(missing: Sequence[tuple[str, int]], description: Description, others: Sequence[Finding]) -> list[Finding]:
    """One finding for a clip without any sample, else one for each missing seed; clips that are links have a finding
    already."""
    reported = {each.clip for each in others if each.code in ("link", "special-file", "folder-unreadable")}
    seeds = defaultdict(list)
    for clip_id, seed in missing:
        seeds[clip_id].append(seed)
    findings = []
    for clip_id, absent in seeds.items():
        if clip_id in reported:
            continue
        if len(absent) == len(description.seeds):
            findings.append(finding("clip-missing", "nothing of this clip is there", clip=clip_id, file=clip_id))
            continue
        for seed in absent:
            place = f"{clip_id}/{description.seeds[seed]}"
            findings.append(finding("seed-missing", "no such sample", clip=clip_id, file=place))
    return findings


Digests = Mapping[tuple[str, int], Mapping[str, str]]
"""(clip id, seed index) → part → digest."""
READ_AS = {"video": "pixels", "motion": "poses"}


def _duplicates(looked: Digests, contents: Digests, description: Description) -> list[Finding]:
    """Findings on two samples with the same content: the same file, or different files with the same pixels or
    poses."""
    first: dict[tuple[str, str], tuple[str, int]] = {}
    findings = []
    for clip_id, seed in sorted(looked):
        for part, digest in looked[clip_id, seed].items():
            content = contents[clip_id, seed].get(part, digest)
            other = first.setdefault((part, content), (clip_id, seed))
            if other == (clip_id, seed):
                continue
            place = f"{clip_id}/{description.seeds[seed]}" if len(description.seeds) > 1 else clip_id
            text = f"its {part} is that of {other[0]}, sample {description.seeds[other[1]]}"
            if looked[other][part] != digest:
                text += f": another file, the same {READ_AS[part]}"
            findings.append(finding("content-duplicate", text, clip=clip_id, file=place))
    return findings


def _report(
    folder: Path,
    split: Split,
    description: Description | None,
    expected: int,
    findings: Sequence[Finding],
    missing: int,
    looked: Mapping[tuple[str, int], Mapping[str, str]],
) -> Report:
    rows = [[clip, seed, dict(digests)] for (clip, seed), digests in looked.items()]
    return Report(
        folder=str(folder),
        split=split.name,
        split_digest=split.digest,
        submission=None if description is None else description.as_json(),
        digest=content_digest(rows),
        expected=expected,
        missing=missing,
        findings=tuple(sorted(findings)),
    )
