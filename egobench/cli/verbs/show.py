"""`egobench table`, `report`, `plot` and `cite`: show finished runs."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from tyro.conf import Positional

from egobench.cli.options import parse, print_grids, print_json
from egobench.cli.progress import progress
from egobench.cli.quiet import note
from egobench.cli.several import chosen_runs
from egobench.cli.stdout import print
from egobench.errors import BadInputError


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


def report(arguments: list[str]) -> int:
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


@dataclass(frozen=True)
class TableOptions:
    """Prints finished runs side by side; runs whose protocols differ are refused with exit code 3.

    Runs of one model are told apart by their names (`egobench run --name`), else by the settings that differ.
    """

    runs: Positional[tuple[Path, ...]]
    """Run folders, in the order of the rows; what is no run, such as a picture that `runs/*` catches, is named and
    skipped."""
    metrics: str = ""
    """Columns, by comma, in this order; all if left out."""
    format: Literal["terminal", "md", "tex", "csv", "json"] = "terminal"
    """Markdown, LaTeX (booktabs), CSV or JSON for papers and scripts."""
    json: bool = False
    """The same as --format json."""


def table(arguments: list[str]) -> int:
    """Prints the table."""
    options = parse(TableOptions, "table", arguments)
    from egobench.boards.side_by_side import runs_grid
    from egobench.tables.render import RENDERERS

    if not options.runs:
        raise BadInputError("no run folders given; `egobench table runs/A runs/B`", code="option-form")
    grid = runs_grid(chosen_runs(options.runs), [name.strip() for name in options.metrics.split(",") if name.strip()])
    form = "json" if options.json else options.format
    if form == "terminal":
        print_grids([grid])
    else:
        print(RENDERERS[form]([grid]), end="")
    return 0


@dataclass(frozen=True)
class PlotOptions:
    """Draws one sample of a run: paths from above, errors over time, hands, frames, and the metrics of the clip."""

    run: Positional[Path]
    """Run folder."""
    clip: Positional[str]
    """Clip id."""
    seed: int = 0
    """Which sample of the clip."""
    out: Path | None = None
    """PNG to write; by default CLIP-SEED.png here."""
    json: bool = False
    """Machine-readable output."""


def plot(arguments: list[str]) -> int:
    """Draws and prints the picture's path."""
    options = parse(PlotOptions, "plot", arguments)
    from egobench.audit.consistency import read_consistency
    from egobench.pictures.consistency_plot import consistency_picture

    found = read_consistency(options.run, options.clip, options.seed)
    path = consistency_picture(found, options.out or Path(f"{options.clip}-{options.seed}.png"))
    if options.json:
        print_json({"path": path, "clip": options.clip, "seed": options.seed, "values": found.values})
    else:
        print(path)
    return 0


@dataclass(frozen=True)
class CiteOptions:
    """BibTeX of exactly what a finished run used: the suite with version, run and protocols, the papers behind its
    metrics, extractors and estimators, and its weight files with their SHA-256."""

    run: Positional[Path]
    """Run folder."""
    json: bool = False
    """Machine-readable output."""


def cite(arguments: list[str]) -> int:
    """Prints the entries."""
    options = parse(CiteOptions, "cite", arguments)
    from egobench.tables.citations import cite_run

    entries, unknown = cite_run(options.run)
    if options.json:
        print_json({"entries": [asdict(entry) for entry in entries], "without_entry": unknown})
        return 0
    print("\n\n".join(entry.bibtex for entry in entries))
    for line in unknown:
        note(f"not cited: {line}")
    return 0
