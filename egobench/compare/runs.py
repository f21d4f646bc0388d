"""Run folders compared with each other, or held against a baseline: for the command line and the Python door."""

from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

from egobench.compare.baseline import baseline_side
from egobench.compare.comparable import joint_metrics, refuse_other_clips, refuse_unlike
from egobench.compare.comparison import DRAWS, SEED, Comparison, compare_sides
from egobench.compare.gate import GateReport, gate
from egobench.compare.policy import DEFAULT_POLICY, Policy, read_policy
from egobench.compare.run_side import make_ready, run_side, told_apart
from egobench.compare.side import Side
from egobench.compare.verdict import DEFAULT_RELATIVE, Tolerance
from egobench.errors import BadInputError
from egobench.progress import Progress

Place = tuple[int, int]
"""Two places in a list of runs, the earlier first."""


def open_sides(paths: Sequence[Path | str], progress: Progress | None = None, *, trust: bool = True) -> list[Side]:
    """Finished runs as sides with labels that differ. Raises as `run_side`."""
    return told_apart([run_side(path, progress, trust=trust) for path in paths])


def compare_all(
    sides: Sequence[Side],
    metrics: Sequence[str] = (),
    *,
    tolerance: float = DEFAULT_RELATIVE,
    policy: Policy | None = None,
    draws: int = DRAWS,
    seed: int = SEED,
    allow_partial: bool = False,
) -> dict[Place, Comparison]:
    """Compares every pair of sides; pairs with the first side come first.

    Args:
        metrics: those to compare; empty for all in common.
        tolerance: share of the first side's value that does not matter.
        policy: its tolerances are used in place of `tolerance`.
        draws: of bootstrap and permutation.
        allow_partial: compare what is left where more than 1 % of the rows failed, or a side has fewer rows.

    Raises:
        As `compare_sides`; `range`: a tolerance below 0.
    """
    check_tolerance(tolerance)
    _make_all_ready(sides, metrics, allow_partial)

    def tolerance_of(metric: str) -> Tolerance:
        return Tolerance(relative=tolerance) if policy is None else policy.rule(metric).tolerance

    how = {"tolerance_of": tolerance_of, "draws": draws, "seed": seed, "allow_partial": allow_partial}
    return {
        (first, second): compare_sides(sides[first], sides[second], metrics, **how)
        for first, second in combinations(range(len(sides)), 2)
    }


def check_tolerance(tolerance: float) -> None:
    """Raises BadInputError `range` for a tolerance that is none."""
    if not 0 <= tolerance < float("inf"):
        raise BadInputError(f"tolerance is {tolerance}; 0 or more is needed", code="range")


def gate_run(
    run: Path | str,
    baseline: Path | str,
    policy: Path | str | None = None,
    progress: Progress | None = None,
    *,
    strict: bool = False,
    draws: int = DRAWS,
    trust: bool = True,
) -> GateReport:
    """Holds a finished run against a baseline file.

    Args:
        baseline: file of `egobench baseline update`.
        policy: a gate.toml; None gates every metric with a tolerance of 10 % of the baseline's value.
        strict: a gated metric that is inconclusive fails.
        trust: see `check_split`.

    Raises:
        BadInputError: a file is missing or damaged.
    """
    rules = DEFAULT_POLICY if policy is None else read_policy(policy)
    held_against = baseline_side(baseline)
    return gate(run_side(run, progress, trust=trust), held_against, rules, strict=strict, draws=draws)


def _make_all_ready(sides: Sequence[Side], metrics: Sequence[str], allow_partial: bool) -> None:
    """One round of extraction for all runs, once none of them is refused."""
    needed: dict[str, None] = {}
    for first, second in combinations(sides, 2):
        joint = joint_metrics(first, second, metrics)
        refuse_unlike(first, second, joint)
        refuse_other_clips(first, second, allow_partial=allow_partial)
        needed |= dict.fromkeys(joint)
    make_ready(sides, list(needed))
