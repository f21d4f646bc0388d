"""Is a split what its index says? Its clips against their digests, and how to write the digests anew.

A clip whose files and row are those that were seen before (`egobench/files/stamps.py`) is not read again.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from egobench.data.caption_notes import caption_notes
from egobench.data.folder import INDEX, FolderSplit, index_advice, open_folder, split_digest
from egobench.errors import BadInputError
from egobench.files.atomic import read_json, write_json
from egobench.files.digest import digest_file, digest_json
from egobench.files.stamps import Stamp, is_settled, keep_stamps, read_stamps, stamp_of
from egobench.motions.conventions import look_over
from egobench.types import ClipInfo

FILES = ("video.mp4", "motion.npz", "truth.npz")
LISTED = 3
"""Clips that a message names."""
CHECK_VERSION = 1
"""A new one looks at everything again."""


def unseen_clips(split: FolderSplit) -> list[ClipInfo]:
    """Rows whose content was not compared with their digest, or whose row or files were touched since."""
    seen = read_stamps(split.path)
    return [row for row in split.rows if seen.get(row.clip_id) != _seen(split, row, _stamps(split, row))]


def files_digest(folder: Path) -> str:
    """SHA-256 over the bytes of a split's files by name, 64 hex digits; what is no part of the format is left out."""
    paths = [folder / INDEX, *(path for name in FILES for path in folder.glob(f"*/{name}"))]
    return digest_json(sorted((path.relative_to(folder).as_posix(), digest_file(path)) for path in paths))


def trust_known_files(split: FolderSplit) -> bool:
    """Whether a split that is shipped has the very bytes that it was shipped with; its clips then count as seen.

    It takes a fiftieth of the time of reading them.
    """
    before = {row.clip_id: _stamps(split, row) for row in split.rows}
    if not split.known_files or files_digest(split.path) != split.known_files:
        return False
    keep_stamps(split.path, {row.clip_id: _seen(split, row, before[row.clip_id]) for row in split.rows})
    return True


def check_clips(split: FolderSplit, rows: Sequence[ClipInfo], progress: Callable[[], None] = lambda: None) -> None:
    """Reads clips and compares their content with the digests in the index; those that fit are remembered.

    A clip that cannot be read is left to whoever opens it: it is no wrong number but a failed item.

    Raises:
        BadInputError: `split-content`: clips whose content has another digest, by their names.
    """
    wrong: list[str] = []
    kept: dict[str, Any] = {}
    for row in rows:
        before = _stamps(split, row)
        try:
            found = split.content_digest(row.clip_id)
        except BadInputError:
            found = None
        if found == row.digest:
            if is_settled(before) and before == _stamps(split, row):
                kept[row.clip_id] = _seen(split, row, before)
        elif found is not None:
            wrong.append(f"{row.clip_id} has {found}, the index says {row.digest}")
        progress()
    if kept:
        keep_stamps(split.path, kept)
    if wrong:
        more = f", and {len(wrong) - LISTED} more" if len(wrong) > LISTED else ""
        raise BadInputError(
            f"split '{split.name}' is not what {split.path / INDEX} says: the content of {len(wrong)} of "
            f"{len(split.rows)} clips has another digest ({'; '.join(wrong[:LISTED])}{more}). Video, motion, truth, "
            f"text, sequence and participant enter it. Put back what was changed, or {index_advice(split.path)}",
            code="split-content",
        )


def verify_split(
    path: Path, progress: Callable[[], None] = lambda: None, warn: Callable[[str], None] = lambda line: None
) -> list[str]:
    """Opens every clip, compares its content with its digest, and holds its motion to the conventions of samples.

    Args:
        warn: gets a line for what is odd about captions or a clip and no problem.

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
    """Writes the digests of what lies there into an index, and everything else of it as it was.

    Returns:
        Clip id → digest before and after, of those that changed.

    Raises:
        BadInputError: as `open_folder`; a clip that cannot be read, and then nothing is written.
        StorageError: the disk refused.
    """
    index = path / INDEX
    split = open_folder(path, check_digest=False)
    rows, changed = [], {}
    for row in split.rows:
        found = split.content_digest(row.clip_id)
        if found != row.digest:
            changed[row.clip_id] = row.digest, found
        rows.append(replace(row, digest=found))
        progress()
    content, digests = read_json(index), {row.clip_id: row.digest for row in rows}
    clips = [{**clip, "digest": digests[clip["clip_id"]]} for clip in content["clips"]]
    new = {**content, "clips": clips, "digest": split_digest(rows)}
    if new != content:
        write_json(index, new)
    return changed


def _stamps(split: FolderSplit, row: ClipInfo) -> list[Stamp | None]:
    return [stamp_of(split.path / row.clip_id / name) for name in FILES]


def _seen(split: FolderSplit, row: ClipInfo, stamps: Sequence[Stamp | None]) -> list[Any]:
    """What is kept of a clip: the index's part of its content, and the stamps of its files, as JSON gives them back."""
    facts: Mapping[str, Any] = split.common.as_json()
    said = digest_json([CHECK_VERSION, asdict(row), facts])
    return [said, [None if stamp is None else list(stamp) for stamp in stamps]]
