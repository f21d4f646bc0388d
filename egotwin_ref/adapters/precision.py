"""Precision of sampling: float32 is the one of record; TF32 and bfloat16 are faster, and a run's settings say so."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from egobench import BadInputError

if TYPE_CHECKING:
    from egotwin_ref.model.network import EgoTwin

Precision = Literal["float32", "tf32", "bf16"]


def check_precision(precision: Precision, device: str) -> None:
    """Refuses a precision that the device does not have.

    Raises:
        BadInputError: `option-range`.
    """
    from egotwin_ref.training.precision import fast_dtype

    if precision == "tf32" and not device.startswith("cuda"):
        raise BadInputError(f"precision tf32 is one of GPUs; {device} has float32", code="option-range")
    if precision == "bf16" and fast_dtype(device) is None:
        text = f"{device} has no bfloat16 of its own, and emulated it is a hundred times slower; take float32"
        raise BadInputError(text, code="option-range")


@contextmanager
def products(precision: Precision) -> Iterator[None]:
    """TF32 in matrix products and convolutions of a GPU if asked for, else none. The settings are restored."""
    places = _places()
    value = "tf32" if precision == "tf32" else "ieee"
    before = [place.fp32_precision for place in places]
    try:
        for place in places:
            place.fp32_precision = value
        yield
    finally:
        for place, old in zip(places, before, strict=True):
            place.fp32_precision = old


def _places() -> list[Any]:
    """Where torch keeps the precision of products; it names them so since 2.9."""
    import torch

    backends: Any = torch.backends
    found = [backends.cuda.matmul, getattr(backends.cudnn, "conv", None)]
    return [place for place in found if hasattr(place, "fp32_precision")]


def in_bfloat16(network: "EgoTwin", device: str) -> None:
    """Has the transformer multiply in bfloat16; weights, sums of guidance and steps of the sampler stay float32."""
    import torch

    forward = network.forward

    def lower(*arguments: Any, **named: Any) -> Any:
        with torch.autocast(device.partition(":")[0], torch.bfloat16):
            found = forward(*arguments, **named)
        parts = {"video": found.video, "motion": found.motion}
        return replace(found, **{name: part if part is None else part.float() for name, part in parts.items()})

    network.forward = lower
