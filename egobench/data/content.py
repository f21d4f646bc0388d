"""Compares a split's clips with the digests in its index, and writes the digests anew.

A clip is not read again if its files and its row have not changed since (`egobench/files/stamps.py`).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from egobench.data.caption_notes import caption_notes
from egobench.data.folder import INDEX, FolderSplit, index_advice, open_folder, read_index, split_digest
from egobench.errors import BadInputError
from egobench.files.atomic import write_json
from egobench.files.digest import digest_file, digest_json
from egobench.files.stamps import Stamp, is_settled, keep_stamps, read_stamps, stamp_of, stamps_file
from egobench.motions.conventions import look_over
from egobench.types import ClipInfo, Motion, Split

FILES = ("video.mp4", "motion.npz", "truth.npz")
LISTED = 3
"""Clips that a message names."""
CHECK_VERSION = 1
"""If it changes, every clip is read again."""


def unchecked_clips(split: FolderSplit) -> list[ClipInfo]:
    """Rows whose content was never compared with their digest, or that changed since."""
    records = read_stamps(split.path)
    return [row for row in split.rows if records.get(row.clip_id) != _record(split, row, _stamps(split, row))]


def files_digest(folder: Path) -> str:
    """SHA-256 over names and bytes of a split's files, 64 hex digits; files that are no part of the format do not
    count."""
    paths = [folder / INDEX, *(path for name in FILES for path in folder.glob(f"*/{name}"))]
    return digest_json(sorted((path.relative_to(folder).as_posix(), digest_file(path)) for path in paths))


def trust_known_files(split: FolderSplit) -> bool:
    """Whether a shipped split still has the bytes that were shipped; its clips then count as checked.

    This takes a fiftieth of the time of reading the clips.
    """
    before = {row.clip_id: _stamps(split, row) for row in split.rows}
    if not split.known_files or files_digest(split.path) != split.known_files:
        return False
    keep_stamps(split.path, {row.clip_id: _record(split, row, before[row.clip_id]) for row in split.rows})
    return True


def check_clips(split: FolderSplit, rows: Sequence[ClipInfo], progress: Callable[[], None] = lambda: None) -> None:
    """Reads clips, compares their content with the digests in the index, and remembers those that fit.

    A clip that cannot be read is passed over here. It becomes a failed item when it is opened.

    Raises:
        BadInputError: `split-content`: clips whose content has another digest; the message names them.
    """
    wrong: list[str] = []
    records: dict[str, Any] = {}
    for row in rows:
        before = _stamps(split, row)
        try:
            digest = split.content_digest(row.clip_id)
        except BadInputError:
            digest = None
        if digest == row.digest:
            if is_settled(before) and before == _stamps(split, row):
                records[row.clip_id] = _record(split, row, before)
        elif digest is not None:
            wrong.append(f"{row.clip_id} has {digest}, the index says {row.digest}")
        progress()
    if records:
        keep_stamps(split.path, records)
    if wrong:
        more = f", and {len(wrong) - LISTED} more" if len(wrong) > LISTED else ""
        raise BadInputError(
            f"split '{split.name}' is not what {split.path / INDEX} says: the content of {len(wrong)} of "
            f"{len(split.rows)} clips has another digest ({'; '.join(wrong[:LISTED])}{more}). Video, motion, truth, "
            f"text, sequence and participant enter it. Put back what was changed, or {index_advice(split.path)}",
            code="split-content",
        )


def checked_motion(split: Split, clip_id: str) -> Motion | None:
    """A clip's motion, read without its video, which takes most of the time. None where the clip's files are not known
    to have the content of its digest, so that the whole clip has to be opened.

    Raises:
        UnknownNameError, BadInputError: as `FolderSplit.motion`.
    """
    if not isinstance(split, FolderSplit):
        return None
    row = split.info(clip_id)
    before, file = _stamps(split, row), stamp_of(stamps_file(split.path))
    if file is None or _known_stamps(split.path, file).get(clip_id) != _record(split, row, before):
        return None
    motion = split.motion(clip_id)
    return motion if before == _stamps(split, row) else None


@lru_cache(maxsize=4)
def _known_stamps(folder: Path, file: Stamp) -> Mapping[str, Any]:
    del file  # that of the file with the stamps: if it is written anew, it is read anew
    return read_stamps(folder)


def verify_split(
    path: Path, progress: Callable[[], None] = lambda: None, warn: Callable[[str], None] = lambda line: None
) -> list[str]:
    """Opens every clip, compares its content with its digest, and tests its motion by the conventions of samples.

    Args:
        warn: gets a line for each oddity of a caption or clip that is no problem.

    Returns:
        One line per problem, empty if all is well.

    Raises:
        BadInputError: as `open_folder`.
    """
    split = open_folder(path)
    problems = []
    for line in caption_notes(split.rows):
        warn(line)
    for row in split.rows:
        try:
            for code, text in look_over(split.clip(row.clip_id).reference.motion):
                warn(f"{row.clip_id}: warning {code}: {text}")
        except BadInputError as error:
            line = f"{error.code}: {error}" if str(error).startswith("motion: ") else str(error)
            problems.append(line if line.startswith(f"{row.clip_id}: ") else f"{row.clip_id}: {line}")
        progress()
    return problems


def write_digests(path: Path, progress: Callable[[], None] = lambda: None) -> dict[str, tuple[str, str]]:
    """Writes the digests of the present content into the index and leaves the rest of it as it was.

    Returns:
        Clip id → digest before and after, for clips that changed.

    Raises:
        BadInputError: as `open_folder`; a clip that cannot be read (then nothing is written).
        StorageError: the disk refused.
    """
    index = path / INDEX
    split = open_folder(path, check_digest=False)
    rows, changed = [], {}
    for row in split.rows:
        digest = split.content_digest(row.clip_id)
        if digest != row.digest:
            changed[row.clip_id] = row.digest, digest
        rows.append(replace(row, digest=digest))
        progress()
    content, digests = read_index(path), {row.clip_id: row.digest for row in rows}
    clips = [{**clip, "digest": digests[clip["clip_id"]]} for clip in content["clips"]]
    new = {**content, "clips": clips, "digest": split_digest(rows)}
    if new != content:
        write_json(index, new)
    return changed


def _stamps(split: FolderSplit, row: ClipInfo) -> list[Stamp | None]:
    return [stamp_of(split.path / row.clip_id / name) for name in FILES]


def _record(split: FolderSplit, row: ClipInfo, stamps: Sequence[Stamp | None]) -> list[Any]:
    """The record of a checked clip: a digest of its row in the index, and the stamps of its files, JSON-ready."""
    facts: Mapping[str, Any] = split.common.as_json()
    row_digest = digest_json([CHECK_VERSION, asdict(row), facts])
    return [row_digest, [None if stamp is None else list(stamp) for stamp in stamps]]
