"""Writes `CLAIMS.md` and `claims.json`. The second has the same facts with unrounded numbers."""

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
"""Fields of a comparison's record that a claim keeps."""


def write_claims(board_dir: Path, claims_file: ClaimsFile) -> list[Path]:
    """Writes both files into the board's folder; equal claims give equal bytes.

    Returns: the two paths.

    Raises:
        StorageError: the disk refused.
    """
    page, data = board_dir / PAGE, board_dir / DATA
    write_bytes(page, page_text(claims_file).encode("utf-8"))
    write_json(data, claims_record(claims_file))
    return [page, data]


def claims_record(claims_file: ClaimsFile) -> dict[str, Any]:
    """Content of `claims.json`; differences are row minus subject, in the metric's unit."""
    return plain(
        {
            **{
                "schema": SCHEMA,
                "board": claims_file.board.title,
                "split": claims_file.board.split,
                "task": claims_file.board.task,
            },
            **{"subject": claims_file.paper.subject, "draws": claims_file.draws, "seed": claims_file.seed},
            "rows": {label: [_run_record(side) for side in sides] for label, sides in claims_file.rows.items()},
            "noise": {metric: vars(noise) for metric, noise in claims_file.noise.items()},
            "summary": {metric: _counts(claims_file.claims, metric) for metric in claims_file.paper.columns},
            "claims": [_claim_record(claim) for claim in claims_file.claims],
            "beyond": [_claim_record(claim) for claim in claims_file.beyond],
        }
    )


def _counts(claims: Sequence[Claim], metric: str) -> dict[str, int]:
    return dict(Counter(claim.word for claim in claims if claim.metric == metric))


def _run_record(side: Side) -> dict[str, Any]:
    """Name and origin of a run, without its settings, which may hold paths of one machine."""
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
