"""`egobench fit EVALUATOR`: trains an evaluator again, on any training split."""

from dataclasses import dataclass
from pathlib import Path

from tyro.conf import Positional

from egobench.cli.options import parse, print_json
from egobench.cli.progress import progress
from egobench.errors import BadInputError


@dataclass(frozen=True)
class FitOptions:
    """Fits an evaluator and writes weights and a card; interrupted, the same command goes on."""

    evaluator: Positional[str]
    """Name, e.g. egomini-clip."""
    train: str = "egomini-train"
    """Split the weights are fitted on."""
    val: str = "egomini-val"
    """Split the card's checks are made on."""
    out: Path = Path("fitted")
    """Folder for weights and card."""
    steps: int = 1600
    """Optimiser steps."""
    seed: int = 0
    """Seed of initial weights and of the order of clips."""
    json: bool = False
    """Machine-readable output."""


def main(arguments: list[str]) -> int:
    """Fits and prints the card's path."""
    options = parse(FitOptions, "fit", arguments)
    if options.steps < 1:
        raise BadInputError(f"--steps is {options.steps}; at least 1 is needed", code="option-range")
    from egobench.pipeline.fit import FitRequest, fit

    request = FitRequest(
        evaluator=options.evaluator,
        train=options.train,
        val=options.val,
        out=options.out,
        steps=options.steps,
        seed=options.seed,
    )
    card = fit(request, progress())
    if options.json:
        print_json({"card": card})
    else:
        print(card)
    return 0
