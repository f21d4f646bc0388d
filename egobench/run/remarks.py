"""Remarks on a finished run's samples that are no failures: a line for each kind, for people to read.

A remark on pictures is a note in the journal. A warning about a motion is the code and the reason of an item that was
scored.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

from egobench.scoring.reasons import count_reasons
from egobench.store.folder import RunFolder
from egobench.store.journal import iter_events
from egobench.store.tables import ItemRow, read_items

PICTURES = {
    "video-black": "are black in every pixel",
    "video-constant": "have frames of one colour",
    "video-frozen": "stand still: every frame is the same",
}
"""Codes of the notes in a run's journal → the remark on such videos."""


def odd_videos(path: Path) -> list[str]:
    """Lines such as "3 of 8 videos stand still: every frame is the same"; none for a run of ordinary videos.

    Raises:
        BadInputError: the run's journal or its table of items is damaged.
    """
    folder = RunFolder(path)
    items = [item for item in read_items(folder.items) if item.video]
    sampled = {(item.clip, item.seed) for item in items}
    notes = {(e["clip"], e["seed"]): e["code"] for e in iter_events(folder.journal) if e.get("event") == "note"}
    counts = Counter(code for place, code in notes.items() if place in sampled)
    lines = [f"{counts[code]} of {len(items)} videos {what}" for code, what in PICTURES.items() if counts[code]]
    clips = defaultdict(set)
    for item in items:
        clips[item.video].add(item.clip)
    shared = [names for names in clips.values() if len(names) > 1]
    if shared:
        first = ", ".join(sorted(shared[0])[:3])
        count = sum(len(clips[item.video]) > 1 for item in items)
        lines.append(f"{count} of {len(items)} videos are the same for several clips, such as {first}")
    return lines


def sample_warnings(items: Sequence[ItemRow]) -> list[str]:
    """One line for each set of codes: how many samples, and what was found most often; empty if all is well."""
    reasons = defaultdict(list)
    for item in items:
        if item.status == "ok" and item.code:
            reasons[item.code].append(item.reason)
    return [
        f"warning {code}: {len(found)} of {len(items)} samples: {next(iter(count_reasons(found, 1)))}"
        for code, found in sorted(reasons.items())
    ]
