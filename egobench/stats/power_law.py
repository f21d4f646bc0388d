"""A power law fitted to a few points and evaluated at another one."""

import numpy as np
from jaxtyping import Float


def power_law_at(x: Float[np.ndarray, " point"], y: Float[np.ndarray, " point"], at: float) -> float:
    """c · atᵖ, with c and p by least squares of log y on log x.

    Args:
        x: two or more different positive numbers.
        y: positive.
        at: positive.
    """
    slope, intercept = np.polyfit(np.log(x), np.log(y), 1)
    return float(np.exp(intercept + slope * np.log(at)))
