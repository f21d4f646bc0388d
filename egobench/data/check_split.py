"""A split's content against its digests, before a number is made of it: what `run`, `score`, `verify` and `compare`
share."""

from egobench.data.content import check_clips, trust_known_files, unseen_clips
from egobench.data.folder import FolderSplit
from egobench.progress import Progress, Quiet
from egobench.types import Split


def check_split(split: Split, progress: Progress | None = None, *, trust: bool = True) -> Split:
    """The split itself, if the content of its clips is what its index says; other kinds of split state nothing.

    Args:
        trust: passes over clips whose files have the size, times and inode that they had when they were last read.

    Raises:
        BadInputError: `split-content`.
    """
    if not isinstance(split, FolderSplit):
        return split
    rows = unseen_clips(split) if trust else list(split.rows)
    if not rows or (trust and trust_known_files(split)):
        return split
    bar = progress or Quiet()
    bar.stage(f"checking {split.name}", len(rows))
    try:
        check_clips(split, rows, bar.advance)
    finally:
        bar.done()
    return split
