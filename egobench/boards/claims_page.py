"""`CLAIMS.md`: a line per column, the training noise, the paper's tables with our differences, the other systems."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from egobench.boards.claims import Claim, ClaimsFile, Word
from egobench.tables.compare_grid import METHOD, change_text, p_text
from egobench.tables.grid import Grid, GridRow
from egobench.tables.numbers import ARROWS, MISSING, plain_text
from egobench.tables.render import escape_markdown, markdown

SUMMARY: Mapping[Word, tuple[str, str]] = {
    "holds": ("holds", "hold"),
    "reversed": ("is reversed", "are reversed"),
    "undecided": ("is undecided", "are undecided"),
    "not measured": ("is not measured", "are not measured"),
    "not applicable": ("is not applicable", "are not applicable"),
}
"""Verdicts as the end of a sentence, in the singular and in the plural."""
ONE_SEED = "No row has a second training seed, so the training noise is not known. Each verdict is marked “one seed”."
NOT_TRAINED = "No run is given yet, so each claim is *not measured*. This file is filled when the rows are trained."


def page_text(claims_file: ClaimsFile) -> str:
    """The whole page; equal claims give equal bytes."""
    board, subject = claims_file.board, escape_markdown(claims_file.paper.subject)
    parts = [
        f"# Do the paper's orderings hold on {escape_markdown(board.title)}?",
        "`egobench leaderboard claims` writes this file; do not edit it. Notes come from `claims.toml`.",
        *([] if claims_file.rows else [NOT_TRAINED]),
        "## How many hold",
        "\n".join(f"- {line}" for line in summary_lines(claims_file)),
        "## How to read the tables",
        "\n".join(f"- {line}" for line in _reading_lines(claims_file, subject)),
        "## Training noise",
        *([markdown([noise_grid(claims_file)]).strip()] if claims_file.noise else [ONE_SEED]),
        "## The paper's tables",
        markdown(paper_grids(claims_file)).strip(),
        "## Not in the paper",
        markdown([beyond_grid(claims_file)]).strip() if claims_file.beyond else "The board has no other system.",
    ]
    return "\n\n".join(parts) + "\n"


def summary_lines(claims_file: ClaimsFile) -> list[str]:
    """`Of 4 orderings on trans-err 3 hold, 1 is undecided.`, first over all columns, then for each."""
    lines = [_summary("in the paper's tables", claims_file.claims)]
    for metric in claims_file.paper.columns:
        lines.append(_summary(f"on {metric}", [claim for claim in claims_file.claims if claim.metric == metric]))
    return lines


def claims_grids(claims_file: ClaimsFile) -> list[Grid]:
    """All tables, for a terminal."""
    noise = [noise_grid(claims_file)] if claims_file.noise else []
    return [*noise, *paper_grids(claims_file), *([beyond_grid(claims_file)] if claims_file.beyond else [])]


def noise_grid(claims_file: ClaimsFile) -> Grid:
    """Training noise per metric, the row that has it, and the number of seeds of each row."""
    rows, without = [], []
    for metric, better in claims_file.paper.columns.items():
        noise = claims_file.noise.get(metric)
        if noise is None:
            without.append(metric)
            continue
        seeds = ", ".join(f"{label} {count}" for label, count in noise.seeds.items())
        rows.append(GridRow((f"{metric} {ARROWS[better]}", noise.row, seeds, plain_text(noise.value))))
    notes = ["a few seeds give a rough figure: one more may differ by more"]
    kept = [metric for metric, noise in claims_file.noise.items() if noise.is_kept]
    if kept:
        runs = {name: None for metric in kept for names in claims_file.noise[metric].runs.values() for name in names}
        notes.append(f"{', '.join(kept)}: measured for an earlier writing of this file, by {', '.join(runs)}")
    if without:
        notes.append(f"no row has a second seed with a number on {', '.join(without)}: verdicts are marked one seed")
    return Grid(
        title="Largest difference between two training seeds of one row",
        header=("metric", "in row", "seeds", "noise"),
        rows=tuple(rows),
        left=3,
        notes=tuple(notes),
    )


def paper_grids(claims_file: ClaimsFile) -> list[Grid]:
    """A grid for each table of the paper."""
    grids = []
    for title in dict.fromkeys(claim.paper.table for claim in claims_file.claims if claim.paper):
        claims = [claim for claim in claims_file.claims if claim.paper and claim.paper.table == title]
        header = ("row", "metric", "paper", "paper, difference", "here", "here, difference [95 %]", "p Holm", "verdict")
        rows = [_grid_row(claim, *_paper_cells(claim)) for claim in claims]
        grids.append(Grid(title, header, tuple(rows), left=2, notes=tuple(_notes(claims))))
    return grids


def beyond_grid(claims_file: ClaimsFile) -> Grid:
    """Systems that the paper does not have, against its subject."""
    subject = claims_file.paper.subject
    return Grid(
        title=f"Other systems of the board against {subject}",
        header=("row", "metric", "here", "difference [95 %]", "p Holm", f"than {subject}"),
        rows=tuple(_grid_row(claim) for claim in claims_file.beyond),
        left=2,
        notes=tuple(_notes(claims_file.beyond)),
    )


def _summary(where: str, claims: Sequence[Claim]) -> str:
    counts = Counter(claim.word for claim in claims)
    parts = [
        f"{counts[word]} {endings[counts[word] != 1]}"
        for word, endings in SUMMARY.items()
        if counts[word] or word == "holds"
    ]
    return f"Of {len(claims)} ordering{'s' if len(claims) != 1 else ''} {where} {', '.join(parts)}."


def _reading_lines(claims_file: ClaimsFile, subject: str) -> Iterator[str]:
    yield (
        f"A difference is the row minus {subject}. Above zero {subject} is ahead in a column with ↓, below zero in one "
        "with ↑. “Paper” and “here” give both values, "
        f"{subject} first."
    )
    yield (
        "The paper measured other data with other evaluators. So only the direction of its difference is held against "
        "ours, never its size."
    )
    yield (
        "**holds**: we find the paper's order, with p after Holm below 0.05 and a difference larger than the training "
        "noise. **reversed**: we find the opposite order, under the same two conditions. **undecided**: anything else."
    )
    yield (
        "**not measured**: a run is missing. **not applicable**: a row does not make what the column measures. "
        f"**better**, **worse**: the row is better or worse than {subject}, under the same two conditions."
    )
    yield (
        f"{METHOD}. p comes from {claims_file.draws} sign flips by recording, seed {claims_file.seed}. Holm corrects p "
        "over all claims of the paper's tables together, and over the other systems apart."
    )
    for label, sides in claims_file.rows.items():
        runs = ", ".join(escape_markdown(f"{side.run} ({side.provenance['commit'][:8]})") for side in sides)
        seeds = "1 training seed" if len(sides) == 1 else f"{len(sides)} training seeds, the first is compared"
        yield f"{escape_markdown(label)}: {runs}; {seeds}."


def _grid_row(claim: Claim, *paper: str) -> GridRow:
    compared = claim.compared
    unit = f" ({compared.unit})" if compared is not None and compared.unit else ""
    here, change = MISSING, MISSING
    if compared is not None and compared.difference is not None:
        here = f"{plain_text(compared.difference.first)}, {plain_text(compared.difference.second)}"
        change = change_text(compared)
    verdict = f"{claim.word} (one seed)" if claim.has_one_seed else claim.word
    cells = (claim.row, f"{claim.metric}{unit} {ARROWS[claim.better]}", *paper, here, change, p_text(claim.p_holm))
    strong = frozenset({len(cells)}) if claim.word in ("reversed", "better") else frozenset()
    return GridRow((*cells, verdict), strong=strong)


def _paper_cells(claim: Claim) -> tuple[str, str]:
    paper = claim.paper
    assert paper is not None, "a claim of a table of the paper"
    digits = paper.decimals
    return f"{paper.subject_value:.{digits}f}, {paper.row_value:.{digits}f}", f"{paper.difference:+.{digits}f}"


def _notes(claims: Sequence[Claim]) -> Iterator[str]:
    """Reasons of open claims, each once; then the notes written by hand."""
    reasons: dict[tuple[str, Word, str], list[str]] = {}
    for claim in claims:
        if claim.reason:
            reasons.setdefault((claim.row, claim.word, claim.reason), []).append(claim.metric)
    for (row, word, reason), metrics in reasons.items():
        is_whole = len(metrics) == sum(claim.row == row for claim in claims)
        yield f"{row}{'' if is_whole else ', ' + ', '.join(metrics)}: {word}: {reason}"
    for claim in claims:
        if claim.note:
            yield f"Note on {claim.row}, {claim.metric} ({claim.word}): {claim.note}"
