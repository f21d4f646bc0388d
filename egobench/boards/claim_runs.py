"""`LABEL=RUN` → the rows of a claims file: finished runs of the board's split, task and protocols, or a refusal."""

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
"""Differing protocol fields named for a metric; the rest are counted."""
SHORT_DIGEST = 8


def labelled(words: Sequence[str]) -> list[tuple[str, Path]]:
    """`EgoTwin=runs/a` as a label and a folder.

    Raises:
        BadInputError: `option-form`: no `=`, no label or no folder.
    """
    found = []
    for word in words:
        label, equals, folder = (part.strip() for part in word.partition("="))
        if not (label and equals and folder):
            text = f"--run takes LABEL=RUNFOLDER, such as EgoTwin=runs/a; found {word!r}"
            raise BadInputError(text, code="option-form")
        found.append((label, Path(folder)))
    return found


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
    """Label → its runs, the row of record first and other training seeds after it, as they were given.

    Args:
        runs: label and folder of each run.
        labels: rows that there are; the first one is compared with all others.
        metrics: columns that will be compared; other ones may have any protocol.
        trust: see `check_split`.

    Raises:
        UnknownNameError: a label of no row.
        BadInputError: a run that is not done or damaged, one folder twice, or runs without one of the first row.
        NotComparableError: a run of another split, task or protocol, the message names the fields that differ; or of
            two versions of its model's code.
    """
    taken: dict[Path, str] = {}
    found: dict[str, list[Side]] = {}
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
        found.setdefault(label, []).append(side)
    if found and labels[0] not in found:
        text = f"no run of {labels[0]} is given, and each claim compares it with another row; add --run"
        raise BadInputError(f"{text} '{labels[0]}=RUNFOLDER'", code="claims-subject")
    return {label: tuple(found[label]) for label in labels if label in found}


def _refuse_foreign(board_dir: Path, board: Board, folder: Path, side: Side, metrics: Sequence[str]) -> None:
    check_belongs({"split": side.split, "task": side.task}, board, str(folder))
    refuse_two_versions(side.provenance.get("changed_code", ""), folder)
    digest = side.provenance["split_digest"]
    if board.split_digest and digest != board.split_digest:
        text = f"split_digest is {digest[:SHORT_DIGEST]}, the board's is {board.split_digest[:SHORT_DIGEST]}"
        raise NotComparableError(f"{folder}: {text}")
    parts = []
    for metric in metrics:
        wanted = board.protocols.get(metric)
        if metric not in side.results or wanted in (None, side.results[metric]["protocol"]):
            continue
        digests = f"{side.results[metric]['protocol'][:SHORT_DIGEST]} ≠ {wanted[:SHORT_DIGEST]}"
        fields = _fields(board_dir, board, metric, wanted, side.protocols[metric])
        parts.append(f"{metric} ({digests}{fields})")
    if parts:
        raise NotComparableError(f"{folder}: measured differently from the board: {'; '.join(parts)}")


def _fields(board_dir: Path, board: Board, metric: str, wanted: str, record: Any) -> str:
    """Fields in which a protocol differs from the board's, of which some entry may hold the readable record."""
    for path in sorted((board_dir / "entries").glob("*.json")):
        entry = read_entry(path, board)
        peer = entry.provenance.protocols.get(metric)
        if peer is None or metric not in entry.metrics or entry.metrics[metric]["protocol"] != wanted:
            continue
        names = differing_fields(record, peer)
        more = f" and {len(names) - LISTED_FIELDS} more" if len(names) > LISTED_FIELDS else ""
        return f": {', '.join(names[:LISTED_FIELDS])}{more}" if names else ""
    return ""
