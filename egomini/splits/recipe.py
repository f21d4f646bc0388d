"""The recipe of a split of the embedded world: wearers, rooms, seeds, number of clips, difficulty."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from egomini.world.scene import Difficulty

GENERATOR_VERSION = 1
MAIN_WORLD, NEW_WORLD, HD_WORLD = 0, 1, 2
STRATA: tuple[Literal["walk", "look", "still"], ...] = ("walk", "look", "still")


@dataclass(frozen=True)
class SplitSpec:
    """The settings of each clip; `egomini.splits.generate` makes the clips."""

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
    """Every `rich_every`-th sequence has the rich look in place of the plain one; 0 for none."""
    cycle_strata: bool = False
    """Walk, look, still in turn by sequence, instead of the natural mixture."""
    shipped: bool = False
    """The package has the clips."""
    files_sha256: str = ""
    """Of a split that is shipped: `egobench.data.content.files_digest`, so that its first check needs no decoding."""
    subset_of: str | None = None
    """Clips are the first window of the first `sequences` sequences of that split."""
    on_demand: bool = False
    """The package has neither clips nor an index of it."""

    def folder(self, home: Path) -> Path:
        """The folder in which `egobench data make` writes it."""
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
