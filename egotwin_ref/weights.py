"""Weight files: bf16 safetensors that say what they are for. Nothing is unpickled."""

from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from .distributed import place

EXACT = ("mean", "std", "mix")
"""Buffers whose name ends so are statistics and keep float32."""


def save(path: Path, state: Mapping[str, Tensor], about: Mapping[str, str]) -> None:
    """Writes a state, atomically, with what it says of itself (`kind`, `preset`, `variant`, …)."""
    tensors = {
        name: (value.float() if name.endswith(EXACT) else value.bfloat16()).contiguous().cpu()
        for name, value in state.items()
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".tmp")
    save_file(tensors, temporary, dict(about))
    temporary.replace(path)


def about(path: Path) -> dict[str, str]:
    """What a file says of itself; reads no tensor.

    Raises:
        ValueError: it is missing, cut short, or no safetensors file.
    """
    try:
        with safe_open(path, framework="pt") as file:
            return dict(file.metadata() or {})
    except FileNotFoundError:
        raise ValueError(f"no weights at {path}") from None
    except (SafetensorError, OSError) as error:
        raise ValueError(f"{path}: no whole safetensors file: {' '.join(str(error).split())}") from None


def load(
    path: Path,
    module: nn.Module,
    expected: Mapping[str, str],
    may_miss: Callable[[str], bool] = lambda name: False,
    may_have: Callable[[str], bool] = lambda name: False,
) -> dict[str, str]:
    """Fills `module`, in the precision it has, and returns what the file says of itself.

    Args:
        expected: what the file has to say of itself.
        may_miss: names that keep the module's own values where the file does not have them.
        may_have: names that are passed over where the module does not have them.

    Raises:
        ValueError: as `about`, or the file says something other than `expected`, or its tensors are not the module's.
    """
    told = about(path)
    for key, right in expected.items():
        if told.get(key) != right:
            raise ValueError(f"{path}: {key} is {told.get(key, 'not said')}; {right} is needed")
    own = module.state_dict().keys()
    state = {name: value for name, value in load_file(path).items() if name in own or not may_have(name)}
    found = {name: tuple(value.shape) for name, value in state.items()}
    wanted = {
        name: tuple(value.shape) for name, value in module.state_dict().items() if name in state or not may_miss(name)
    }
    if found != wanted:
        name, shape = sorted(set(found.items()) ^ set(wanted.items()))[0]
        raise ValueError(f"{path}: other tensors than the network's; first difference: {name} {shape}")
    with torch.no_grad():
        for name, value in module.state_dict().items():
            if name in state:
                value.copy_(place(state[name].to(value.dtype), value))
    return told
