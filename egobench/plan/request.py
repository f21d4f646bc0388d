"""What a run is asked to do. The command line parses this class directly, and the manifest keeps it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from egobench.errors import BadInputError
from egobench.types import Task

RAY = "ray"
"""The engine whose workers are on the nodes of a cluster."""


@dataclass(frozen=True)
class RunRequest:
    """A request to sample a model on a split and to score the samples; every field has the command line's name."""

    model: str
    """Name of `egobench list models`, or a class of your own: package.module:Class, or folder/file.py:Class."""
    split: str
    """Name of `egobench list splits`, or a folder in the split format."""
    task: Task = "t2vm"
    """What is given besides text, first frame and first pose: nothing, the motion, or the video."""
    metrics: str = "core"
    """core, all, or names with commas between; NAME:PRESET takes another extractor's features, e.g. fvd:i3d.crop, and
    NAME:PRESET@FILE one with weights of your own, e.g. core,m-fid:motion-text@fitted/motion-text.safetensors."""
    seeds: int = 1
    """Samples per clip."""
    limit: int | None = None
    """Only the first clips of the split; for trying out, never for a result."""
    device: str = "auto"
    """auto, cpu, cuda, cuda:0, …"""
    devices: str = ""
    """GPUs that get a process each: auto for all, or numbers with commas between, e.g. 0,1. Estimators that need no GPU
    then run beside them in --workers processes."""
    engine: str = "local"
    """local: processes of this machine; inline: this very process, where breakpoints in a model's code work; ray:
    workers on the nodes of a Ray cluster that is there already (docs/cluster.md)."""
    ray_address: str = "auto"
    """Head of the Ray cluster as host:port; auto is the one that this machine belongs to. Only for --engine ray."""
    workers: int = 1
    """Processes; 0 is the same as --engine inline. With --engine ray, 0 takes a worker for each GPU of the cluster, or
    for each CPU where --device is cpu."""
    batch_size: int | Literal["auto"] = "auto"
    """Clips that the model samples, and extractors see, at once; auto: what the model names, and 1 for extractors on a
    CPU. A batch that does not fit into memory is halved. It moves no number beyond the rounding of sums."""
    out: Path = Path("runs")
    """Folder in which the run's own folder is made, or a URL such as s3://bucket/runs (docs/cluster.md)."""
    attempts: int = 1
    """Tries per clip before it counts as failed."""
    allow_failed: int = 0
    """Failed clips that still give exit code 0."""
    keep_going: bool = False
    """Go on where the first clip's sample has the wrong form; without, the run stops there."""
    clip_timeout: float | None = None
    """Seconds that one sample may take before its clip counts as failed; no limit by default."""
    draws: int = 2000
    """Bootstrap draws of the intervals."""
    name: str = ""
    """What tables call this run, e.g. "step 40k"; the model's name by default. It moves no number."""
    model_options: Mapping[str, str] = field(default_factory=dict)
    """Settings of the model: fields of its class, as `egobench describe MODEL` lists them; values as text."""
    submission: str = ""
    """Folder of samples that were made elsewhere; `model` is then only what they are called."""
    typed: tuple[str, ...] = ()
    """Names of the options that the user typed; all others are defaults."""

    @property
    def model_name(self) -> str:
        """What tables call the model: as it was typed; of a file, its name without the folder."""
        module, _, attribute = self.model.rpartition(":")
        return f"{Path(module).name}:{attribute}" if module.endswith(".py") else self.model

    @property
    def is_inline(self) -> bool:
        """Whether all work is done in this very process."""
        return self.engine == "inline" or (self.workers == 0 and self.engine != RAY)


def with_engine(request: RunRequest, workers: int | None, engine: str, ray_address: str) -> RunRequest:
    """The request, done by others; None and empty words keep what it says."""
    return replace(
        request,
        workers=request.workers if workers is None else workers,
        engine=engine or request.engine,
        ray_address=ray_address or request.ray_address,
    )


def request_record(request: RunRequest) -> dict[str, Any]:
    """A request as the manifest keeps it, JSON-ready."""
    plain = {"model_options": dict(request.model_options), "out": str(request.out), "typed": list(request.typed)}
    return {**asdict(request), **plain}


def request_of(record: Mapping[str, Any]) -> RunRequest:
    """A request from its record.

    Raises:
        BadInputError: `manifest-damaged`.
    """
    try:
        return RunRequest(**{**record, "out": Path(record.get("out", "runs")), "typed": tuple(record["typed"])})
    except (KeyError, TypeError) as error:
        raise BadInputError(f"the manifest's request is damaged: {error}", code="manifest-damaged") from None
