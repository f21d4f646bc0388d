"""`leaderboards/<board>/entries/*.json`: a run's `metrics.json` and its origin, as one reviewed file.

An entry holds the numbers of a row and the facts to check them: the run's id, the digest of its manifest, the readable
protocols, date and commit. Its file is named after model and run.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, get_args

from egobench.boards.board import Board
from egobench.catalog import MODELS
from egobench.errors import BadInputError, NotComparableError
from egobench.files.atomic import read_json
from egobench.files.digest import digest_file
from egobench.plan.model_code import changed_text
from egobench.store.labels import LABEL, given_name
from egobench.store.manifest import refuse_newer, refuse_unfinished
from egobench.tables.table import Kind, check_metrics, read_metrics
from egobench.types import Control


@dataclass(frozen=True)
class Provenance:
    """The origin of an entry's numbers."""

    model: str
    """Label in the table."""
    kind: Kind
    """`control` rows are shown and never ranked."""
    run: str
    """Name of the run's folder."""
    manifest_digest: str
    """SHA-256 of the run's `manifest.json`, 64 hex digits."""
    split_digest: str
    """Digest of the split that was run."""
    date: str
    """When the run was made, UTC, ISO 8601."""
    commit: str
    """Commit of the code that made it; ends in `+dirty` if the tree had changes."""
    protocols: Mapping[str, Any] = field(default_factory=dict)
    """Metric → readable protocol record, which shows how two entries differ."""


@dataclass(frozen=True)
class Entry:
    """One row of a board."""

    file: str
    """Name of the file, for messages."""
    document: Mapping[str, Any]
    """As `metrics.json`."""
    provenance: Provenance

    @property
    def metrics(self) -> Mapping[str, Mapping[str, Any]]:
        """Metric → record."""
        return self.document["metrics"]

    def given(self, board: Board) -> str:
        """The entry's task if it is not the board's; else empty."""
        task = str(self.document["task"])
        return task if task != board.task else ""


def read_entry(path: Path, board: Board) -> Entry:
    """Reads and checks one entry. Raises as `check_entry`."""
    return check_entry(read_json(path), board, path)


def check_entry(content: Any, board: Board, path: Path) -> Entry:
    """The entry in a JSON document.

    Raises:
        BadInputError: damaged, or a label that cannot be printed.
        NotComparableError: of another split or task than the board's.
    """
    document = check_metrics(content, str(path))
    try:
        provenance = Provenance(**content["provenance"])
    except (KeyError, TypeError) as error:
        raise BadInputError(f"{path}: provenance is missing or incomplete: {error}", code="entry-damaged") from None
    if provenance.kind not in get_args(Kind):
        raise BadInputError(f"{path}: kind is {provenance.kind!r}; model or control", code="entry-damaged")
    if not LABEL.fullmatch(provenance.model):
        raise BadInputError(
            f"{path}: the label {provenance.model!r} cannot be printed; a letter or digit first, then letters, digits, "
            "spaces and .:,+/()-, at most 80 signs",
            code="entry-label",
        )
    check_belongs(document, board, str(path))
    return Entry(path.name, document, provenance)


def check_belongs(document: Mapping[str, Any], board: Board, where: str) -> None:
    """Refuses numbers of another split, or of a task that the board does not list.

    Raises:
        NotComparableError: names the fields that differ.
    """
    differing = [
        f"{key} is {document[key]!r}, the board's is {' or '.join(map(repr, allowed))}"
        for key, allowed in (("split", [board.split]), ("task", [board.task, *board.given]))
        if document[key] not in allowed
    ]
    if differing:
        raise NotComparableError(f"{where}: {'; '.join(differing)}")


def refuse_two_versions(changed: str, where: Path | str) -> None:
    """Refuses a run of more than one version of its model's code: a row of a board is one model.

    Args:
        changed: `changed_text` of the run's model; empty for a run of one version.

    Raises:
        NotComparableError: the run's samples are of more than one version of its model's code.
    """
    if changed:
        raise NotComparableError(
            f"{where}: {changed}; a row of a board is one version of a model: run it anew, without that option"
        )


def kind_of(model: str) -> Kind:
    """`control` if the class of a built-in model sets `is_control`, else `model`."""
    kind = MODELS.load(model) if model in MODELS.names() else None
    return "control" if isinstance(kind, Control) and kind.is_control else "model"


def entry_content(run: Path, kind: Kind | None = None, label: str | None = None) -> dict[str, Any]:
    """The content of an entry made from a finished run folder.

    Args:
        kind: `kind_of` the model if None.
        label: the run's own name if None, else the model's.

    Raises:
        BadInputError: the run is not finished or its manifest is damaged.
        NotComparableError: the run is of two versions of its model's code.
    """
    document = read_metrics(run)
    manifest_file = run / "manifest.json"
    manifest = refuse_newer(read_json(manifest_file), manifest_file)
    refuse_unfinished(manifest, run, "only a run that is done is entered")
    refuse_two_versions(changed_text(manifest.get("model", {})), run)
    try:
        provenance = Provenance(
            model=label or given_name(manifest) or document["model"],
            kind=kind or kind_of(document["model"]),
            run=manifest["run"],
            manifest_digest=digest_file(manifest_file),
            split_digest=manifest["split"]["digest"],
            date=manifest["started"],
            commit=(manifest["commit"] or "unknown") + ("+dirty" if manifest["dirty"] else ""),
            protocols={name: manifest["protocols"][result["protocol"]] for name, result in document["metrics"].items()},
        )
    except (KeyError, TypeError) as error:
        raise BadInputError(f"{manifest_file} is damaged: {error!r}", code="manifest-damaged") from None
    return {**document, "provenance": asdict(provenance)}


def entry_name(content: Mapping[str, Any]) -> str:
    """File name of an entry: model and run, safe in any file system; the same run gives the same name."""
    label = re.sub(r"[^A-Za-z0-9]+", "-", content["provenance"]["model"]).strip("-").lower()
    tail = hashlib.sha256(content["run"].encode()).hexdigest()[:6]
    return f"{label or 'model'}-{tail}.json"
