"""Entries → ranked table. Only models are ranked, and only within one protocol. Blocks are never compared.

The first block holds the entries with the board's split digest and protocols. Any other entry is in a block with the
entries that are comparable with it, below a line that names the differing fields.

An entry of a task that the board lists as given is in the same block as the others if its protocols differ in the task
only. It has a mark and no rank.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from egobench.boards.board import Board, read_board
from egobench.boards.entries import Entry, check_belongs, check_entry, entry_content, entry_name, read_entry
from egobench.boards.published import FILE as PUBLISHED
from egobench.boards.published import published_grids
from egobench.errors import BadInputError
from egobench.files.atomic import make_folder, write_bytes, write_json
from egobench.files.plain import differing_fields
from egobench.tables.given import absence, given_mark, not_applicable_metrics, protocol_but_for_task
from egobench.tables.grid import Grid
from egobench.tables.numbers import plain_text, share_text
from egobench.tables.render import RENDERERS
from egobench.tables.table import Kind, ModelRow, models_grid

LISTED_FIELDS = 6
"""Number of differing protocol fields that a block's note names; the rest are counted."""


def build(board_dir: Path) -> dict[str, Path]:
    """Writes `table.md`, `table.tex`, `table.csv` and `table.json` into the board's folder.

    Returns: suffix → file. Equal entries give equal bytes.

    Raises:
        BadInputError: a damaged recipe or entry, or two entries of one block with one label.
        NotComparableError: an entry of another split or task.
    """
    grids = board_grids(board_dir)
    written = {}
    for suffix, render in RENDERERS.items():
        path = board_dir / f"table.{suffix}"
        write_bytes(path, render(grids).encode("utf-8"))
        written[suffix] = path
    return written


def board_grids(board_dir: Path) -> list[Grid]:
    """The blocks of a board: measured ones first, published ones last. Raises as `build`."""
    board = read_board(board_dir)
    entries = [read_entry(path, board) for path in sorted((board_dir / "entries").glob("*.json"))]
    groups = _groups(board, entries)
    grids = [_block(board, group, number, groups[0]) for number, group in enumerate(groups)]
    if board.published:
        grids += published_grids(board_dir.parent / PUBLISHED)
    return grids


def add_entry(board_dir: Path, run_dir: Path, *, kind: Kind | None = None, label: str | None = None) -> Path:
    """Copies a finished run's results into the board as an entry. The same run, added again, overwrites its own file.

    Args:
        kind: `control` for rows whose rank is known beforehand; None: `kind_of` the model.
        label: name in the table; the run's model by default.

    Raises:
        BadInputError: the run is not done, or the label cannot be printed.
        NotComparableError: the run is of another split or task, or of two versions of its model's code.
    """
    board = read_board(board_dir)
    content = entry_content(run_dir, kind, label)
    check_belongs(content, board, str(run_dir))
    if not any(name in content["metrics"] for name in board.metrics):
        raise BadInputError(
            f"{run_dir}: has none of the board's columns {', '.join(board.metrics)}", code="entry-empty"
        )
    path = make_folder(board_dir / "entries") / entry_name(content)
    check_entry(content, board, path)
    write_json(path, content)
    return path


def _groups(board: Board, entries: Sequence[Entry]) -> list[list[Entry]]:
    """Entries grouped by comparable protocols; the first group has the board's own, and may be empty."""
    required = {"split_digest": board.split_digest, **board.protocols}
    frozen = {key: digest for key, digest in required.items() if digest}
    groups: list[tuple[dict[str, str], list[Entry]]] = [(frozen, [])]
    # Entries with most columns come first, so that an entry with fewer columns joins their group.
    for entry in sorted(entries, key=lambda entry: (-len(_identity(board, entry)), entry.file)):
        identity = _identity(board, entry)
        for group_identity, members in groups:
            if all(group_identity.get(key, digest) == digest for key, digest in identity.items()):
                group_identity.update(identity)
                members.append(entry)
                break
        else:
            groups.append((identity, [entry]))
    return [members for _, members in groups]


def _identity(board: Board, entry: Entry) -> dict[str, str]:
    """What must be equal for two entries to be compared: the split's content and the protocol of each column. If the
    board lists the entry's task as given, the task in its protocols is replaced by the board's."""
    protocols = {name: entry.metrics[name]["protocol"] for name in board.metrics if name in entry.metrics}
    if entry.given(board):
        records = entry.provenance.protocols
        protocols = {
            name: protocol_but_for_task(digest, records.get(name), board.task) for name, digest in protocols.items()
        }
    return {"split_digest": entry.provenance.split_digest, **protocols}


def _block(board: Board, entries: Sequence[Entry], number: int, first: Sequence[Entry]) -> Grid:
    _refuse_twins(entries)
    rows = _ranked(board, entries)
    title = board.title if number == 0 else f"{board.title}: other protocol {number}, not comparable with the above"
    notes = [f"Split {board.split}, task {board.task}; ranked by {board.order} among models only."]
    if number > 0:
        notes += [_difference(board, entries[0], first)]
    if not entries:
        notes.append("No entries yet.")
    return models_grid(title, board.metrics, rows, notes=notes)


def _ranked(board: Board, entries: Sequence[Entry]) -> list[ModelRow]:
    """Models that pass the gates, by rank; then those that do not; then those that were given more; then controls.

    Equal values share a rank."""
    competing, others, given_more, controls = [], [], [], []
    for entry in entries:
        row = _row(board, entry)
        if row.kind == "control":
            controls.append(row)
        elif row.given:
            given_more.append(replace(row, notes=(f"not ranked: {given_mark(row.given)}; ranked rows make both",)))
        elif reasons := _gate(board, entry.metrics):
            others.append(replace(row, notes=(f"not ranked: {'; '.join(reasons)}",)))
        else:
            competing.append(row)
    competing.sort(key=lambda row: _order_key(board, row))
    controls.sort(key=lambda row: _order_key(board, row))
    ranks: dict[float, int] = {}
    for place, row in enumerate(competing, start=1):
        ranks.setdefault(row.metrics[board.order]["value"], place)
    ranked = [replace(row, rank=ranks[row.metrics[board.order]["value"]]) for row in competing]
    unranked = [row for rows in (others, given_more) for row in sorted(rows, key=lambda row: row.label)]
    return [*ranked, *unranked, *controls]


def _row(board: Board, entry: Entry) -> ModelRow:
    provenance, given = entry.provenance, entry.given(board)
    missing = [name for name in board.metrics if name not in entry.metrics]
    return ModelRow(
        provenance.model,
        entry.metrics,
        provenance.kind,
        run=provenance.run,
        given=given,
        absent=not_applicable_metrics(given, missing) if given else {},
    )


def _gate(board: Board, metrics: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Why an entry is not ranked; empty if it is."""
    result = metrics.get(board.order)
    if result is None or result["value"] is None:
        why = absence(result)
        return [f"no value of {board.order}{why and f': {why}'}"]
    reasons = []
    if result["n"] < board.gates.min_n:
        reasons.append(f"{result['n']} rows, {board.gates.min_n} are needed")
    applicable = [metrics[name] for name in board.metrics if name in metrics and not absence(metrics[name])]
    coverage = min(result["coverage"] for result in applicable)
    if coverage < board.gates.min_coverage:
        needed = plain_text(100 * board.gates.min_coverage)
        reasons.append(f"coverage {share_text(coverage)}, {needed} % is needed")
    return reasons


def _order_key(board: Board, row: ModelRow) -> tuple[float, str]:
    """Best first; undefined last."""
    result = row.metrics.get(board.order)
    if result is None or result["value"] is None:
        return (float("inf"), row.label)
    return (result["value"] if result["better"] == "lower" else -result["value"], row.label)


def _difference(board: Board, entry: Entry, first: Sequence[Entry]) -> str:
    """How a block differs from the first one. Protocol fields are named if both have their readable record."""
    required = {"split_digest": board.split_digest, **board.protocols}
    parts = []
    for key, digest in _identity(board, entry).items():
        peer = next((other for other in first if key in _identity(board, other)), None)
        expected = required.get(key) or (_identity(board, peer)[key] if peer else digest)
        if digest == expected:
            continue
        fields = []
        if peer and key in entry.provenance.protocols and key in peer.provenance.protocols:
            fields = differing_fields(entry.provenance.protocols[key], peer.provenance.protocols[key])
        named = f": {', '.join(fields[:LISTED_FIELDS])}" if fields else ""
        more = f" and {len(fields) - LISTED_FIELDS} more" if len(fields) > LISTED_FIELDS else ""
        parts.append(f"{key} ({digest[:8]} ≠ {expected[:8]}{named}{more})")
    return f"Differs from the first block in {'; '.join(parts)}."


def _refuse_twins(entries: Sequence[Entry]) -> None:
    """Refuses two entries with the same label."""
    entry_of_label: dict[str, Entry] = {}
    for entry in entries:
        label = entry.provenance.model
        if label in entry_of_label:
            raise BadInputError(
                f"{entry_of_label[label].file} and {entry.file} are both called {label!r}; give one a label of its own",
                code="entry-twin",
            )
        entry_of_label[label] = entry
