"""Several runs on a command line, as a shell's `runs/*` gives them: what is no run is named and skipped."""

from collections.abc import Sequence
from pathlib import Path

from egobench.cli.quiet import note

PARTS = ("manifest.json", "metrics.json", "items.parquet", "scores.parquet", "events.jsonl", "samples")
"""A folder with one of these is a run, if a damaged one, and is not passed over."""


def chosen_runs(paths: Sequence[Path], least: int = 1) -> list[Path]:
    """The paths that may be runs.

    Skipped, with a note, are files and folders that hold neither a part of a run nor runs, as long as `least` others
    are left. Whatever else is wrong (nothing there, a folder of runs, a damaged run) is left to who opens it.
    """
    kept = [path for path in paths if not _is_other(path)]
    if len(kept) < least:
        return list(paths)
    for path in paths:
        if path not in kept:
            note(f"skipped {path}: not a run folder")
    return kept


def _is_other(path: Path) -> bool:
    from egobench.store.folder import runs_inside

    if path.is_file():
        return True
    return path.is_dir() and not any((path / part).exists() for part in PARTS) and not runs_inside(path)
