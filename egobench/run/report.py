"""What a finished run came to: its results, and how many of its items failed or were not measured."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from egobench.errors import IncompleteRunError
from egobench.files.atomic import read_json
from egobench.plan.request import RunRequest
from egobench.scoring.aggregate import result_of
from egobench.scoring.measured import failed_sets
from egobench.store.folder import RunFolder, open_run
from egobench.store.manifest import read_finished
from egobench.store.tables import items_table, iter_scores
from egobench.types import Result


@dataclass(frozen=True)
class RunReport:
    """A finished run."""

    path: Path
    results: dict[str, Result]
    """Metric → result."""
    planned: int
    """Clip × seed items."""
    failed: int
    """Items without a sample, or with a metric that failed on it."""
    unmeasured: int = 0
    """Further items on which a metric saw nothing: a path metric gave them the cost of a camera that never moves, a set
    metric left them out or failed as a whole."""
    failed_metrics: Mapping[str, str] = field(default_factory=dict)
    """Set metrics that failed as a whole, and why."""


def load_run(path: Path | str) -> RunReport:
    """Reads a finished run. Raises BadInputError if it is none, damaged, or of a newer schema."""
    folder = open_run(path)
    return report_of(folder, read_finished(folder, path))


def finish(report: RunReport, request: RunRequest) -> RunReport:
    """The report itself. Raises IncompleteRunError where more items failed or were not measured than the request
    allows."""
    reason = why_incomplete(report, request.allow_failed)
    if reason:
        text = f"{reason}; the run is complete and readable: {RunFolder(report.path).shown}"
        raise IncompleteRunError(text, path=str(report.path))
    return report


def why_incomplete(report: RunReport, allowed: int) -> str:
    """How many items failed or were not measured, if they are more than allowed; empty if not."""
    if report.failed + report.unmeasured <= allowed:
        return ""
    counts = [f"{report.failed} of {report.planned} items failed"] if report.failed else []
    if report.unmeasured:
        lost = [f"{name} failed as a whole: {reason}" for name, reason in report.failed_metrics.items()]
        why = "; ".join(lost) or "nothing was seen in them"
        counts.append(f"{report.unmeasured} of {report.planned} were not measured ({why})")
    return f"{' and '.join(counts)}, {allowed} are allowed"


def report_of(folder: RunFolder, manifest: dict[str, Any]) -> RunReport:
    """What a finished run came to."""
    document = read_json(folder.metrics)
    results = {name: result_of(record) for name, record in document["metrics"].items()}
    counts = manifest["items"]
    clips = items_table(folder.items).column("clip").unique().to_pylist()
    lost = failed_sets(clips, iter_scores(folder.scores, sets_only=True))
    return RunReport(folder.path, results, counts["planned"], counts["failed"], counts.get("unmeasured", 0), lost)
