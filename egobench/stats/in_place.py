"""A sum of matrix products without a copy of the sum."""

from typing import Any

import numpy as np
import scipy.linalg
from jaxtyping import Float

_GEMM: Any = scipy.linalg.get_blas_funcs("gemm", dtype=np.float64)


def add_product(
    total: Float[np.ndarray, "left right"], left: Float[np.ndarray, "row left"], right: Float[np.ndarray, "row right"]
) -> None:
    """total += leftᵀ @ right; `total` lies row after row in memory."""
    assert total.flags.c_contiguous
    _GEMM(1.0, right.T, left.T, trans_b=True, beta=1.0, c=total.T, overwrite_c=True)
