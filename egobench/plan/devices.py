"""Which device a run computes on, and whether it is here."""

from importlib.util import find_spec
from pathlib import Path

from egobench.errors import BadInputError


def resolve_device(device: str) -> str:
    """`auto` → `cuda` where a GPU and torch are there, else `cpu`; torch is imported only where a driver is found."""
    if device != "auto":
        return device
    if not Path("/dev/nvidiactl").exists() or find_spec("torch") is None:
        return "cpu"
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def check_device(device: str) -> None:
    """Refuses a device that is not here, before anything is sampled.

    Raises:
        BadInputError: `device`: no such name, no torch, or no such GPU.
    """
    if device in ("auto", "cpu"):
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
