"""`egobench train`: the request to a trainable model. The training itself is in the model's package."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from egobench.catalog import TRAINERS
from egobench.progress import Progress


@dataclass(frozen=True)
class TrainRequest:
    """A request to train. Each field has the name of its command-line option."""

    model: str
    """Name in `egobench.catalog.TRAINERS`, or `package.module:Class`."""
    preset: str
    variant: str
    stage: str
    """Name of the stage to train, or `all`."""
    split: str
    """Split to train on: a name or a folder."""
    val: str
    """Split for validation during training; it is never trained on."""
    work: Path
    """Folder of checkpoints, logs and finished artefacts. With the same folder, training continues where it stopped."""
    out: Path | None
    """Folder to which finished weights and cards are copied; None leaves them in `work`."""
    adopt: Path | None
    """Folder of finished weights and cards to reuse or to start from."""
    pretrained: Path | None
    """Folder of third-party weights from which a preset starts."""
    steps: int | None
    """Optimiser steps of the stage; None for the recipe's number."""
    minutes: float | None
    """Training stops after this time and writes a checkpoint; the same command continues."""
    device: str
    threads: int | None
    seed: int = 0
    """Seed of the parts that belong to this row alone. Parts that several rows share stay the same."""
    precision: str = "auto"
    """Precision of matrix products: float32, bfloat16, or auto."""


class Trainer(Protocol):
    """A class without settings. `egobench.catalog.TRAINERS` lists it."""

    def train(self, request: TrainRequest, progress: Progress) -> list[Path]:
        """Trains and returns the files made. If interrupted, the same request continues. Raises BadInputError."""
        ...


def train(request: TrainRequest, progress: Progress) -> list[Path]:
    """Passes the request to the model's trainer.

    Raises:
        UnknownNameError: no such trainer, preset, variant, stage or split.
        BadInputError: raised by the trainer.
    """
    trainer: Trainer = TRAINERS.load(request.model)()
    return trainer.train(request, progress)
