"""Writes `CLAIMS.md` and `claims.json`; the latter has the same facts with unrounded numbers."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from egobench.boards.claims import DATA, Claim, ClaimsFile
from egobench.boards.claims_page import page_text
from egobench.compare.records import row_record
from egobench.compare.side import Side
from egobench.files.atomic import write_bytes, write_json
from egobench.files.plain import plain

SCHEMA = 1
PAGE = "CLAIMS.md"
COMPARED = ("first", "second", "difference", "ci95", "p", "unit", "sequences", "method", "protocol", "pairs")
"""Of a comparison's record: what a claim keeps."""


def write_claims(board_dir: Path, found: ClaimsFile) -> list[Path]:
    """Writes both files into the board's folder; equal findings give equal bytes.

    Returns: the two paths.

    Raises:
        StorageError: the disk refused.
    """
    page, data = board_dir / PAGE, board_dir / DATA
    write_bytes(page, page_text(found).encode("utf-8"))
    write_json(data, claims_record(found))
    return [page, data]


def claims_record(found: ClaimsFile) -> dict[str, Any]:
    """Content of `claims.json`; differences are row minus subject, in the metric's unit."""
    return plain(
        {
            **{"schema": SCHEMA, "board": found.board.title, "split": found.board.split, "task": found.board.task},
            **{"subject": found.paper.subject, "draws": found.draws, "seed": found.seed},
            "rows": {label: [_run_record(side) for side in sides] for label, sides in found.rows.items()},
            "noise": {metric: vars(noise) for metric, noise in found.noise.items()},
            "summary": {metric: _counts(found.claims, metric) for metric in found.paper.columns},
            "claims": [_claim_record(claim) for claim in found.claims],
            "beyond": [_claim_record(claim) for claim in found.beyond],
        }
    )


def _counts(claims: Sequence[Claim], metric: str) -> dict[str, int]:
    return dict(Counter(claim.word for claim in claims if claim.metric == metric))


def _run_record(side: Side) -> dict[str, Any]:
    """Which run; no settings, which may hold paths of one machine."""
    return {
        **{"run": side.run, "model": side.model},
        **{key: side.provenance[key] for key in ("started", "commit", "version")},
    }


def _claim_record(claim: Claim) -> dict[str, Any]:
    paper, measured = claim.paper, None
    if claim.compared is not None:
        record = row_record(claim.compared)
        measured = {**{key: record[key] for key in COMPARED}, "p_holm": claim.p_holm, "noise": claim.noise}
    return {
        **{"row": claim.row, "metric": claim.metric, "better": claim.better, "word": claim.word},
        **{"one_seed": claim.has_one_seed, "reason": claim.reason, "note": claim.note, "measured": measured},
        "paper": None
        if paper is None
        else {
            **{"table": paper.table, "column": paper.column, "subject": paper.subject_value, "row": paper.row_value},
            **{"difference": paper.difference, "ahead": "subject" if paper.lead == "first" else "row"},
        },
    }
