"""Detects positions that were once rounded to half precision, whatever their type is now.

Such positions have no values between the steps of half precision. At 1 to 2 m from the origin, a step is 1 mm in
float16 and 8 mm in bfloat16. At 16 frames per second, a third difference turns 1 mm into 9 m/s³. This is more than the
jerk of a calm person.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from egobench.errors import Undefined

MANTISSAS = {"bfloat16": 7, "float16": 10}
"""Mantissa bits after the leading one."""
FILLED = 0.2
"""Smallest share of the numbers that must use the last bit. Half of them do if numbers were rounded, and none if they
are round by themselves (0, 0.5, 1)."""


class Coarse(NamedTuple):
    """The precision to which positions were rounded."""

    kind: str
    """bfloat16 or float16."""
    step_m: float
    """Distance between neighbouring numbers at the largest coordinate, metres."""

    @property
    def words(self) -> str:
        """Text such as `positions are float16 in steps of 0.98 mm`."""
        return f"positions are {self.kind} in steps of {self.step_m * 1000:.2g} mm"


def coarse_steps(positions: Float[np.ndarray, "time joint 3"]) -> Coarse | None:
    """The half precision that holds all coordinates exactly; None if they need more precision."""
    numbers = np.asarray(positions, dtype=np.float64).ravel()
    numbers = numbers[numbers != 0]
    if numbers.size == 0 or not np.isfinite(numbers).all():
        return None
    mantissas = np.frexp(numbers)[0] * 2  # ±1 … ±2
    for kind, bits in MANTISSAS.items():
        scaled = mantissas * 2.0**bits
        if (scaled == np.round(scaled)).all():
            is_filled = float(np.mean(scaled % 2 == 1)) >= FILLED
            largest = float(np.abs(numbers).max())
            return Coarse(kind, 2.0 ** (np.floor(np.log2(largest)) - bits)) if is_filled else None
    return None


def refuse_coarse(positions: Float[np.ndarray, "time joint 3"], what: str) -> None:
    """Refuses positions, in metres, that were rounded to half precision.

    Args:
        what: the derivatives that are lost.

    Raises:
        Undefined: the positions were rounded; the reason names the step.
    """
    coarse = coarse_steps(positions)
    if coarse is not None:
        raise Undefined(f"{coarse.words}, too coarse for {what}; float32 is needed")
