"""Precision of matrix products: bfloat16 on a device that supports it, float32 elsewhere or by request."""

from contextlib import AbstractContextManager, nullcontext
from typing import Any, Literal

import torch

Precision = Literal["auto", "float32", "bfloat16"]


def autocast(device: str, dtype: torch.dtype | None, cached: bool = True) -> "AbstractContextManager[Any]":
    """A context in which products have a lower precision; without effect if `dtype` is None.

    Args:
        cached: whether converted weights are kept during a step; a captured step must not keep them.
    """
    if dtype is None:
        return nullcontext()
    return torch.autocast(device.partition(":")[0], dtype, cache_enabled=cached)


def fast_dtype(device: str) -> torch.dtype | None:
    """bfloat16 if `device` supports it, else None: emulated bfloat16 is a hundred times slower than float32."""
    if device.startswith("cuda"):
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else None
    if device.startswith("cpu"):
        has = any(getattr(torch.cpu, name, bool)() for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"))
        return torch.bfloat16 if has else None
    return None


def dtype_of(precision: Precision, device: str) -> torch.dtype | None:
    """The argument of `autocast`: None for float32; `auto` is the fast one of the device."""
    return {"auto": fast_dtype(device), "float32": None, "bfloat16": torch.bfloat16}[precision]
