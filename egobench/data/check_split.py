"""Compares a split's content with its digests before it is used: shared by `run`, `score`, `verify` and `compare`."""

from egobench.data.content import check_clips, trust_known_files, unchecked_clips
from egobench.data.folder import FolderSplit
from egobench.progress import Progress, Quiet
from egobench.types import Split


def check_split(split: Split, progress: Progress | None = None, *, trust: bool = True) -> Split:
    """Returns the split, if the content of its clips is what its index says. Splits that are no folder are not checked.

    Args:
        trust: do not read clips whose files have the same size, times and inode as when they were last read.

    Raises:
        BadInputError: `split-content`.
    """
    if not isinstance(split, FolderSplit):
        return split
    rows = unchecked_clips(split) if trust else list(split.rows)
    if not rows or (trust and trust_known_files(split)):
        return split
    bar = progress or Quiet()
    bar.stage(f"checking {split.name}", len(rows))
    try:
        check_clips(split, rows, bar.advance)
    finally:
        bar.done()
    return split
