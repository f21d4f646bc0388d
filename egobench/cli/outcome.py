"""What `run`, `resume` and `rescore` print at the end: the table of results and where the run lies."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from egobench.boards.table import read_metrics, run_grid
from egobench.cli.options import print_grids, print_json
from egobench.cli.quiet import note
from egobench.errors import IncompleteRunError
from egobench.files.atomic import read_json
from egobench.pipeline.oddities import odd_videos
from egobench.pipeline.sample_warnings import sample_warnings
from egobench.store.folder import open_run
from egobench.store.labels import given_name
from egobench.store.tables import read_items

if TYPE_CHECKING:
    from egobench.pipeline.run import RunReport


def print_report(run: Callable[[], "RunReport"], *, as_json: bool) -> int:
    """Runs, prints, and returns 0; a run with too many failed clips is printed before its error goes on its way.

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
    """The table of a finished run, or its `metrics.json` with the folder's path; on stderr what is odd about its
    samples."""
    document = read_metrics(path)
    for line in [*odd_videos(path), *sample_warnings(read_items(open_run(path).items))]:
        note(line)
    if as_json:
        print_json({**document, "path": path})
        return
    print_grids([run_grid(document, given_name(read_json(path / "manifest.json")))])
    print(path)
