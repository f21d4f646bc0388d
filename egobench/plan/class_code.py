"""The code of a metric, extractor or estimator of one's own, as part of its protocol: two versions of it never share a
number, a cached feature or a floor. Those of this suite say in their own record what they are."""

from collections.abc import Iterable, Mapping
from typing import Any

from egobench.errors import BadInputError
from egobench.estimators.base import Estimator
from egobench.extractors.base import Extractor
from egobench.metrics.base import ESTIMATED
from egobench.plan.model_code import CHANGED, OWN_PACKAGES, code_record
from egobench.plan.own_weights import shown_name
from egobench.plan.resolve import Metric, resolve_maker

KEY = "class_code"
"""Field of a protocol record."""


def class_code(thing: Any) -> dict[str, Any]:
    """`class_code`: what `code_record` says of the module that an object's class lies in; empty for a class of this
    suite, or one that no file holds (of a notebook, say)."""
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
    """Refuses extractors and estimators of one's own whose code is another by now than when a run was planned.

    Args:
        metrics: the run's, each with its protocol record.

    Raises:
        BadInputError: `model-code`: it is another.
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
