"""Which device a run computes on, and whether it is here."""

import os
from importlib.util import find_spec
from pathlib import Path

from egobench.engines.ray_engine import RayEngine
from egobench.errors import BadInputError
from egobench.plan.request import RunRequest
from egobench.plan.resolve import resolve_engine


def resolve_device(device: str) -> str:
    """`auto` → `cuda` where a GPU and torch are there, else `cpu`; torch is imported only where a driver is found."""
    if device != "auto":
        return device
    if not Path("/dev/nvidiactl").exists() or find_spec("torch") is None:
        return "cpu"
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def device_of(request: RunRequest) -> str:
    """The device that a request's work is done on: with engine `ray`, `auto` is what the cluster has.

    Raises:
        BadInputError: `ray-address`: no cluster is there.
    """
    engine = resolve_engine(request.engine, request.workers, ray_address=request.ray_address)
    return resolve_device(engine.device(request.device) if isinstance(engine, RayEngine) else request.device)


def check_device(device: str, *, of_cluster: bool = False) -> None:
    """Refuses a device that is not here, before anything is sampled.

    Args:
        of_cluster: it is one of another machine: Ray gives each worker its GPU.

    Raises:
        BadInputError: `device`: no such name, no torch, or no such GPU.
    """
    if device in ("auto", "cpu"):
        return
    if of_cluster:
        if device != "cuda":
            text = f"device '{device}': with engine 'ray', auto, cpu or cuda; Ray gives each worker a GPU of its own"
            raise BadInputError(text, code="device")
        return
    if find_spec("torch") is None:
        raise BadInputError(f"device '{device}' needs torch: pip install 'egobench[torch]'", code="device")
    import torch

    try:
        found = torch.device(device)
    except (RuntimeError, ValueError):
        text = f"'{device}' is no device; auto, cpu, cuda, cuda:0 … are, and what else torch knows"
        raise BadInputError(text, code="device") from None
    count = torch.cuda.device_count()
    if found.type == "cuda" and (found.index or 0) >= count:
        text = (
            f"device '{device}': torch finds {count or 'no'} GPU{'s'[: count != 1]} here; `egobench doctor` says more"
        )
        raise BadInputError(text, code="device")


def resolve_devices(devices: str, device: str) -> tuple[str, ...]:
    """The GPUs that get a worker process each, as `CUDA_VISIBLE_DEVICES` takes them.

    Args:
        devices: `auto` (all that torch finds), numbers with commas between, or empty.
        device: as typed for the whole run; only `auto` and `cuda` leave the choice open.

    Returns:
        Empty where none were asked for, or `auto` finds none.

    Raises:
        BadInputError: `device`: no such GPU, or a device that is no choice of GPUs.
    """
    if not devices:
        return ()
    if device not in ("auto", "cuda"):
        text = f"--devices {devices} chooses GPUs, and --device {device} has chosen already; give one of the two"
        raise BadInputError(text, code="device")
    count = _gpus()
    if devices == "auto":
        return tuple(_visible(number) for number in range(count))
    words = [word.strip() for word in devices.split(",")]
    if not all(word.isdigit() for word in words) or len(set(words)) < len(words):
        raise BadInputError(f"--devices {devices}; auto, or different numbers as in 0,1 are needed", code="device")
    absent = [word for word in words if int(word) >= count]
    if absent:
        found = f"torch finds {count} here, numbered from 0" if count else "torch finds no GPU here"
        raise BadInputError(f"--devices {devices}: no GPU {absent[0]}; {found}", code="device")
    return tuple(_visible(int(word)) for word in words)


def _gpus() -> int:
    if find_spec("torch") is None:
        return 0
    import torch

    return torch.cuda.device_count()


def _visible(number: int) -> str:
    """What a process that shall see one GPU sets: the number may count within a choice that is made already."""
    chosen = [word for word in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if word]
    return chosen[number] if chosen else str(number)
