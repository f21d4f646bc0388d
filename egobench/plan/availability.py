"""Which metrics this machine can compute on a split. The answer comes before anything is sampled; no network is loaded.

A metric may refuse the form of a split. An extractor or estimator may lack its weights, refuse the form of a split, or
not make what the metric needs. Where a task gives the motion or the video, a metric that looks at nothing else is not
applicable.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from egobench.catalog import ESTIMATORS, EXTRACTORS, INPUTS, METHODS
from egobench.errors import BadInputError, EgoBenchError
from egobench.estimators.base import Estimator
from egobench.metrics.base import ESTIMATED
from egobench.plan.estimates import split_camera
from egobench.plan.resolve import Metric, preset_of, resolve_maker
from egobench.types import Split, Task

AVOIDABLE = ("weights-missing", "extra-missing", "split-form", "metric-task")
"""Codes for which a metric is left out of `core`; any other is an error there too."""
GIVEN: Mapping[Task, str] = {"tm2v": "motion", "tv2m": "video"}
"""Task → the modality that is given whole."""


def usable_metrics(
    metrics: Sequence[Metric], split: Split, *, leave_out: Collection[str] = (), task: Task = "t2vm"
) -> tuple[tuple[Metric, ...], dict[str, str]]:
    """The metrics that can be computed, and the others' names with reasons.

    Args:
        leave_out: names of metrics that may be left out; any other metric that cannot be computed is an error.

    Raises:
        BadInputError: of `check_task` and `check_metric`; or `metric-none`: nothing is left.
        UnknownNameError: an extractor that is not known.
    """
    usable, left_out = [], {}
    for metric in metrics:
        try:
            check_task(metric, task)
            check_metric(metric, split)
        except BadInputError as error:
            if metric.name not in leave_out or error.code not in AVOIDABLE:
                raise
            left_out[metric.name] = str(error)
        else:
            usable.append(metric)
    if not usable:
        raise BadInputError(f"no metric can be had: {'; '.join(left_out.values())}", code="metric-none")
    return tuple(usable), left_out


def check_task(metric: Metric, task: Task) -> None:
    """Refuses a metric that would judge only what the model was given.

    Raises:
        BadInputError: `metric-task`.
    """
    given = GIVEN.get(task)
    looked_at = {INPUTS[need.what].part for need in metric.needs().values() if need.source == "sample"}
    if given is not None and looked_at == {given}:
        raise BadInputError(
            f"{metric.name} is not applicable to {task}: it looks at the sample's {given} only, and that was given",
            code="metric-task",
        )


def check_metric(metric: Metric, split: Split) -> None:
    """Refuses a metric that cannot be had.

    Raises:
        BadInputError: `weights-missing` and the like, `split-form`, or `metric-preset` (an extractor or estimator
            that does not make what the metric wants); the message names metric and preset.
        UnknownNameError: an extractor or estimator that is not known.
    """
    try:
        metric.check(split.facts)
        if any(need.what in ("camera", *ESTIMATED) for need in metric.needs().values()):
            split_camera(split)
        for need in metric.needs().values():
            if need.extractor is None:
                continue
            maker = resolve_maker(need.what, need.extractor)
            if maker.provides is not None and METHODS[need.what] not in maker.provides:
                raise BadInputError(
                    f"{need.extractor} provides {', '.join(maker.provides)}, not {METHODS[need.what]}",
                    code="metric-preset",
                )
            maker.check(split.facts)
            maker.protocol()
    except BadInputError as error:
        preset = preset_of(metric)
        hint = _other_presets(metric, split) if error.code == "split-form" else ""
        raise BadInputError(f"{metric.name}{preset and f' ({preset})'}: {error}{hint}", code=error.code) from None


def _other_presets(metric: Metric, split: Split) -> str:
    """The end of an error: which presets of the metric take the split, as the user types them; empty if none does."""
    if not preset_of(metric):
        return ""
    registry = ESTIMATORS if metric.preset_kind == "estimators" else EXTRACTORS
    taken = [name for name in registry.targets() if name != preset_of(metric) and _takes(metric, name, split)]
    if not taken:
        return ""
    return f"; `--metrics {' or '.join(f'{metric.name}:{name}' for name in taken)}` takes them"


def _takes(metric: Any, preset: str, split: Split) -> bool:
    """Whether a preset takes the split and needs no file of the user's."""
    try:
        other = replace(metric, preset=preset)
        other.check(split.facts)
        for need in other.needs().values():
            if need.extractor is not None:
                maker = resolve_maker(need.what, need.extractor)
                if METHODS[need.what] not in (maker.provides or ()):
                    return False
                if metric.needs_positions and isinstance(maker, Estimator) and maker.rotations_only:
                    return False
                maker.check(split.facts)
                maker.protocol()
    except EgoBenchError:
        return False
    return True
