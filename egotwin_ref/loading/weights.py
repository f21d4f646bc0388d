"""Weight files: safetensors with metadata, in bf16, or in int8 at half the size. Nothing is unpickled.

The metadata of a file in int8 has `"form": "int8"`; a file in bf16 has no `form`. In int8, matrices and kernels of
convolutions are integers -127 … 127 with one scale per output channel (first axis), `NAME.scale`: a weight is
integer × scale. Vectors and matrices of principal components are in bf16, and statistics in float32, in both forms.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from .shards import place

EXACT = ("mean", "std", "mix")
"""Ends of the names of statistics, which keep float32."""
FINE = ("analysis.weight", "synthesis.weight")
"""Ends of the names of principal components, which stay in bf16: a row of them has large and tiny numbers, and their
sums nearly cancel. In int8 the error of MLD's motion VAE is 0.72 instead of 0.013."""
LARGEST = 127
"""Integers of the int8 form are -127 … 127, so that they are symmetric."""
SCALE = ".scale"
"""End of the name of a matrix's scales. They are float32, which is at most a hundredth of the file. float16 would round
the scale of a channel of small weights, and turn a scale below 6e-8 into 0."""


def save(path: Path, state: Mapping[str, Tensor], metadata: Mapping[str, str], compact: bool = False) -> None:
    """Writes a state with its metadata (`kind`, `preset`, `variant`, …), atomically.

    Args:
        compact: whether to write int8 (see above) instead of bf16.

    Raises:
        ValueError: a matrix has a number that is not finite, which int8 cannot hold.
    """
    tensors: dict[str, Tensor] = {}
    for name, value in state.items():
        if name.endswith(EXACT):
            tensors[name] = value.float()
        elif compact and value.ndim >= 2 and not name.endswith(FINE):
            tensors[name], tensors[name + SCALE] = _quantised(name, value)
        else:
            tensors[name] = value.bfloat16()
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".tmp")
    metadata = {**metadata, "form": "int8"} if compact else dict(metadata)
    save_file({name: value.contiguous().cpu() for name, value in tensors.items()}, temporary, metadata)
    temporary.replace(path)


def compact(source: Path, target: Path) -> None:
    """Writes the weights and the metadata of a bf16 file in int8, at half the size, for shipping.

    Raises:
        ValueError: as `about` and `save`; or `source` is in int8 already.
    """
    metadata = about(source)
    if (form := form_of(metadata)) != "bf16":
        raise ValueError(f"{source}: its form is {form} already; bf16 is needed to make int8 of it")
    save(target, load_file(source), metadata, compact=True)


def form_of(metadata: Mapping[str, str]) -> str:
    """`bf16` or `int8`, from the metadata of a file."""
    return metadata.get("form", "bf16")


def about(path: Path) -> dict[str, str]:
    """The metadata of a file; reads no tensor.

    Raises:
        ValueError: the file is missing, incomplete, or not a safetensors file.
    """
    try:
        with safe_open(path, framework="pt") as file:
            return dict(file.metadata() or {})
    except FileNotFoundError:
        raise ValueError(f"no weights at {path}") from None
    except (SafetensorError, OSError) as error:
        raise ValueError(f"{path}: not a complete safetensors file: {' '.join(str(error).split())}") from None


def load(
    path: Path,
    module: nn.Module,
    expected: Mapping[str, str],
    may_miss: Callable[[str], bool] = lambda name: False,
    may_have: Callable[[str], bool] = lambda name: False,
) -> dict[str, str]:
    """Fills `module`, in the precision that it has, and returns the metadata of the file.

    Args:
        expected: entries that the metadata must have.
        may_miss: names that the file may lack; the module then keeps its own values.
        may_have: names that the module may lack; they are then ignored.

    Raises:
        ValueError: as `about`; or the metadata are not as expected; or the tensors are not those of the module, or not
            those of the file's form. Nothing has been filled then.
    """
    metadata = about(path)
    for key, right in expected.items():
        if metadata.get(key) != right:
            raise ValueError(f"{path}: {key} is {metadata.get(key, 'missing')}; {right} is needed")
    own = module.state_dict().keys()
    state = {name: value for name, value in _read(path, metadata).items() if name in own or not may_have(name)}
    shapes = {name: tuple(value.shape) for name, value in state.items()}
    needed = {
        name: tuple(value.shape) for name, value in module.state_dict().items() if name in state or not may_miss(name)
    }
    if shapes != needed:
        name, shape = sorted(set(shapes.items()) ^ set(needed.items()))[0]
        raise ValueError(f"{path}: its tensors are not those of the network; first difference: {name} {shape}")
    with torch.no_grad():
        for name, value in module.state_dict().items():
            if name in state:
                value.copy_(place(state[name].to(value.dtype), value))
    return metadata


def _quantised(name: str, value: Tensor) -> tuple[Tensor, Tensor]:
    """A matrix (rows, …) as integers, int8 of the same shape, and scales (rows,), float32."""
    rows = value.float().flatten(1)
    scale = rows.abs().amax(dim=1) / LARGEST
    if not scale.isfinite().all():
        raise ValueError(f"{name} has a number that is not finite; int8 needs finite numbers")
    integers = (rows / scale.clamp(min=torch.finfo(torch.float32).tiny)[:, None]).round().clamp(-LARGEST, LARGEST)
    return integers.to(torch.int8).view(value.shape), scale


def _read(path: Path, metadata: Mapping[str, str]) -> dict[str, Tensor]:
    """All tensors of a file of either form; int8 becomes float32."""
    tensors, form = load_file(path), form_of(metadata)
    if form not in ("bf16", "int8"):
        raise ValueError(f"{path}: form is {form}; it has to be int8, or missing for bf16")
    quantised = {name for name, value in tensors.items() if value.dtype == torch.int8}
    if form == "bf16" and quantised:
        raise ValueError(f"{path}: {min(quantised)} is int8, but the file does not say that its form is int8")
    scales = {
        name: tensors.pop(name + SCALE, None) for name in list(tensors) if name + SCALE in tensors or name in quantised
    }
    for name, scale in scales.items():
        _check(path, name, tensors[name], scale)
    return {name: value if (scale := scales.get(name)) is None else _matrix(value, scale)
            for name, value in tensors.items()}  # fmt: skip


def _check(path: Path, name: str, value: Tensor, scale: Tensor | None) -> None:
    """Raises ValueError if a matrix and its scales do not belong together."""
    if scale is None:
        raise ValueError(f"{path}: {name} is int8 and has no {name}{SCALE}")
    if value.dtype != torch.int8:
        raise ValueError(f"{path}: {name} has a scale, so it has to be int8; it is {value.dtype}")
    if value.ndim < 2 or scale.shape != value.shape[:1] or scale.dtype != torch.float32:
        raise ValueError(
            f"{path}: {name} is {tuple(value.shape)}, so its scales must be float32 {tuple(value.shape[:1])}; "
            f"they are {scale.dtype} {tuple(scale.shape)}"
        )
    if not (scale.isfinite() & (scale >= 0)).all():
        raise ValueError(f"{path}: scales must be finite and not negative; {name}{SCALE} has one that is not")
    if int(value.min()) < -LARGEST:
        raise ValueError(f"{path}: {name} has -128; integers must be -{LARGEST} … {LARGEST}")


def _matrix(integers: Tensor, scale: Tensor) -> Tensor:
    return integers.float() * scale.view(-1, *[1] * (integers.ndim - 1))
