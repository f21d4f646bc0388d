"""Positions too coarse for a metric that takes derivatives."""

import numpy as np
from jaxtyping import Float

from egobench.errors import Undefined
from egobench.motions.precision import coarse_steps


def refuse_coarse(positions: Float[np.ndarray, "time joint 3"], what: str) -> None:
    """Refuses positions, metres, that were rounded to half precision.

    Args:
        what: the derivatives that are lost.

    Raises:
        Undefined: with the step that is left.
    """
    coarse = coarse_steps(positions)
    if coarse is not None:
        step = f"positions are {coarse.kind} in steps of {coarse.step_m * 1000:.2g} mm"
        raise Undefined(f"{step}, too coarse for {what}; float32 is needed")
