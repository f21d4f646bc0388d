"""Weight files: safetensors that say what they are for, in bf16, or in int8 at half the size. Nothing is unpickled.

A file in int8 says `"form": "int8"` of itself; one in bf16 says nothing of its form. Its matrices, and convolutions'
kernels, are whole numbers -127 … 127 with one scale per output channel (first axis), `NAME.scale`: a weight is number ×
scale. Vectors, and matrices of principal components, are in bf16 and statistics in float32, as in the other form.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from .shards import place

EXACT = ("mean", "std", "mix")
"""Buffers whose name ends so are statistics and keep float32."""
FINE = ("analysis.weight", "synthesis.weight")
"""Matrices whose name ends so are principal components: large and tiny numbers in a row, and sums that nearly cancel.
They stay in bf16. In int8 the error of MLD's motion VAE is 0.72 in place of 0.013."""
LARGEST = 127
"""Whole numbers of the int8 form are -127 … 127, so that they are symmetric."""
SCALE = ".scale"
"""Ends the name of a matrix's scales. They are float32: a hundredth of the file at most, where float16 would round the
scale of a channel of small weights, and lose one below 6e-8."""


def save(path: Path, state: Mapping[str, Tensor], about: Mapping[str, str], compact: bool = False) -> None:
    """Writes a state, atomically, with what it says of itself (`kind`, `preset`, `variant`, …).

    Args:
        compact: in int8, see above; else in bf16.

    Raises:
        ValueError: a matrix for int8 has a number that is not finite.
    """
    tensors: dict[str, Tensor] = {}
    for name, value in state.items():
        if name.endswith(EXACT):
            tensors[name] = value.float()
        elif compact and value.ndim >= 2 and not name.endswith(FINE):
            tensors[name], tensors[name + SCALE] = _whole(name, value)
        else:
            tensors[name] = value.bfloat16()
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".tmp")
    told = {**about, "form": "int8"} if compact else dict(about)
    save_file({name: value.contiguous().cpu() for name, value in tensors.items()}, temporary, told)
    temporary.replace(path)


def compact(source: Path, target: Path) -> None:
    """Writes the weights of a bf16 file in int8, with what the file says of itself: half the size, for shipping.

    Raises:
        ValueError: as `about` and `save`; or `source` is in int8 already.
    """
    told = about(source)
    if (form := form_of(told)) != "bf16":
        raise ValueError(f"{source}: its form is {form} already; bf16 is needed to make int8 of it")
    save(target, load_file(source), told, compact=True)


def form_of(told: Mapping[str, str]) -> str:
    """`bf16` or `int8`, by what a file says of itself."""
    return told.get("form", "bf16")


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
        ValueError: as `about`, or the file says something other than `expected`, or its tensors are not the module's,
            or not those of the form that it says it has. Nothing has been filled then.
    """
    told = about(path)
    for key, right in expected.items():
        if told.get(key) != right:
            raise ValueError(f"{path}: {key} is {told.get(key, 'not said')}; {right} is needed")
    own = module.state_dict().keys()
    state = {name: value for name, value in _read(path, told).items() if name in own or not may_have(name)}
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


def _whole(name: str, value: Tensor) -> tuple[Tensor, Tensor]:
    """A matrix (rows, …) as whole numbers, int8 of the same shape, and scales (rows,), float32."""
    rows = value.float().flatten(1)
    scale = rows.abs().amax(dim=1) / LARGEST
    if not scale.isfinite().all():
        raise ValueError(f"{name} has a number that is not finite; int8 needs finite ones")
    whole = (rows / scale.clamp(min=torch.finfo(torch.float32).tiny)[:, None]).round().clamp(-LARGEST, LARGEST)
    return whole.to(torch.int8).view(value.shape), scale


def _read(path: Path, told: Mapping[str, str]) -> dict[str, Tensor]:
    """All tensors of a file, in whichever form, as numbers."""
    found, form = load_file(path), form_of(told)
    if form not in ("bf16", "int8"):
        raise ValueError(f"{path}: form is {form}; int8 is known, and bf16, which is not said")
    whole = {name: value for name, value in found.items() if value.dtype == torch.int8}
    if form == "bf16" and whole:
        raise ValueError(f"{path}: {min(whole)} is int8, but the file does not say that its form is int8")
    scales = {name: found.pop(name + SCALE, None) for name in list(found) if name + SCALE in found or name in whole}
    for name, scale in scales.items():
        _check(path, name, found[name], scale)
    return {name: value if (scale := scales.get(name)) is None else _matrix(value, scale)
            for name, value in found.items()}  # fmt: skip


def _check(path: Path, name: str, value: Tensor, scale: Tensor | None) -> None:
    """Whether a matrix and its scales belong together. ValueError if not."""
    if scale is None:
        raise ValueError(f"{path}: {name} is int8 and has no {name}{SCALE}")
    if value.dtype != torch.int8:
        raise ValueError(f"{path}: {name} has a scale, so it has to be int8; it is {value.dtype}")
    if value.ndim < 2 or scale.shape != value.shape[:1] or scale.dtype != torch.float32:
        raise ValueError(
            f"{path}: {name} is {tuple(value.shape)}, so its scales are float32 {tuple(value.shape[:1])}; "
            f"these are {scale.dtype} {tuple(scale.shape)}"
        )
    if not (scale.isfinite() & (scale >= 0)).all():
        raise ValueError(f"{path}: scales are finite and not negative; {name}{SCALE} has one that is not")
    if int(value.min()) < -LARGEST:
        raise ValueError(f"{path}: {name} has -128; whole numbers are -{LARGEST} … {LARGEST}")


def _matrix(whole: Tensor, scale: Tensor) -> Tensor:
    return whole.float() * scale.view(-1, *[1] * (whole.ndim - 1))
