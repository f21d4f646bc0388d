"""Comparisons and gates → grids: a row per metric, a matrix of runs, the clips that lost most."""

import csv
import io
import math
from collections import Counter
from collections.abc import Mapping, Sequence

from egobench.compare.comparison import Comparison, MetricComparison
from egobench.compare.gate import GateReport
from egobench.compare.losses import Loss, worst_clips
from egobench.compare.records import row_record
from egobench.compare.side import Side
from egobench.compare.verdict import ROUNDING
from egobench.stats.paired import MIN_BOOTSTRAP
from egobench.tables.grid import Grid, GridRow
from egobench.tables.measured import FEW, MARK, few_text
from egobench.tables.numbers import ARROWS, MISSING, plain_text
from egobench.tables.table import in_order

HEADER = ("metric", "A", "B", "B − A [95 %]", "p", "p Holm", "MDE", "tolerance", "pairs", "verdict")
NARROW = ("metric", "B − A [95 %]", "verdict")
METHOD = (
    "95 % intervals of the difference resample recordings: bootstrap of means and shares, jackknife of set distances"
)


def compare_grids(comparison: Comparison, *, narrow: bool = False) -> list[Grid]:
    """The table of one comparison, and below it the clips that lost most."""
    grids = [metrics_grid(comparison, narrow=narrow)]
    losses = worst_clips(comparison)
    if losses:
        grids.append(losses_grid(losses, comparison, narrow=narrow))
    return grids


def metrics_grid(comparison: Comparison, *, narrow: bool = False) -> Grid:
    """A row per metric, in the catalogue's order."""
    first, second = comparison.first, comparison.second
    rows = [comparison.row(name) for name in in_order(row.metric for row in comparison.rows)]
    wide_rows = [GridRow(_cells(row), strong=_strong(row, len(HEADER) - 1)) for row in rows]
    narrow_rows = [GridRow(_narrow_cells(row), strong=_strong(row, len(NARROW) - 1)) for row in rows]
    records = [
        {**{"first_run": first.run, "second_run": second.run, "metric": row.metric}, **_flat(row)} for row in rows
    ]
    return Grid(
        title=f"{first.split} ({first.task}): B = {second.called} against A = {first.called}",
        header=NARROW if narrow else HEADER,
        rows=tuple(narrow_rows if narrow else wide_rows),
        notes=tuple(_notes(comparison, rows)),
        records=tuple(records),
    )


def losses_grid(losses: Sequence[Loss], comparison: Comparison, *, narrow: bool = False) -> Grid:
    """The clips that lost most, by name."""
    head = ("clip", "loss") if narrow else ("clip", "recording", "kind", "loss", "most in", "A", "B")
    rows = []
    for loss in losses:
        named = (loss.clip, loss.sequence, loss.stratum, f"{loss.loss:.2f}", loss.metric)
        cells = (*named, plain_text(loss.first), plain_text(loss.second))
        rows.append(GridRow((cells[0], cells[3]) if narrow else cells))
    return Grid(
        title=f"clips where B = {comparison.second.called} lost most",
        header=head,
        rows=tuple(rows),
        left=1 if narrow else 3,
        notes=("loss: mean over metrics of the clip's harm, in units of the metric's root mean square over clips",),
        records=tuple(vars(loss) for loss in losses),
    )


def matrix_name(side: Side) -> str:
    """What the matrix calls a run: its name, with the run's folder where the name does not hold that."""
    return side.called if side.run in side.called else f"{side.called} ({side.run})"


def comparison_csv(comparisons: Sequence[Comparison]) -> str:
    """Comparisons as CSV: a line per metric, a column per field that any of them has."""
    records = [dict(record) for each in comparisons for record in metrics_grid(each).records]
    buffer = io.StringIO()
    fields = list(dict.fromkeys(name for record in records for name in record))
    writer = csv.DictWriter(buffer, fields, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(records)
    return buffer.getvalue()


def matrix_grid(names: Sequence[str], pairs: Mapping[tuple[int, int], Comparison]) -> Grid:
    """Every run against every other: how many metrics of the row's run are better, worse, equivalent, inconclusive.

    Args:
        names: names of the runs.
        pairs: (i, j) → run j against run i, for i < j.
    """
    letters = [chr(ord("A") + place) if place < 26 else f"R{place + 1}" for place in range(len(names))]
    rows = []
    for place, name in enumerate(names):
        cells = [_standing(pairs, place, other) for other in range(len(names))]
        rows.append(GridRow((f"{letters[place]} {name}", *cells)))
    return Grid(
        title="every run against every other",
        header=("run", *(f"against {letter}" for letter in letters)),
        rows=tuple(rows),
        notes=("of the row's run: +better −worse =equivalent ?inconclusive, in metrics",),
    )


def gate_grid(report: GateReport) -> Grid:
    """The decision, a row per metric, gated ones first."""
    ranks = {"gate": 0, "warn": 1, "info": 2}
    names = in_order(row.metric for row in report.rows)
    rows = sorted(report.rows, key=lambda row: (ranks[row.rule.severity], names.index(row.metric)))
    lines = []
    for row in rows:
        comparison = row.comparison
        head = comparison and f"{row.metric}{_unit(comparison)} {ARROWS[comparison.better]}"
        numbers = _cells(comparison)[1:4] if comparison else (MISSING,) * 3
        tolerance, effect = (_cells(comparison)[7], _cells(comparison)[6]) if comparison else (MISSING, MISSING)
        cells = (head or row.metric, *numbers, tolerance, effect, row.rule.severity, row.outcome)
        bad = row.outcome != "passed" and row.rule.severity == "gate"
        lines.append(GridRow(cells, strong=frozenset({7}) if bad else frozenset(), faint=row.rule.severity == "info"))
    notes = [f"{row.metric} ({row.rule.severity}) {row.outcome}: {row.reason}" for row in rows if row.reason]
    notes += [
        f"{row.metric} {MARK} {row.comparison.unmeasured}"
        for row in rows
        if row.comparison and row.comparison.unmeasured and row.comparison.unmeasured not in row.reason
    ]
    return Grid(
        title=f"gate: {report.run.called} against {report.baseline.name} under {report.policy.name}",
        header=("metric", "baseline", "run", "change [95 %]", "tolerance", "MDE", "severity", "outcome"),
        rows=tuple(lines),
        notes=(
            f"run: {report.run.name}; baseline: {report.baseline.model}, {report.baseline.run}",
            *notes,
            *([] if report.exit_code else [report.headline]),
        ),
        records=(),
    )


def change_text(row: MetricComparison) -> str:
    """Difference with its interval, rounded to what the interval supports."""
    difference = row.difference
    if difference is None:
        return MISSING
    if difference.ci95 is None or difference.ci95[0] == difference.ci95[1]:
        return _signed(difference.value)
    if max(map(abs, (difference.value, *difference.ci95))) < ROUNDING:
        return "≈ 0"
    low, high = difference.ci95
    digits = _decimals((high - low) / 2)
    if digits > 6 or abs(difference.value) >= 1e6:
        return f"{difference.value:+.2g} [{low:+.2g}, {high:+.2g}]"
    return f"{difference.value:+.{digits}f} [{low:+.{digits}f}, {high:+.{digits}f}]"


def verdict_text(row: MetricComparison) -> str:
    """The verdict, and the trend of an inconclusive one."""
    return f"{row.verdict} ({row.trend})" if row.trend else row.verdict


def tolerance_text(tolerance: float | None) -> str:
    """The tolerance as text; 0 if it is only rounding."""
    return "0" if tolerance is not None and tolerance <= ROUNDING else plain_text(tolerance)


def _cells(row: MetricComparison) -> tuple[str, ...]:
    difference = row.difference
    numbers = (MISSING,) * 6
    if difference is not None:
        sign = f" {MARK}" if row.unmeasured else ""
        values = (plain_text(difference.first) + sign, plain_text(difference.second) + sign, change_text(row))
        numbers = (*values, p_text(difference.p), p_text(row.p_holm), plain_text(difference.detectable))
    tolerance = tolerance_text(row.tolerance)
    pairs = str(row.pairs.paired)
    if row.pairs.paired < row.pairs.planned:
        pairs += f"/{row.pairs.planned}"
    return (f"{row.metric}{_unit(row)} {ARROWS[row.better]}", *numbers, tolerance, pairs, verdict_text(row))


def _narrow_cells(row: MetricComparison) -> tuple[str, ...]:
    return (f"{row.metric} {ARROWS[row.better]}", change_text(row), verdict_text(row))


def p_text(p: float | None) -> str:
    """Two digits; `<0.001` for smaller values."""
    if p is None:
        return MISSING
    return "<0.001" if p < 0.001 else f"{p:.2g}" if p < 0.1 else f"{p:.2f}"


def _notes(comparison: Comparison, rows: Sequence[MetricComparison]) -> list[str]:
    notes = [
        f"A: {comparison.first.name}; B: {comparison.second.name}",
        f"{METHOD}; p by {comparison.draws} sign flips; seed {comparison.seed}",
    ]
    groups = {row.difference.groups for row in rows if row.difference is not None}
    if groups and min(groups) < MIN_BOOTSTRAP:
        noun = "recording" if min(groups) == 1 else "recordings"
        few = f"only {min(groups)} {noun}: Student's t on a jackknife in place of the bootstrap"
        notes.append(f"{few}, and no p below {2.0 ** (1 - min(groups)):.2g}")
    for row in rows:
        pairs = row.pairs
        if pairs.paired < pairs.planned:
            alone = f"A only {pairs.only_first}, B only {pairs.only_second}, neither {pairs.neither}"
            text = f"{row.metric}: {pairs.paired} of {pairs.planned} rows paired (a number in {alone})"
            notes.append(text + _reasons_text(pairs.reasons))
        if row.unmeasured:
            notes.append(f"{row.metric} {MARK} {row.unmeasured}: there it costs what a camera that never moves would")
        sides = (comparison.first, comparison.second)
        few = next((text for side in sides if (text := few_text(side.results[row.metric]))), "")
        if few:
            notes.append(f"{row.metric} {FEW} {few}")
        if row.verdict == "not compared":
            notes.append(f"{row.metric} not compared: {row.reason}")
    for only, name in ((comparison.only_first, "A"), (comparison.only_second, "B")):
        if only:
            notes.append(f"only in {name}: {', '.join(only)}")
    return notes


def _reasons_text(reasons: Mapping[str, int]) -> str:
    named = {reason.replace("first:", "A:").replace("second:", "B:"): count for reason, count in reasons.items()}
    shown = [f"{reason} ({count})" for reason, count in named.items()]
    return f": {'; '.join(shown[:2])}{'; …' if len(shown) > 2 else ''}" if shown else ""


def _standing(pairs: Mapping[tuple[int, int], Comparison], place: int, other: int) -> str:
    if place == other:
        return MISSING
    comparison = pairs[min(place, other), max(place, other)]
    counts = Counter(row.verdict for row in comparison.rows)
    better, worse = counts["improved"], counts["regressed"]
    if place < other:  # the row's run is the first one: an improvement over it means that it is worse
        better, worse = worse, better
    return f"+{better} −{worse} ={counts['equivalent']} ?{counts['inconclusive']}"


def _flat(row: MetricComparison) -> dict[str, object]:
    record = row_record(row)
    low, high = record.pop("ci95") or (None, None)
    pairs = record.pop("pairs")
    reasons = "; ".join(f"{reason} ({count})" for reason, count in pairs.pop("reasons").items())
    return {**record, "ci95_low": low, "ci95_high": high, **pairs, "lost": reasons}


def _strong(row: MetricComparison, column: int) -> frozenset[int]:
    return frozenset({column}) if row.verdict in ("improved", "regressed") else frozenset()


def _unit(row: MetricComparison) -> str:
    return f" ({row.unit})" if row.unit else ""


def _signed(value: float) -> str:
    text = plain_text(value)
    return text if value <= 0 or text.startswith("≈") else f"+{text}"


def _decimals(half: float) -> int:
    return max(0, 1 - math.floor(math.log10(float(f"{half:.1e}"))))
