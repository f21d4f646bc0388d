"""`egobench fit EVALUATOR`: trains an evaluator again, on any training split, or checks it on one more."""

from dataclasses import dataclass
from pathlib import Path

from tyro.conf import Positional

from egobench.cli.options import parse, print_json
from egobench.cli.progress import progress
from egobench.cli.quiet import note
from egobench.cli.stdout import print
from egobench.errors import BadInputError


@dataclass(frozen=True)
class FitOptions:
    """Fits an evaluator and writes weights and a card; interrupted, the same command goes on.

    The last line says what `--metrics` takes to score by them, e.g. m-fid:motion-text@fitted/motion-text.safetensors.
    """

    evaluator: Positional[str]
    """Name: egomini-clip, egomini-video, motion-text, egomini-odometry or egomini-hands."""
    split: str = "egomini-train"
    """Split the weights are fitted on: a name or a folder; motion-text takes any skeleton and rate."""
    val: str = "egomini-val"
    """Split the card's checks are made on."""
    out: Path = Path("fitted")
    """Folder for weights and card."""
    steps: int | None = None
    """Optimiser steps; what the evaluator's recipe says if left out."""
    seed: int = 0
    """Seed of initial weights and of the order of clips."""
    check: str | None = None
    """Fits nothing: checks the weights in --out on this split and adds what is found to their card."""
    json: bool = False
    """Machine-readable output."""


def main(arguments: list[str]) -> int:
    """Fits and prints the card's path."""
    options = parse(FitOptions, "fit", arguments)
    if options.steps is not None and options.steps < 1:
        raise BadInputError(f"--steps is {options.steps}; at least 1 is needed", code="option-range")
    from egobench.fit.fit import FitRequest, check_again, fit, words_to_use

    request = FitRequest(
        evaluator=options.evaluator,
        split=options.split,
        val=options.val,
        out=options.out,
        steps=options.steps,
        seed=options.seed,
    )
    card = check_again(request, options.check, progress()) if options.check else fit(request, progress())
    words = words_to_use(request)
    if options.json:
        print_json({"card": card, "weights": request.weights, "metrics": words})
        return 0
    print(card)
    if words:
        note(f"to score by it: egobench run --model … --split … --metrics {words}")
    return 0
