"""The plan of a finished run, from its manifest. `rescore` and `verify` use it.

The run folder holds the samples, so the model is not needed and need not be importable.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, NoReturn

from egobench.errors import BadInputError, NotComparableError
from egobench.plan.availability import usable_metrics
from egobench.plan.batching import sizes_of
from egobench.plan.plan import RunPlan
from egobench.plan.protocol import protocol_records
from egobench.plan.request import request_of
from egobench.plan.resolve import GROUPS, by_group_only, resolve_metrics, resolve_split
from egobench.types import ClipInfo, Split, clips_of


@dataclass(frozen=True)
class StoredSamples:
    """Takes the model's place in the plan of a finished run; it cannot sample."""

    def load(self, device: str) -> NoReturn:
        """Raises BadInputError `model-absent`."""
        raise BadInputError("the samples of a finished run are kept, not made again", code="model-absent")


def metrics_text(manifest: Mapping[str, Any]) -> str:
    """The run's metrics as `--metrics` takes them; what `core` and `all` meant then, by name."""
    return by_name(str(manifest["request"]["metrics"]), manifest["metrics"])


def by_name(metrics: str, labels: Iterable[str]) -> str:
    """Names as `--metrics` takes them, with what `core` and `all` meant by name.

    Args:
        labels: names of all results.
    """
    words = [word.strip() for word in metrics.split(",")]
    if not set(words) & set(GROUPS):
        return metrics
    named = ",".join(word for word in words if word not in GROUPS)
    taken = {metric.name for metric in resolve_metrics(named)} if named else set()
    return ",".join([*filter(None, [named]), *(label for label in labels if label.partition(":")[0] not in taken)])


def split_of_run(manifest: Mapping[str, Any]) -> tuple[Split, tuple[ClipInfo, ...]]:
    """The split of a finished run and the clips that were run.

    Raises:
        UnknownNameError, BadInputError: it is not on this machine, or damaged.
        NotComparableError: its content is another one now.
    """
    request, recorded = manifest["request"], manifest["split"]
    split = resolve_split(request["split"])
    if split.digest != recorded["digest"]:
        raise NotComparableError(
            f"{manifest['run']} was made on {recorded['name']} with digest {recorded['digest'][:12]}, the split has "
            f"{split.digest[:12]} now; a run can only be taken up on the clips that it was made on"
        )
    return split, clips_of(split, request["limit"])


def plan_of_run(manifest: Mapping[str, Any], metrics: str) -> RunPlan:
    """The plan that scores a finished run's samples with the given metrics. It keeps the run's identity.

    Raises:
        UnknownNameError: no such metric.
        BadInputError: a metric that cannot be had here, a split that is not here.
        NotComparableError: the split has changed.
    """
    request = replace(request_of(manifest["request"]), metrics=metrics)
    split, infos = split_of_run(manifest)
    found, _ = usable_metrics(resolve_metrics(metrics), split, leave_out=by_group_only(metrics))
    return RunPlan(
        request=request,
        model=StoredSamples(),
        target=manifest["model"]["target"],
        settings=manifest["model"]["settings"],
        code=manifest["model"].get("code", {}),
        split=split,
        infos=infos,
        metrics=found,
        left_out={},
        protocols=protocol_records(found, split, [info.clip_id for info in infos], request.seeds, request.task),
        identity=manifest["identity"],
        sizes=sizes_of(manifest),
    )
