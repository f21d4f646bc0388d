"""A gate: what decides, in which order, what is written for CI; the baseline and the policy behind it."""

import json
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from compare_toys import make_run, noisy, policy_file

from egobench.compare.baseline import baseline_side, read_baseline
from egobench.compare.gate import gate
from egobench.compare.policy import read_policy
from egobench.compare.records import gate_record
from egobench.compare.run_side import run_side
from egobench.compare.update import update_baseline
from egobench.errors import BadInputError, IncompleteRunError
from egobench.tables.ci import MAX_ANNOTATIONS, annotations, failure_text, junit, step_summary

DATE = "2026-01-02T03:04:05Z"


@pytest.fixture
def baseline(tmp_path):
    """A baseline file of the toy model's seed 0, and of nothing else unless asked."""

    def make(scores=None, **options):
        run = make_run(tmp_path / "base", scores or {"toy-err": noisy(0)}, **options)
        update_baseline(run, tmp_path / "base.json", reason="the first one", date=DATE)
        return tmp_path / "base.json"

    return make


@pytest.fixture
def decide(tmp_path, baseline):
    """The gate's report on a run with these scores."""

    def ask(scores, policy=None, *, base=None, strict=False, **options):
        scores = scores if isinstance(scores, dict) else {"toy-err": scores}
        run = run_side(make_run(tmp_path / "run", scores, **options))
        rules = policy_file(tmp_path / "gate.toml", **({} if policy is None else {"metrics": policy}))
        return gate(run, baseline_side(base or baseline()), read_policy(rules), strict=strict)

    return ask


def spoilt(share, rows=200, harm=3.0):
    """Another seed, with so large a share of the clips spoilt."""
    values = np.array(noisy(1, rows))
    values[: round(share * rows)] += harm
    return values.tolist()


def test_another_seed_passes(decide):
    report = decide(noisy(1))
    assert (report.exit_code, report.rows[0].outcome, report.rows[0].comparison.verdict) == (0, "passed", "equivalent")
    assert report.headline == "passed: 1 gated metric not regressed"


def test_the_baseline_of_a_run_finds_that_run_exactly_equal(decide):
    found = decide(noisy(0)).rows[0].comparison
    assert (found.difference.value, found.difference.ci95, found.verdict) == (0, (0, 0), "equivalent")


def test_five_per_cent_of_spoilt_clips_regress(decide, baseline):
    base = baseline({"toy-err": noisy(0, 200)}, windows=1)
    policy = '[metrics.toy-err]\nseverity = "gate"\nrelative = 0.02\nabsolute = 0.03\n'
    report = decide(spoilt(0.05, harm=4.0), policy, base=base, windows=1)
    assert (report.exit_code, report.rows[0].outcome) == (1, "regressed")
    assert {loss.clip for loss in report.losses[:10]} == {f"c{row:03d}" for row in range(10)}


def test_a_tolerance_below_what_the_clips_can_show_is_a_configuration_error_with_the_clips_needed(decide):
    report = decide(noisy(1), '[metrics.toy-err]\nseverity = "gate"\nabsolute = 0.01\nrelative = 0\n')
    row = report.rows[0]
    assert (report.exit_code, row.outcome) == (2, "too few clips")
    effect = row.comparison.difference.detectable
    assert row.clips_needed == np.ceil(48 * (effect / 0.01) ** 2)
    assert f"about {row.clips_needed} clips" in row.reason


def test_a_regression_is_one_even_where_the_tolerance_is_too_small(decide):
    policy = '[metrics.toy-err]\nseverity = "gate"\nabsolute = 0.001\nrelative = 0\n'
    assert decide([value + 1 for value in noisy(1)], policy).exit_code == 1


def test_an_inconclusive_gate_passes_unless_strict(decide, baseline, tmp_path):
    worse = [value + 0.1 for value in noisy(1)]
    report = decide(worse)
    assert (report.exit_code, report.rows[0].outcome) == (0, "inconclusive")
    assert report.headline.endswith("inconclusive: toy-err")
    strict = gate(report.run, report.baseline, report.policy, strict=True)
    assert strict.exit_code == 5


def shifted(seed, harm, noise=0.1):
    """Another seed whose mean harm against `noisy(0)` is exactly this."""
    values = np.array(noisy(seed, noise=noise))
    return (values - values.mean() + np.mean(noisy(0)) + harm).tolist()


def test_a_certain_improvement_smaller_than_the_tolerance_passes_and_compare_stays_undecided(decide):
    report = decide(shifted(1, -0.09), strict=True)
    row = report.rows[0]
    low, high = row.comparison.difference.ci95
    assert -0.15 < low < -0.1 < high < 0
    assert (report.exit_code, row.outcome) == (0, "passed")
    assert (row.comparison.verdict, row.comparison.trend) == ("inconclusive", "better")


def test_a_certain_harm_within_the_tolerance_passes(decide):
    report = decide(shifted(1, 0.05), strict=True)
    low, high = report.rows[0].comparison.difference.ci95
    assert 0 < low < high < 0.1
    assert (report.exit_code, report.rows[0].outcome) == (0, "passed")


def test_a_gate_asks_one_side_only(decide):
    report = decide(shifted(1, -0.06, noise=0.28), strict=True)
    row = report.rows[0]
    low, high = row.comparison.difference.ci95
    assert low < -0.13 < 0 < high < 0.1
    assert row.comparison.difference.detectable > 0.1
    assert (report.exit_code, row.outcome) == (2, "too few clips")  # blunt, and not certainly better: no luck decides
    wide = decide_again(report, 0.13, strict=True)
    assert (wide.exit_code, wide.rows[0].outcome) == (0, "passed")
    assert wide.rows[0].comparison.verdict == "inconclusive"


def test_a_certain_improvement_passes_even_where_the_tolerance_is_too_fine(decide):
    report = decide(shifted(1, -0.2), '[metrics.toy-err]\nseverity = "gate"\nabsolute = 0.001\nrelative = 0\n')
    assert report.rows[0].comparison.difference.detectable > 0.001
    assert (report.exit_code, report.rows[0].outcome) == (0, "passed")


def test_more_is_better_turns_the_side(decide, baseline):
    base = baseline({"toy-hit": noisy(0)})
    policy = '[metrics.toy-hit]\nseverity = "gate"\nabsolute = 0.1\n'
    assert decide({"toy-hit": shifted(1, 0.09)}, policy, base=base, strict=True).exit_code == 0


def decide_again(report, absolute, *, strict):
    """The same sides under another tolerance."""
    text = f'[metrics.toy-err]\nseverity = "gate"\nabsolute = {absolute}\n'
    return gate(report.run, report.baseline, read_policy(policy_file(report_path(report), text)), strict=strict)


def test_another_protocol_is_not_comparable_and_names_the_field(decide):
    report = decide(noisy(0), version=2)
    assert (report.exit_code, report.rows[0].outcome) == (3, "not comparable")
    assert report.rows[0].reason == "measured differently: metric.version differ"


def test_a_gated_metric_that_the_run_or_the_baseline_lacks_is_not_comparable(decide):
    policy = '[metrics.toy-err]\nseverity = "gate"\n[metrics.toy-hit]\nseverity = "gate"\n'
    report = decide({"toy-err": noisy(0), "toy-hit": noisy(0)}, policy)
    assert (report.exit_code, report.rows[1].reason) == (3, "not in the baseline")


def test_failed_rows_are_incomplete_unless_allowed(decide):
    report = decide(noisy(0), failed=(5,))
    assert (report.exit_code, report.rows[0].outcome) == (4, "incomplete")
    assert report.rows[0].reason == "1 of 48 rows failed, 0 are allowed"
    allowed = 'allow_failed = 1\n[metrics.toy-err]\nseverity = "gate"\nabsolute = 0.1\n'
    assert gate(report.run, report.baseline, read_policy(policy_file(report_path(report), allowed))).exit_code == 0


def report_path(report):
    """Where the policy of a report may be rewritten."""
    return report.run.source.folder.path.parent / "gate.toml"


def test_a_metric_that_lost_all_its_numbers_is_incomplete(decide):
    assert decide(["it stands still"] * 48).exit_code == 4


def test_a_metric_that_only_warns_decides_nothing(decide, baseline):
    base = baseline({"toy-err": noisy(0), "toy-hit": noisy(0)})
    scores = {"toy-err": noisy(1), "toy-hit": [value - 1 for value in noisy(1)]}
    report = decide(scores, base=base)
    assert (report.exit_code, report.rows[1].outcome) == (0, "regressed")
    assert annotations(report)[0].startswith("::warning title=egobench%3A toy-hit regressed::")


def test_junit_has_a_case_a_metric_and_fails_what_is_gated(decide, baseline):
    base = baseline({"toy-err": noisy(0), "toy-hit": noisy(0)})
    report = decide({"toy-err": [v + 1 for v in noisy(1)], "toy-hit": [v - 1 for v in noisy(1)]}, base=base)
    suites = ET.fromstring(junit(report))
    (suite,) = suites
    assert (suites.tag, suite.tag) == ("testsuites", "testsuite")
    assert {name: suite.get(name) for name in ("tests", "failures", "errors", "skipped")} == {
        **{"tests": "2", "failures": "1", "errors": "0", "skipped": "1"},
    }
    cases = suite.findall("testcase")
    assert [(case.get("classname"), case.get("name")) for case in cases] == [
        *(("egobench.toys", "toy-err"), ("egobench.toys", "toy-hit")),
    ]
    assert [[child.tag for child in case] for case in cases] == [["failure"], ["skipped"]]
    failure = cases[0].find("failure")
    assert failure.get("type") == "regressed"
    assert "c0" in failure.text
    allowed = {"testsuites": {"testsuite"}, "testsuite": {"properties", "testcase"}, "properties": {"property"}}
    for element in suites.iter():
        children = {child.tag for child in element}
        assert children <= allowed.get(element.tag, {"failure", "skipped", "system-out"})


def test_junit_holds_whatever_a_reason_says(decide):
    report = decide(['<a & "b"> \x00\x1b ]]> ü'] * 48)
    case = ET.fromstring(junit(report)).find("testsuite/testcase")
    assert '<a & "b">' in case.find("failure").get("message")


def test_the_summary_says_what_decided_and_which_clips(decide):
    report = decide([value + 1 for value in noisy(1)])
    text = step_summary(report)
    assert text.startswith("## ❌ toy-err regressed:")
    assert "| toy-err (m) ↓ |" in text
    assert "- `c0" in text
    assert failure_text(report).splitlines()[1].startswith("toy-err regressed: ")


def test_annotations_are_escaped_and_at_most_ten(decide, tmp_path):
    report = decide(noisy(1), "".join(f'[metrics.m{k}]\nseverity = "gate"\n' for k in range(14)))
    lines = annotations(report)
    assert len(lines) == MAX_ANNOTATIONS
    assert lines[0] == "::error title=egobench%3A m0 not comparable::not in the baseline and not in the run"
    assert lines[-1] == "::notice title=egobench::5 more in the step summary"


def test_the_record_is_json(decide):
    record = json.loads(json.dumps(gate_record(decide([value + 1 for value in noisy(1)])), allow_nan=False))
    assert (record["exit_code"], record["metrics"]["toy-err"]["outcome"]) == (1, "regressed")


def test_a_baseline_changes_with_a_reason_only_and_keeps_its_history(baseline, tmp_path):
    path = baseline()
    better = make_run(tmp_path / "better", {"toy-err": [value - 0.5 for value in noisy(1)]})
    for reason in ("", "  ", "\n"):
        with pytest.raises(BadInputError, match="say in a few words"):
            update_baseline(better, path, reason=reason)
    found = update_baseline(better, path, reason="new loss\nfor hands", date=DATE)
    assert found.changes["toy-err"]["verdict"] == "improved"
    history = read_baseline(path)["history"]
    assert [entry["reason"] for entry in history] == ["new loss for hands", "the first one"]
    assert history[0]["values"]["toy-err"] < history[1]["values"]["toy-err"]
    assert found.size == path.stat().st_size < 20_000


def test_one_word_is_a_reason(baseline, tmp_path):
    path = baseline()
    update_baseline(make_run(tmp_path / "next", {"toy-err": noisy(1)}), path, reason="bar", date=DATE)
    assert read_baseline(path)["history"][0]["reason"] == "bar"


def test_a_run_with_failed_rows_does_not_become_a_baseline(tmp_path):
    run = make_run(tmp_path / "run", {"toy-err": noisy(0)}, failed=(1, 2))
    with pytest.raises(IncompleteRunError, match="2 of 48 rows"):
        update_baseline(run, tmp_path / "b.json", reason="two words")
    assert not (tmp_path / "b.json").exists()
    assert update_baseline(run, tmp_path / "b.json", reason="two words", allow_failed=2).size


@pytest.mark.parametrize(
    ("edit", "code"),
    [
        (lambda d: d.update(schema=2), "baseline-schema"),
        (lambda d: d.update(schema=0), "baseline-schema"),
        (lambda d: d.update(kind="else"), "baseline-kind"),
        (lambda d: d["rows"]["clip"].pop(), "baseline-damaged"),
        (lambda d: d["rows"]["clip"].__setitem__(0, "c001"), "baseline-damaged"),
        (lambda d: d["metrics"]["toy-err"]["above"].pop(), "baseline-damaged"),
        (lambda d: d["metrics"]["toy-err"]["above"].__setitem__(0, "x"), "baseline-damaged"),
        (lambda d: d["metrics"]["toy-err"].update(rows=[1, 0]), "baseline-damaged"),
        (lambda d: d.update(protocols={}), "baseline-damaged"),
        (lambda d: next(iter(d["protocols"].values())).update(seeds=9), "baseline-damaged"),
        (lambda d: d["metrics"]["toy-err"]["result"].update(value=0.5), "baseline-damaged"),
        (lambda d: d["metrics"]["toy-err"].update(terms_value=0.5), "baseline-damaged"),
        (lambda d: d["metrics"]["toy-err"]["above"].__setitem__(0, 40.0), "baseline-damaged"),
    ],
)
def test_a_damaged_baseline_is_one_line(baseline, edit, code):
    path = baseline()
    document = read_baseline(path)
    edit(document)
    path.write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(BadInputError) as caught:
        baseline_side(path)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("schema = 2", "schema is 2"),
        ("schema = 1", "nothing can fail"),
        ("schema = 1\n[metric.a]", "did you mean 'metrics'"),
        ('schema = 1\n[metrics.a]\nseverity = "gate"\nabsolut = 1', "did you mean 'absolute'"),
        ('schema = 1\n[metrics.a]\ndirection = "lower"', "the direction comes from the metric"),
        ('schema = 1\n[metrics.a]\nseverity = "fail"', "gate, warn or info"),
        ('schema = 1\n[metrics.a]\nseverity = "gate"\nrelative = -0.1', "0 or more"),
        ('schema = 1\n[metrics.a]\nseverity = "gate"\nrelative = nan', "0 or more"),
        ('schema = 1\n[metrics.a]\nseverity = "gate"\nabsolute = "1"', "a number is needed"),
        ('schema = 1\nallow_failed = -1\n[metrics.a]\nseverity = "gate"', "a number of rows"),
        ("schema = ", "is not TOML"),
    ],
)
def test_a_wrong_policy_is_one_line(tmp_path, text, message):
    path = tmp_path / "gate.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BadInputError, match=message):
        read_policy(path)


def test_a_policy_that_is_not_there_is_one_line(tmp_path):
    with pytest.raises(BadInputError, match="no such file"):
        read_policy(tmp_path / "gate.toml")


def test_defaults_hold_for_what_has_no_table(tmp_path):
    text = '[defaults]\nrelative = 0.1\n[metrics.a]\nseverity = "gate"\nabsolute = 3\n'
    policy = read_policy(policy_file(tmp_path / "gate.toml", text))
    assert (policy.rule("b").severity, policy.rule("b").tolerance.of(-50)) == ("warn", 5)
    assert (policy.rule("a").severity, policy.rule("a").tolerance.of(10), policy.rule("a").tolerance.of(50)) == (
        "gate",
        3,
        5,
    )
