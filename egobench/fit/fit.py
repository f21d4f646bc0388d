"""Fits an evaluator on a training split, checks it on a validation split, and writes weights with a card.

Fitting never reads a test clip. `check_again` may read one, because it does not change the weights.
"""

from pathlib import Path

from egobench.catalog import FITTERS, METRICS
from egobench.data.open import open_split
from egobench.errors import UnknownNameError
from egobench.fit.base import FitRequest, Fitter, add_checks
from egobench.progress import Progress
from egobench.registry import unknown


def fit(request: FitRequest, progress: Progress) -> Path:
    """Fits and returns the card's path. After an interruption, the same call continues from the last checkpoint.

    Raises:
        UnknownNameError: no such evaluator or split.
        BadInputError: a split is not on this machine.
    """
    return _recipe_of(request).fit(request, progress)


def metrics_of(evaluator: str) -> list[str]:
    """Metrics that use this evaluator by default, sorted."""
    kinds = {name: METRICS.load(name) for name in METRICS.builtin}
    return sorted(name for name, kind in kinds.items() if kind.preset == evaluator)


def words_to_use(request: FitRequest) -> str:
    """Value of `--metrics` that scores with the fitted weights; empty if no metric uses the evaluator."""
    maker = f"{request.evaluator}@{request.weights}"
    named = [f"{name}:{maker}" for name in metrics_of(request.evaluator)]
    return ",".join(["core", *named]) if named else ""


def check_again(request: FitRequest, split: str, progress: Progress) -> Path:
    """Checks existing weights on one more split. The card stores the result under `further_checks`.

    Raises:
        UnknownNameError: no such evaluator or split.
        BadInputError: `card-missing`, `weights-other`, or a split is not on this machine.
    """
    recipe, opened = _recipe_of(request), open_split(split)
    return add_checks(request, opened, recipe.check(request.weights, opened, progress))


def _recipe_of(request: FitRequest) -> Fitter:
    if request.evaluator not in FITTERS.targets():
        raise UnknownNameError(unknown("evaluators that can be fitted", request.evaluator, FITTERS.targets()))
    return FITTERS.load(request.evaluator)()


__all__ = ["FitRequest", "check_again", "fit", "metrics_of", "words_to_use"]
