"""Opens runs that are drawn side by side, checks that they fit the board and each other, and reads their samples."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from egobench.boards.board import Board
from egobench.boards.entries import LABEL, refuse_two_versions
from egobench.errors import BadInputError, NotComparableError
from egobench.files.plain import differing_fields
from egobench.pictures.drawing import REFERENCE_COLOR
from egobench.plan.model_code import changed_text
from egobench.run.finished import split_of_run
from egobench.scoring.stored_sample import read_sample
from egobench.store.folder import RunFolder, open_run
from egobench.store.manifest import read_finished
from egobench.store.tables import SET_CLIP, ItemRow, ScoreRow, read_items, read_scores
from egobench.tables.table import read_metrics
from egobench.types import Sample, Split

REFERENCE_MODEL = "reference"
"""The control that returns the recorded truth; its errors are the floor."""
ROW_COLORS = ("#c55a11", "#0b7a75", "#7030a0", "#b8860b", "#c2255c", "#4f7942", "#3b6fd4", "#8b4513", "#5c5c5c")
"""Colours of rows in order; they repeat after the last."""
SHOWN_FIELDS = 6
"""Number of differing protocol fields that a refusal names."""


@dataclass(frozen=True)
class PictureRow:
    """One finished run with its label in the pictures."""

    label: str
    folder: RunFolder
    manifest: Mapping[str, Any]
    results: Mapping[str, Mapping[str, Any]]
    """Metric → its record of `metrics.json`."""
    items: tuple[ItemRow, ...]
    place: int = 0
    """Among the rows, from 0."""

    @property
    def color(self) -> str:
        """The same in all pictures."""
        return REFERENCE_COLOR if self.is_reference else ROW_COLORS[self.place % len(ROW_COLORS)]

    @property
    def is_reference(self) -> bool:
        """Whether the run is the recorded truth itself."""
        return self.manifest["model"]["name"] == REFERENCE_MODEL

    @property
    def seed(self) -> int:
        """The seed that is drawn: the run's lowest."""
        return min(item.seed for item in self.items)

    @property
    def parts(self) -> tuple[str, ...]:
        """The parts, `video` and `motion`, that any sample of the run has."""
        return tuple(part for part in ("video", "motion") if any(getattr(item, part) for item in self.items))

    def scores(self, metric: str) -> list[ScoreRow]:
        """Rows of one metric, all of them; a set metric has one. Raises BadInputError `table-unreadable`."""
        return [row for row in read_scores(self.folder.scores) if row.metric == metric]

    def sample(self, clip_id: str, seed: int, facts: Mapping[str, Any]) -> Sample | str:
        """The run's sample of a clip, or a sentence that says why there is none.

        Args:
            facts: of the split.

        Raises:
            BadInputError: `file-missing`, `sample-changed`, or a part that cannot be read.
        """
        item = next((item for item in self.items if (item.clip, item.seed) == (clip_id, seed)), None)
        if item is None or item.status == "failed":
            return "no sample" if item is None else f"failed: {item.code}"
        return read_sample(self.folder, item, facts)


def open_row(board: Board, label: str, path: Path, place: int = 0) -> PictureRow:
    """Opens a finished run of the board's split, whose task is the board's or one that it lists as given.

    Raises:
        BadInputError: `row-label`: a label that cannot be printed; `run-missing`, `run-unfinished`, or damaged.
        NotComparableError: another split, split content or task than the board's, or two versions of the model's code.
    """
    if not LABEL.fullmatch(label):
        text = f"the label {label!r} cannot be printed; a letter or digit first, then letters, digits, spaces and "
        raise BadInputError(f"{text}.:,+/()-, at most 80 signs, are right", code="row-label")
    folder = open_run(path)
    manifest, document = read_finished(folder), read_metrics(folder.path)
    refuse_two_versions(changed_text(manifest["model"]), path)
    digest = manifest["split"]["digest"]
    task = document["task"] if document["task"] in board.given else board.task
    facts = [("split", document["split"], board.split), ("task", document["task"], task)]
    if board.split_digest:
        facts.append(("split digest", digest[:12], board.split_digest[:12]))
    differing = [
        f"{key} is '{value}', the board's is '{expected}'" for key, value, expected in facts if value != expected
    ]
    if differing:
        right = f"`egobench run --model … --split {board.split} --task {board.task}` makes one that can be drawn"
        raise NotComparableError(f"{path}: {'; '.join(differing)}; {right}")
    return PictureRow(label, folder, manifest, document["metrics"], tuple(read_items(folder.items)), place)


def open_rows(board: Board, runs: Sequence[tuple[str, Path]]) -> list[PictureRow]:
    """Opens runs by label, in the given order.

    Raises:
        BadInputError: as `open_row`; `row-twice`: two runs of one label; `run-missing`: none given.
        NotComparableError: as `open_row`.
    """
    if not runs:
        raise BadInputError(
            "no run to draw; --run LABEL=RUNFOLDER names one, as often as there are", code="run-missing"
        )
    labels = [label for label, _ in runs]
    for label in labels:
        if labels.count(label) > 1:
            raise BadInputError(f"two runs are called '{label}'; give each a label of its own", code="row-twice")
    return [open_row(board, label, path, place) for place, (label, path) in enumerate(runs)]


def rows_split(rows: Sequence[PictureRow]) -> Split:
    """The split of all rows. Each row must have every clip of it.

    Raises:
        UnknownNameError, BadInputError: it is not on this machine, or damaged; `row-clips`: a run left clips out.
        NotComparableError: it has changed since, or two rows have different contents of it.
    """
    first = rows[0]
    for row in rows[1:]:
        if row.manifest["split"]["digest"] != first.manifest["split"]["digest"]:
            text = (
                f"'{first.label}' and '{row.label}' were run on different contents of {first.manifest['split']['name']}"
            )
            raise NotComparableError(f"{text}; runs on one digest can be drawn side by side")
    split = split_of_run(first.manifest)[0]
    planned = len(split.infos())
    for row in rows:
        clips = len({item.clip for item in row.items})
        if clips < planned:
            text = f"'{row.label}' was run on {clips} of the {planned} clips of {split.name}; all are needed"
            raise BadInputError(f"{text}: `egobench run` without --limit makes them", code="row-clips")
    return split


def refuse_mixture(board: Board, rows: Sequence[PictureRow], metric: str) -> None:
    """Refuses rows of a metric with different protocols. The board's protocol holds, or else the first row's.

    A row whose task the board lists as given may differ in the task only.

    Raises:
        NotComparableError: the fields that differ are named.
    """
    having = [row for row in rows if metric in row.results]
    if not having:
        return
    required = board.protocols.get(metric) or having[0].results[metric]["protocol"]
    match = next((row for row in having if row.results[metric]["protocol"] == required), None)
    for row in having:
        own_protocol = row.results[metric]["protocol"]
        if own_protocol == required:
            continue
        fields: list[str] = []
        if match is not None:
            records = (each.manifest["protocols"][each.results[metric]["protocol"]] for each in (row, match))
            fields = differing_fields(*records)
        if fields == ["task"] and board.given:
            continue
        named = f": {', '.join(fields[:SHOWN_FIELDS])} differ" if fields else ""
        text = (
            f"{metric} of '{row.label}' was measured under protocol {own_protocol[:8]}, {required[:8]} is needed{named}"
        )
        raise NotComparableError(f"{text}; score the run again as the others were")


def why_not_scored(row: PictureRow, metric: str) -> str:
    """Why a run has no number of a metric per clip; empty if it has one."""
    result = row.results.get(metric)
    if result is None:
        return f"{metric} was not scored; `egobench rescore RUN --metrics {metric}` adds it"
    if "not_applicable" in result.get("detail", {}):
        return f"{metric} does not apply: {result['detail']['not_applicable']}"
    rows = row.scores(metric)
    if [each.clip for each in rows] == [SET_CLIP]:
        return f"{metric} scores all clips at once"
    return "" if any(each.status == "ok" for each in rows) else f"{metric} has no number on any clip"
