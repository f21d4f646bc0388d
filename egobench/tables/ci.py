"""A gate's decision for CI: JUnit XML, a Markdown step summary, annotations of GitHub's workflow commands."""

import xml.etree.ElementTree as ET
from collections.abc import Iterator

from egobench.compare.gate import GateReport, GateRow
from egobench.tables.compare_grid import change_text, gate_grid, tolerance_text
from egobench.tables.numbers import plain_text
from egobench.tables.render import escape_markdown, markdown

MAX_ANNOTATIONS = 10
"""GitHub shows no more of one kind in a step."""
MAX_SUMMARY_BYTES = 1_000_000
"""GitHub refuses a step summary beyond 1 MiB."""
_FAILING = ("regressed", "not comparable", "incomplete", "too few clips", "no value")


def junit(report: GateReport) -> str:
    """A test suite with one test case for each metric.

    Only gated metrics fail, since only they decide the exit code. Other metrics that did not pass are skipped, with the
    reason.
    """
    rows = report.rows
    failed = [row for row in rows if _is_red(row, report)]
    skipped = [row for row in rows if row.outcome != "passed" and row not in failed]
    counts = {"tests": str(len(rows)), "failures": str(len(failed)), "errors": "0"}
    suites = ET.Element("testsuites", {"name": "egobench gate", **counts})
    suite = ET.SubElement(suites, "testsuite", {"name": f"gate {report.run.split}", **counts})
    suite.set("skipped", str(len(skipped)))
    properties = ET.SubElement(suite, "properties")
    facts = {"run": report.run.run, "baseline": report.baseline.run, "policy": report.policy.name}
    for name, value in {**facts, "exit_code": str(report.exit_code)}.items():
        ET.SubElement(properties, "property", {"name": name, "value": _xml(value)})
    for row in rows:
        place = {"classname": _xml(f"egobench.{report.run.split}"), "name": _xml(row.metric)}
        case = ET.SubElement(suite, "testcase", place)
        if row in failed:
            failure = ET.SubElement(case, "failure", {"type": row.outcome, "message": _xml(row.reason)})
            failure.text = _xml("\n".join(_lines(row, report)))
        elif row in skipped:
            ET.SubElement(case, "skipped", {"message": _xml(f"{row.rule.severity}: {row.outcome}: {row.reason}")})
        else:
            ET.SubElement(case, "system-out").text = _xml(_numbers(row))
    ET.indent(suites)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(suites, encoding="unicode") + "\n"


def step_summary(report: GateReport) -> str:
    """Markdown for `GITHUB_STEP_SUMMARY`: the headline, the table, the clips that lost most; cut to GitHub's limit."""
    sign = "✅" if report.exit_code == 0 else "❌"
    lines = [f"## {sign} {escape_markdown(report.headline)}", "", markdown([gate_grid(report)])]
    if report.losses:
        lines += ["### Clips that lost most", ""]
        lines += [
            f"- `{loss.clip}` ({escape_markdown(loss.stratum)}): {escape_markdown(loss.metric)} "
            f"{plain_text(loss.first)} → {plain_text(loss.second)}"
            for loss in report.losses
        ]
    text = "\n".join(lines) + "\n"
    kept = text.encode()[:MAX_SUMMARY_BYTES].decode(errors="ignore")
    return kept if kept == text else kept + "\n\n… cut\n"


def annotations(report: GateReport) -> list[str]:
    """At most ten workflow commands: errors for gated metrics, warnings for `warn` ones and for inconclusive gates."""
    commands = []
    for row in sorted(report.rows, key=lambda row: not _is_red(row, report)):
        is_red = _is_red(row, report)
        is_quiet = row.rule.severity == "info" or (row.rule.severity == "warn" and row.outcome not in _FAILING)
        if row.outcome == "passed" or (is_quiet and not is_red):
            continue
        level = "error" if is_red else "warning"
        title = _property(f"egobench: {row.metric} {row.outcome}")
        commands.append(f"::{level} title={title}::{_message(row.reason)}")
    if len(commands) > MAX_ANNOTATIONS:
        rest = f"::notice title=egobench::{len(commands) - MAX_ANNOTATIONS + 1} more in the step summary"
        return [*commands[: MAX_ANNOTATIONS - 1], rest]
    return commands


def failure_text(report: GateReport) -> str:
    """The text of a failed assertion: the headline, then numbers and the clips that lost most for each metric."""
    red = [row for row in report.rows if _is_red(row, report)]
    return "\n".join([report.headline, *(line for row in red for line in _lines(row, report))])


def _is_red(row: GateRow, report: GateReport) -> bool:
    if row.rule.severity != "gate":
        return False
    return row.outcome in _FAILING or (row.outcome == "inconclusive" and report.strict)


def _lines(row: GateRow, report: GateReport) -> Iterator[str]:
    yield f"{row.metric} {row.outcome}: {row.reason}"
    if row.comparison is not None:
        yield f"  {_numbers(row)}"
    for loss in row.losses:
        yield f"  {loss.clip} ({loss.stratum}): {plain_text(loss.first)} → {plain_text(loss.second)}"
    yield f"  run {report.run.run}, baseline {report.baseline.name} ({report.baseline.run})"


def _numbers(row: GateRow) -> str:
    comparison = row.comparison
    if comparison is None or comparison.difference is None:
        return row.reason
    values = f"{plain_text(comparison.difference.first)} → {plain_text(comparison.difference.second)} {comparison.unit}"
    effect = plain_text(comparison.difference.detectable)
    tolerance = tolerance_text(comparison.tolerance)
    pairs = comparison.pairs.paired
    return f"{values}, change {change_text(comparison)}, tolerance {tolerance}, MDE {effect}, {pairs} pairs"


def _xml(text: str) -> str:
    """The text without characters that XML 1.0 cannot hold."""
    return "".join(sign if sign in "\n\t" or sign.isprintable() else " " for sign in text)


def _message(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _message(text).replace(":", "%3A").replace(",", "%2C")
