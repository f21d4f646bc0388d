"""`egobench resume RUN`: finishes an interrupted run; a finished one only prints its table again."""

from dataclasses import dataclass
from pathlib import Path

from tyro.conf import Positional

from egobench.cli.options import parse
from egobench.cli.progress import progress


@dataclass(frozen=True)
class ResumeOptions:
    """Finishes an interrupted run with the settings it was started with, to the same bytes as if uninterrupted."""

    run: Positional[Path]
    """Run folder."""
    workers: int | None = None
    """Processes from now on, as many as at the start by default; changes nothing in the result."""
    no_trust: bool = False
    """Read every clip of the split and compare it with its digest, also where its files look untouched since then."""
    allow_changed_code: bool = False
    """Go on where the model's code has changed since the run was started; the run then says which items are whose."""
    json: bool = False
    """Machine-readable output."""


def main(arguments: list[str]) -> int:
    """Resumes and prints the table."""
    options = parse(ResumeOptions, "resume", arguments)
    from egobench.cli.outcome import print_report
    from egobench.run.run import resume_run

    trust = not options.no_trust
    return print_report(
        lambda: resume_run(
            options.run,
            progress(),
            workers=options.workers,
            trust=trust,
            allow_changed_code=options.allow_changed_code,
        ),
        as_json=options.json,
    )
