"""The final output of `run`, `resume` and `rescore`: the table of results and the path of the run."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from egobench.cli.options import print_grids, print_json
from egobench.cli.quiet import note
from egobench.cli.stdout import print
from egobench.errors import IncompleteRunError
from egobench.plan.model_code import changed_text
from egobench.run.remarks import odd_videos, sample_warnings
from egobench.run.watch import time_line
from egobench.store.folder import open_run
from egobench.store.labels import given_name
from egobench.store.manifest import read_manifest
from egobench.store.tables import read_items
from egobench.tables.table import read_metrics, run_grid

if TYPE_CHECKING:
    from egobench.run.report import RunReport


def print_report(run: Callable[[], "RunReport"], *, as_json: bool) -> int:
    """Runs, prints, and returns 0. If too many clips failed, the run is printed before the error is raised.

    Raises:
        IncompleteRunError: more clips failed than allowed; the run is finished and readable.
    """
    try:
        path = run().path
    except IncompleteRunError as error:
        if error.path is not None:
            print_run(Path(error.path), as_json=as_json)
        raise
    print_run(path, as_json=as_json)
    return 0


def print_run(path: Path, *, as_json: bool) -> None:
    """Prints the table of a finished run, or its `metrics.json` with the folder's path. Notes about unusual samples and
    about changed model code go to stderr."""
    folder = open_run(path)
    place = folder.remote.url if folder.remote else path
    document, manifest = read_metrics(path), read_manifest(folder)
    changed = changed_text(manifest["model"])
    notes = [changed, *manifest.get("notes", []), *odd_videos(path), *sample_warnings(read_items(folder.items))]
    for line in filter(None, [*notes, time_line(manifest)]):
        note(line)
    if as_json:
        print_json({**document, "path": place})
        return
    print_grids([run_grid(document, given_name(manifest))])
    print(place)
