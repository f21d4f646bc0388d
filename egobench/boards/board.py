"""`leaderboards/<board>/board.toml`: the recipe of a board, as data.

schema = 1
title = "…"                     headline of the table
split = "egomini-test"          name; entries of another split are refused
split_digest = "…"              64 hex digits; empty: not yet frozen, every digest is accepted
task = "t2vm"
given = ["tm2v"]                tasks of rows that are listed with a mark and without a rank, since they were given more
metrics = ["i-fid", …]          columns, in order
order = "i-fid"                 the column that ranks
published = true                print `leaderboards/published.toml` below, as blocks of its own
beyond = ["MM-DiT", …]          systems of this board that the paper's tables do not have, for CLAIMS.md
[protocols]                     metric = "digest": the protocols of entries in the first block
[gates]                         min_n, min_coverage: the conditions for a rank
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, get_args

from egobench.errors import BadInputError
from egobench.registry import unknown
from egobench.types import Task

SCHEMA = 1
RECIPE = "board.toml"


@dataclass(frozen=True)
class Gates:
    """The conditions for a rank. An entry that does not meet them is shown without a rank."""

    min_n: int = 1
    """Least number of rows in the ordering metric."""
    min_coverage: float = 0.0
    """Least share of rows that were sampled and scored, 0 … 1, in every column."""


@dataclass(frozen=True)
class Board:
    """One leaderboard."""

    title: str
    split: str
    metrics: tuple[str, ...]
    order: str
    """One of `metrics`."""
    task: str = "t2vm"
    given: tuple[str, ...] = ()
    """Further tasks whose rows are listed without a rank: models that make one modality from the other."""
    split_digest: str = ""
    """Empty if the split is not frozen yet."""
    published: bool = False
    """Print the published tables below."""
    beyond: tuple[str, ...] = ()
    """Labels of systems that the paper's tables do not have; `leaderboard claims` lists them separately."""
    protocols: Mapping[str, str] = field(default_factory=dict)
    """Metric → required protocol digest."""
    gates: Gates = Gates()


def read_board(folder: Path) -> Board:
    """The recipe in a board's folder.

    Raises:
        BadInputError: absent, not TOML, an unknown or missing key, or a column that contradicts another key.
    """
    content = read_toml(folder / RECIPE)
    where = str(folder / RECIPE)
    if content.pop("schema", None) != SCHEMA:
        raise BadInputError(f"{where}: schema must be {SCHEMA}", code="board-schema")
    gates = _build(Gates, content.pop("gates", {}), f"{where} [gates]")
    given = content.pop("given", [])
    if not isinstance(given, list):
        raise BadInputError(f'{where}: given is {given!r}; a list of tasks is needed: ["tm2v"]', code="board-task")
    lists = {key: tuple(content.get(key, ())) for key in ("metrics", "beyond")} | {"given": tuple(given)}
    board = _build(Board, {**content, **lists, "gates": gates}, where)
    if not board.metrics or len(set(board.metrics)) != len(board.metrics):
        raise BadInputError(f"{where}: metrics must be different names, at least one", code="board-metrics")
    for name in (board.order, *board.protocols):
        if name not in board.metrics:
            raise BadInputError(f"{where}: {unknown('columns', name, list(board.metrics))}", code="board-metrics")
    _check_tasks(board, where)
    return board


def read_toml(path: Path) -> dict[str, Any]:
    """A TOML file as plain data.

    Raises:
        BadInputError: absent or not TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise BadInputError(f"no {path.name} in {path.parent}", code="board-missing") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadInputError(f"{path} is not TOML: {error}", code="board-damaged") from None


def _check_tasks(board: Board, where: str) -> None:
    """Refuses unknown tasks, and a task that is listed twice."""
    for task in (board.task, *board.given):
        if task not in get_args(Task):
            raise BadInputError(f"{where}: {unknown('tasks', str(task), list(get_args(Task)))}", code="board-task")
    tasks = [board.task, *board.given]
    if len(set(tasks)) < len(tasks):
        raise BadInputError(
            f"{where}: given is {', '.join(board.given)} beside task {board.task}; each task stands there once",
            code="board-task",
        )


def _build(kind: type, content: Mapping[str, Any], where: str) -> Any:
    known = [entry.name for entry in fields(kind)]
    for key in content:
        if key not in known:
            raise BadInputError(f"{where}: {unknown('keys', key, known)}", code="board-key")
    try:
        return kind(**content)
    except TypeError as error:
        raise BadInputError(f"{where}: {error}", code="board-key") from None
