"""A finished run, opened for reading: results, tables, manifest and samples."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from egobench.errors import BadInputError
from egobench.run.run import RunReport, report_of
from egobench.scoring.stored_sample import read_sample
from egobench.store.folder import RunFolder, open_run
from egobench.store.journal import read_events
from egobench.store.manifest import read_finished
from egobench.store.tables import ItemRow, items_table, read_items, scores_table
from egobench.types import Result, Sample

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class FinishedRun:
    """A finished run. Tables and samples are read when they are asked for."""

    path: Path
    """Its folder."""
    manifest: Mapping[str, Any]
    """What manifest.json holds: request, model, split, protocols, machine, seconds."""
    report: RunReport
    """Results and counts."""

    @property
    def results(self) -> dict[str, Result]:
        """Metric → result."""
        return self.report.results

    @cached_property
    def scores(self) -> "pa.Table":
        """A row per clip, seed and metric: clip, seed, metric, value, status, reason, detail; a set metric has one row,
        with clip "" and seed -1. Raises BadInputError `table-unreadable`."""
        return scores_table(RunFolder(self.path).scores)

    @cached_property
    def items(self) -> "pa.Table":
        """A row per clip and seed: how its sample was made, its files' SHA-256, the clip's recording and stratum.
        Raises BadInputError `table-unreadable`."""
        return items_table(RunFolder(self.path).items)

    def sample(self, clip_id: str, seed: int = 0) -> Sample:
        """What the model made of a clip, in the split's rates; a part that the model does not make is None.

        Raises:
            BadInputError: `sample-missing`: no sample of this clip and seed; `file-missing`, or `sample-changed` since
                it was scored.
        """
        return sample_of(RunFolder(self.path), self.manifest["split"]["facts"], clip_id, seed)


def open_finished(path: Path | str) -> FinishedRun:
    """Opens a finished run. Raises BadInputError if it is none, damaged, or of a newer schema."""
    folder = open_run(path)
    manifest = read_finished(folder, path)
    return FinishedRun(folder.path, manifest, report_of(folder, manifest))


def sample_of(folder: RunFolder, facts: Mapping[str, Any], clip_id: str, seed: int, *, name: str = "") -> Sample:
    """A sample of a run, also of one that is not finished.

    Args:
        facts: of the split.
        name: what messages call the run; its path by default.

    Raises:
        BadInputError: `sample-missing`, or as `read_sample`.
    """
    item = _item(folder, clip_id, seed)
    if item is None or not (item.video or item.motion):
        text = f"{name or folder.path} has no sample of {clip_id} with seed {seed}; items.parquet says why"
        raise BadInputError(text, code="sample-missing")
    return read_sample(folder, item, facts)


def _item(folder: RunFolder, clip_id: str, seed: int) -> ItemRow | None:
    """The item's row; of a run that has no table yet, from its journal."""
    if folder.items.is_file():
        rows = read_items(folder.items)
        return next((row for row in rows if (row.clip, row.seed) == (clip_id, seed)), None)
    events = [event for event in read_events(folder.journal) if event.get("event") == "item"]
    mine = [event for event in events if (event["clip"], event["seed"]) == (clip_id, seed)]
    if not mine:
        return None
    own = {name: value for name, value in mine[-1].items() if name in ItemRow.__dataclass_fields__}
    return ItemRow(**own, clip_digest="", sequence="", participant="", stratum="")
