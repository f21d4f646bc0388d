"""A request → the plan of a run: its model, split, clips, metrics and protocols.

Nothing is written here and no network is loaded: a request that cannot be met leaves no trace.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, get_args

from egobench.catalog import MODELS
from egobench.data.folder import INDEX
from egobench.errors import BadInputError
from egobench.files.digest import digest_file, digest_folder, digest_json
from egobench.plan.availability import usable_metrics
from egobench.plan.batching import SINGLY, BatchSizes, batch_sizes
from egobench.plan.devices import check_device, device_of, resolve_devices
from egobench.plan.model_code import code_record, codes_of
from egobench.plan.own_weights import absolute_name
from egobench.plan.protocol import protocol_records
from egobench.plan.request import RAY, RunRequest
from egobench.plan.resolve import (
    Metric,
    absolute_metrics,
    by_group_only,
    metric_labels,
    preset_of,
    resolve_engine,
    resolve_metrics,
    resolve_model,
    resolve_split,
    user_code,
)
from egobench.store.labels import check_label
from egobench.submissions.model import Submission, description_of, submission_record
from egobench.types import ChecksSplit, ClipInfo, Model, NamesWeights, Split, Task, clips_of

SUBMISSION = "egobench.submissions.model:Submission"
"""The model that reads samples from a folder."""


@dataclass(frozen=True)
class RunPlan:
    """A request, resolved."""

    request: RunRequest
    model: Model
    target: str
    """`module:attr` of the model."""
    settings: dict[str, Any]
    """All settings of the model, JSON-ready; files by SHA-256."""
    code: dict[str, Any]
    """Of the model, as `model_code.code_record` has it; empty for a submission."""
    split: Split
    infos: tuple[ClipInfo, ...]
    """Clips to be run, sorted by id."""
    metrics: tuple[Metric, ...]
    left_out: dict[str, str]
    """Metrics of `core` that cannot be had here, and why."""
    protocols: dict[str, dict[str, Any]]
    """Digest → record, in the order of `metrics`."""
    identity: str
    """Digest of everything asked for that can change a number."""
    sizes: BatchSizes = SINGLY
    """Of batches."""

    @cached_property
    def items(self) -> list[tuple[str, int]]:
        """(clip id, seed), sorted; one list, made once."""
        return [(info.clip_id, seed) for info in self.infos for seed in range(self.request.seeds)]

    @property
    def source(self) -> tuple[str, dict[str, str]]:
        """Where samples come from: name or `module:attr` of a model, and its options as text."""
        request = self.request
        if not request.submission:
            return request.model, dict(request.model_options)
        return self.target, {"folder": request.submission, **request.model_options}

    @property
    def run(self) -> str:
        """What `metrics.json` calls this run: equal for equal requests."""
        return f"{self.request.model.rpartition(':')[2]}_{self.split.name}_{self.identity[:12]}"

    @property
    def labelled(self) -> dict[str, Metric]:
        """The metrics by the names of their results, in order: a metric's own name, or NAME:PRESET for each of those
        that are run with several presets."""
        return dict(zip(metric_labels(self.metrics), self.metrics, strict=True))

    def protocol_of(self, metric: Metric) -> tuple[str, dict[str, Any]]:
        """Digest and record of one metric's protocol."""
        return list(self.protocols.items())[self.metrics.index(metric)]


def plan(request: RunRequest) -> RunPlan:
    """Resolves every name and option; writes nothing and loads no network.

    Raises:
        UnknownNameError: a name or option that is not known, with suggestions.
        BadInputError: a value out of its range, a damaged split, missing weights.
    """
    _check(request)
    if request.submission:
        model = resolve_model(SUBMISSION, {"folder": request.submission, **request.model_options})
    else:
        model = resolve_model(request.model, request.model_options)
    metrics = resolve_metrics(request.metrics)
    resolve_engine(
        request.engine,
        request.workers,
        resolve_devices(request.devices, request.device),
        ray_address=request.ray_address,
    )
    split = resolve_split(request.split)
    may_miss = by_group_only(request.metrics, ("core",))
    metrics, left_out = usable_metrics(metrics, split, leave_out=may_miss, task=request.task)
    if isinstance(model, ChecksSplit):
        with user_code(f"check_split of model '{request.model}'"):
            model.check_split(split)
    infos = clips_of(split, request.limit)
    if not infos:
        raise BadInputError(f"split '{request.split}' has no clips", code="split-empty")
    protocols = protocol_records(metrics, split, [info.clip_id for info in infos], request.seeds, request.task)
    if isinstance(model, Submission):
        settings, target, code = _submission_settings(model, split), SUBMISSION, {}
    else:
        target, settings = MODELS.target(request.model), model_settings(model)
        code = code_record(target)
    clip_ids = [info.clip_id for info in infos]
    return RunPlan(
        request=request,
        model=model,
        target=target,
        settings=settings,
        code=code,
        split=split,
        infos=infos,
        metrics=metrics,
        left_out=left_out,
        protocols=protocols,
        identity=identity_of(request, settings, split.digest, clip_ids, protocols, codes_of({"code": code})),
        sizes=batch_sizes(request, model, device_of(request), len(infos) * request.seeds),
    )


def with_whole_paths(run_plan: RunPlan) -> RunPlan:
    """The same plan, with whole paths in place of those from the working folder: resume may be called from elsewhere,
    and a model's own code may change the folder."""
    request = run_plan.request
    if (Path(request.split) / INDEX).is_file():
        request = replace(request, split=str(Path(request.split).resolve()))
    module, _, attribute = request.model.rpartition(":")
    if module.endswith(".py"):
        request = replace(request, model=f"{Path(module).resolve()}:{attribute}")
    request = replace(request, metrics=absolute_metrics(request.metrics))
    same_split = request.split == run_plan.request.split
    return replace(
        run_plan,
        request=request,
        target=run_plan.target if request.submission else MODELS.target(request.model),
        split=run_plan.split if same_split else resolve_split(request.split, digest=run_plan.split.digest),
        metrics=tuple(_with_whole_path(metric) for metric in run_plan.metrics),
    )


def _with_whole_path(metric: Metric) -> Metric:
    preset = preset_of(metric)
    whole = absolute_name(preset)
    return metric if whole == preset else replace(metric, preset=whole)  # pyright: ignore[reportArgumentType]


def identity_of(
    request: RunRequest,
    settings: Mapping[str, Any],
    split_digest: str,
    clip_ids: Sequence[str],
    protocols: Collection[str],
    codes: Sequence[str],
) -> str:
    """Digest of everything asked for that can change a number; `protocols` are digests, `codes` those of
    `model_code.codes_of`."""
    asked = [request.model_name, settings, split_digest, list(clip_ids), request.seeds, request.task]
    return digest_json([*asked, sorted(protocols), request.draws, *codes])


def submission_settings(request: RunRequest, split: Split) -> dict[str, Any]:
    """What a run's manifest keeps of its submission as the model's settings, by what lies in the folder now.

    Raises:
        BadInputError: the folder or its submission.toml can no longer be read.
    """
    model = resolve_model(SUBMISSION, {"folder": request.submission, **request.model_options})
    assert isinstance(model, Submission), SUBMISSION
    return _submission_settings(model, split)


def _submission_settings(model: Submission, split: Split) -> dict[str, Any]:
    return submission_record(model, description_of(model.folder), [info.clip_id for info in split.infos()])


def model_settings(model: Any) -> dict[str, Any]:
    """Every field of a model, JSON-ready; a path to a file becomes the file's SHA-256, and one to a folder the digest
    of all files in it, unless the model says itself in `weights_sha256` which of them it reads."""
    whole = not isinstance(model, NamesWeights)
    return {each.name: _plain(getattr(model, each.name), whole) for each in fields(model)}


def _check(request: RunRequest) -> None:
    if request.task not in get_args(Task):
        raise BadInputError(f"task '{request.task}'; one of {', '.join(get_args(Task))} is needed", code="task")
    for name, least in {"seeds": 1, "workers": 0, "attempts": 1, "allow_failed": 0, "draws": 0}.items():
        if getattr(request, name) < least:
            raise BadInputError(f"{name} is {getattr(request, name)}; at least {least} is needed", code="range")
    if request.batch_size != "auto" and int(request.batch_size) < 1:
        raise BadInputError(f"batch_size is {request.batch_size}; auto, or at least 1 is needed", code="range")
    if request.name:
        check_label(request.name)
    check_device(request.device, of_cluster=request.engine == RAY)
    seconds = request.clip_timeout
    if seconds is not None and not 0 < seconds < float("inf"):
        raise BadInputError(f"clip_timeout is {seconds}; more than 0 seconds are needed", code="range")
    if seconds is not None and request.is_inline:
        text = "clip_timeout needs a process that can be ended; engine 'inline' has none, 'local' has"
        raise BadInputError(text, code="range")
    if request.limit is not None and request.limit < 1:
        raise BadInputError(f"limit is {request.limit}; at least 1 is needed", code="range")


def _plain(value: Any, whole: bool) -> Any:
    if isinstance(value, Path) and (value.is_file() or (whole and value.is_dir())):
        return {"sha256": digest_file(value) if value.is_file() else digest_folder(value)}
    if isinstance(value, Path):
        return {"path": str(value)}
    if isinstance(value, str) and _names_file(value):
        return {"text": value, "sha256": digest_file(value)}
    if is_dataclass(value) and not isinstance(value, type):
        return model_settings(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(part, whole) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part, whole) for part in value]
    return value if value is None or isinstance(value, bool | int | float | str) else repr(value)


def _names_file(text: str) -> bool:
    """Whether a text is the path of a file, as `model.pt` or `weights/best` where such a file lies."""
    try:
        return bool(Path(text).suffix or "/" in text) and Path(text).is_file()
    except (OSError, ValueError):  # too long for a name, or with a zero byte
        return False
