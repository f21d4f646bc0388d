"""The frozen splits of the embedded world: which wearers, rooms and seeds, how many clips, how hard.

A split's name is for ever. A change of the generator is a new `GENERATOR_VERSION` with new split names.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from egobench.data.egomini.scene import Difficulty
from egobench.data.folder import INDEX, open_folder
from egobench.errors import BadInputError
from egobench.types import Split

GENERATOR_VERSION = 1
SHIPPED = Path(__file__).parent / "shipped"
MAIN_WORLD, NEW_WORLD, HD_WORLD = 0, 1, 2
STRATA: tuple[Literal["walk", "look", "still"], ...] = ("walk", "look", "still")


@dataclass(frozen=True)
class SplitSpec:
    """A recipe; `egobench.data.open.open_split` turns it into clips."""

    name: str
    sequences: int
    """Recordings: one wearer in one room."""
    clips_per_sequence: int
    wearers: tuple[int, int]
    """First and one past the last wearer number; no two of train, val, test, unseen and hd share one, and train-32k
    has those of train."""
    seed: int
    """Enters every clip's generator together with its sequence and window."""
    world: int = MAIN_WORLD
    """Family of rooms; train, val and test share theirs."""
    resolution: int = 64
    """Pixels, square."""
    difficulty: Difficulty = field(default_factory=Difficulty)
    rich_every: int = 0
    """Every so many sequences the rich look is drawn in place of the plain one; 0 never."""
    cycle_strata: bool = False
    """Walk, look, still in turn by sequence instead of the natural mixture."""
    shipped: bool = False
    """Clips lie inside the package."""
    files_sha256: str = ""
    """Of a split that is shipped: `egobench.data.content.files_digest`, so that its first check needs no decoding."""
    subset_of: str | None = None
    """Clips are the first window of the first `sequences` sequences of that split."""
    on_demand: bool = False
    """The package has neither clips nor an index of it."""

    def open(self, home: Path) -> Split:
        """The clips: from the package, from `home`, or (where an index is shipped) made again one by one.

        Raises:
            BadInputError: the split has not been made on this machine; the message says how.
        """
        if self.subset_of:
            parent = SPECS[self.subset_of]
            chosen = [parent.clip_id(sequence, 0) for sequence in range(self.sequences)]
            return open_folder(SHIPPED / parent.name, subset=chosen, name=self.name, known_files=parent.files_sha256)
        if self.shipped:
            return open_folder(SHIPPED / self.name, name=self.name, known_files=self.files_sha256)
        made = self.folder(home)
        if (made / INDEX).is_file():
            return open_folder(made, name=self.name)
        index = SHIPPED / f"{self.name}.json.gz"
        if index.is_file():
            from egobench.data.egomini.lazy import open_lazy

            return open_lazy(self, index)
        raise BadInputError(
            f"split '{self.name}' is not on this machine; `egobench data make {self.name}` makes its "
            f"{self.sequences * self.clips_per_sequence:,} clips in {made}",
            code="split-missing",
        )

    def folder(self, home: Path) -> Path:
        """Where `egobench data make` puts it."""
        return home / f"egomini-v{GENERATOR_VERSION}" / self.name

    def clip_id(self, sequence: int, window: int) -> str:
        """Identifier, e.g. `test-0012-3`."""
        return f"{self.sequence_id(sequence)}-{window}"

    def sequence_id(self, sequence: int) -> str:
        """Identifier of a recording, e.g. `test-0012`."""
        return f"{self.name.removeprefix('egomini-')}-{sequence:04d}"

    def wearer(self, sequence: int) -> int:
        """Number of the wearer of a recording."""
        first, end = self.wearers
        return first + sequence % (end - first)

    def room(self, sequence: int) -> int:
        """Index of the room of a recording; wearers and rooms are crossed."""
        first, end = self.wearers
        return (sequence + sequence // (end - first)) % self.difficulty.rooms

    def sequence_difficulty(self, sequence: int) -> Difficulty:
        """The split's difficulty with the look of this recording."""
        if self.rich_every and sequence % self.rich_every == 0:
            return Difficulty(**{**vars(self.difficulty), "texture": "rich"})
        return self.difficulty


EGOMINI_TRAIN = SplitSpec("egomini-train", 2000, 4, wearers=(0, 24), seed=101)
# Wearers and seed of egomini-train, whose 8,000 clips are therefore the first ones here, by other names.
EGOMINI_TRAIN_32K = SplitSpec("egomini-train-32k", 8000, 4, wearers=(0, 24), seed=101, on_demand=True)
EGOMINI_VAL = SplitSpec("egomini-val", 32, 4, wearers=(24, 28), seed=102)
EGOMINI_TEST = SplitSpec(
    name="egomini-test",
    sequences=64,
    clips_per_sequence=4,
    wearers=(28, 36),
    seed=103,
    shipped=True,
    files_sha256="70f62482e9df4a22f5825417e52ee2059a154c366f7af807ac6cd2d9aa4ad019",
)
EGOMINI_SMOKE = SplitSpec("egomini-smoke", 8, 1, wearers=(28, 36), seed=103, shipped=True, subset_of="egomini-test")
EGOMINI_UNSEEN = SplitSpec("egomini-unseen", 32, 4, wearers=(36, 44), seed=104, world=NEW_WORLD)
EGOMINI_HD = SplitSpec(
    "egomini-hd", 24, 1, wearers=(44, 52), seed=105, world=HD_WORLD, resolution=256, rich_every=2, cycle_strata=True
)
SPECS = {
    spec.name: spec
    for spec in (
        *(EGOMINI_TEST, EGOMINI_SMOKE, EGOMINI_VAL, EGOMINI_UNSEEN, EGOMINI_TRAIN, EGOMINI_TRAIN_32K, EGOMINI_HD),
    )
}
