"""`LABEL=RUN` → the rows of a claims file. Each run must be finished, and of the board's split, task and protocols."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from egobench.boards.board import Board
from egobench.boards.entries import check_belongs, read_entry, refuse_two_versions
from egobench.compare.run_side import run_side
from egobench.compare.side import Side
from egobench.errors import BadInputError, NotComparableError, UnknownNameError
from egobench.files.plain import differing_fields
from egobench.progress import Progress
from egobench.registry import unknown

LISTED_FIELDS = 6
"""Number of differing protocol fields that a message names; the rest are counted."""
SHORT_DIGEST = 8


def split_labels(words: Sequence[str]) -> list[tuple[str, Path]]:
    """`EgoTwin=runs/a` as a label and a folder.

    Raises:
        BadInputError: `option-form`: no `=`, no label or no folder.
    """
    runs = []
    for word in words:
        label, equals, folder = (part.strip() for part in word.partition("="))
        if not (label and equals and folder):
            text = f"--run takes LABEL=RUNFOLDER, such as EgoTwin=runs/a; found {word!r}"
            raise BadInputError(text, code="option-form")
        runs.append((label, Path(folder)))
    return runs


def open_rows(
    board_dir: Path,
    board: Board,
    runs: Sequence[tuple[str, Path]],
    *,
    labels: Sequence[str],
    metrics: Sequence[str],
    progress: Progress | None = None,
    trust: bool = True,
) -> dict[str, tuple[Side, ...]]:
    """Label → its runs in the given order. The first is the row of record; the others are other training seeds.

    Args:
        runs: label and folder of each run.
        labels: all possible rows; the first is compared with all others.
        metrics: columns that will be compared; other columns may have any protocol.
        trust: see `check_split`.

    Raises:
        UnknownNameError: a label that names no row.
        BadInputError: a run that is not done or damaged, one folder twice, or no run of the first row.
        NotComparableError: a run of another split, task or protocol (the message names the fields), or a run of two
            versions of its model's code.
    """
    taken: dict[Path, str] = {}
    sides: dict[str, list[Side]] = {}
    for label, folder in runs:
        if label not in labels:
            raise UnknownNameError(unknown("rows of this board and of the paper", label, list(labels)))
        place = folder.resolve()
        if place in taken:
            text = f"{folder} is given twice, as {taken[place]!r} and as {label!r}; each run is one training of one row"
            raise BadInputError(text, code="run-twice")
        taken[place] = label
        side = run_side(folder, progress, trust=trust)
        _refuse_foreign(board_dir, board, folder, side, metrics)
        sides.setdefault(label, []).append(side)
    if sides and labels[0] not in sides:
        text = f"no run of {labels[0]} is given, and each claim compares it with another row; add --run"
        raise BadInputError(f"{text} '{labels[0]}=RUNFOLDER'", code="claims-subject")
    return {label: tuple(sides[label]) for label in labels if label in sides}


def _refuse_foreign(board_dir: Path, board: Board, folder: Path, side: Side, metrics: Sequence[str]) -> None:
    check_belongs({"split": side.split, "task": side.task}, board, str(folder))
    refuse_two_versions(side.provenance.get("changed_code", ""), folder)
    digest = side.provenance["split_digest"]
    if board.split_digest and digest != board.split_digest:
        text = f"split_digest is {digest[:SHORT_DIGEST]}, the board's is {board.split_digest[:SHORT_DIGEST]}"
        raise NotComparableError(f"{folder}: {text}")
    parts = []
    for metric in metrics:
        required = board.protocols.get(metric)
        if metric not in side.results or required in (None, side.results[metric]["protocol"]):
            continue
        digests = f"{side.results[metric]['protocol'][:SHORT_DIGEST]} ≠ {required[:SHORT_DIGEST]}"
        fields = _fields(board_dir, board, metric, required, side.protocols[metric])
        parts.append(f"{metric} ({digests}{fields})")
    if parts:
        raise NotComparableError(f"{folder}: measured differently from the board: {'; '.join(parts)}")


def _fields(board_dir: Path, board: Board, metric: str, required: str, record: Any) -> str:
    """Fields in which a protocol differs from the board's, if some entry has the board's readable record."""
    for path in sorted((board_dir / "entries").glob("*.json")):
        entry = read_entry(path, board)
        peer = entry.provenance.protocols.get(metric)
        if peer is None or metric not in entry.metrics or entry.metrics[metric]["protocol"] != required:
            continue
        names = differing_fields(record, peer)
        more = f" and {len(names) - LISTED_FIELDS} more" if len(names) > LISTED_FIELDS else ""
        return f": {', '.join(names[:LISTED_FIELDS])}{more}" if names else ""
    return ""
