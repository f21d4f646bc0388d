"""compare, gate, baseline and the pytest plugin keep the contract: codes, one JSON document, one line of error."""

import csv
import io
import json
import os
import subprocess
import sys
import tomllib
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from pathlib import Path

import pytest

from egobench.cli.main import main
from egobench.testing import RegressionError, assert_no_regression

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "tests" / "unit" / "compare"))
from compare_toys import make_run, noisy, policy_file  # noqa: E402


@pytest.fixture
def runs(tmp_path, monkeypatch):
    """Three runs of two metrics: the first, another seed, and a worse model."""
    monkeypatch.setenv("EGOBENCH_CACHE", str(tmp_path / "cache"))
    scores = noisy(0), noisy(1), [value + 1 for value in noisy(2)]
    return [
        make_run(tmp_path / name, {"toy-err": own, "toy-hit": noisy(3)})
        for name, own in zip("abc", scores, strict=True)
    ]


@pytest.fixture
def gated(runs, tmp_path, capsys):
    """Words of a gate: baseline of the first run, a policy with a tolerance of 0.1."""
    base = str(tmp_path / "ci" / "base.json")
    assert main(["baseline", "update", str(runs[0]), "--baseline", base, "--reason", "first baseline"]) == 0
    capsys.readouterr()
    return ["--baseline", base, "--policy", str(policy_file(tmp_path / "gate.toml"))]


def said(capsys, words, code=0):
    """Output of a command that leaves with `code`."""
    assert main([str(word) for word in words]) == code
    return capsys.readouterr()


def test_two_runs_are_compared_in_a_table_that_names_the_lost_clips(capsys, runs):
    out = said(capsys, ["compare", runs[0], runs[2]]).out
    (row,) = [line for line in out.splitlines() if line.strip().startswith("toy-err (m) ↓")]
    assert row.split()[-1] == "regressed"
    assert "clips where B = toy (c) lost most" in out
    assert sum(line.strip().startswith("c0") for line in out.splitlines()) == 20


def test_runs_of_one_model_are_told_apart_by_the_settings_that_differ(capsys, runs):
    for run, steps in zip(runs, (10, 20, 20), strict=True):
        manifest = json.loads((run / "manifest.json").read_text(encoding="utf-8"))
        manifest["model"]["settings"] = {"steps": steps, "width": 8}
        (run / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    out = said(capsys, ["compare", *runs[:2]]).out
    assert "B = toy steps=20 against A = toy steps=10" in out
    assert "width" not in out
    found = json.loads(said(capsys, ["compare", *runs, "--json"]).out)["comparisons"]
    assert [each["second"]["label"] for each in found] == ["toy steps=20 (b)", "toy steps=20 (c)"]
    assert [each["second"]["model"] for each in found] == ["toy", "toy"]


def test_a_name_stands_in_place_of_the_model(capsys, runs):
    for run, name in zip(runs, ("step 20k", "step 40k", "step 60k"), strict=True):
        manifest = json.loads((run / "manifest.json").read_text(encoding="utf-8"))
        manifest["request"]["name"] = name
        (run / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    assert "B = step 40k against A = step 20k" in said(capsys, ["compare", *runs[:2]]).out
    rows = list(csv.DictReader(io.StringIO(said(capsys, ["table", *runs, "--format", "csv"]).out)))
    assert list(dict.fromkeys(row["model"] for row in rows)) == ["step 20k", "step 40k", "step 60k"]


def test_what_a_glob_catches_beside_runs_is_named_and_skipped(capsys, runs, tmp_path):
    (tmp_path / "curve.png").touch()
    (tmp_path / "pictures").mkdir()
    words = [tmp_path / name for name in ("a", "b", "curve.png", "pictures")]
    for verb in ("compare", "table"):
        captured = said(capsys, [verb, *words])
        assert captured.err.splitlines() == [f"skipped {path}: not a run folder" for path in words[2:]]
    assert "it is a file" in said(capsys, ["compare", *words[::2]], code=2).err
    (tmp_path / "b" / "manifest.json").unlink()
    assert "b: not a run folder: it has no manifest.json" in said(capsys, ["compare", *words[:3]], code=2).err


@pytest.mark.parametrize("verb", ["compare", "table"])
def test_a_folder_of_runs_names_its_runs(capsys, runs, tmp_path, verb):
    captured = said(capsys, [verb, tmp_path, tmp_path], code=2)
    assert f"it holds 3 runs, give one of them: {tmp_path / 'c'}, {tmp_path / 'b'}, {tmp_path / 'a'}" in captured.err


@pytest.mark.parametrize("form", ["md", "latex", "csv", "json", "html"])
def test_every_format_holds_every_metric(capsys, runs, form):
    out = said(capsys, ["compare", *runs[:2], "--format", form]).out
    assert out.count("toy-err")
    assert out.count("toy-hit")
    assert out.endswith("\n")


def test_csv_has_a_line_a_metric_and_a_run(capsys, runs):
    rows = list(csv.DictReader(io.StringIO(said(capsys, ["compare", *runs, "--format", "csv"]).out)))
    assert [(row["second_run"], row["metric"], row["verdict"]) for row in rows if row["metric"] == "toy-err"] == [
        *(("b", "toy-err", rows[0]["verdict"]), ("c", "toy-err", "regressed")),
    ]
    assert float(rows[0]["ci95_low"]) < float(rows[0]["difference"]) < float(rows[0]["ci95_high"])


def test_html_opens_from_disk_without_anything_else(capsys, runs):
    out = said(capsys, ["compare", *runs[:2], "--format", "html"]).out
    tags = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag, attrs):
            tags.append(tag)
            assert not {"src", "href"} & {name for name, _ in attrs}

    Reader().feed(out)
    assert tags.count("table") == 2
    assert "script" not in tags
    assert "link" not in tags


def test_more_than_two_runs_are_held_against_the_first_and_in_a_matrix(capsys, runs):
    found = json.loads(said(capsys, ["compare", *runs, "--json"]).out)
    assert [each["second"]["run"] for each in found["comparisons"]] == ["b", "c"]
    assert set(found["matrix"]) == {"a → b", "a → c", "b → c"}
    out = said(capsys, ["compare", *runs, "--tolerance", "0.1"]).out
    assert "every run against every other" in out
    assert any(line.split()[:3] == ["C", "toy", "(c)"] and "−1" in line for line in out.splitlines())


def test_a_narrow_terminal_gets_the_short_table(capsys, runs, monkeypatch):
    import rich.console

    from egobench.cli import options

    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setattr(options.sys.stdout, "isatty", lambda: True)
    out = said(capsys, ["compare", *runs[:2]]).out
    assert rich.console.Console().width == 60
    assert max(len(line) for line in out.splitlines() if "toy-err ↓" in line) <= 60
    assert "MDE" not in out


def test_explain_says_what_was_compared_and_how(capsys, runs):
    out = said(capsys, ["compare", *runs[:2], "--explain"]).out
    assert "what was compared: a with b" in out
    assert "bootstrap over 24 recordings" in out
    assert "protocols" in json.loads(said(capsys, ["compare", *runs[:2], "--explain", "--json"]).out)


def test_another_protocol_exits_3_and_explain_prints_both_values(capsys, runs, tmp_path):
    other = make_run(tmp_path / "other", {"toy-err": noisy(0)}, version=2)
    captured = said(capsys, ["compare", runs[0], other], code=3)
    assert not captured.out
    assert captured.err.count("\n") == 1
    assert "metric.version differ" in captured.err
    captured = said(capsys, ["compare", runs[0], other, "--explain"], code=3)
    (row,) = [line for line in captured.out.splitlines() if line.strip().startswith("metric.version")]
    assert row.split()[1:3] == ["1", "2"]
    found = json.loads(said(capsys, ["compare", runs[0], other, "--explain", "--json"], code=3).out)
    assert found["against"][0]["differences"] == {"toy-err": {"metric.version": [1, 2]}}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["a"], "two or more are needed"),
        (["a", "nowhere"], "not a run folder"),
        (["a", "b", "--tolerance", "-1"], "0 or more"),
        (["a", "b", "--draws", "0"], "at least 1"),
        (["a", "b", "--metrics", "toy-er"], "did you mean 'toy-err'"),
        (["a", "b", "--policy", "nowhere.toml"], "no such file"),
    ],
)
def test_a_wrong_word_of_compare_is_one_line(capsys, runs, monkeypatch, words, message):
    monkeypatch.chdir(runs[0].parent)
    captured = said(capsys, ["compare", *words], code=2)
    assert message in captured.err
    assert captured.err.count("\n") == 1


def test_a_gate_without_a_policy_takes_the_default_and_says_so(capsys, runs, gated):
    words = gated[:2]
    captured = said(capsys, ["gate", runs[0], *words])
    assert captured.err.startswith("no --policy: every metric is gated, tolerance 10 % of the baseline's value")
    assert "under the default policy" in captured.out
    assert (
        said(capsys, ["gate", runs[2], *words], code=1).err.splitlines()[-1].startswith("egobench: toy-err regressed")
    )


def test_a_gate_passes_another_seed_and_fails_a_worse_model(capsys, runs, gated, tmp_path):
    assert "passed: 1 gated metric" in said(capsys, ["gate", runs[1], *gated]).out
    captured = said(capsys, ["gate", runs[2], *gated, "--junit", tmp_path / "j.xml", "--json"], code=1)
    assert json.loads(captured.out)["metrics"]["toy-err"]["outcome"] == "regressed"
    assert captured.err.startswith("egobench: toy-err regressed: ")
    assert ET.parse(tmp_path / "j.xml").getroot().get("failures") == "1"


def test_a_gate_writes_githubs_summary_and_annotations_beside_its_data(capsys, runs, gated, tmp_path, monkeypatch):
    summary = tmp_path / "summary.md"
    summary.write_text("before\n", encoding="utf-8")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    captured = said(capsys, ["gate", runs[2], *gated, "--github", "--json"], code=1)
    json.loads(captured.out)
    assert summary.read_text(encoding="utf-8").startswith("before\n## ❌ toy-err regressed")
    assert "::error title=egobench%3A toy-err regressed::" in captured.err
    monkeypatch.delenv("GITHUB_STEP_SUMMARY")
    assert "GITHUB_STEP_SUMMARY is not set" in said(capsys, ["gate", runs[1], *gated, "--github"]).err


def test_each_way_to_fail_a_gate_has_its_code(capsys, runs, gated, tmp_path):
    def code_of(scores, policy=None, *flags, **options):
        own = make_run(
            tmp_path / f"r{len(list(tmp_path.iterdir()))}", {"toy-err": scores, "toy-hit": noisy(3)}, **options
        )
        words = [*gated[:3], str(policy_file(tmp_path / "p.toml", **({} if policy is None else {"metrics": policy})))]
        return main(["gate", str(own), *words, *flags])

    sharp = '[metrics.toy-err]\nseverity = "gate"\nabsolute = 0.001\nrelative = 0\n'
    unsure = [value + 0.1 for value in noisy(1)]
    codes = [
        *(code_of(noisy(1), sharp), code_of(noisy(1), version=2), code_of(noisy(1), failed=(3,)), code_of(unsure)),
        code_of(unsure, None, "--strict"),
    ]
    assert codes == [2, 3, 4, 0, 5]


def test_a_baseline_is_shown_with_its_reasons(capsys, runs, gated):
    path = gated[1]
    words = ["baseline", "update", runs[1], "--baseline", path, "--reason", "a seed of its own", "--json"]
    assert json.loads(said(capsys, words).out)["changes"]["toy-err"]["old"] == pytest.approx(sum(noisy(0)) / 48)
    out = said(capsys, ["baseline", "show", path]).out
    assert "a seed of its own" in out
    assert "first baseline" in out
    assert json.loads(said(capsys, ["baseline", "show", path, "--json"]).out)["rows"] == 48
    assert (
        said(capsys, ["baseline", "update", runs[0], "--baseline", path, "--reason", " "], code=2).err.count("\n") == 1
    )
    assert "did you mean 'show'" in said(capsys, ["baseline", "shwo"], code=2).err


def test_an_assertion_fails_with_numbers_and_clips(runs, gated):
    base, policy = gated[1], gated[3]
    assert assert_no_regression(runs[1], base, policy).exit_code == 0
    with pytest.raises(RegressionError, match=r"toy-err regressed: 1\.0") as caught:
        assert_no_regression(runs[2], base, policy)
    assert str(caught.value).count("c0") >= 5
    assert caught.value.report.exit_code == 1


def test_the_pytest_plugin_prints_the_gate_and_no_traceback(runs, gated, tmp_path):
    plugin = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["entry-points"]["pytest11"]
    suite = tmp_path / "suite"
    suite.mkdir()
    (suite / "test_model.py").write_text(
        f"def test_good(no_regression):\n    no_regression({str(runs[1])!r}, {gated[1]!r}, {gated[3]!r})\n\n\n"
        f"def test_bad(no_regression):\n    no_regression({str(runs[2])!r}, {gated[1]!r}, {gated[3]!r})\n",
        encoding="utf-8",
    )
    command = [sys.executable, "-m", "pytest", "-q", "-p", plugin["egobench"], "-p", "no:cacheprovider", str(suite)]
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(command, cwd=suite, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "toy-err regressed: 1.0" in done.stdout
    assert "Traceback" not in done.stdout
    assert "def test_bad" not in done.stdout
    assert "test_bad: exit 1: toy-err regressed: 1.0" in done.stdout
    assert "1 failed, 1 passed" in done.stdout
