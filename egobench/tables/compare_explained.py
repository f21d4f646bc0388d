"""What was compared with what, and why runs may not be compared, as grids: `egobench compare --explain`."""

from collections.abc import Sequence

from egobench.compare.comparable import joint_metrics, protocol_differences
from egobench.compare.comparison import Comparison
from egobench.compare.side import Side
from egobench.tables.grid import Grid, GridRow


def explain_grid(comparison: Comparison) -> Grid:
    """Protocols and methods behind the rows."""
    rows = []
    for row in comparison.rows:
        difference = row.difference
        how = f"{difference.method} over {difference.groups} recordings or blocks of them" if difference else row.reason
        rows.append(GridRow((row.metric, row.protocol[:16], str(row.pairs.paired), how, row.reason)))
    return Grid(
        title=f"what was compared: {comparison.first.run} with {comparison.second.run}",
        header=("metric", "protocol (equal in both)", "pairs", "interval", "why not decided"),
        rows=tuple(rows),
        left=5,
        notes=(
            "rows are paired by clip, digest of the clip, and seed; the same recordings are drawn in both runs",
            f"first: {comparison.first.provenance}",
            f"second: {comparison.second.provenance}",
        ),
    )


def refusal_grids(sides: Sequence[Side], metrics: Sequence[str]) -> list[Grid]:
    """Both values of every protocol field in which the first side and another one differ, a grid for each other side.

    Args:
        metrics: those that were to be compared; empty for all in common.
    """
    return [_refusal_grid(sides[0], other, metrics) for other in sides[1:]]


def _refusal_grid(first: Side, other: Side, metrics: Sequence[str]) -> Grid:
    names = [name for name in joint_metrics(first, other) if not metrics or name in metrics]
    lines: dict[tuple[str, str, str], list[str]] = {}  # one field often differs for every metric
    for name in names:
        for each in protocol_differences(first, other, name):
            lines.setdefault((each.field, str(each.first), str(each.second)), []).append(name)
    rows = [
        GridRow((field, ours, theirs, "every metric" if len(some) == len(names) else ", ".join(some)))
        for (field, ours, theirs), some in lines.items()
    ]
    header = ("field", f"A = {first.run}", f"B = {other.run}", "metrics")
    return Grid(title="fields that differ", header=header, rows=tuple(rows), left=4)
