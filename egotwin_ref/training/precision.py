"""In which precision matrices are multiplied: bfloat16 where a device has it, float32 elsewhere or where asked for."""

from contextlib import AbstractContextManager, nullcontext
from typing import Any, Literal

import torch

Precision = Literal["auto", "float32", "bfloat16"]


def autocast(device: str, dtype: torch.dtype | None, cached: bool = True) -> "AbstractContextManager[Any]":
    """Lower precision where one is asked for.

    Args:
        cached: weights are converted once a step; a captured step may not keep them.
    """
    if dtype is None:
        return nullcontext()
    return torch.autocast(device.partition(":")[0], dtype, cache_enabled=cached)


def fast_dtype(device: str) -> torch.dtype | None:
    """bfloat16 where `device` multiplies it itself; elsewhere it is emulated, a hundred times slower than float32."""
    if device.startswith("cuda"):
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else None
    if device.startswith("cpu"):
        has = any(getattr(torch.cpu, name, bool)() for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"))
        return torch.bfloat16 if has else None
    return None


def dtype_of(precision: Precision, device: str) -> torch.dtype | None:
    """What `autocast` is given: None for float32; `auto` is the fast one of the device."""
    return {"auto": fast_dtype(device), "float32": None, "bfloat16": torch.bfloat16}[precision]
