"""Whether positions were ever held in half precision: there is nothing between its steps, whatever they are in now.

At 1 to 2 m from the origin float16 resolves 1 mm and bfloat16 8 mm. A third difference at 16 frames per second makes
9 m/s³ of 1 mm, more than a calm person has.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from egobench.errors import Undefined

MANTISSAS = {"bfloat16": 7, "float16": 10}
"""Bits after the leading one."""
FILLED = 0.2
"""Share of the numbers that must use the last bit; half of them do where a number was rounded, none where it is round
by itself (0, 0.5, 1)."""


class Coarse(NamedTuple):
    """What positions were rounded to."""

    kind: str
    """bfloat16 or float16."""
    step_m: float
    """Distance between neighbouring numbers at the largest coordinate, metres."""

    @property
    def words(self) -> str:
        """`positions are float16 in steps of 0.98 mm`."""
        return f"positions are {self.kind} in steps of {self.step_m * 1000:.2g} mm"


def coarse_steps(positions: Float[np.ndarray, "time joint 3"]) -> Coarse | None:
    """The half precision that holds all coordinates exactly; None where they need more than that."""
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
    """Refuses positions, metres, that were rounded to half precision.

    Args:
        what: the derivatives that are lost.

    Raises:
        Undefined: with the step that is left.
    """
    coarse = coarse_steps(positions)
    if coarse is not None:
        raise Undefined(f"{coarse.words}, too coarse for {what}; float32 is needed")
