"""`egobench train`: the request to a trainable model; the training itself belongs to the model's package."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from egobench.catalog import TRAINERS
from egobench.progress import Progress


@dataclass(frozen=True)
class TrainRequest:
    """A request to train; every field has the command line's name."""

    model: str
    """Name in `egobench.catalog.TRAINERS`, or `package.module:Class`."""
    preset: str
    variant: str
    stage: str
    """What to train: a stage's name, or `all`."""
    split: str
    """Trained on: name or folder."""
    val: str
    """Looked at while training, never trained on."""
    work: Path
    """Folder of checkpoints, logs and finished artefacts; the same one goes on where it stopped."""
    out: Path | None
    """Folder that finished weights and cards are copied to; None leaves them in `work`."""
    adopt: Path | None
    """Folder of finished weights and cards to take over or to start from."""
    pretrained: Path | None
    """Folder of other people's weights that a preset starts from."""
    steps: int | None
    """Optimiser steps of the stage; None is what the recipe says."""
    minutes: float | None
    """Stops, with a checkpoint, after so long; the same command goes on."""
    device: str
    threads: int | None
    seed: int = 0
    """Of what belongs to the row alone; what rows share stays the same."""
    precision: str = "auto"
    """Of matrix products: float32, bfloat16, or auto."""


class Trainer(Protocol):
    """A class without settings; `egobench.catalog.TRAINERS` names it."""

    def train(self, request: TrainRequest, progress: Progress) -> list[Path]:
        """Trains and returns the files made; interrupted, the same request goes on. Raises BadInputError."""
        ...


def train(request: TrainRequest, progress: Progress) -> list[Path]:
    """Hands the request to the model's trainer.

    Raises:
        UnknownNameError: no such trainer, preset, variant, stage or split.
        BadInputError: as the trainer says.
    """
    trainer: Trainer = TRAINERS.load(request.model)()
    return trainer.train(request, progress)
