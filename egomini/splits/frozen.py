"""The frozen splits of the embedded world, by name, and how each is opened and made.

A split's name never changes its meaning. A change of the generator needs a new `GENERATOR_VERSION` and new split names.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from egobench.data.folder import INDEX, open_folder
from egobench.data.source import SplitSource
from egobench.errors import BadInputError
from egobench.progress import Progress
from egobench.types import ClipInfo, Motion, Split
from egomini.splits.recipe import GENERATOR_VERSION as GENERATOR_VERSION
from egomini.splits.recipe import HD_WORLD, NEW_WORLD, SplitSpec

SHIPPED = Path(__file__).parent / "shipped"
SCORED = SHIPPED / "scored.npz"
"""What evaluators make of the references of the shipped clips."""


class FrozenSplit(SplitSpec, SplitSource):
    """A recipe with a fixed name; `egobench.data.open.open_split` opens it."""

    def open(self, home: Path) -> Split:
        """The clips: from the package, from `home`, or, if an index is shipped, made again one by one.

        Raises:
            BadInputError: the split has not been made on this machine; the message says how.
        """
        if self.subset_of:
            parent = SPECS[self.subset_of]
            subset = [parent.clip_id(sequence, 0) for sequence in range(self.sequences)]
            return open_folder(SHIPPED / parent.name, subset=subset, name=self.name, known_files=parent.files_sha256)
        if self.shipped:
            return open_folder(SHIPPED / self.name, name=self.name, known_files=self.files_sha256)
        made = self.folder(home)
        if (made / INDEX).is_file():
            return open_folder(made, name=self.name)
        index = SHIPPED / f"{self.name}.json.gz"
        if index.is_file():
            from egomini.splits.lazy import open_lazy  # draws clips: numba

            return open_lazy(self, index)
        raise BadInputError(
            f"split '{self.name}' is not on this machine; `egobench data make {self.name}` makes its "
            f"{self.sequences * self.clips_per_sequence:,} clips in {made}",
            code="split-missing",
        )

    def make(self, out: Path | None, workers: int, progress: Progress) -> Path:
        """Makes the clips on disk; see `egomini.splits.make.make_split`."""
        from egomini.splits.make import make_split

        return make_split(self, out, workers, progress)

    def kinds(self, infos: Sequence[ClipInfo]) -> Mapping[str, Mapping[str, str]]:
        """`texture`: the look of each clip, `rich` or `plain`, if the split has both."""
        from egomini.splits.looks import clip_looks

        looks = clip_looks(self, tuple(infos))
        return {"texture": looks} if looks else {}

    def packs(self) -> Sequence[Path]:
        """Of the shipped clips, what `python -m egomini.splits.ship_scored` made under the shipped weights."""
        return (SCORED,) if self.shipped else ()

    def at_rate(self, clip_id: str, motion: Motion, fps: float) -> Motion | None:
        """The clip performed again and recorded `fps` times a second. At another rate some clips get another action
        (see `egomini.splits.generate.clip_performance`), so the caller must compare them."""
        from egomini.splits.generate import FPS_MOTION, clip_performance

        if motion.fps != FPS_MOTION:
            return None
        spec = SPECS[self.subset_of] if self.subset_of else self
        sequence, window = (int(part) for part in clip_id.split("-")[-2:])
        frames = round((len(motion.positions) - 1) / motion.fps * fps) + 1
        made = clip_performance(spec, sequence, window, fps=fps, frames=frames)
        return Motion(made.positions, made.rotations, fps, motion.skeleton)


EGOMINI_TRAIN = FrozenSplit("egomini-train", 2000, 4, wearers=(0, 24), seed=101)
# Wearers and seed of egomini-train, whose 8,000 clips are therefore the first ones here, by other names.
EGOMINI_TRAIN_32K = FrozenSplit("egomini-train-32k", 8000, 4, wearers=(0, 24), seed=101, on_demand=True)
EGOMINI_VAL = FrozenSplit("egomini-val", 32, 4, wearers=(24, 28), seed=102)
EGOMINI_TEST = FrozenSplit(
    name="egomini-test",
    sequences=64,
    clips_per_sequence=4,
    wearers=(28, 36),
    seed=103,
    shipped=True,
    files_sha256="70f62482e9df4a22f5825417e52ee2059a154c366f7af807ac6cd2d9aa4ad019",
)
EGOMINI_SMOKE = FrozenSplit("egomini-smoke", 8, 1, wearers=(28, 36), seed=103, shipped=True, subset_of="egomini-test")
EGOMINI_UNSEEN = FrozenSplit("egomini-unseen", 32, 4, wearers=(36, 44), seed=104, world=NEW_WORLD)
EGOMINI_HD = FrozenSplit(
    "egomini-hd", 24, 1, wearers=(44, 52), seed=105, world=HD_WORLD, resolution=256, rich_every=2, cycle_strata=True
)
SPECS = {
    spec.name: spec
    for spec in (
        *(EGOMINI_TEST, EGOMINI_SMOKE, EGOMINI_VAL, EGOMINI_UNSEEN, EGOMINI_TRAIN, EGOMINI_TRAIN_32K, EGOMINI_HD),
    )
}
