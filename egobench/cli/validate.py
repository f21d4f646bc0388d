"""`egobench validate-metrics`: faults of known strength on recorded truth; does each metric notice what it must?"""

import sys
from dataclasses import dataclass
from pathlib import Path

from egobench.cli.options import parse, print_grids, print_json
from egobench.cli.progress import progress
from egobench.cli.stdout import print

FAILED = 1


@dataclass(frozen=True)
class ValidateOptions:
    """Spoils the reference step by step, runs all metrics on it and on the controls, and checks what they notice.

    Writes report.json and page.html. A repeated call reads the runs that are done.
    """

    split: str = "egomini-test"
    """Name of `egobench list splits`, or a folder in the split format."""
    limit: int | None = 64
    """Only the first clips of the split; None for all."""
    metrics: str = "core"
    """core, all, or names with commas between; NAME:PRESET takes another extractor or estimator."""
    workers: int = 2
    """Processes."""
    device: str = "auto"
    """auto, cpu, cuda, cuda:0, …"""
    draws: int = 500
    """Bootstrap draws of the intervals."""
    out: Path = Path("validation")
    """Folder of report, page and runs."""
    ladders: Path | None = None
    """TOML file with faults and expectations of your own; the shipped one if left out."""
    faults: str = ""
    """Only the ladders of these faults, with commas between; all if left out."""
    json: bool = False
    """Machine-readable output: the report."""


def main(arguments: list[str]) -> int:
    """Validates, prints tables, and exits 1 if a metric or control does not do what was declared."""
    options = parse(ValidateOptions, "validate-metrics", arguments)
    from egobench.tables.validation import validation_grids, write_page
    from egobench.validate.ladders import SHIPPED, load_ladders
    from egobench.validate.validate import ValidateRequest, validate

    ladders = load_ladders(options.ladders or SHIPPED)
    if options.faults:
        ladders = ladders.only([fault.strip() for fault in options.faults.split(",")])
    request = ValidateRequest(
        split=options.split,
        limit=options.limit,
        metrics=options.metrics,
        workers=options.workers,
        device=options.device,
        draws=options.draws,
        out=options.out,
        ladders=ladders,
    )
    document = validate(request, progress())
    page = write_page(document, options.out / "page.html")
    if options.json:
        print_json(document)
    else:
        print_grids(validation_grids(document))
        print(page)
    for line in document["problems"]:
        print(f"egobench: {line}", file=sys.stderr)
    return FAILED if document["problems"] else 0
