"""`egobench report RUN`: a finished run as pages that open from disk."""

from dataclasses import dataclass
from pathlib import Path

from tyro.conf import Positional

from egobench.cli.options import parse, print_json
from egobench.cli.progress import progress
from egobench.cli.quiet import note
from egobench.cli.stdout import print


@dataclass(frozen=True)
class ReportOptions:
    """Writes one folder of HTML: results with intervals, floor and chance, failures, every clip's scores, and the worst
    clips with their videos and bodies beside the reference. It opens from disk and fetches nothing."""

    run: Positional[Path]
    """Run folder."""
    out: Path | None = None
    """Folder for the pages; `report` in the run's folder by default. An older report there is replaced."""
    clips: int = 20
    """How many of the worst clips get a page with videos."""
    json: bool = False
    """Machine-readable output."""


def main(arguments: list[str]) -> int:
    """Writes the pages and prints the first one's path."""
    options = parse(ReportOptions, "report", arguments)
    from egobench.pictures.report import make_report

    found = make_report(options.run, options.out, clips=options.clips, progress=progress())
    if options.json:
        print_json({"index": found.index, "clips": found.clips, "notes": found.notes})
        return 0
    for line in found.notes:
        note(f"not shown: {line}")
    print(found.index)
    return 0
