"""All pictures of several runs for a board: the same clips, errors over time, good and bad clips, training, a page."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from egobench.boards.board import Board, read_board
from egobench.errors import BadInputError, UnknownNameError
from egobench.files.atomic import make_folder, write_bytes
from egobench.pictures.good_and_bad import Extremes, extremes, good_and_bad_picture
from egobench.pictures.over_time import PATH_METRICS, Course, courses_csv, error_course, metric_label
from egobench.pictures.over_time_plot import over_time_picture
from egobench.pictures.picture_rows import PictureRow, open_rows, refuse_mixture, rows_split
from egobench.pictures.rows_page import RowsPage
from egobench.pictures.rows_sheet import RowsSheet, chosen_ids, missing_parts, shown_rows
from egobench.pictures.training_curve import open_checkpoints, training_csv, training_picture
from egobench.progress import Progress, Quiet
from egobench.registry import unknown
from egobench.store.tables import SET_CLIP
from egobench.types import Split

COUNT, METRIC = 8, "rot-err"


@dataclass(frozen=True)
class BoardPictures:
    """What was written."""

    files: list[Path] = field(default_factory=list)
    clips: list[str] = field(default_factory=list)
    """Of `rows.png`, in order."""
    notes: list[str] = field(default_factory=list)
    """Parts that could not be drawn, and why."""


def make_pictures(
    board_dir: Path,
    runs: Sequence[tuple[str, Path]],
    out: Path | None = None,
    *,
    count: int = COUNT,
    metric: str = METRIC,
    checkpoints: Sequence[tuple[str, int, Path]] = (),
    progress: Progress | None = None,
) -> BoardPictures:
    """Draws finished runs of a board's split side by side; equal runs give equal bytes.

    Args:
        runs: label and run folder of each row, in order.
        out: folder for the pictures; default: `pictures` in the board's folder.
        count: number of clips in `rows.png`.
        metric: a metric with a value per clip, which chooses the good and the bad clips.
        checkpoints: label, training samples and run folder of each point of `training.png`; if empty, it is not drawn.

    Raises:
        BadInputError: nothing to draw, a run that is not finished, damaged, or left clips out; `option-range` (count);
            `metric-kind`: a metric that scores all clips at once.
        NotComparableError: another split, content or task than the board's, or two protocols of one metric.
        UnknownNameError: a metric that no run has, or a split that is not on this machine.
        StorageError: the disk refused.
    """
    if count < 1:
        raise BadInputError(f"count is {count}; at least 1 clip is needed", code="option-range")
    board, progress, pictures = read_board(board_dir), progress or Quiet(), BoardPictures()
    target = out or board_dir / "pictures"
    points = open_checkpoints(board, checkpoints)
    rows = open_rows(board, runs) if runs or not points else []
    split = rows_split([*rows, *(each.row for each in points)])
    if rows:
        _check_metric(rows, metric)
        for name in (metric, *(metric_label(rows, kind.name) for kind in PATH_METRICS)):
            refuse_mixture(board, rows, name)
    make_folder(target)
    if rows:
        _draw_rows(board, rows, split, target, count, progress, pictures)
        _draw_over_time(board, rows, target, progress, pictures)
        _draw_good_and_bad(board, rows, split, target, metric, progress, pictures)
    if points:
        write_bytes(target / "training.csv", training_csv(board, points).encode("utf-8"))
        pictures.files.extend([training_picture(board, points, target / "training.png"), target / "training.csv"])
    return pictures


def _check_metric(rows: Sequence[PictureRow], metric: str) -> None:
    having = [row for row in rows if metric in row.results]
    if not having:
        known = sorted({name for row in rows for name in row.results})
        raise UnknownNameError(unknown("metrics of these runs", metric, known))
    if all(_is_of_set(row, metric) for row in having):
        by_clip = sorted({name for row in rows for name in row.results if not _is_of_set(row, name)})
        text = f"{metric} scores all clips at once, so it has no good and bad ones; right are {', '.join(by_clip)}"
        raise BadInputError(text, code="metric-kind")


def _is_of_set(row: PictureRow, metric: str) -> bool:
    return [score.clip for score in row.scores(metric)] == [SET_CLIP]


def _draw_rows(
    board: Board,
    rows: Sequence[PictureRow],
    split: Split,
    target: Path,
    count: int,
    progress: Progress,
    pictures: BoardPictures,
) -> None:
    ids, rule = chosen_ids(split, count)
    lines, title = [rule, *missing_parts(rows)], f"{board.title}: the same clips for every row"
    reading = "The first frame is given. Beside: the head from above, the reference's path in blue in every panel."
    facts = split.facts
    strips = 1 + sum(not row.is_reference for row in rows)
    sheet = RowsSheet(title, [*lines, reading], len(ids), strips, aspect=facts["height"] / facts["width"])
    page = RowsPage(title, facts["fps_video"])
    progress.stage("the same clips", len(ids))
    for clip_id in ids:
        clip, shown = split.clip(clip_id), shown_rows(rows, clip_id, facts)
        sheet.add(clip, shown)
        page.add(clip, shown)
        progress.advance()
    pictures.files.append(sheet.save(target / "rows.png"))
    if note := page.write(target / "rows.html", lines):
        pictures.notes.append(note)
    if (target / "rows.html").is_file():
        pictures.files.append(target / "rows.html")
    progress.done()
    pictures.clips.extend(ids)
    pictures.notes.extend(missing_parts(rows))


def _draw_over_time(
    board: Board, rows: Sequence[PictureRow], target: Path, progress: Progress, pictures: BoardPictures
) -> None:
    courses: list[Course] = []
    notes: list[str] = []
    progress.stage("errors over time", len(PATH_METRICS) * len(rows))
    for kind in PATH_METRICS:
        label = metric_label(rows, kind.name)
        for row in rows:
            course = error_course(row, kind, label)
            if isinstance(course, Course):
                courses.append(course)
            else:
                notes.append(f"{row.label} has no line: {course}")
            progress.advance()
    title = f"{board.title}: errors over the time of the clip"
    pictures.files.append(over_time_picture(title, courses, notes, target / "over-time.png"))
    write_bytes(target / "over-time.csv", courses_csv(courses).encode("utf-8"))
    pictures.files.append(target / "over-time.csv")
    progress.done()
    pictures.notes.extend(notes)


def _draw_good_and_bad(
    board: Board,
    rows: Sequence[PictureRow],
    split: Split,
    target: Path,
    metric: str,
    progress: Progress,
    pictures: BoardPictures,
) -> None:
    chosen: list[Extremes] = []
    notes: list[str] = []
    for row in rows:
        clips = extremes(row, metric)
        if isinstance(clips, Extremes):
            chosen.append(clips)
        else:
            notes.append(f"{row.label} is not drawn: {clips}")
    progress.stage("good and bad clips", sum(len(each.best) + len(each.worst) for each in chosen))
    title = f"{board.title}: best and worst clips by {metric}"
    path = good_and_bad_picture(title, metric, chosen, split, notes, target / "good-and-bad.png", progress)
    pictures.files.append(path)
    progress.done()
    pictures.notes.extend(notes)
