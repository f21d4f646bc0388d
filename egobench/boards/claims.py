"""The paper's orderings against our runs: `BOARD/CLAIMS.md` and `BOARD/claims.json`.

Each ordering in the paper's tables is a claim. Our own paired difference gives it a verdict of one word. Systems that
the paper does not have are in a second list. Holm adjusts p over all claims of a list together, in all columns.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from egobench.boards.board import Board, read_board
from egobench.boards.claim_notes import FILE as NOTES
from egobench.boards.claim_notes import read_notes, refuse_stale
from egobench.boards.claim_runs import open_rows
from egobench.boards.earlier_noise import earlier_noise
from egobench.boards.orderings import Ordering, PaperClaims, read_orderings
from egobench.boards.published import FILE as PUBLISHED
from egobench.compare.comparison import DRAWS, SEED, MetricComparison, compare_sides
from egobench.compare.lead import Noise, lead_of, training_noise
from egobench.compare.side import Side
from egobench.errors import BadInputError
from egobench.metrics.base import Better
from egobench.progress import Progress
from egobench.stats.paired import holm
from egobench.tables.measured import failed_text

DATA = "claims.json"
Word = Literal["holds", "reversed", "undecided", "better", "worse", "not measured", "not applicable"]
JUDGED: tuple[Word, ...] = ("holds", "reversed", "undecided", "better", "worse")
"""Verdicts on a measured difference."""


@dataclass(frozen=True)
class Claim:
    """One row against the subject on one metric."""

    row: str
    metric: str
    better: Better
    paper: Ordering | None
    """None for a system that the paper does not have."""
    word: Word
    """The verdict. `holds`, `reversed`: the paper's order, or the opposite one. `better`, `worse`: a row that the paper
    does not have, against the subject."""
    reason: str = ""
    """Why it is undecided, not measured or not applicable."""
    compared: MetricComparison | None = None
    """The row (second) against the subject (first); its verdict and its Holm p are not used."""
    p_holm: float | None = None
    """Adjusted over all claims of the list."""
    noise: float | None = None
    """Training noise, in the metric's unit; None if no row has two seeds."""
    note: str = ""
    """Written by hand."""

    @property
    def has_one_seed(self) -> bool:
        """The training noise was not known for this verdict."""
        return self.word in JUDGED and self.noise is None


@dataclass(frozen=True)
class ClaimsFile:
    """The content of the two files."""

    board: Board
    paper: PaperClaims
    rows: Mapping[str, tuple[Side, ...]]
    """Label → its runs, the row of record first."""
    noise: Mapping[str, Noise]
    claims: tuple[Claim, ...]
    """Of the paper's tables."""
    beyond: tuple[Claim, ...]
    """Of systems that the paper does not have."""
    draws: int
    seed: int


def find_claims(
    board_dir: Path,
    runs: Sequence[tuple[str, Path]] = (),
    *,
    draws: int = DRAWS,
    seed: int = SEED,
    progress: Progress | None = None,
    trust: bool = True,
) -> ClaimsFile:
    """Compares the paper's orderings with runs.

    If no second seed is given now, the training noise in the board's `claims.json` is used (`earlier_noise.py`).

    Args:
        board_dir: folder of the board; `published.toml` is beside it.
        runs: label and run folder; the first of a label is its row of record, others are other training seeds.
        draws: number of draws of bootstrap and permutation.
        seed: seed of the draws.
        trust: see `check_split`.

    Raises:
        UnknownNameError: a label that is no row of the paper nor of the board.
        BadInputError: a damaged recipe, published table, run or note; a run that is not done; a stale note; runs, but
            none of the subject.
        NotComparableError: a run of another split, task, protocol or clips, or one with too many failed rows.
    """
    board, paper = read_board(board_dir), read_orderings(board_dir.parent / PUBLISHED)
    twice = [label for label in board.beyond if label in (paper.subject, *paper.rows)]
    if twice:
        text = f"{board_dir}: beyond has {', '.join(twice)}, which the paper's tables have; take it out"
        raise BadInputError(text, code="board-beyond")
    metrics = [metric for metric in paper.columns if metric in board.metrics]
    labels = [paper.subject, *paper.rows, *board.beyond]
    rows = open_rows(board_dir, board, runs, labels=labels, metrics=metrics, progress=progress, trust=trust)
    noise = {**earlier_noise(board_dir / DATA, rows, metrics), **training_noise(rows, metrics)}
    of_paper = [Claim(each.row, each.metric, each.better, each, "not measured") for each in paper.orderings]
    of_board = [
        Claim(label, metric, better, None, "not measured")
        for label in board.beyond
        for metric, better in paper.columns.items()
    ]
    lists = []
    for claims in (of_paper, of_board):
        measured = [claim for row in _by_row(claims) for claim in _measured(board, paper, rows, row, draws, seed)]
        lists.append(_judged(measured, noise))
    notes = read_notes(board_dir / NOTES)
    refuse_stale(board_dir / NOTES, notes, {(each.row, each.metric): each.word for each in [*lists[0], *lists[1]]})
    claims, beyond = (
        tuple(replace(each, note=notes.get((each.row, each.metric), "")) for each in one) for one in lists
    )
    return ClaimsFile(board, paper, rows, noise, claims, beyond, draws, seed)


def _by_row(claims: Sequence[Claim]) -> list[list[Claim]]:
    """Claims grouped by row, so that two runs are compared only once."""
    rows: dict[str, list[Claim]] = {}
    for claim in claims:
        rows.setdefault(claim.row, []).append(claim)
    return list(rows.values())


def _measured(
    board: Board,
    paper: PaperClaims,
    rows: Mapping[str, Sequence[Side]],
    claims: Sequence[Claim],
    draws: int,
    seed: int,
) -> Iterator[Claim]:
    """Claims of one row with our difference, or with the verdict that says why there is none."""
    labels = paper.subject, claims[0].row
    first, second = ((rows[label][0] if label in rows else None) for label in labels)
    verdicts = {claim.metric: _without_number(board, claim.metric, labels, (first, second)) for claim in claims}
    open_ones = [metric for metric, without in verdicts.items() if without is None]
    if first is None or second is None or not open_ones:
        compared = None
    else:
        compared = compare_sides(first, second, open_ones, draws=draws, seed=seed)
    for claim in claims:
        without = verdicts[claim.metric]
        if without is not None or compared is None:
            word, reason = without or ("not measured", "")
            yield replace(claim, word=word, reason=reason)
            continue
        row = compared.row(claim.metric)
        if row.better != claim.better:
            text = f"{PUBLISHED}: {claim.metric} is better {claim.better} there, and better {row.better} in our runs"
            raise BadInputError(text, code="published-damaged")
        yield replace(claim, compared=row)


def _without_number(
    board: Board, metric: str, labels: Sequence[str], sides: Sequence[Side | None]
) -> tuple[Word, str] | None:
    """Why two rows have no difference on a metric; None if they can be compared."""
    if metric not in board.metrics:
        return "not applicable", "the board has no such column"
    pairs = list(zip(labels, sides, strict=True))[::-1]  # the row itself first
    for label, side in pairs:
        if side is None:
            return "not measured", f"there is no run of {label}"
        if metric not in side.results:
            return "not measured", f"the run of {label} was not scored on it"
    for label, side in pairs:
        record = side.results[metric] if side else {}
        why = record.get("detail", {}).get("not_applicable")
        if why and record["value"] is None:
            return "not applicable", f"{label}: {why}"
        if lost := failed_text(record):
            return "not measured", f"{label}: {lost}"
    return None


def _judged(claims: Sequence[Claim], noise: Mapping[str, Noise]) -> list[Claim]:
    """The claims of a list with their verdicts; p is adjusted over all measured claims together."""
    adjusted = holm([claim.compared and claim.compared.difference and claim.compared.difference.p for claim in claims])
    judged = []
    for claim, p_holm in zip(claims, adjusted, strict=True):
        if claim.compared is None:
            judged.append(claim)
            continue
        training_noise = noise[claim.metric].value if claim.metric in noise else None
        lead, reason = lead_of(claim.compared.difference, claim.better, p_holm, training_noise)
        if lead == "undecided":
            word: Word = "undecided"
        elif claim.paper is None:
            word = "worse" if lead == "first" else "better"
        else:
            word = "holds" if lead == claim.paper.lead else "reversed"
        reason = claim.compared.reason if claim.compared.difference is None else reason
        judged.append(replace(claim, word=word, reason=reason, p_holm=p_holm, noise=training_noise))
    return judged
