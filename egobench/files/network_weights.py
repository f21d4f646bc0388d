"""Weight files of fitted networks (safetensors, bf16): their digest, metadata, loading and saving."""

import json
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from egobench.errors import BadInputError
from egobench.files.atomic import atomic_path
from egobench.files.digest import digest_file

if TYPE_CHECKING:
    import torch


class FittedWeights:
    """What extractors and estimators share whose weights a file holds that `egobench fit` wrote."""

    name: ClassVar[str]
    weights: Path
    """A field of the subclass."""

    @cached_property
    def weights_sha256(self) -> str:
        """SHA-256 of the weight file, 64 hex digits. Raises BadInputError if the file is missing."""
        return weights_digest(self.name, self.weights)

    def filled(self, network: Any) -> Any:
        """The network, with the weights of the file.

        Raises:
            BadInputError: the weight file is missing, is not safetensors, or holds another network (see `load_state`).
        """
        load_state(self.name, self.weights, network)
        return network


def weights_digest(name: str, path: Path) -> str:
    """SHA-256 of a weight file, 64 hex digits. Raises BadInputError (`weights-missing`) if there is none."""
    if not path.is_file():
        raise BadInputError(f"no weights at {path}; `egobench fit {name}` makes them", code="weights-missing")
    return digest_file(path)


def read_metadata(name: str, path: Path) -> Mapping[str, str]:
    """The metadata of a weight file; loads no tensor and no torch.

    Raises:
        BadInputError: `weights-missing`, `weights-unreadable`.
    """
    from safetensors import SafetensorError, safe_open

    weights_digest(name, path)
    try:
        with safe_open(path, framework="numpy") as file:
            return file.metadata() or {}
    except (SafetensorError, OSError, json.JSONDecodeError) as error:
        raise _unreadable(path, error) from None


def load_state(name: str, path: Path, network: "torch.nn.Module") -> None:
    """Fills a network from a weight file, as float32.

    Raises:
        BadInputError: `weights-missing`, `weights-unreadable`, `weights-other` (the first difference is named).
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    weights_digest(name, path)
    try:
        state = load_file(path)
    except (SafetensorError, OSError) as error:
        raise _unreadable(path, error) from None
    shapes = {key: tuple(value.shape) for key, value in state.items()}
    expected = {key: tuple(value.shape) for key, value in network.state_dict().items()}
    if shapes != expected:
        differing = sorted(set(shapes.items()) ^ set(expected.items()))[0]
        raise BadInputError(f"{path}: no {name} network (first difference: {differing})", code="weights-other")
    network.load_state_dict({key: value.float() for key, value in state.items()})


def save_state(path: Path, state: "Mapping[str, torch.Tensor]", metadata: Mapping[str, str] | None = None) -> None:
    """Writes a network's state, atomically. Statistics, which have no gradient, stay float32; the rest is bf16."""
    from safetensors.torch import save_file

    exact = {"mean", "std", "running_mean", "running_var", "num_batches_tracked"}
    tensors = {
        key: (value if key.rpartition(".")[2] in exact else value.bfloat16()).contiguous()
        for key, value in state.items()
    }
    with atomic_path(path) as temporary:
        save_file(tensors, temporary, dict(metadata) if metadata else None)


def _unreadable(path: Path, error: Exception) -> BadInputError:
    line = str(error).replace("\n", " ")
    return BadInputError(f"{path}: not a safetensors file: {line}", code="weights-unreadable")
