"""A split before it is opened: the object behind a name of `egobench list splits`."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path

from egobench.catalog import SPLITS
from egobench.errors import BadInputError, UnknownNameError
from egobench.progress import Progress
from egobench.registry import unknown
from egobench.types import ClipInfo, Motion, Split


class SplitSource(ABC):
    """Base class of the splits that a data set registers under `egobench.splits`; only `open` is abstract."""

    name: str

    # Without annotation this is a default of the class, and no field of a subclass that is a dataclass.
    on_demand = False
    """Whether most users do not have the clips, so that `egobench doctor` does not warn where they are missing."""

    @abstractmethod
    def open(self, home: Path) -> Split:
        """The split.

        Args:
            home: folder of the splits that were made on this machine.

        Raises:
            BadInputError: `split-missing`: its clips are not on this machine; the message says how to get them.
        """

    def make(self, out: Path | None, workers: int, progress: Progress) -> Path:
        """Makes the clips on disk (`egobench data make`) and returns their folder.

        Args:
            out: folder to make them in; None is the place where `open` looks.
            workers: processes.

        Raises:
            BadInputError: `split-make`: they cannot be made here.
        """
        raise BadInputError(f"the clips of '{self.name}' cannot be made by a command", code="split-make")

    def kinds(self, infos: Sequence[ClipInfo]) -> Mapping[str, Mapping[str, str]]:
        """Further groups for calibration cards: kind → clip id → group."""
        return {}

    def packs(self) -> Sequence[Path]:
        """Files with what extractors and estimators make of the references, and with floors and chances
        (`egobench.fit.reference_pack` makes one), so that a run does not make it again. A file that does not exist, or
        that other weights made, does no harm."""
        return ()

    def at_rate(self, clip_id: str, motion: Motion, fps: float) -> Motion | None:
        """A clip's motion as it would have been recorded at another rate; None if that is not known.

        Args:
            motion: as recorded.
            fps: requested frames per second.
        """
        return None


def split_source(name: str) -> SplitSource | None:
    """The source behind a split's name; None for a folder, and for one that only has `open`."""
    source = SPLITS.load(name) if name in SPLITS.targets() else None
    return source if isinstance(source, SplitSource) else None


def make_split(name: str, out: Path | None, workers: int, progress: Progress) -> Path:
    """Makes the clips of a split on disk and returns their folder; see `SplitSource.make`.

    Raises:
        UnknownNameError: no such split.
        BadInputError: its clips cannot be made.
    """
    if name not in SPLITS.targets():
        raise UnknownNameError(unknown("splits that can be made", name, SPLITS.names()))
    source = split_source(name)
    if source is None:
        raise BadInputError(f"the clips of '{name}' cannot be made by a command", code="split-make")
    return source.make(out, workers, progress)
