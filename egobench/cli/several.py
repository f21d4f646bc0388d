"""Several runs on a command line, for example from a shell's `runs/*`. Other paths are skipped with a note."""

from collections.abc import Sequence
from pathlib import Path

from egobench.cli.quiet import note

PARTS = ("manifest.json", "metrics.json", "items.parquet", "scores.parquet", "events.jsonl", "samples")
"""A folder with one of these is a run, perhaps a damaged one, and is not skipped."""


def chosen_runs(paths: Sequence[Path], least: int = 1) -> list[Path]:
    """The paths that may be runs. A run under a URL is got from there.

    Files are skipped with a note, and so are folders that hold neither a part of a run nor runs. But at least `least`
    paths must remain. Other problems (a missing path, a folder of runs, a damaged run) appear when the run is opened.
    """
    paths = [_here(path) for path in paths]
    kept = [path for path in paths if not _is_other(path)]
    if len(kept) < least:
        return list(paths)
    for path in paths:
        if path not in kept:
            note(f"skipped {path}: not a run folder")
    return kept


def _here(path: Path) -> Path:
    """The path itself; of a run under a URL, its copy on this machine."""
    from egobench.store.folder import open_run
    from egobench.store.remote import url_of

    return open_run(path).path if url_of(path) else path


def _is_other(path: Path) -> bool:
    from egobench.store.folder import runs_inside

    if path.is_file():
        return True
    return path.is_dir() and not any((path / part).exists() for part in PARTS) and not runs_inside(path)
