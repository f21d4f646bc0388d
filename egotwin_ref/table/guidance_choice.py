"""Which guidance a row is sampled with: one grid, one rule, for every row.

First the text's strength, at partner 1; then, at the best of these, the partner's, in rows that have seen the other
modality unknown. The best is the pair with the least mean, over the columns that apply to the row, of

    (value - floor) / (chance - floor)

where the floor is recorded against recorded, and chance is the recorded video or text with another recording's motion.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from egotwin_ref.model.configs import Variant
from egotwin_ref.model.sampling import TABLE, Guidance, Mode

TEXT = (1.0, 1.5, 2.5, 4.0, 7.5)
"""w_t that are tried."""
PARTNER = (1.0, 2.0, 3.0)
"""w_m = w_v that are tried."""
UNITS = {"trans-err": "m", "rot-err": "deg", "mm-dist": "feature"}
"""Columns that the rule may look at, and their units; less is better in each."""
Scores = Mapping[str, Sequence[float]]
"""Column → a number per clip, in the column's unit; NaN for a clip that cannot be scored."""


@dataclass(frozen=True)
class Mean:
    """Of a column over clips."""

    value: float
    """In the column's unit."""
    error: float
    """Standard error over clips, the same unit."""
    unscored: int = 0
    """Clips that could not be scored; each counts as chance."""


@dataclass(frozen=True)
class Scale:
    """What the columns' ends are on the clips that are looked at."""

    floor: Mapping[str, Mean]
    chance: Mapping[str, Mean]

    @staticmethod
    def of(floor: Scores, chance: Scores) -> "Scale":
        """From recorded against recorded, and against another recording's motion.

        Raises:
            ValueError: a clip without a number, or a column whose chance is no worse than its floor.
        """
        ends = [{name: _mean(values, np.nan) for name, values in scores.items()} for scores in (floor, chance)]
        for name, low in ends[0].items():
            high = ends[1][name]
            if not low.value < high.value:  # also where one is NaN
                raise ValueError(
                    f"{name}: recorded clips score {low.value:.4g}, with another's motion {high.value:.4g}; chance has "
                    "to be worse than the floor on these clips"
                )
        return Scale(*ends)

    def ways(self, scores: Scores) -> np.ndarray:
        """(clip,) each clip's mean over columns of its way from the floor, 0, to chance, 1."""
        rows = [
            (_filled(values, self.chance[name].value) - self.floor[name].value)
            / (self.chance[name].value - self.floor[name].value)
            for name, values in scores.items()
        ]
        return np.mean(rows, axis=0)


@dataclass(frozen=True)
class Tried:
    """A pair of strengths and what it gave."""

    guidance: Guidance
    columns: Mapping[str, Mean]
    way: Mean
    """Mean over the columns of the way from floor, 0, to chance, 1: what the rule compares."""

    @staticmethod
    def of(guidance: Guidance, scores: Scores, scale: Scale) -> "Tried":
        """From a number per clip and column.

        Raises:
            ValueError: no column at all.
        """
        if not scores:
            raise ValueError("no column applies; a row that makes a video or a motion has one at least")
        columns = {name: _mean(values, scale.chance[name].value) for name, values in scores.items()}
        return Tried(guidance, columns, _mean(scale.ways(scores), np.nan))


def columns_of(variant: Variant, mode: Mode) -> tuple[str, ...]:
    """The columns that apply: consistency where there are a video and a motion, mm-dist where a motion is made."""
    has_video = "video" in variant.makes or TABLE[mode]["video"] == "clean"
    made = "motion" in variant.makes and TABLE[mode]["motion"] == "now"
    return (*(("trans-err", "rot-err") if has_video else ()), *(("mm-dist",) if made else ()))


def has_partner(variant: Variant) -> bool:
    """Whether a row can be guided by the other modality; see `Guidance.partner`."""
    return variant.timesteps == "async"


def walk(
    measure: Callable[[Guidance], Tried],
    partner: bool,
    text: Sequence[float] = TEXT,
    partners: Sequence[float] = PARTNER,
) -> list[Tried]:
    """All pairs of the grid in the order in which they are tried; `best` of them is the choice.

    Args:
        measure: what a pair gives; asked once for each.
        partner: whether the row has a partner's strength.
    """
    tried = [measure(Guidance(strength, 1.0)) for strength in text]
    if partner:
        first = best(tried).guidance
        tried += [measure(replace(first, partner=strength)) for strength in partners if strength != 1.0]
    return tried


def best(tried: Sequence[Tried]) -> Tried:
    """The pair with the least way; of equal ones the first, which is the weaker."""
    return min(tried, key=lambda pair: pair.way.value)


def strangers(recordings: Sequence[str]) -> list[int]:
    """For each clip the next in the list that is of another recording, round the end.

    Raises:
        ValueError: all clips are of one recording.
    """
    count = len(recordings)
    found = []
    for place, own in enumerate(recordings):
        after = ((place + step) % count for step in range(1, count))
        other = next((index for index in after if recordings[index] != own), None)
        if other is None:
            raise ValueError(f"all {count} clips are of one recording; chance needs two recordings at least")
        found.append(other)
    return found


def _filled(values: Sequence[float], missing: float) -> np.ndarray:
    found = np.asarray(values, dtype=np.float64)
    return np.where(np.isnan(found), missing, found)


def _mean(values: Sequence[float] | np.ndarray, missing: float) -> Mean:
    found = _filled(values, missing)  # pyright: ignore[reportArgumentType]
    error = float(found.std(ddof=1) / len(found) ** 0.5) if len(found) > 1 else 0.0
    return Mean(float(found.mean()), error, int(np.isnan(np.asarray(values, dtype=np.float64)).sum()))
