"""For the test suites of users: `assert_no_regression(run, baseline, policy)`, and a pytest plugin that prints it.

With the pytest plugin `egobench`, a failed gate is shown without a traceback: what regressed, by how much and on which
clips. It is repeated at the end of the session. Importing this module loads no large library.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from egobench.compare.gate import GateReport

try:
    import pytest
except ImportError:  # the assertion works without pytest
    pytest = None

_failed: list[tuple[str, "GateReport"]] = []
"""Tests whose gate failed, with its report, for the session's summary."""


class RegressionError(AssertionError):
    """A gate that did not pass; its text is a summary, its `report` has all facts."""

    def __init__(self, text: str, report: "GateReport") -> None:
        super().__init__(text)
        self.report = report


def assert_no_regression(
    run: Path | str, baseline: Path | str, policy: Path | str, *, strict: bool = False, trust: bool = True
) -> "GateReport":
    """Compares a run folder with a baseline file under a gate.toml, as `egobench gate` does.

    Args:
        strict: an inconclusive metric fails too.
        trust: False reads every clip of the split, as `egobench gate --no-trust` does.

    Returns:
        The report of a gate that passed.

    Raises:
        RegressionError: the gate did not pass: regressed, not comparable, incomplete, too few clips, or, if `strict`,
            inconclusive.
        BadInputError: a file is missing or damaged.
    """
    __tracebackhide__ = True
    from egobench.compare.runs import gate_run
    from egobench.tables.ci import failure_text

    report = gate_run(run, baseline, policy, strict=strict, trust=trust)
    if report.exit_code:
        raise RegressionError(failure_text(report), report)
    return report


if pytest is not None:

    @pytest.fixture
    def no_regression() -> Callable[..., "GateReport"]:
        """The function `assert_no_regression`, as a fixture."""
        return assert_no_regression

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_makereport(item: Any, call: Any) -> Any:
        """Prints a failed gate as its text only, and adds its numbers to the properties of the test's report."""
        outcome = yield
        error = call.excinfo.value if call.excinfo is not None else None
        if isinstance(error, RegressionError):
            report = outcome.get_result()
            report.longrepr = f"{item.nodeid}\n\n{error}"
            report.user_properties.append(("egobench_exit_code", error.report.exit_code))
            _failed.append((item.nodeid, error.report))

    def pytest_terminal_summary(terminalreporter: Any) -> None:
        """Prints a line for every failed gate."""
        if _failed:
            terminalreporter.section("egobench gates")
        for name, report in _failed:
            terminalreporter.write_line(f"{name}: exit {report.exit_code}: {report.headline}")
