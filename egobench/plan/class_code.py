"""The code of a user's metric, extractor or estimator, as part of its protocol.

Two versions of that code never share a number, a cached feature or a floor. Classes of this suite need no digest of
their code: their records hold a version.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from egobench.errors import BadInputError
from egobench.estimators.base import Estimator
from egobench.extractors.base import Extractor
from egobench.files.modules import OWN_PACKAGES
from egobench.metrics.base import ESTIMATED
from egobench.plan.model_code import CHANGED, code_record
from egobench.plan.own_weights import shown_name
from egobench.plan.resolve import Metric, resolve_maker

KEY = "class_code"
"""Field of a protocol record."""


def class_code(thing: Any) -> dict[str, Any]:
    """`class_code`: the `code_record` of the module that defines an object's class. Empty for a class of this suite,
    and for one that no file defines (as in a notebook)."""
    module = type(thing).__module__
    if module.partition(".")[0] in OWN_PACKAGES:
        return {}
    module = module.partition("@")[2] or module  # a file of one's own: see `registry._import_file`
    found = code_record(f"{module}:{type(thing).__qualname__}")
    return {KEY: found} if found["files"] else {}


def maker_record(maker: Extractor | Estimator) -> dict[str, Any]:
    """The protocol record of an extractor or estimator, with its code where that is one's own. Raises as `protocol`."""
    return {**maker.protocol(), **class_code(maker)}


def refuse_changed_makers(metrics: Iterable[tuple[Metric, Mapping[str, Any]]]) -> None:
    """Refuses a user's extractor or estimator whose code has changed since the run was planned.

    Args:
        metrics: the run's, each with its protocol record.

    Raises:
        BadInputError: `model-code`: it has changed.
    """
    for metric, record in metrics:
        for need in metric.needs().values():
            if need.extractor is None:
                continue
            kind = "estimators" if need.what in ESTIMATED else "extractors"
            stated = record[kind][shown_name(need.extractor)].get(KEY)
            if stated is not None and class_code(resolve_maker(need.what, need.extractor)).get(KEY) != stated:
                text = (
                    f"the code of {need.extractor} changed while the run was at work, and its protocol states the old"
                )
                raise BadInputError(f"{text}; change it back and resume, or start anew", code=CHANGED)
