"""`egobench calibrate ESTIMATOR --split NAME`: what an estimator gets wrong where the truth is known, as a card."""

import os
from dataclasses import dataclass
from pathlib import Path

from tyro.conf import Positional

from egobench.cli.options import parse, print_json
from egobench.cli.progress import progress
from egobench.cli.stdout import print


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


def main(arguments: list[str]) -> int:
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
