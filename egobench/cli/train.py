"""`egobench train MODEL`: trains a model that brings a recipe, stage by stage."""

import os
from dataclasses import dataclass
from pathlib import Path

from tyro.conf import Positional

from egobench.cli.options import parse, print_json
from egobench.cli.progress import progress
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


def main(arguments: list[str]) -> int:
    """Trains and prints what was made; exits 0 also where --minutes ended it early."""
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
    if os.environ.get("RANK", "0") != "0":  # under torchrun the first process speaks for all
        return 0
    if as_json:
        print_json({"made": [str(path) for path in made]})
    else:
        print("\n".join(str(path) for path in made) or "stopped; the same command goes on")
    return 0
