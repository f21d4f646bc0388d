"""`BOARD/claims.toml`: notes by hand on claims that are reversed or undecided, and on what was tried to explain them.

[[note]]
row = "w/o AD"                  as in the table
metric = "i-fid"                our name of it
text = "…"                      one paragraph, printed under the table
"""

from collections.abc import Mapping
from pathlib import Path

from egobench.boards.board import read_toml
from egobench.errors import BadInputError
from egobench.registry import unknown

FILE = "claims.toml"
KEYS = ("row", "metric", "text")
OPEN = ("reversed", "undecided", "better")
"""Verdicts that may have a note: the paper's order, or EgoTwin's lead, was not found."""
Notes = Mapping[tuple[str, str], str]
"""(row, metric) → text."""


def read_notes(path: Path) -> dict[tuple[str, str], str]:
    """The notes of a board; empty if there is no file.

    Raises:
        BadInputError: not TOML, an unknown or missing key, an empty text, or two notes on one claim.
    """
    if not path.is_file():
        return {}
    content = read_toml(path)
    for key in content:
        if key != "note":
            raise _wrong(path, unknown("keys", key, ["note"]))
    notes: dict[tuple[str, str], str] = {}
    for note in content.get("note", []):
        for key in note:
            if key not in KEYS:
                raise _wrong(path, unknown("keys of a note", key, list(KEYS)))
        empty = [key for key in KEYS if not isinstance(note.get(key), str) or not note[key].strip()]
        if empty:
            raise _wrong(path, f"a note lacks {', '.join(empty)}; each is a text: {dict(note)}")
        place = note["row"], note["metric"]
        if place in notes:
            raise _wrong(path, f"two notes on {place[0]}, {place[1]}; make them one")
        notes[place] = " ".join(note["text"].split())
    return notes


def refuse_stale(path: Path, notes: Notes, words: Mapping[tuple[str, str], str]) -> None:
    """Refuses notes that no longer belong to an open claim.

    Args:
        words: (row, metric) of every claim → its verdict.

    Raises:
        BadInputError: a note that names no claim, or one on a claim whose verdict needs no note.
    """
    for place in notes:
        row, metric = place
        if place not in words:
            near = sorted(other for other in words if row == other[0] or metric == other[1])
            listed = "; ".join(f"{other[0]}, {other[1]}" for other in near[:6]) or "none on this row or metric"
            raise _wrong(path, f"the note on {row}, {metric} names no claim; claims near it: {listed}")
        if words[place] not in OPEN:
            text = f"the note on {row}, {metric} is stale: the claim's word is {words[place]!r}"
            raise _wrong(path, f"{text}, and a note explains {', '.join(OPEN)}; take it out")


def _wrong(path: Path, text: str) -> BadInputError:
    return BadInputError(f"{path}: {text}", code="claims-note")
