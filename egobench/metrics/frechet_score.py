"""What the Fréchet metrics (i-fid, fvd, m-fid) share: checks, distance, companions, interval, influence of clips.

Features are given per row (item, feature), samples beside their references.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Float, Int

from egobench.errors import BadInputError
from egobench.files.array_file import Entries
from egobench.metrics.base import SetMetric, SetScore
from egobench.stats.frechet import frechet_distance, frechet_interval, frechet_limit
from egobench.stats.influence import frechet_influence
from egobench.stats.kernel import Blocks, kernel_distance, large_kernel_distance
from egobench.stats.large_frechet import LargeFrechet
from egobench.stats.weighted_frechet import SequenceFrechet

SOLVER = {
    "solver": "float64, ddof 1, nuclear norm of the centred cross-Gram (triangular factors where N > d)",
    "interval": "delete-d jackknife by sequence, three quarters kept",
}
"""Part of the record of every Fréchet metric."""
Rows = Sequence[Float[np.ndarray, "..."]]
"""Features of one side, a row (clip × seed) each."""


@dataclass(frozen=True)
class FrechetMetric(SetMetric):
    """A Fréchet distance between the features of all samples and of all references.

    Its inputs are called `sample` and `reference`; entry i of both is row i.
    """

    streams = True
    counted: ClassVar[str]
    """What an item is called in `detail`: `frames` for `n_frames`."""

    def sides(self, inputs: Mapping[str, Rows]) -> tuple[Rows, Rows]:
        """Samples and references, a row (item, feature) each."""
        return inputs["sample"], inputs["reference"]

    def entering(self, rows: Rows) -> Rows:
        """The items of each row that enter the distance; all of them unless a subclass says otherwise."""
        return rows

    def score(
        self,
        inputs: Mapping[str, Rows],
        clips: Sequence[str],
        groups: Int[np.ndarray, " row"],
        *,
        draws: int,
        seed: int,
    ) -> SetScore:
        """Scores the set. With `draws` = 0 there is no interval, `fd_inf` or `influence`, and the two sides may then
        have different numbers of rows (two halves of a split).

        Raises:
            BadInputError: fewer than two clips (`features-clips`), clips of other lengths than the references or too
                short (`features-frames`), features that do not match, are all the same or not finite (`features-…`).
        """
        sides = self.sides(inputs)
        check_rows(self.name, *sides, rows=len(groups), draws=draws)
        sample, reference = (self.entering(side) for side in sides)
        return frechet_score(sample, reference, clips, groups, counted=self.counted, draws=draws, seed=seed)

    def left_out(
        self, inputs: Mapping[str, Rows], blocks: Int[np.ndarray, " row"]
    ) -> tuple[float, Float[np.ndarray, " block"]]:
        """The distance, and the distance without each block of rows. Errors as `score`."""
        sample, reference = (self.entering(side) for side in self.sides(inputs))
        return frechet_left_out(sample, reference, blocks)

    def kept(self, inputs: Mapping[str, Any]) -> Mapping[str, np.ndarray]:
        """The items that enter, of either side. Raises BadInputError `features-frames`."""
        sample, reference = (side[0] for side in self.sides({key: [row] for key, row in inputs.items()}))
        if len(sample) != len(reference):
            text = f"{self.name}: a sample has {len(sample)} frames or items, its reference {len(reference)}"
            raise BadInputError(f"{text}; all clips must be of one length", code="features-frames")
        return {"sample": self.entering([sample])[0], "reference": self.entering([reference])[0]}

    def score_large(
        self,
        rows: Mapping[str, Entries],
        clips: Sequence[str],
        groups: Int[np.ndarray, " row"],
        *,
        draws: int,
        seed: int,
    ) -> SetScore:
        """As `score`; without `kid` where `draws` is 0."""
        large = self._large(rows)
        if large is None:
            lists = {name: listed(rows[name]) for name in ("sample", "reference")}
            return frechet_score(**lists, clips=clips, groups=groups, counted=self.counted, draws=draws, seed=seed)
        d = rows["sample"].width
        detail: dict[str, Any] = {f"n_{self.counted}": rows["sample"].items, "d": d, "n_below_d": large.has_few}
        if not draws:
            return SetScore(large.value, None, detail)
        detail["kid"] = large_kernel_distance(*(_blocks_of(rows[name]) for name in ("reference", "sample")))
        detail["fd_inf"] = large.limit(groups, seed)
        names, owner = np.unique(np.asarray(clips, dtype=str), return_inverse=True)
        raising = large.influence(owner) if large.value > 0 else []
        detail["influence"] = [{"clip": str(names[each.group]), "change": each.change} for each in raising]
        return SetScore(large.value, large.interval(groups, draws, seed), detail)

    def left_out_large(
        self, rows: Mapping[str, Entries], blocks: Int[np.ndarray, " row"]
    ) -> tuple[float, Float[np.ndarray, " block"]]:
        """As `left_out`."""
        large = self._large(rows)
        if large is None:
            return frechet_left_out(listed(rows["sample"]), listed(rows["reference"]), blocks)
        return large.value, large.left_out(blocks)

    def _large(self, rows: Mapping[str, Entries]) -> LargeFrechet | None:
        """Both sides, summed up; None where one has no more items than features, and so little that lists will do."""
        sides = rows["reference"], rows["sample"]
        lengths = {int(count) for side in sides for count in np.unique(side.counts)}
        if len(lengths) > 1:
            text = f"{self.name}: samples and references have {_listed(lengths)} frames or items"
            raise BadInputError(f"{text}; all clips must be of one length", code="features-frames")
        if min(side.items for side in sides) <= sides[0].width:
            return None
        return LargeFrechet(*sides)

    def definition(self) -> Mapping[str, Any]:
        return SOLVER


def frechet_score(
    sample: Sequence[Float[np.ndarray, "_item _feature"]],
    reference: Sequence[Float[np.ndarray, "_item _feature"]],
    clips: Sequence[str],
    groups: Int[np.ndarray, " row"],
    *,
    counted: str,
    draws: int,
    seed: int,
) -> SetScore:
    """Distance with `detail`: the number of items (under `n_<counted>`), `d`, `n_below_d`, `kid`, and with `draws`
    also `fd_inf` and `influence`, the ten clips without which the distance would be lowest.

    Arguments and errors as `SetMetric.score` with inputs checked by `check_rows`.
    """
    all_sample, all_reference = np.concatenate(sample), np.concatenate(reference)
    value = frechet_distance(all_reference, all_sample)
    detail: dict[str, Any] = {
        f"n_{counted}": len(all_sample),
        "d": int(all_sample.shape[1]),
        "n_below_d": min(len(all_sample), len(all_reference)) < all_sample.shape[1],
        "kid": kernel_distance(all_reference, all_sample),
        "fd_inf": None,
    }
    interval = None
    if draws:
        detail["fd_inf"] = frechet_limit(reference, sample, groups, seed)
        detail["influence"] = _influence(reference, sample, clips) if value > 0 else []
        interval = frechet_interval(reference, sample, groups, draws, seed)
    return SetScore(value, interval, detail)


def frechet_left_out(
    sample: Sequence[Float[np.ndarray, "_item _feature"]],
    reference: Sequence[Float[np.ndarray, "_item _feature"]],
    blocks: Int[np.ndarray, " row"],
) -> tuple[float, Float[np.ndarray, " block"]]:
    """Distance over all rows, and without the rows of each block, on both sides.

    Raises:
        BadInputError: `features-clips`: fewer than two rows are left without a block.
    """
    distances = SequenceFrechet.of(reference, sample, blocks)
    if min(len(side.rows) - side.counts.max() for side in (distances.reference, distances.sample)) < 2:
        raise BadInputError("fewer than two rows are left without a block", code="features-clips")
    value = frechet_distance(np.concatenate(reference), np.concatenate(sample))
    return value, distances(1 - np.eye(distances.num_groups, dtype=np.int64))


def check_rows(name: str, sample: Sequence[Any], reference: Sequence[Any], rows: int, draws: int) -> None:
    """Refuses what no Fréchet metric can compare.

    Args:
        name: of the metric, for the message.
        sample: per row (item, feature).
        reference: the same; of another number of rows only without `draws`.
        rows: number of clip ids and groups.
        draws: 0 where no interval is needed.

    Raises:
        BadInputError: fewer than two rows on a side, or sides not paired for the interval (`features-clips`), another
            number of dimensions or features (`features-dimension`), other numbers of items, which come from other
            lengths of the clips (`features-frames`).
    """
    if min(len(sample), len(reference)) < 2 or (draws and not len(sample) == len(reference) == rows):
        raise BadInputError(
            f"{name} compares sets of two or more clips, paired for the interval: found {len(sample)} samples, "
            f"{len(reference)} references, {rows} groups",
            code="features-clips",
        )
    shapes = [np.shape(row) for row in (*sample, *reference)]
    widths = sorted({shape[1:] for shape in shapes})
    if len(widths) > 1 or len(widths[0]) != 1:
        raise BadInputError(
            f"{name}: features of shapes {sorted(set(shapes))[:4]}; (items, features) of one extractor are needed",
            code="features-dimension",
        )
    lengths, expected = ({shape[0] for shape in side} for side in (shapes[: len(sample)], shapes[len(sample) :]))
    if lengths != expected or len(lengths) > 1:
        raise BadInputError(
            f"{name}: samples have {_listed(lengths)} frames or items, references {_listed(expected)}; all clips must "
            "be of one length",
            code="features-frames",
        )


def listed(entries: Entries) -> list[np.ndarray]:
    """All entries, in memory."""
    rows = np.concatenate([block for _, block in entries.blocks()])
    return np.split(rows, np.cumsum(entries.counts)[:-1])


def _blocks_of(entries: Entries) -> Blocks:
    return lambda: (block for _, block in entries.blocks())


def _influence(reference: Sequence[np.ndarray], sample: Sequence[np.ndarray], clips: Sequence[str]) -> list[Any]:
    names, owner = np.unique(np.asarray(clips, dtype=str), return_inverse=True)
    influences = frechet_influence(reference, sample, owner)
    return [{"clip": str(names[each.group]), "change": each.change} for each in influences]


def _listed(numbers: set[int]) -> str:
    return ", ".join(str(number) for number in sorted(numbers)[:4])
