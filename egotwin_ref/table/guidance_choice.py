"""How the guidance of a row is chosen: one grid and one rule for all rows.

First the text's strength is tried, with partner 1. Then, at the best text strength, the partner's strength is tried, in
rows that were trained with the other modality unknown. The best pair has the least mean, over the columns that apply to
the row, of

    way = (value - floor) / (chance - floor)

The floor is the score of recorded clips. Chance is the score of the recorded video or text with the motion of another
recording.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from egotwin_ref.model.configs import Variant
from egotwin_ref.model.sampling import TABLE, Guidance, Mode

TEXT = (1.0, 1.5, 2.5, 4.0, 7.5)
"""Values of w_t that are tried."""
PARTNER = (1.0, 2.0, 3.0)
"""Values of w_m = w_v that are tried."""
UNITS = {"trans-err": "m", "rot-err": "deg", "mm-dist": "feature"}
"""Columns that the rule may use, and their units; less is better in each."""
Scores = Mapping[str, Sequence[float]]
"""Column → a number per clip, in the column's unit; NaN for a clip that cannot be scored."""


@dataclass(frozen=True)
class Mean:
    """Mean of a column over clips."""

    value: float
    """In the column's unit."""
    error: float
    """Standard error over clips, the same unit."""
    unscored: int = 0
    """Number of clips that could not be scored; each counts as chance."""


@dataclass(frozen=True)
class Scale:
    """Floor and chance of the columns, on the clips of the choice."""

    floor: Mapping[str, Mean]
    chance: Mapping[str, Mean]

    @staticmethod
    def of(floor: Scores, chance: Scores) -> "Scale":
        """From the scores of recorded clips, and of clips with another recording's motion.

        Raises:
            ValueError: a clip has no number, or a column's chance is not worse than its floor.
        """
        ends = [{name: _mean(values, np.nan) for name, values in scores.items()} for scores in (floor, chance)]
        for name, low in ends[0].items():
            high = ends[1][name]
            if not low.value < high.value:  # also if one is NaN
                raise ValueError(
                    f"{name}: recorded clips score {low.value:.4g}, with another recording's motion {high.value:.4g}; "
                    "chance has to be worse than the floor on these clips"
                )
        return Scale(*ends)

    def ways(self, scores: Scores) -> np.ndarray:
        """The way of each clip (n,): 0 at the floor, 1 at chance, as a mean over columns."""
        rows = [
            (_filled(values, self.chance[name].value) - self.floor[name].value)
            / (self.chance[name].value - self.floor[name].value)
            for name, values in scores.items()
        ]
        return np.mean(rows, axis=0)


@dataclass(frozen=True)
class Tried:
    """A pair of strengths and its scores."""

    guidance: Guidance
    columns: Mapping[str, Mean]
    way: Mean
    """Mean way over columns and clips, from 0 at the floor to 1 at chance. The rule compares it."""

    @staticmethod
    def of(guidance: Guidance, scores: Scores, scale: Scale) -> "Tried":
        """From a number per clip and column.

        Raises:
            ValueError: there is no column.
        """
        if not scores:
            raise ValueError("no column applies; a row that makes a video or a motion has at least one")
        columns = {name: _mean(values, scale.chance[name].value) for name, values in scores.items()}
        return Tried(guidance, columns, _mean(scale.ways(scores), np.nan))


def columns_of(variant: Variant, mode: Mode) -> tuple[str, ...]:
    """The columns that apply: trans-err and rot-err if there is a video, mm-dist if a motion is made."""
    has_video = "video" in variant.makes or TABLE[mode]["video"] == "clean"
    made = "motion" in variant.makes and TABLE[mode]["motion"] == "now"
    return (*(("trans-err", "rot-err") if has_video else ()), *(("mm-dist",) if made else ()))


def has_partner(variant: Variant) -> bool:
    """Whether the partner's strength has an effect in a row; see `Guidance.partner`."""
    return variant.timesteps == "async"


def walk(
    measure: Callable[[Guidance], Tried],
    partner: bool,
    text: Sequence[float] = TEXT,
    partners: Sequence[float] = PARTNER,
) -> list[Tried]:
    """Tries all pairs of the grid, in order; `best` of the result is the choice.

    Args:
        measure: scores a pair; it is called once per pair.
        partner: whether the row has a partner's strength.
    """
    tried = [measure(Guidance(strength, 1.0)) for strength in text]
    if partner:
        first = best(tried).guidance
        tried += [measure(replace(first, partner=strength)) for strength in partners if strength != 1.0]
    return tried


def best(tried: Sequence[Tried]) -> Tried:
    """The pair with the least way; of equal pairs the first, which has the weaker guidance."""
    return min(tried, key=lambda pair: pair.way.value)


def mismatched(recordings: Sequence[str]) -> list[int]:
    """For each clip, the index of the next clip of another recording; after the last clip comes the first.

    Raises:
        ValueError: all clips are of one recording.
    """
    count = len(recordings)
    partners = []
    for index, own in enumerate(recordings):
        after = ((index + step) % count for step in range(1, count))
        other = next((place for place in after if recordings[place] != own), None)
        if other is None:
            raise ValueError(f"all {count} clips are of one recording; chance needs two recordings at least")
        partners.append(other)
    return partners


def _filled(values: Sequence[float], missing: float) -> np.ndarray:
    numbers = np.asarray(values, dtype=np.float64)
    return np.where(np.isnan(numbers), missing, numbers)


def _mean(values: Sequence[float] | np.ndarray, missing: float) -> Mean:
    numbers = _filled(values, missing)  # pyright: ignore[reportArgumentType]
    error = float(numbers.std(ddof=1) / len(numbers) ** 0.5) if len(numbers) > 1 else 0.0
    return Mean(float(numbers.mean()), error, int(np.isnan(np.asarray(values, dtype=np.float64)).sum()))
