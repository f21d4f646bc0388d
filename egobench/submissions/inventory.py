"""Lists a submission's folder without opening a file or following a link.

<clip_id>/[<seed>/]video.mp4 or video/000000.png …, motion.npz or motion.npy
"""

import os
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from egobench.submissions.description import NAME, Description
from egobench.submissions.names import SAFE, UNSAFE, clip_finding, file_finding, seed_finding
from egobench.submissions.report import Finding, finding

VIDEO, FRAMES, MOTION, VECTORS = "video.mp4", "video", "motion.npz", "motion.npy"
ARCHIVES = (".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar", ".zst")
SPARE_ENTRIES = 1000
DEEPEST = 4
"""Largest depth below the folder: clip, seed, video, picture."""


@dataclass
class SampleFiles:
    """The regular files of one sample."""

    clip: str
    seed: int
    """Index of the sample, 0 … seeds - 1."""
    video: Path | None = None
    frames: list[Path] = field(default_factory=list)
    """Pictures, sorted by name."""
    motion: list[Path] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        """Whether the sample has no files."""
        return self.video is None and not self.frames and not self.motion

    def all(self) -> list[Path]:
        """All its files."""
        return [*([self.video] if self.video else []), *self.frames, *self.motion]


@dataclass(frozen=True)
class Inventory:
    """The files of a folder by sample, and findings."""

    samples: Mapping[tuple[str, int], SampleFiles]
    """(clip id, seed index) → files; samples without files are absent."""
    findings: Sequence[Finding]
    is_whole: bool = True
    """False if the walk was given up."""


@dataclass(frozen=True)
class _Entry:
    parts: tuple[str, ...]
    path: Path
    kind: str
    """file, folder, link, special."""


def take_inventory(folder: Path, clip_ids: Sequence[str], description: Description, frames: int) -> Inventory:
    """Walks the folder.

    Args:
        clip_ids: those of the split.
        frames: frames of a video, which limits the number of entries.
    """
    return _sorted(_walk(folder, ()), folder, clip_ids, description, frames)


def files_of_clip(folder: Path, clip_id: str, description: Description, frames: int) -> Inventory:
    """As `take_inventory`, for one clip only."""
    path = folder / clip_id
    if not SAFE.fullmatch(clip_id) or path.is_symlink() or not path.is_dir():
        return Inventory({}, [])
    return _sorted(_walk(path, (clip_id,)), folder, [clip_id], description, frames)


def _sorted(
    walked: Iterable["_Entry | Finding"], folder: Path, clip_ids: Sequence[str], description: Description, frames: int
) -> Inventory:
    """Entries → samples and findings."""
    findings: list[Finding] = []
    entries: list[_Entry] = []
    most = len(clip_ids) * len(description.seeds) * (2 * frames + 8) + SPARE_ENTRIES
    for each in walked:
        if isinstance(each, Finding):
            findings.append(each)
            continue
        if len(entries) >= most:
            findings.append(finding("too-many-files", f"more than {most} files and folders"))
            return Inventory({}, findings, is_whole=False)
        entries.append(each)
    samples: dict[tuple[str, int], SampleFiles] = {}
    direct: set[str] = set()
    seeded: set[str] = set()
    known = set(clip_ids)
    for entry in sorted(entries, key=lambda each: each.parts):
        _place(entry, known, description, samples, (direct, seeded), findings)
    both = sorted(direct & seeded)
    findings += [finding("seed-twice", "files beside folders of seeds", clip=clip, file=clip) for clip in both]
    _check_parts(samples.values(), folder, description, findings)
    return Inventory({place: files for place, files in samples.items() if not files.is_empty}, findings)


def _walk(folder: Path, above: tuple[str, ...]) -> Iterator["_Entry | Finding"]:
    try:
        with os.scandir(folder) as listing:
            entries = sorted(listing, key=lambda entry: entry.name)
    except OSError as error:
        place = "/".join(above)
        found_text = f"cannot be listed: {error.strerror}"
        yield finding("folder-unreadable", found_text, clip=above[0] if above else "", file=place)
        return
    for entry in entries:
        parts, mode = (*above, entry.name), entry.stat(follow_symlinks=False).st_mode
        kind = "folder" if stat.S_ISDIR(mode) else "file" if stat.S_ISREG(mode) else "special"
        yield _Entry(parts, Path(entry.path), "link" if stat.S_ISLNK(mode) else kind)
        if kind == "folder" and len(parts) < DEEPEST and (len(parts) > 1 or SAFE.fullmatch(entry.name)):
            yield from _walk(Path(entry.path), parts)


def _place(
    entry: _Entry,
    known: set[str],
    description: Description,
    samples: dict[tuple[str, int], SampleFiles],
    layout: tuple[set[str], set[str]],
    findings: list[Finding],
) -> None:
    """Adds an entry to its sample, or adds a finding."""
    parts, clip = entry.parts, entry.parts[0]
    place: dict[str, Any] = {"clip": "" if len(parts) == 1 and entry.kind == "file" else clip, "file": "/".join(parts)}
    if entry.kind in ("link", "special"):
        code, text = ("link", "a link") if entry.kind == "link" else ("special-file", "not a regular file")
        findings.append(finding(code, text, **{**place, "clip": clip if clip in known else ""}))
        return
    if UNSAFE.search(parts[-1]):
        findings.append(finding("name-unsafe", f"the name {parts[-1]!r}", **place))
        return
    if entry.kind == "file" and parts[-1].lower().endswith(ARCHIVES):
        findings.append(finding("archive", "an archive, which is not opened", **place))
        return
    if len(parts) == 1:
        if entry.kind == "folder" and clip not in known:
            findings.append(clip_finding(clip, known))
        elif entry.kind == "file" and clip != NAME:
            findings.append(file_finding(parts, (NAME,)))
        return
    if clip not in known:
        return  # its folder has a finding already
    rest = parts[1:]
    direct, seeded = layout
    seed, is_seed = 0, rest[0].isdigit()
    if is_seed:
        if rest[0] not in {str(each) for each in description.seeds}:
            if len(rest) == 1:
                findings.append(seed_finding(parts, description.seeds))
            return
        seed, rest = description.seeds.index(int(rest[0])), rest[1:]
        seeded.add(clip)
        if not rest:
            if entry.kind == "file":
                findings.append(file_finding(parts, (VIDEO, MOTION)))
            return
    files = samples.setdefault((clip, seed), SampleFiles(clip, seed))
    if not _take(entry, rest, files):
        if entry.kind == "folder" and len(rest) == 1 and rest[0].lower() != FRAMES:
            findings.append(seed_finding(parts, description.seeds))
        elif len(rest) == 1 or rest[0] == FRAMES:
            findings.append(file_finding(parts, (VIDEO, FRAMES, MOTION, VECTORS)))
    elif not is_seed:
        direct.add(clip)


def _take(entry: _Entry, rest: tuple[str, ...], files: SampleFiles) -> bool:
    """Whether the entry is a file of the sample (or the folder of its pictures); if so, it is added."""
    is_file = entry.kind == "file"
    if rest == (VIDEO,) and is_file:
        files.video = entry.path
    elif rest in ((MOTION,), (VECTORS,)) and is_file:
        files.motion.append(entry.path)
    elif len(rest) == 2 and rest[0] == FRAMES and is_file and rest[1].endswith(".png"):
        files.frames.append(entry.path)
    else:
        return rest == (FRAMES,) and not is_file
    return True


def _check_parts(
    samples: Iterable[SampleFiles],
    folder: Path,
    description: Description,
    findings: list[Finding],
) -> None:
    for files in samples:
        if files.is_empty:
            continue
        place = (files.all()[0].parent if not files.frames else files.frames[0].parent.parent).relative_to(folder)
        where: dict[str, Any] = {"clip": files.clip, "file": str(place)}
        for part, is_there in (("video", files.video or files.frames), ("motion", files.motion)):
            if is_there and part not in description.parts:
                findings.append(finding("part-unannounced", f"a {part}; parts are {description.parts}", **where))
            if not is_there and part in description.parts:
                findings.append(finding(f"{part}-missing", f"no {part}", **where))
        if files.video and files.frames:
            findings.append(finding("video-twice", f"{VIDEO} and {FRAMES}/", **where))
        if len(files.motion) > 1:
            findings.append(finding("motion-twice", f"{MOTION} and {VECTORS}", **where))
