"""`egobench train` trains the weights of a model, and `egobench fit` those of an evaluator."""

import os
from dataclasses import dataclass
from pathlib import Path

from tyro.conf import Positional

from egobench.cli.options import parse, print_json
from egobench.cli.progress import progress
from egobench.cli.quiet import note
from egobench.cli.stdout import print
from egobench.errors import BadInputError


@dataclass(frozen=True)
class TrainOptions:
    """Trains a model's stages and writes weights, cards and logs; interrupted, the same command goes on."""

    model: Positional[str]
    """Name: egotwin; or package.module:Class of your own."""
    preset: str = "small"
    """Size: small, whose weights ship, and mini, which is half of the work, train on a laptop; cogvideox-2b,
    cogvideox-5b and cogvideox-5b-i2v under torchrun on many GPUs."""
    variant: str = "egotwin"
    """Row: egotwin, vidmld, wo-mr, wo-im, wo-ad, mm-dit, mld (motion only) or cameractrl (video only, path given)."""
    stage: str = "all"
    """1: the VAEs; 0: text + video, shared by all rows; 2: text to motion; 3: all together; or all of them in order."""
    split: str = "egomini-train"
    """Split that is trained on: a name or a folder."""
    val: str = "egomini-val"
    """Split that is looked at while training."""
    work: Path = Path("work/train")
    """Folder of checkpoints and logs; a subfolder per preset."""
    out: Path | None = None
    """Folder that finished weights and cards are copied to."""
    adopt: Path | None = None
    """Folder of finished weights, e.g. what an earlier --out holds: what was made by the same recipe from the same
    parents is taken over; where the recipe only has more steps now, training starts from those weights."""
    pretrained: Path | None = None
    """Folder of a CogVideoX download in diffusers' format; the cogvideox presets start from it."""
    steps: int | None = None
    """Optimiser steps of the one stage named by --stage, instead of the recipe's."""
    minutes: float | None = None
    """Stop after so many minutes, with a checkpoint."""
    seed: int = 0
    """Of the row's own stages, 2 and 3: two seeds show how much of a difference is the training's. VAEs and stage 0,
    which all rows share, stay as they are; files are named ROW-seedN."""
    device: str = "auto"
    """auto, cpu, cuda, cuda:0, …"""
    precision: str = "auto"
    """Of matrix products: float32, bfloat16, or auto: bfloat16 where the device has it."""
    threads: int | None = None
    """Threads of one process; by default all cores."""
    json: bool = False
    """Machine-readable output."""


def train(arguments: list[str]) -> int:
    """Trains and prints the paths of the results. The exit code is 0 even if --minutes ended the training early."""
    options = parse(TrainOptions, "train", arguments)
    for name in ("steps", "minutes", "threads"):
        value = getattr(options, name)
        if value is not None and value <= 0:
            raise BadInputError(f"--{name} is {value}; more than 0 is needed", code="option-range")
    from egobench.fit.model_training import TrainRequest, train
    from egobench.plan.devices import resolve_device

    settings = {**vars(options), "device": resolve_device(options.device)}
    as_json = settings.pop("json")
    made = train(TrainRequest(**settings), progress())
    if os.environ.get("RANK", "0") != "0":  # under torchrun only the first process prints
        return 0
    if as_json:
        print_json({"made": [str(path) for path in made]})
    else:
        print("\n".join(str(path) for path in made) or "stopped; the same command goes on")
    return 0


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


def fit(arguments: list[str]) -> int:
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
