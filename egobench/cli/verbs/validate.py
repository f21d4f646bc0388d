"""`egobench validate-metrics`, `calibrate` and `conformance`: test the metrics, the estimators and other libraries."""

import os
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from tyro.conf import Positional

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


def validate_metrics(arguments: list[str]) -> int:
    """Validates and prints tables. The exit code is 1 if a metric or a control does not behave as declared."""
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


@dataclass(frozen=True)
class CalibrateOptions:
    """Runs an estimator on recorded videos and writes its card; interrupted, the same command goes on."""

    estimator: Positional[str]
    """Name, e.g. rotation-chain, or module:Name."""
    split: str
    """Split whose recorded videos are looked at: a name or a folder."""
    seeds: int = 3
    """Seeds that are compared, where the estimator has one."""
    workers: int = os.cpu_count() or 1
    """Processes, of one thread each; never changes an error."""
    limit: int | None = None
    """Only so many clips, evenly spread over the split; the card says so."""
    out: Path | None = None
    """Folder of the card; by default where runs look for it ($EGOBENCH_CARDS)."""
    device: str = "auto"
    """Where networks run: auto, cpu, cuda, cuda:1."""
    no_trust: bool = False
    """Read every clip of the split and compare it with its digest, also where its files look untouched since then."""
    json: bool = False
    """Machine-readable output: the card itself."""


def calibrate(arguments: list[str]) -> int:
    """Calibrates and prints the card's figures and path."""
    options = parse(CalibrateOptions, "calibrate", arguments)
    from egobench.estimators.cards import read_card
    from egobench.tables.card_text import card_text
    from egobench.validate.calibrate import CalibrateRequest, calibrate

    request = CalibrateRequest(
        estimator=options.estimator,
        split=options.split,
        seeds=options.seeds,
        workers=options.workers,
        limit=options.limit,
        out=options.out,
        device=options.device,
    )
    path = calibrate(request, progress(), trust=not options.no_trust)
    if options.json:
        print_json(read_card(path))
    else:
        print("\n".join([*card_text(read_card(path)), str(path)]))
    return 0


@dataclass(frozen=True)
class ExportOptions:
    """Writes inputs (features, tiny videos) and what to do with them."""

    folder: Positional[Path]
    """Folder to write to."""
    with_answers: bool = False
    """Also write outputs.npz as this installation computes it: an example that passes."""
    json: bool = False
    """Machine-readable output."""


@dataclass(frozen=True)
class CheckOptions:
    """Compares a library's outputs.npz with the answers; exits 2 if any item fails."""

    folder: Positional[Path]
    """Folder that holds outputs.npz."""
    json: bool = False
    """Machine-readable output."""


def export(arguments: list[str]) -> int:
    """Writes the inputs."""
    options = parse(ExportOptions, "conformance export", arguments)
    from egobench.validate.conformance import export_vectors

    written = export_vectors(options.folder, with_answers=options.with_answers)
    if options.json:
        print_json({"written": written})
    else:
        print(*written, sep="\n")
    return 0


def check(arguments: list[str]) -> int:
    """Compares another library's outputs with the answers."""
    options = parse(CheckOptions, "conformance check", arguments)
    from egobench.validate.conformance import check_outputs

    verdicts = check_outputs(options.folder)
    counts = {status: sum(v.status == status for v in verdicts) for status in ("pass", "fail", "absent")}
    if options.json:
        print_json({"items": [asdict(verdict) for verdict in verdicts], "counts": counts})
    else:
        width = max(len(verdict.item) for verdict in verdicts)
        for verdict in verdicts:
            apart = "" if verdict.difference is None else f"largest difference {verdict.difference:.3g}"
            allowed = f"(allowed {verdict.tolerance:.3g})" if apart else ""
            print(f"{verdict.status:<6}  {verdict.item:<{width}}  {apart or verdict.reason} {allowed}".rstrip())
        print(", ".join(f"{count} {status}" for status, count in counts.items()))
    return 2 if counts["fail"] else 0


ACTIONS = {
    "conformance": {
        "export": (export, "write inputs for another library"),
        "check": (check, "compare its outputs with the answers"),
    }
}
"""Verb → action → (function, one line of help)."""
