"""`egobench gate RUN --baseline FILE --policy gate.toml`: an exit code, JUnit, a step summary."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from tyro.conf import Positional

from egobench.cli.options import parse, print_grids, print_json
from egobench.cli.progress import progress
from egobench.cli.quiet import note
from egobench.cli.stdout import print
from egobench.files.atomic import storage_errors, write_bytes

SUMMARY = "GITHUB_STEP_SUMMARY"


@dataclass(frozen=True)
class GateOptions:
    """Holds a run against a baseline under a policy and fails where a gated metric got worse.

    One-sided: a metric passes where the 95 % interval of its harm lies below the tolerance, however much better it is.

    Exit code: 0 passed, 1 regressed, 2 a tolerance that so many clips cannot resolve, 3 not comparable, 4 incomplete,
    5 inconclusive under --strict.
    """

    run: Positional[Path]
    """Run folder."""
    baseline: Path
    """File of `egobench baseline update`."""
    policy: Path | None = None
    """A gate.toml: tolerance and severity per metric. Without, every metric of the baseline is gated with a tolerance
    of 10 % of its value there."""
    junit: Path | None = None
    """Write JUnit XML here, one test case a metric."""
    github: bool = False
    """Write the step summary to $GITHUB_STEP_SUMMARY and annotations to stderr."""
    strict: bool = False
    """Fail (exit 5) where a gated metric is inconclusive."""
    draws: int = 10_000
    """Bootstrap and permutation draws."""
    no_trust: bool = False
    """Read every clip of the split and compare it with its digest, also where its files look untouched since then."""
    json: bool = False
    """Machine-readable output."""


def main(arguments: list[str]) -> int:
    """Decides, prints, and returns the exit code; one line on stderr says what decided."""
    options = parse(GateOptions, "gate", arguments)
    from egobench.compare.baseline import baseline_side
    from egobench.compare.gate import gate
    from egobench.compare.policy import DEFAULT_POLICY, read_policy
    from egobench.compare.records import gate_record
    from egobench.compare.run_side import run_side
    from egobench.tables.ci import annotations, junit, step_summary
    from egobench.tables.compare_grid import gate_grid

    policy = DEFAULT_POLICY if options.policy is None else read_policy(options.policy)
    if options.policy is None:
        note(
            "no --policy: every metric is gated, tolerance 10 % of the baseline's value; docs/gate.md shows a gate.toml"
        )
    baseline = baseline_side(options.baseline)
    run = run_side(options.run, progress(), trust=not options.no_trust)
    report = gate(run, baseline, policy, strict=options.strict, draws=options.draws)
    if options.junit is not None:
        write_bytes(options.junit, junit(report).encode())
    if options.json:
        print_json(gate_record(report))
    else:
        print_grids([gate_grid(report)])
    if options.github:
        _to_github(step_summary(report), annotations(report))
    if report.exit_code:
        print(f"egobench: {report.headline}", file=sys.stderr)
    return report.exit_code


def _to_github(summary: str, lines: list[str]) -> None:
    """Annotations go to stderr, which GitHub reads as it does stdout, so that stdout stays data."""
    target = os.environ.get(SUMMARY)
    if target:
        with storage_errors(target), open(target, "a", encoding="utf-8") as file:
            file.write(summary)
    else:
        print(f"egobench: {SUMMARY} is not set, so there is no step summary", file=sys.stderr)
    for line in lines:
        print(line, file=sys.stderr)
