"""Fits and checks `egomini-odometry`: videos of a split against the path of the recorded head's camera."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from egobench.data.open import open_split
from egobench.estimators.egomini_odometry import EgominiOdometry
from egobench.estimators.fit_egomini_odometry import FilmedPaths, OdometryRecipe, fit_egomini_odometry
from egobench.estimators.view import RESOLUTION
from egobench.pipeline.filmed import read_filmed
from egobench.pipeline.fit_base import FitRequest, fit_and_save, write_card
from egobench.pipeline.odometry_health import check_egomini_odometry
from egobench.pipeline.progress import Progress
from egobench.types import Split


@dataclass(frozen=True)
class OdometryFit:
    """The network of `egomini-odometry`."""

    evaluator: ClassVar[str] = "egomini-odometry"

    def fit(self, request: FitRequest, progress: Progress) -> Path:
        """Fits and returns the card's path; all frames of the split are in memory (4 GB for 8,000 clips)."""
        train, val = open_split(request.split), open_split(request.val)
        recipe = request.recipe(OdometryRecipe)
        EgominiOdometry().check(train.facts)
        filmed = read_filmed(train, [row.clip_id for row in train.infos()], RESOLUTION, progress)
        paths = FilmedPaths(filmed.frames, filmed.camera)
        card = fit_and_save(
            request,
            train,
            recipe,
            lambda checkpoint, report: fit_egomini_odometry(paths, recipe, checkpoint, report),
            progress,
        )
        return write_card(request, card, self.check(request.weights, val, progress))

    def check(self, weights: Path, split: Split, progress: Progress) -> dict[str, Any]:
        """Errors on a split's reference, as it is and spoilt; see `odometry_health`."""
        return check_egomini_odometry(EgominiOdometry(weights), split, progress)
