"""Captions that no text encoder reads as meant: empty ones, and those far beyond what encoders take."""

from collections.abc import Iterable, Sequence

from egobench.types import ClipInfo

MOST_WORDS = 60
"""A caption of more words is cut by encoders of 77 tokens, as CLIP's are."""
NAMED = 3


def caption_notes(infos: Iterable[ClipInfo]) -> list[str]:
    """A line for each kind of odd caption in a split; none where all are as usual."""
    rows = [(info.clip_id, len(info.text.split())) for info in infos]
    empty = [clip for clip, words in rows if not words]
    long = [(clip, words) for clip, words in rows if words > MOST_WORDS]
    notes = []
    if empty:
        notes.append(
            f"{_counted(len(empty), len(rows))} no text ({_named(empty)}): metrics of text judge nothing there"
        )
    if long:
        most = max(words for _, words in long)
        named = _named([clip for clip, _ in long])
        said = f"{_counted(len(long), len(rows))} more than {MOST_WORDS} words, up to {most} ({named})"
        notes.append(f"{said}: text encoders read the first 77 tokens or fewer")
    return notes


def _counted(count: int, total: int) -> str:
    return f"{count} of {total} captions {'has' if count == 1 else 'have'}"


def _named(clips: Sequence[str]) -> str:
    return ", ".join(clips[:NAMED]) + (", …" if len(clips) > NAMED else "")
