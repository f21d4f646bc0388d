"""Notes on captions that text encoders do not read in full: empty ones, and very long ones."""

from collections.abc import Iterable, Sequence

from egobench.types import ClipInfo

MOST_WORDS = 60
"""Encoders of 77 tokens, such as CLIP's, cut a caption of more words."""
NAMED = 3


def caption_notes(infos: Iterable[ClipInfo]) -> list[str]:
    """A line for empty captions and one for long ones; empty if there are none."""
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
        note = f"{_counted(len(long), len(rows))} more than {MOST_WORDS} words, up to {most} ({named})"
        notes.append(f"{note}: text encoders read the first 77 tokens or fewer")
    return notes


def _counted(count: int, total: int) -> str:
    return f"{count} of {total} captions {'has' if count == 1 else 'have'}"


def _named(clips: Sequence[str]) -> str:
    return ", ".join(clips[:NAMED]) + (", …" if len(clips) > NAMED else "")
