"""Names, as a user types them → models, metrics, extractors, estimators, engines, splits.

Every name is looked up in the catalogue, then among entry points, then as `package.module:Name`.
"""

import contextlib
import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from egobench.catalog import ENGINES, ESTIMATORS, EXTRACTORS, METRICS, MODELS, ON_REQUEST
from egobench.data.open import open_split
from egobench.engines.local import Engine
from egobench.errors import BadInputError, EgoBenchError
from egobench.estimators.base import Estimator, as_estimator
from egobench.extractors.base import Extractor, as_extractor
from egobench.files.plain import plain
from egobench.files.safe_names import SAFE_WORDS, unsafe_names
from egobench.metrics.base import ESTIMATED, ClipMetric, SetMetric, What, as_metric
from egobench.plan.options import parse_options, settable_fields
from egobench.plan.own_weights import absolute_name, shown_name, split_name, with_weights
from egobench.plan.request import RAY
from egobench.registry import Registry, error_with_place
from egobench.types import Model, Split

Metric = ClipMetric | SetMetric
REQUIRED_FACTS = (*("fps_video", "fps_motion", "num_video_frames", "num_motion_frames", "width", "height", "skeleton"),)
"""Facts of a split without which no sample can be checked."""
CAMERA_FACTS = ("intrinsics", "width", "height", "T_head_camera")
"""Facts of a split that make its camera."""
SKELETON_FACTS = ("joints", "parents")
"""Facts that make a split's own skeleton; one with a built-in skeleton has none of them."""


def resolve_model(name: str, options: Mapping[str, str] | None = None) -> Model:
    """The model with its settings; its network is not loaded.

    Args:
        name: catalogue name, entry point, `package.module:Class` or `folder/file.py:Class`.
        options: field of the model's dataclass → text, parsed by the field's annotated type.

    Raises:
        UnknownNameError: no such model, or no such option; near names are suggested.
        BadInputError: `model-option` (a text that does not fit its type, a required option that is missing),
            `model-class` (not a dataclass, no `load`: says which), `code-load`, `code-raised` (the model's own code
            raises; says in which file and line).
    """
    kind = MODELS.load(name)
    if lacking := _lacking(kind):
        raise BadInputError(f"model '{name}' {lacking}", code="model-class")
    with user_code(f"model '{name}'"):
        values = parse_options(kind, options or {})
    missing = [f.name for f in settable_fields(kind) if f.name not in values and _is_required(f)]
    if missing:
        raise BadInputError(f"model '{name}' needs option '{missing[0]}'", code="model-option")
    with user_code(f"model '{name}'"):
        model: Any = kind(**values)
    return model


@contextlib.contextmanager
def user_code(what: str) -> Iterator[None]:
    """Turns an error that a user's code raises in the block into BadInputError `code-raised`, with file and line."""
    try:
        yield
    except EgoBenchError:
        raise
    except (Exception, SystemExit) as error:
        raise BadInputError(f"{what} raised {error_with_place(error)}", code="code-raised") from error


def _lacking(kind: Any) -> str:
    """Why an object is no model's class; empty if it is one."""
    if not isinstance(kind, type):
        return f"is a {type(kind).__name__}; a class is needed, a dataclass with a `load` method"
    lacks = []
    if not dataclasses.is_dataclass(kind):
        lacks.append("is not a dataclass (`@dataclass(frozen=True)` above the class makes it one)")
    if not callable(getattr(kind, "load", None)):
        lacks.append("has no `load(device)` method")
    return " and ".join(lacks)


GROUPS = ("core", "all")
"""Words that stand for several metrics."""


def resolve_metrics(names: str) -> tuple[Metric, ...]:
    """Metrics, sorted by name and preset, each once.

    Args:
        names: by comma NAME, NAME:PRESET, `package.module:Class`, `package.module:Class:PRESET`, `core` (all built in
            but `catalog.ON_REQUEST`) or `all` (entry points too). A metric named beside a group takes the place of the
            group's own. A preset is the name of the extractor or estimator that looks at the samples, or NAME@FILE: the
            same with weights of the user's own.

    Raises:
        UnknownNameError: with suggestions.
        BadInputError: `metric-none` (no name given), `metric-preset` (of a metric that has none).
    """
    words = _words(names)
    if not words:
        raise BadInputError("no metric was named; `core`, `all` or names by comma are needed", code="metric-none")
    named = [_metric(word) for word in words if word not in GROUPS]
    taken = {metric.name for metric in named}
    grouped = [_metric(name) for word in words if word in GROUPS for name in _members(word)]
    chosen = [*named, *(metric for metric in grouped if metric.name not in taken)]
    metrics = {(metric.name, preset_shown(metric)): metric for metric in chosen}
    return tuple(metrics[key] for key in sorted(metrics))


def by_group_only(names: str, groups: Sequence[str] = GROUPS) -> frozenset[str]:
    """Names of the metrics that only a word such as `core` asks for; the others were named one by one."""
    words = _words(names)
    named = {_metric(word).name for word in words if word not in GROUPS}
    members = {_metric(name).name for word in words if word in groups for name in _members(word)}
    return frozenset(members - named)


def absolute_metrics(names: str) -> str:
    """The same names, with whole paths of weight files."""
    return ",".join(_absolute(word) for word in _words(names))


def _absolute(word: str) -> str:
    head, colon, preset = word.rpartition(":")
    return f"{head}{colon}{absolute_name(preset)}"


def _words(names: str) -> list[str]:
    return [word.strip() for word in names.split(",") if word.strip()]


def _members(group: str) -> list[str]:
    return METRICS.names() if group == "all" else [name for name in METRICS.builtin if name not in ON_REQUEST]


def metric_labels(metrics: Sequence[Metric]) -> tuple[str, ...]:
    """What results are called: by the metric's name; NAME:PRESET for each of those that stand there with several."""
    names = [metric.name for metric in metrics]
    return tuple(
        metric.name if names.count(metric.name) == 1 else f"{metric.name}:{preset_shown(metric)}" for metric in metrics
    )


def preset_of(metric: Metric) -> str:
    """Name of the extractor or estimator behind a metric; empty where it has no choice."""
    return metric.preset


def preset_shown(metric: Metric) -> str:
    """The same as protocols and labels have it: digits of a weight file's SHA-256 in place of its path."""
    return shown_name(preset_of(metric))


def _metric(name: str) -> Metric:
    head, _, preset = name.partition(":")
    if head not in METRICS.targets() and preset:
        attribute, _, preset = preset.partition(":")
        head = f"{head}:{attribute}"
    metric = as_metric(_instance(METRICS, head))
    if not preset:
        return metric
    if "preset" not in {field.name for field in dataclasses.fields(metric)}:
        raise BadInputError(f"metric '{metric.name}' has no presets; found '{name}'", code="metric-preset")
    presets = ESTIMATORS if metric.preset_kind == "estimators" else EXTRACTORS
    presets.target(split_name(preset)[0])
    return dataclasses.replace(metric, preset=preset)


def resolve_extractor(name: str) -> Extractor:
    """An extractor with its default settings, or NAME@FILE. Raises UnknownNameError, or as `with_weights`."""
    return with_weights(as_extractor(_instance(EXTRACTORS, split_name(name)[0])), name)


def resolve_estimator(name: str) -> Estimator:
    """An estimator with its default settings, or NAME@FILE. Raises UnknownNameError, or as `with_weights`."""
    return with_weights(as_estimator(_instance(ESTIMATORS, split_name(name)[0])), name)


def resolve_maker(what: What, name: str) -> Extractor | Estimator:
    """The extractor or estimator that makes so named a thing. Raises UnknownNameError."""
    return resolve_estimator(name) if what in ESTIMATED else resolve_extractor(name)


def resolve_engine(name: str, workers: int, devices: tuple[str, ...] = (), *, ray_address: str = "auto") -> Engine:
    """An engine with so many workers, or with one for each of these GPUs; 0 workers is the engine `inline`, and with
    `ray` all that the cluster has.

    Raises:
        UnknownNameError: no such engine.
        BadInputError: `workers`: a number that the engine cannot have; `device`: GPUs for an engine that gives none;
            `ray-absent`.
    """
    engine = ENGINES.load(name)
    if devices:
        if workers == 0 or "devices" not in {field.name for field in dataclasses.fields(engine)}:
            text = "--devices needs an engine with a process for each GPU: 'local' has"
            raise BadInputError(text, code="device")
        return engine(workers=len(devices), devices=devices)
    if name == RAY:
        return engine(asked=workers, address=ray_address)
    return ENGINES.load("inline")() if workers == 0 else engine(workers=workers)


def resolve_split(name: str, *, digest: str = "") -> Split:
    """A split by name or path.

    Args:
        digest: what the split's has to be, for workers of one that was opened before; empty takes any.

    Raises:
        UnknownNameError: no such split.
        BadInputError: damaged, not on this machine, `split-facts`: a fact that scoring needs is missing, or
            `split-changed`: it has another digest by now, or `clip-id`: ids that cannot name a folder.
    """
    split = open_split(name)
    if digest and split.digest != digest:
        text = f"split '{name}' has digest {split.digest[:12]} now, {digest[:12]} when the work began"
        raise BadInputError(f"{text}; it must stay as it is meanwhile", code="split-changed")
    unsafe = unsafe_names(info.clip_id for info in split.infos())
    if unsafe:  # of a split that is no folder; one that is was not opened
        text = f"split '{name}': {len(unsafe)} clip ids such as {unsafe[0]!r} cannot name a folder; {SAFE_WORDS}"
        raise BadInputError(text, code="clip-id")
    missing = [fact for fact in REQUIRED_FACTS if fact not in split.facts]
    if missing:
        raise BadInputError(f"split '{name}' does not say its {', '.join(missing)}", code="split-facts")
    return split


def own_skeleton(split: Split) -> dict[str, Any]:
    """The tree of a split's own skeleton, JSON-ready, since its name alone says nothing; empty for a built-in one."""
    return {fact: plain(split.facts[fact]) for fact in SKELETON_FACTS if split.facts.get(fact) is not None}


def _instance(registry: Registry, name: str) -> Any:
    found = registry.load(name)
    if not isinstance(found, type):
        return found
    with user_code(f"'{name}'"):
        return found()


def _is_required(field: dataclasses.Field) -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
