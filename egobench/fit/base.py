"""Parts that all fits share: the request, the run of the fit (progress, loss curve, time), and the card of the weights.

The card states what the weights were made from (split digest, recipe, seed), how long the fit took, and how well the
weights do their task.
"""

import os
import platform
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from egobench.data.open import open_split
from egobench.errors import BadInputError
from egobench.files.atomic import make_folder, read_json, write_json
from egobench.files.digest import digest_file
from egobench.files.network_weights import save_state
from egobench.fit.training import Recipe, Report, has_bfloat16
from egobench.progress import Progress
from egobench.stats.bootstrap import cluster_mean_interval
from egobench.types import Split


@dataclass(frozen=True)
class FitRequest:
    """What to fit, on which splits, and where to write the result."""

    evaluator: str
    """`egomini-clip`, `egomini-video`, `motion-text`, `egomini-odometry` or `egomini-hands`."""
    split: str = "egomini-train"
    """Split on which the weights are fitted: a name or a folder."""
    val: str = "egomini-val"
    """Split on which the card's checks are made."""
    out: Path = Path("fitted")
    """Folder for the weights, the card and, until the fit ends, the checkpoint."""
    steps: int | None = None
    """Optimiser steps; None for the recipe's number."""
    seed: int = 0
    """Seed of the initial weights and of the order of clips."""

    @property
    def weights(self) -> Path:
        """Path of the weights."""
        return self.out / f"{self.evaluator}.safetensors"

    @property
    def card(self) -> Path:
        """Path of the card."""
        return self.out / f"{self.evaluator}.card.json"

    @property
    def checkpoint(self) -> Path:
        """Path of the checkpoint, from which an interrupted fit continues."""
        return self.out / f"{self.evaluator}.checkpoint"

    def recipe(self, kind: type[Recipe]) -> Any:
        """The evaluator's recipe with the seed of this request and, if given, its steps."""
        return kind(seed=self.seed) if self.steps is None else kind(seed=self.seed, steps=self.steps)


@dataclass(frozen=True)
class Fitting:
    """A fit whose data have been read."""

    run: Callable[[Path, Report], Mapping[str, Any]]
    """Takes the checkpoint's path and a report function; returns the network's state."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Settings besides the recipe that change the weights; the card stores them with the recipe."""
    metadata: Mapping[str, str] | None = None
    """Metadata of the weight file."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """Further entries of the card."""


class Fitter(ABC):
    """How one evaluator is fitted and checked. `egobench.catalog.FITTERS` lists the classes."""

    evaluator: ClassVar[str]
    """Name of the extractor or estimator."""
    recipe: ClassVar[type[Recipe]]

    def prepare(self, request: FitRequest, recipe: Any, train: Split, val: Split, progress: Progress) -> Fitting:
        """Reads the data on which the network is fitted.

        Args:
            recipe: an instance of the class `recipe`, with the request's seed and steps.
            train: the split to fit on.
            val: the split on which the card's checks are made.

        Raises:
            BadInputError: a split lacks data that the fit needs.
        """
        raise NotImplementedError(f"{type(self).__name__} has neither `prepare` nor a `fit` of its own")

    def fit(self, request: FitRequest, progress: Progress) -> Path:
        """Fits on `request.split`, checks on `request.val`, writes weights and card, and returns the card's path.

        Raises:
            BadInputError: a split is not on this machine; also the errors of `prepare`.
        """
        train, val = open_split(request.split), open_split(request.val)
        recipe = request.recipe(self.recipe)
        fitting = self.prepare(request, recipe, train, val, progress)
        card = fit_and_save(request, train, recipe, fitting, progress)
        return write_card(request, card, self.check(request.weights, val, progress))

    @abstractmethod
    def check(self, weights: Path, split: Split, progress: Progress) -> dict[str, Any]:
        """Results of the weights on a split's reference for the card, JSON-ready."""


def fit_and_save(
    request: FitRequest, train: Split, recipe: Recipe, fitting: Fitting, progress: Progress
) -> dict[str, Any]:
    """Runs a fit, from its checkpoint if there is one. Writes the weights and returns the card without its checks."""
    make_folder(request.out)
    curve: list[list[float]] = []
    progress.stage(f"fitting {request.evaluator}", recipe.steps)
    began, done = time.monotonic(), 0

    def report(step: int, loss: float) -> None:
        nonlocal done
        progress.advance(step - done)
        done = step
        curve.append([step, round(loss, 4)])

    state = fitting.run(request.checkpoint, report)
    seconds = time.monotonic() - began
    progress.done()
    save_state(request.weights, state, fitting.metadata)
    rows = train.infos()
    return {
        "evaluator": request.evaluator,
        "sha256": digest_file(request.weights),
        "bytes": request.weights.stat().st_size,
        "licence": "Apache-2.0",
        "made_from": {"split": train.name, "digest": train.digest, "clips": len(rows)},
        "recipe": {**asdict(recipe), **fitting.settings},
        "loss_curve": curve,
        "seconds_of_last_sitting": round(seconds),
        "machine": {
            "processor": platform.machine(),
            "cores": os.cpu_count(),
            "precision": "bfloat16" if has_bfloat16() else "float32",
        },
        **fitting.facts,
    }


def write_card(request: FitRequest, card: Mapping[str, Any], checks: Mapping[str, Any]) -> Path:
    """Writes the card, deletes the checkpoint, and returns the card's path."""
    write_json(request.card, {**card, "checks": checks})
    request.checkpoint.unlink(missing_ok=True)
    return request.card


def add_checks(request: FitRequest, split: Split, checks: Mapping[str, Any]) -> Path:
    """Adds the checks of one more split to the card of existing weights.

    Raises:
        BadInputError: `card-missing`; `weights-other`: the card describes other weights.
    """
    if not request.card.is_file():
        raise BadInputError(f"no {request.card}; `egobench fit {request.evaluator}` makes it", code="card-missing")
    card = read_json(request.card)
    if card["sha256"] != digest_file(request.weights):
        raise BadInputError(f"{request.card} describes other weights than {request.weights}", code="weights-other")
    further = {**card.get("further_checks", {}), split.name: checks}
    write_json(request.card, {**card, "further_checks": further})
    return request.card


def summary(values: Sequence[float] | np.ndarray, sequences: Sequence[str]) -> dict[str, Any]:
    """Mean and its 95 % interval, with clips grouped by sequence, rounded for a card."""
    groups = np.unique(sequences, return_inverse=True)[1]
    interval = cluster_mean_interval(np.asarray(values, dtype=np.float64), groups, draws=2000, seed=0)
    return {"value": round(float(np.mean(values)), 4), "ci95": [round(end, 4) for end in interval or ()]}
